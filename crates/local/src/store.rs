//! The local object store: `s3://bucket/key` is `<runs>/s3/bucket/key`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use common::Sha256Reader;
use serde_json::json;

use crate::record::LocalExecution;
use crate::recorded::{Contents, Recorded, object_path};
use crate::tree::{Object, collect, is_absent};

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
    /// An object is not the one that was recorded.
    #[error(
        "{path} has changed since it was recorded: its SHA-256 is {found}, expected {expected}"
    )]
    Changed {
        /// The object's file.
        path: Utf8PathBuf,
        /// The SHA-256 of what it holds.
        found: String,
        /// The SHA-256 that was recorded.
        expected: String,
    },
    /// An object that was recorded is not there any more.
    #[error("{0} was recorded and is gone")]
    Gone(Utf8PathBuf),
    /// A link is in place of an object that was recorded.
    #[error("{0} is a symbolic link, expected the file that was recorded")]
    Link(Utf8PathBuf),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] common::FileError),
}

pub(crate) fn io_error(
    doing: &'static str,
    path: &Utf8Path,
) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::Io { doing, path: path.to_owned(), source: with_remedy(error) }
}

/// Adds to an error of a full disk what helps.
pub(crate) fn with_remedy(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            let remedy =
                "`orchestrator clean --keep 1 --runs DIR` removes the results of earlier runs";
            io::Error::new(error.kind(), format!("{error}; {remedy}"))
        }
        _ => error,
    }
}

/// A directory that stands for S3, with what is known of the objects in it. An object that is known is read only with
/// the bytes that were recorded, and one that lies beside it without having been recorded is not read.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) root: Utf8PathBuf,
    pub(crate) recorded: Recorded,
}

impl Store {
    /// Returns the store under `root`, which need not exist yet.
    pub fn new(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into(), recorded: Recorded::default() }
    }

    /// Adds to what is known of the objects.
    ///
    /// # Errors
    ///
    /// Fails for a text that is not an S3 address or that leads out of the store.
    pub fn know(&mut self, contents: &Contents) -> Result<(), StoreError> {
        for (uri, objects) in contents {
            let path = self.path(uri)?;
            self.recorded.add(&path, objects);
        }
        Ok(())
    }

    /// Returns the store with what is known of the objects of an execution.
    ///
    /// # Errors
    ///
    /// Fails where the execution's record has an address that leads out of the store.
    pub fn knowing(&self, execution: &LocalExecution) -> Result<Self, StoreError> {
        let mut store = self.clone();
        execution.contents().try_for_each(|contents| store.know(contents))?;
        Ok(store)
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
    /// Fails where no key begins with that of the address, where a recorded object is gone, and where a directory
    /// cannot be read.
    pub fn objects(&self, uri: &str) -> Result<Vec<Object>, StoreError> {
        let path = self.path(uri)?;
        let is_read = |object: &Object| self.recorded.includes(&path, &object.path);
        let [mut below, mut beside] = self.listed(uri)?;
        below.retain(is_read);
        beside.retain(is_read);
        let mut found: Vec<_> = match path.file_name() {
            Some(last) if !beside.is_empty() => below
                .into_iter()
                .map(|object| Object { name: format!("{last}/{}", object.name), ..object })
                .chain(beside)
                .collect(),
            _ => below,
        };
        let recorded = self.require_recorded(&path, &found);
        if found.is_empty() && !matches!(recorded, Err(StoreError::Link(_))) {
            return Err(StoreError::Missing { uri: uri.to_owned(), path });
        }
        recorded?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Reads an input and returns the SHA-256 of its objects, with their addresses.
    ///
    /// # Errors
    ///
    /// Fails where [`Self::objects`] does, and where a file cannot be read.
    pub fn record(&self, uri: &str) -> Result<Contents, StoreError> {
        let path = self.path(uri)?;
        let mut contents = Contents::from([(uri.to_owned(), BTreeMap::new())]);
        for object in self.objects(uri)? {
            let digest = file_digest(&object.path)?;
            // An object whose key only begins with the address has one of its own.
            let (address, name) = match object.path.strip_prefix(&path) {
                Ok(name) => (uri.to_owned(), name.to_string()),
                Err(_) => (self.uri(&object.path), String::new()),
            };
            contents.entry(address).or_default().insert(name, digest);
        }
        Ok(contents)
    }

    /// Returns whether something is known of what is at an address.
    pub fn is_known(&self, uri: &str) -> bool {
        self.path(uri).is_ok_and(|path| self.recorded.is_known(&path))
    }

    /// Returns the files that [`Self::objects`] leaves out, because something at the address was recorded and they were
    /// not.
    ///
    /// # Errors
    ///
    /// Fails where a directory cannot be read.
    pub fn left_out(&self, uri: &str) -> Result<Vec<Utf8PathBuf>, StoreError> {
        let address = self.path(uri)?;
        let files = self.listed(uri)?.into_iter().flatten().map(|object| object.path);
        let mut files: Vec<_> =
            files.filter(|path| !self.recorded.includes(&address, path)).collect();
        files.sort();
        Ok(files)
    }

    /// Refuses a list of the objects at a path that lacks one that was recorded.
    fn require_recorded(&self, path: &Utf8Path, found: &[Object]) -> Result<(), StoreError> {
        let found: BTreeSet<&Utf8Path> = found.iter().map(|object| &*object.path).collect();
        let mut below = self.recorded.paths().filter(|known| known.starts_with(path));
        match below.find(|known| !found.contains(known)) {
            Some(gone) => Err(gone_or_link(gone)),
            None => Ok(()),
        }
    }

    /// Returns whether every object that an address means is below it, as in a directory.
    pub fn is_directory(&self, uri: &str) -> bool {
        let (Ok(path), Ok(beside)) = (self.path(uri), self.beside(uri)) else { return false };
        !beside.iter().any(|object| self.recorded.includes(&path, &object.path))
    }

    /// Returns the objects below an address, by their names after it, and those beside it.
    fn listed(&self, uri: &str) -> Result<[Vec<Object>; 2], StoreError> {
        let path = self.path(uri)?;
        let mut below = Vec::new();
        collect(&path, "", &mut below).map_err(io_error("list", &path))?;
        Ok([below, self.beside(uri)?])
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
        let entries = match fs_err::read_dir(parent) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(found),
            Err(error) => return Err(listed(error)),
        };
        for entry in entries {
            // What has a name that is not UTF-8 is no object.
            let Ok(path) = Utf8PathBuf::try_from(entry.map_err(io_error("list", parent))?.path())
            else {
                continue;
            };
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

    /// Returns a digest of the names and contents of an input, which does not depend on its address. Objects that are
    /// known are not read.
    ///
    /// # Errors
    ///
    /// Fails where no key begins with that of the address, and where a file cannot be read.
    pub fn digest(&self, uri: &str) -> Result<String, StoreError> {
        let objects = match self.objects(uri) {
            Err(StoreError::Missing { path, .. }) if path.is_dir() => Vec::new(),
            objects => objects?,
        };
        let mut names_and_contents = Vec::new();
        for Object { name, path } in objects {
            let digest = match self.recorded.digest(&path) {
                Some(known) => known.to_owned(),
                None => file_digest(&path)?,
            };
            names_and_contents.push((name, digest));
        }
        Ok(common::sha256_hex(json!(names_and_contents).to_string()))
    }

    /// Returns the address of a path in the store.
    pub(crate) fn uri(&self, path: &Utf8Path) -> String {
        format!("s3://{}", path.strip_prefix(&self.root).unwrap_or(path))
    }

    /// Returns the paths of what is recorded: those of the addresses and of the objects.
    pub(crate) fn files(&self, contents: &Contents) -> impl Iterator<Item = Utf8PathBuf> {
        contents.iter().flat_map(|(uri, objects)| {
            let path = self.path(uri).ok();
            let objects = path.iter().flat_map(|path| {
                objects.keys().map(|name| object_path(path, name)).collect::<Vec<_>>()
            });
            path.iter().cloned().chain(objects).collect::<Vec<_>>()
        })
    }

    /// Refuses texts of which one is the address of an object that is gone or has changed since it was recorded.
    ///
    /// # Errors
    ///
    /// Fails also where a file cannot be read.
    pub fn require_named<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<(), StoreError> {
        for text in texts {
            let Ok(path) = self.path(text) else { continue };
            if let Some(expected) = self.recorded.digest(&path) {
                require_object(&path, expected)?;
            }
        }
        Ok(())
    }

    /// Refuses contents of which an object is gone or has changed.
    ///
    /// # Errors
    ///
    /// Fails also where a file cannot be read.
    pub fn verify(&self, contents: &Contents) -> Result<(), StoreError> {
        for (uri, objects) in contents {
            let path = self.path(uri)?;
            for (name, expected) in objects {
                let object = object_path(&path, name);
                // Below an address links are no objects; the address itself may be one.
                if !name.is_empty() && object.is_symlink() {
                    return Err(StoreError::Link(object));
                }
                require_object(&object, expected)?;
            }
        }
        Ok(())
    }
}

/// Returns why an object that was recorded is not read.
fn gone_or_link(path: &Utf8Path) -> StoreError {
    let error = if path.is_symlink() { StoreError::Link } else { StoreError::Gone };
    error(path.to_owned())
}

/// Refuses a path where there is no object of the expected SHA-256.
fn require_object(path: &Utf8Path, expected: &str) -> Result<(), StoreError> {
    if !path.exists() {
        return Err(StoreError::Gone(path.to_owned()));
    }
    require_digest(path, file_digest(path)?, expected)
}

/// Refuses an object whose SHA-256 is not the expected one.
pub(crate) fn require_digest(
    path: &Utf8Path,
    found: String,
    expected: &str,
) -> Result<(), StoreError> {
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Changed { path: path.to_owned(), found, expected: expected.to_owned() })
}

/// Returns the SHA-256 of a file's contents.
pub fn file_digest(path: &Utf8Path) -> Result<String, StoreError> {
    let file = common::open_regular(path).map_err(io_error("read", path))?;
    Sha256Reader::new(file).digest_to_end().map_err(io_error("read", path))
}

#[cfg(test)]
mod tests;
