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
    /// The path below the directory that the objects are copied to; see [`Store::objects`].
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

    /// Returns the objects whose keys begin with the key of an address, sorted by name: what an input
    /// of the type `S3Prefix` is. `s3://b/raw/machine` is `raw/machine_1.csv` as well as what is
    /// below `raw/machine/`; `s3://b/raw/machine/` is only the latter.
    ///
    /// A name is the key after the last slash of the address, so that `raw/machine_1.csv` is
    /// `machine_1.csv`, as SageMaker lays it out. Where every object is below `raw/machine/`, the
    /// names begin after that.
    ///
    /// # Errors
    ///
    /// Fails where no key begins with that of the address, and where a directory cannot be read.
    pub fn objects(&self, uri: &str) -> Result<Vec<Object>, StoreError> {
        let path = self.path(uri)?;
        let below = self.below(uri)?;
        let beside = self.beside(uri)?;
        let mut found = match path.file_name() {
            Some(last) if !beside.is_empty() => below
                .into_iter()
                .map(|object| Object { name: format!("{last}/{}", object.name), ..object })
                .chain(beside)
                .collect(),
            _ => below,
        };
        if found.is_empty() {
            return Err(StoreError::Missing { uri: uri.to_owned(), path });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Returns whether every object that an address means is below it, as in a directory.
    pub fn is_directory(&self, uri: &str) -> bool {
        self.beside(uri).is_ok_and(|beside| beside.is_empty())
    }

    /// Returns the objects below an address, by their names after it.
    fn below(&self, uri: &str) -> Result<Vec<Object>, StoreError> {
        let path = self.path(uri)?;
        let mut found = Vec::new();
        collect(&path, "", &mut found).map_err(io_error("list", &path))?;
        Ok(found)
    }

    /// Returns the objects whose keys begin with that of an address and do not go on with a slash, by
    /// their names after its last slash.
    fn beside(&self, uri: &str) -> Result<Vec<Object>, StoreError> {
        let path = self.path(uri)?;
        let mut found = Vec::new();
        let (Some(parent), Some(last)) = (path.parent(), path.file_name()) else {
            return Ok(found);
        };
        // a bucket's name is no prefix
        if uri.ends_with('/') || parent == self.root {
            return Ok(found);
        }
        let listed = io_error("list", parent);
        let entries = match parent.read_dir_utf8() {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(found),
            Err(error) => return Err(listed(error)),
        };
        for entry in entries {
            let path = entry.map_err(io_error("list", parent))?.into_path();
            let name = path.file_name().unwrap_or_default().to_owned();
            // links are skipped as below a directory, but the address itself may be one
            let skipped = name != last && path.is_symlink();
            if skipped || !name.starts_with(last) || name.starts_with(common::PARTIAL_PREFIX) {
                continue;
            }
            if path.is_file() {
                found.push(Object { name, path });
            } else if name != last {
                collect(&path, &format!("{name}/"), &mut found).map_err(io_error("list", &path))?;
            }
        }
        Ok(found)
    }

    /// Returns a digest of the names and contents of an input, which does not depend on its address.
    pub fn digest(&self, uri: &str) -> Result<String, StoreError> {
        match self.objects(uri) {
            Err(StoreError::Missing { path, .. }) if path.is_dir() => digest_of(Vec::new()),
            objects => digest_of(objects?),
        }
    }

    /// Returns a digest of the names and contents of an output: of the object at an address, or of
    /// those below it, whatever is beside it. An empty output has a digest, too; an absent one is an
    /// error.
    pub fn output_digest(&self, uri: &str) -> Result<String, StoreError> {
        let path = self.path(uri)?;
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_owned();
            return digest_of(vec![Object { name, path }]);
        }
        if !path.is_dir() {
            return Err(StoreError::Missing { uri: uri.to_owned(), path });
        }
        let mut found = self.below(uri)?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        digest_of(found)
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

    /// Copies the objects at an address into another store, where they have the same addresses.
    ///
    /// # Errors
    ///
    /// Fails where no key begins with that of the address, and where a file cannot be read or written.
    pub fn copy_to(&self, other: &Self, uri: &str) -> Result<(), StoreError> {
        for Object { path, .. } in self.objects(uri)? {
            let Ok(key) = path.strip_prefix(&self.root) else { continue };
            common::copy_file(&path, &other.root.join(key))?;
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

/// Returns a digest of the names and contents of objects.
fn digest_of(objects: Vec<Object>) -> Result<String, StoreError> {
    let mut names_and_contents = String::new();
    for Object { name, path } in objects {
        names_and_contents.push_str(&format!("{}\n{name}\n", file_digest(&path)?));
    }
    Ok(common::sha256_hex(names_and_contents))
}

/// Returns whether there is no directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Collects the files below a directory; links and unfinished files are skipped.
fn collect(directory: &Utf8Path, prefix: &str, into: &mut Vec<Object>) -> io::Result<()> {
    let entries = match directory.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
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

    /// The layout of a prefix that ends within a name is that of SageMaker's jobs: the names are
    /// whole. A slash at the end, or nothing but what is below it, makes a directory of a prefix.
    #[test]
    fn a_prefix_may_end_within_a_name() {
        let (directory, store) = store();
        let put = |key: &str| {
            let path = store.path(&format!("s3://b/{key}")).unwrap();
            common::write_file(&path, key.as_bytes()).unwrap();
        };
        let names = |uri: &str| -> Vec<String> {
            store.objects(uri).unwrap().into_iter().map(|object| object.name).collect()
        };
        for key in ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/other.csv", "c/1.csv"] {
            put(key);
        }
        assert_eq!(names("s3://b/raw/machine"), ["machine_1.csv", "machine_2/a.csv"]);
        assert_eq!(names("s3://b/raw/machine_1"), ["machine_1.csv"]);
        assert_eq!(names("s3://b/raw/machine_2"), ["a.csv"], "nothing is beside machine_2/");
        assert_eq!(
            names("s3://b/r"),
            ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/other.csv"]
        );
        assert_eq!(names("s3://b").len(), 4);
        for missing in ["s3://b/raw/machine/", "s3://b/raw/other.csv/", "s3://", "s3://a"] {
            assert!(store.objects(missing).is_err(), "{missing}");
        }
        for (uri, is_directory) in [
            ("s3://b/raw/machine", false),
            ("s3://b/raw/other.csv", false),
            ("s3://b/raw", true),
            ("s3://b/raw/", true),
        ] {
            assert_eq!(store.is_directory(uri), is_directory, "{uri}");
        }

        // with a directory of the prefix's own name the names tell both apart
        put("raw/machine/machine_1.csv");
        assert_eq!(
            names("s3://b/raw/machine"),
            ["machine/machine_1.csv", "machine_1.csv", "machine_2/a.csv"]
        );
        assert_eq!(names("s3://b/raw/machine/"), ["machine_1.csv"]);
        let into = Utf8PathBuf::from_path_buf(directory.path().join("host")).unwrap();
        store.download("s3://b/raw/machine", &into, None).unwrap();
        let read = |name: &str| fs_err::read_to_string(into.join(name)).unwrap();
        assert_eq!(read("machine_1.csv"), "raw/machine_1.csv");
        assert_eq!(read("machine/machine_1.csv"), "raw/machine/machine_1.csv");
    }

    /// What lies beside an output is not the output's.
    #[test]
    fn an_output_is_what_is_below_its_address() {
        let (_directory, store) = store();
        let put = |key: &str, text: &str| {
            let path = store.path(&format!("s3://b/{key}")).unwrap();
            common::write_file(&path, text.as_bytes()).unwrap();
        };
        put("out/a", "1");
        put("model", "1");
        let digests = ["s3://b/out", "s3://b/model"].map(|uri| store.output_digest(uri).unwrap());
        let input = store.digest("s3://b/out").unwrap();
        put("out2/b", "2");
        put("model.old", "2");
        assert_eq!(
            ["s3://b/out", "s3://b/model"].map(|uri| store.output_digest(uri).unwrap()),
            digests
        );
        assert_ne!(store.digest("s3://b/out").unwrap(), input, "an input is a prefix");
        assert!(matches!(store.output_digest("s3://b/ou"), Err(StoreError::Missing { .. })));
    }

    #[test]
    fn what_is_copied_keeps_its_addresses() {
        let (_directory, store) = store();
        let (_other_directory, other) = self::store();
        for key in ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/plant.csv"] {
            let path = store.path(&format!("s3://b/{key}")).unwrap();
            common::write_file(&path, key.as_bytes()).unwrap();
        }
        store.copy_to(&other, "s3://b/raw/machine").unwrap();
        let digest = |store: &Store| store.digest("s3://b/raw/machine").unwrap();
        assert_eq!(digest(&other), digest(&store));
        assert!(other.objects("s3://b/raw/plant.csv").is_err());
        assert!(store.copy_to(&other, "s3://b/none").is_err());
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
