//! What is on the disk, and not only in the memory of the operating system: a power cut does not undo it.

use std::collections::BTreeSet;
use std::io;
use std::thread;

use camino::Utf8Path;

/// The number of threads that wait for the disk at once. The file system writes what several of them wait for
/// together, which takes little longer than what one waits for.
const THREADS: usize = 16;

/// Makes files durable together with their names: it syncs them, their directories and those above up to
/// `root`. A path where nothing is any more is left out.
///
/// # Errors
///
/// Fails where a file or a directory cannot be opened or the disk does not take it.
pub fn sync<'f>(root: &Utf8Path, files: impl IntoIterator<Item = &'f Utf8Path>) -> io::Result<()> {
    let mut paths = BTreeSet::new();
    for file in files {
        paths.extend(file.ancestors().take_while(|path| path.starts_with(root)));
    }
    let paths: Vec<&Utf8Path> = paths.into_iter().collect();
    let share = paths.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let sync_all = |share: &[&Utf8Path]| share.iter().try_for_each(|path| sync_one(path));
        let threads: Vec<_> =
            paths.chunks(share).map(|share| scope.spawn(move || sync_all(share))).collect();
        let ended = |_| Err(io::Error::other("a thread that synced files has panicked"));
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(ended))
    })
}

/// Creates a directory and those above it, and makes the names of the new ones durable.
pub(crate) fn create_directories(path: &Utf8Path) -> io::Result<()> {
    if path.is_dir() || path == "" {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Utf8Path::new(""));
    create_directories(above)?;
    match fs_err::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_one(if above == "" { Utf8Path::new(".") } else { above }),
    }
}

fn sync_one(path: &Utf8Path) -> io::Result<()> {
    let file = match fs_err::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    match file.sync_all() {
        // Some file systems cannot sync a directory.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && path.is_dir() => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn every_file_is_synced_up_to_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        let deep = root.join("a/b/c");
        create_directories(&deep).unwrap();
        let files: Vec<_> = (0..40).map(|number| deep.join(format!("{number}.txt"))).collect();
        files.iter().for_each(|file| fs_err::write(file, "text").unwrap());
        sync(&root, files.iter().map(|file| &**file)).unwrap();
        sync(&root, []).unwrap();
        fs_err::remove_file(&files[38]).unwrap();
        sync(&root, files.iter().map(|file| &**file)).unwrap();
        // Of a file that is none, the last of them all, the path is named.
        let error = sync(&root, [files[39].join("under").as_path()]).unwrap_err();
        assert!(error.to_string().contains("39.txt/under"), "{error}");
    }
}
