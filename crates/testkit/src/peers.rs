//! What some tests need besides this repository, and what happens to them where it is missing.

use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};

/// The only reason for which a test may be skipped under `CI=true`: the table belongs to somebody
/// else, so the repository cannot contain it. All that it proves is also proved on synthetic tables.
const NO_REAL_TABLE: &str = "no real table";

/// Prints `skipped: REASON` for a test that returns early because something is missing.
///
/// Every early return of a test calls this. Under `CI=true` a test that cannot run fails, unless the
/// reason is the missing real table.
#[track_caller]
pub fn skipped(reason: &str) {
    // `eprintln!` would be captured: libtest shows it for failing tests only.
    io::stderr().write_all(format!("skipped: {reason}\n").as_bytes()).unwrap();
    let in_ci = std::env::var("CI").as_deref() == Ok("true");
    assert!(
        !in_ci || reason == NO_REAL_TABLE,
        "{reason}: under CI=true every test runs, install what is missing"
    );
}

/// Returns the path of a real export of a machine table: the value of `REAL_TABLE`, or else
/// `shared/data/machine_downtime.csv` beside the checkout. Where there is neither, prints that the
/// test is skipped and returns nothing.
///
/// # Panics
/// If `REAL_TABLE` names something that is not a file.
pub fn real_table() -> Option<Utf8PathBuf> {
    if let Some(path) = variable("REAL_TABLE") {
        let path = Utf8PathBuf::from(path);
        assert!(path.is_file(), "REAL_TABLE: {path} is not a file, expected an absolute path");
        return Some(path);
    }
    let path =
        Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/machine_downtime.csv");
    if !path.is_file() {
        skipped(NO_REAL_TABLE);
        return None;
    }
    Some(path)
}

/// Returns the Python interpreter that `ONNXRUNTIME_PYTHON` names, which has onnxruntime. Where it
/// is not set, prints that the test is skipped.
pub fn onnxruntime() -> Option<String> {
    peer("ONNXRUNTIME_PYTHON", "onnxruntime")
}

/// Returns the value of the environment variable by which `scripts/test` passes on a peer that it
/// has installed or started. Where it is not set, prints that the test is skipped.
#[track_caller]
pub(crate) fn peer(name: &str, what: &str) -> Option<String> {
    let value = variable(name);
    if value.is_none() {
        skipped(&format!("no {what}"));
    }
    value
}

/// Returns the value of an environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
