//! What is on the disk, and not only in the memory of the operating system: a power cut does not undo it.

use std::collections::BTreeSet;
use std::io;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};

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
    Durable::default().sync(root, files)
}

/// The directories whose names are on the disk, so that those above them need not be synced for each new file.
#[derive(Debug, Default)]
pub struct Durable(BTreeSet<Utf8PathBuf>);

impl Durable {
    /// Makes files durable as [`sync`] does, but does not sync what is above a directory whose name is known to be
    /// on the disk. So nobody may have made it anew since.
    ///
    /// # Errors
    ///
    /// Fails as [`sync`] does.
    pub fn sync<'f>(
        &mut self,
        root: &Utf8Path,
        files: impl IntoIterator<Item = &'f Utf8Path>,
    ) -> io::Result<()> {
        let (paths, directories) = self.unsynced(root, files);
        sync_all(&paths)?;
        self.0.extend(directories.into_iter().map(Utf8Path::to_owned));
        Ok(())
    }

    /// Returns the paths to sync, and the directories whose names are on the disk after that.
    fn unsynced<'f>(
        &self,
        root: &Utf8Path,
        files: impl IntoIterator<Item = &'f Utf8Path>,
    ) -> (Vec<&'f Utf8Path>, BTreeSet<&'f Utf8Path>) {
        let (mut paths, mut directories) = (BTreeSet::new(), BTreeSet::new());
        for file in files {
            paths.insert(file);
            for directory in file.ancestors().skip(1).take_while(|path| path.starts_with(root)) {
                paths.insert(directory);
                if self.0.contains(directory) || !directories.insert(directory) {
                    break;
                }
            }
        }
        (paths.into_iter().collect(), directories)
    }
}

/// Syncs each path, many at once.
fn sync_all(paths: &[&Utf8Path]) -> io::Result<()> {
    let share = paths.len().div_ceil(THREADS).max(1);
    thread::scope(|scope| {
        let sync_share = |share: &[&Utf8Path]| share.iter().try_for_each(|path| sync_one(path));
        let mut threads = Vec::new();
        for share in paths.chunks(share) {
            match thread::Builder::new().spawn_scoped(scope, move || sync_share(share)) {
                Ok(thread) => threads.push(thread),
                // The system has no thread to spare.
                Err(_) => sync_share(share)?,
            }
        }
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
    use super::*;

    #[test]
    fn what_is_above_a_durable_directory_is_synced_once() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        let file = |name: &str| {
            let path = root.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, "text").unwrap();
            path
        };
        let mut durable = Durable::default();
        let mut synced = |names: &[&str]| {
            let files: Vec<_> = names.iter().map(|name| file(name)).collect();
            let (paths, _) = durable.unsynced(&root, files.iter().map(|file| &**file));
            let paths = paths.iter().map(|path| path.strip_prefix(&root).unwrap().to_string());
            let paths: Vec<_> = paths.collect();
            durable.sync(&root, files.iter().map(|file| &**file)).unwrap();
            paths
        };
        assert_eq!(synced(&["a/b/1", "a/2"]), ["", "a", "a/2", "a/b", "a/b/1"]);
        assert_eq!(synced(&["a/b/3"]), ["a/b", "a/b/3"]);
        assert_eq!(synced(&["a/c/d/4"]), ["a", "a/c", "a/c/d", "a/c/d/4"]);
        assert_eq!(synced(&["5"]), ["", "5"]);
        // What could not be synced is not taken for durable.
        let missing = root.join("a/2/below/file");
        assert!(durable.sync(&root, [&*missing]).is_err());
        assert!(durable.unsynced(&root, [&*missing]).0.contains(&&*root.join("a")));
    }

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
