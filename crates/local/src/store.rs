//! The local object store: `s3://bucket/key` is `<runs>/s3/bucket/key`.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use common::Sha256Reader;

/// An error of the object store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The text is not an S3 address, or it leads out of the store.
    #[error("`{0}` is no S3 address, expected s3://bucket/key")]
    Address(String),
    /// No object is stored at the address.
    #[error("nothing is stored at {uri} (here: {path})")]
    Missing {
        /// The requested address.
        uri: String,
        /// The path that the address stands for.
        path: Utf8PathBuf,
    },
    /// An operation of the file system failed.
    #[error("cannot {doing} {path}")]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file or directory.
        path: Utf8PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] common::FileError),
}

fn io_error(doing: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The key relative to the requested prefix; for a single object its file name.
    pub name: String,
    /// The object's file.
    pub path: Utf8PathBuf,
}

/// A directory that stands for S3.
#[derive(Clone, Debug)]
pub struct Store {
    root: Utf8PathBuf,
}

impl Store {
    /// Returns the store under `root`, which need not exist yet.
    pub fn new(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the path that an address stands for.
    ///
    /// # Errors
    ///
    /// Fails for a text that is not an S3 address or that leads out of the store.
    pub fn path(&self, uri: &str) -> Result<Utf8PathBuf, StoreError> {
        let invalid = || StoreError::Address(uri.to_owned());
        let (bucket, key) = uri
            .strip_prefix("s3://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .ok_or_else(invalid)?;
        let leads_out = |text: &str| text.split('/').any(|part| part == "." || part == "..");
        if bucket.is_empty()
            || bucket.contains('\\')
            || leads_out(bucket)
            || leads_out(key)
            || uri.contains('\0')
        {
            return Err(invalid());
        }
        // a key may begin with a slash or contain empty segments; a path may not
        let key = key.split('/').filter(|part| !part.is_empty());
        Ok(key.fold(self.root.join(bucket), |path, part| path.join(part)))
    }

    /// Returns the object at an address or all objects below a prefix, sorted by name.
    ///
    /// # Errors
    ///
    /// Fails where no object is stored at the address, and where a directory cannot be read.
    pub fn objects(&self, uri: &str) -> Result<Vec<Object>, StoreError> {
        let path = self.path(uri)?;
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_owned();
            return Ok(vec![Object { name, path }]);
        }
        let mut found = Vec::new();
        collect(&path, "", &mut found).map_err(io_error("list", &path))?;
        if found.is_empty() {
            return Err(StoreError::Missing { uri: uri.to_owned(), path });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Returns a digest of the names and contents at an address, which does not depend on the
    /// address itself. An empty output has a digest, too; an absent one is an error.
    pub fn digest(&self, uri: &str) -> Result<String, StoreError> {
        let mut names_and_contents = String::new();
        let objects = match self.objects(uri) {
            Err(StoreError::Missing { path, .. }) if path.is_dir() => Vec::new(),
            objects => objects?,
        };
        for Object { name, path } in objects {
            names_and_contents.push_str(&format!("{}\n{name}\n", file_digest(&path)?));
        }
        Ok(common::sha256_hex(names_and_contents))
    }

    /// Copies the objects at an address into a directory. With `share`, the index of a host and the
    /// number of hosts, only that host's share of the objects is copied.
    pub fn download(
        &self,
        uri: &str,
        into: &Utf8Path,
        share: Option<(usize, usize)>,
    ) -> Result<(), StoreError> {
        fs_err::create_dir_all(into).map_err(io_error("make", into))?;
        let objects = self.objects(uri)?.into_iter().enumerate();
        let in_share = |index: usize| share.is_none_or(|(host, hosts)| index % hosts == host);
        for (_, object) in objects.filter(|(index, _)| in_share(*index)) {
            let target = into.join(&object.name);
            if let Some(parent) = target.parent() {
                fs_err::create_dir_all(parent).map_err(io_error("make", parent))?;
            }
            // a copy, because a step may modify its input
            fs_err::copy(&object.path, &target).map_err(io_error("copy", &target))?;
        }
        Ok(())
    }

    /// Stores all files below a directory under a prefix. The files are moved, because the source
    /// tree is no longer needed. Of two files with the same name the later replaces the earlier.
    pub fn upload(&self, from: &Utf8Path, uri: &str) -> Result<(), StoreError> {
        let prefix = self.path(uri)?;
        fs_err::create_dir_all(&prefix).map_err(io_error("make", &prefix))?;
        let mut files = Vec::new();
        collect(from, "", &mut files).map_err(io_error("list", from))?;
        for file in files {
            self.move_into_place(&file.path, &prefix.join(&file.name))?;
        }
        Ok(())
    }

    /// Stores a copy of a file and leaves the file itself in place.
    pub fn put(&self, file: &Utf8Path, uri: &str) -> Result<(), StoreError> {
        let target = self.path(uri)?;
        let mut source = fs_err::File::open(file).map_err(io_error("read", file))?;
        common::write_with(&target, |out| io::copy(&mut source, out).map(|_| ()))?;
        Ok(())
    }

    /// Moves a finished file to its path in the store.
    pub fn move_into_place(&self, file: &Utf8Path, target: &Utf8Path) -> Result<(), StoreError> {
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent).map_err(io_error("make", parent))?;
        }
        fs_err::rename(file, target).map_err(io_error("store", target))
    }
}

/// Collects the files below a directory; links and unfinished files are skipped.
fn collect(directory: &Utf8Path, prefix: &str, into: &mut Vec<Object>) -> io::Result<()> {
    let entries = match directory.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().starts_with(common::PARTIAL_PREFIX) {
            continue;
        }
        let name = format!("{prefix}{}", entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(entry.path(), &format!("{name}/"), into)?;
        } else if kind.is_file() {
            into.push(Object { name, path: entry.into_path() });
        }
    }
    Ok(())
}

/// Returns the files of a directory tree, sorted by name.
pub fn files_below(directory: &Utf8Path) -> io::Result<Vec<Object>> {
    let mut files = Vec::new();
    collect(directory, "", &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Returns the SHA-256 of a file's contents.
pub fn file_digest(path: &Utf8Path) -> Result<String, StoreError> {
    let file = fs_err::File::open(path).map_err(io_error("read", path))?;
    Sha256Reader::new(file).digest_to_end().map_err(io_error("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(directory.path().join("s3")).unwrap();
        (directory, Store::new(root))
    }

    #[test]
    fn an_address_stays_inside_the_store() {
        let (_directory, store) = store();
        for bad in [
            "",
            "b/k",
            "s3://",
            "s3:///k",
            "s3://../k",
            "s3://b/../../k",
            "s3://b/a/./c",
            "https://b/k",
        ] {
            assert!(matches!(store.path(bad), Err(StoreError::Address(_))), "{bad}");
        }
        let path = store.path("s3://b/a//c/").unwrap();
        assert!(path.ends_with("s3/b/a/c"), "{path}");
    }

    #[test]
    fn a_prefix_lists_all_objects_below_it_and_an_object_only_itself() {
        let (_directory, store) = store();
        for key in ["x/2.csv", "x/sub/3.csv", "x/1.csv", "y.csv"] {
            common::write_file(&store.path(&format!("s3://b/{key}")).unwrap(), key.as_bytes())
                .unwrap();
        }
        let names = |uri: &str| -> Vec<String> {
            store.objects(uri).unwrap().into_iter().map(|object| object.name).collect()
        };
        assert_eq!(names("s3://b/x/"), ["1.csv", "2.csv", "sub/3.csv"]);
        assert_eq!(names("s3://b/y.csv"), ["y.csv"]);
        assert!(matches!(store.objects("s3://b/z"), Err(StoreError::Missing { .. })));
    }

    #[test]
    fn shards_partition_the_objects_and_equal_data_has_equal_digests() {
        let (directory, store) = store();
        for bucket in ["b", "c"] {
            for name in ["1", "2", "3"] {
                let path = store.path(&format!("s3://{bucket}/x/{name}")).unwrap();
                common::write_file(&path, name.as_bytes()).unwrap();
            }
        }
        assert_eq!(store.digest("s3://b/x").unwrap(), store.digest("s3://c/x/").unwrap());
        let mut all = Vec::new();
        for host in 0..2 {
            let into =
                Utf8PathBuf::from_path_buf(directory.path().join(format!("host{host}"))).unwrap();
            store.download("s3://b/x", &into, Some((host, 2))).unwrap();
            all.extend(files_below(&into).unwrap().into_iter().map(|file| file.name));
        }
        all.sort();
        assert_eq!(all, ["1", "2", "3"]);
    }
}
