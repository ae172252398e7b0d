//! The workspace's programs.

use camino::{Utf8Path, Utf8PathBuf};

/// Returns the path of a program of this workspace, built for the profile of the running test.
///
/// The tests of one package do not build the programs of another: `cargo build --workspace --bins`,
/// or testing the whole workspace, must come first. The test fails if the program is missing.
pub fn executable(program: &str) -> Utf8PathBuf {
    let test = Utf8PathBuf::from_path_buf(std::env::current_exe().unwrap()).unwrap();
    let directory = test.parent().and_then(Utf8Path::parent).unwrap();
    let path = directory.join(program);
    assert!(path.is_file(), "{path} does not exist: run `cargo build` first, then the tests");
    path
}
