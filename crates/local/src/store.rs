//! The local object store: `s3://bucket/key` is `<runs>/s3/bucket/key`.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use common::Sha256Reader;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An address that is none.
    #[error("`{0}` is no S3 address, expected s3://bucket/key")]
    Address(String),
    /// Nothing there.
    #[error("nothing is stored at {uri} (here: {path})")]
    Missing {
        /// What was asked for.
        uri: String,
        /// Where it would be.
        path: Utf8PathBuf,
    },
    /// The disk.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: Utf8PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] common::FileError),
}

fn io_error(doing: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { doing, path: path.to_owned(), source }
}

/// One stored object, as a job sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its place under the prefix that was asked for; for a single object its name.
    pub name: String,
    /// Where it is.
    pub path: Utf8PathBuf,
}

/// A directory that stands for S3.
#[derive(Clone, Debug)]
pub struct Store {
    root: Utf8PathBuf,
}

impl Store {
    /// The store under `root`, which need not exist yet.
    pub fn new(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where an address points to.
    pub fn path(&self, uri: &str) -> Result<Utf8PathBuf, StoreError> {
        let wrong = || StoreError::Address(uri.to_owned());
        let (bucket, key) = uri
            .strip_prefix("s3://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .ok_or_else(wrong)?;
        let climbs = |text: &str| text.split('/').any(|part| part == "." || part == "..");
        if bucket.is_empty()
            || bucket.contains('\\')
            || climbs(bucket)
            || climbs(key)
            || uri.contains('\0')
        {
            return Err(wrong());
        }
        // a key may begin with a slash or hold two in a row; a path may not
        let key = key.split('/').filter(|part| !part.is_empty());
        Ok(key.fold(self.root.join(bucket), |path, part| path.join(part)))
    }

    /// The objects at an address: the object itself, or everything below a prefix, sorted.
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

    /// A digest of names and contents at an address: equal for equal data, wherever it lies. An
    /// output may be empty, but it is there.
    pub fn digest(&self, uri: &str) -> Result<String, StoreError> {
        let mut all = String::new();
        let objects = match self.objects(uri) {
            Err(StoreError::Missing { path, .. }) if path.is_dir() => Vec::new(),
            objects => objects?,
        };
        for Object { name, path } in objects {
            all.push_str(&format!("{}\n{name}\n", file_digest(&path)?));
        }
        Ok(common::sha256_hex(all))
    }

    /// Brings the objects at an address into a directory. Of `share` (index, hosts) every host
    /// gets its part of them.
    pub fn download(
        &self,
        uri: &str,
        into: &Utf8Path,
        share: Option<(usize, usize)>,
    ) -> Result<(), StoreError> {
        fs_err::create_dir_all(into).map_err(io_error("make", into))?;
        let objects = self.objects(uri)?.into_iter().enumerate();
        let mine = |index: usize| share.is_none_or(|(host, hosts)| index % hosts == host);
        for (_, object) in objects.filter(|(index, _)| mine(*index)) {
            let target = into.join(&object.name);
            if let Some(parent) = target.parent() {
                fs_err::create_dir_all(parent).map_err(io_error("make", parent))?;
            }
            // a copy: a step may do with its input as it likes
            fs_err::copy(&object.path, &target).map_err(io_error("copy", &target))?;
        }
        Ok(())
    }

    /// Stores everything below a directory under a prefix. The files are moved, since the tree
    /// that they come from is done with. Two hosts must not write one name.
    pub fn upload(&self, from: &Utf8Path, uri: &str) -> Result<(), StoreError> {
        let prefix = self.path(uri)?;
        fs_err::create_dir_all(&prefix).map_err(io_error("make", &prefix))?;
        let mut files = Vec::new();
        collect(from, "", &mut files).map_err(io_error("list", from))?;
        for file in files {
            self.place(&file.path, &prefix.join(&file.name))?;
        }
        Ok(())
    }

    /// Stores a copy of a file of somebody else's.
    pub fn put(&self, file: &Utf8Path, uri: &str) -> Result<(), StoreError> {
        let target = self.path(uri)?;
        let mut source = fs_err::File::open(file).map_err(io_error("read", file))?;
        common::write_with(&target, |out| io::copy(&mut source, out).map(|_| ()))?;
        Ok(())
    }

    /// Moves a finished file to its place.
    pub fn place(&self, file: &Utf8Path, target: &Utf8Path) -> Result<(), StoreError> {
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent).map_err(io_error("make", parent))?;
        }
        fs_err::rename(file, target).map_err(io_error("store", target))
    }
}

/// The files below a directory; links are passed over, as the platform does.
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

/// The files of a directory tree, sorted by name.
pub fn files_below(directory: &Utf8Path) -> io::Result<Vec<Object>> {
    let mut files = Vec::new();
    collect(directory, "", &mut files)?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// The SHA-256 of a file's contents.
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
    fn a_prefix_is_everything_below_it_and_an_object_only_itself() {
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
    fn shards_are_a_partition_and_equal_data_has_equal_digests() {
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
