//! Objects that are copied into the store, out of it and within it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use camino::Utf8Path;
use common::{Directory, Sha256Writer};

use crate::store::{Store, StoreError, file_digest, io_error, require_digest};
use crate::tree::{Object, files_below};

impl Store {
    /// Writes an object and returns the SHA-256 of what was written. The object appears complete or not at all.
    ///
    /// # Errors
    ///
    /// Fails where the address is none, where `produce` fails, and where the file cannot be written without
    /// following a link in the runs directory.
    pub fn write(
        &self,
        uri: &str,
        produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<String, StoreError> {
        let target = self.path(uri)?;
        let mut digest = String::new();
        let written = self.directory_of(&target).and_then(|directory| {
            directory.write(target.file_name().unwrap_or_default(), |out| {
                let mut out = Sha256Writer::new(out);
                produce(&mut out)?;
                digest = out.digest();
                Ok(())
            })
        });
        written.map_err(io_error("write", &target))?;
        Ok(digest)
    }

    /// Stores a copy of a file and leaves the file itself in place. Returns the SHA-256 of the copy.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read and where [`Self::write`] does.
    pub fn put(&self, file: &Utf8Path, uri: &str) -> Result<String, StoreError> {
        self.copy(file, &self.path(uri)?)
    }

    /// Copies a file to a path in the runs directory, and returns the SHA-256 of the copy.
    fn copy(&self, file: &Utf8Path, target: &Utf8Path) -> Result<String, StoreError> {
        let source = common::open_regular(file).map_err(io_error("read", file))?;
        let copied = self
            .directory_of(target)
            .and_then(|directory| directory.copy(&source, target.file_name().unwrap_or_default()));
        copied.map_err(io_error("write", target))
    }

    /// Reads an object.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be read, and where it is not the one that was recorded.
    pub fn read(&self, uri: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.path(uri)?;
        if !self.recorded.includes(&path, &path) {
            return Err(StoreError::Missing { uri: uri.to_owned(), path });
        }
        let bytes =
            common::read_regular(&path, common::LARGEST_FILE).map_err(io_error("read", &path))?;
        if let Some(expected) = self.recorded.digest(&path) {
            require_digest(&path, common::sha256_hex(&bytes), expected)?;
        }
        Ok(bytes)
    }

    /// Copies the objects at an address into a directory. With `share`, the index of a host and the
    /// number of hosts, only that host's share of the objects is copied.
    ///
    /// # Errors
    ///
    /// Fails where [`Self::objects`] does, where a file cannot be copied, and where an object is not the one
    /// that was recorded.
    pub fn download(
        &self,
        uri: &str,
        into: &Utf8Path,
        share: Option<(usize, usize)>,
    ) -> Result<(), StoreError> {
        self.directory(into).map_err(io_error("make", into))?;
        let objects = self.objects(uri)?.into_iter().enumerate();
        let in_share = |index: usize| share.is_none_or(|(host, hosts)| index % hosts == host);
        for (_, object) in objects.filter(|(index, _)| in_share(*index)) {
            let target = into.join(&object.name);
            // a copy, because a step may modify its input
            let found = self.copy(&object.path, &target)?;
            if let Some(expected) = self.recorded.digest(&object.path) {
                require_digest(&object.path, found, expected)?;
            }
        }
        Ok(())
    }

    /// Stores all files below a directory under a prefix, and returns the SHA-256 of each by its name there. The files
    /// are moved, because the source tree is no longer needed. A file replaces one that is there under its name.
    ///
    /// # Errors
    ///
    /// Fails where a file cannot be moved without following a link in the runs directory, or cannot be read.
    pub fn upload(
        &self,
        from: &Utf8Path,
        uri: &str,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let prefix = self.path(uri)?;
        self.directory(&prefix).map_err(io_error("make", &prefix))?;
        let files = files_below(from).map_err(io_error("store", from))?;
        let mut digests = BTreeMap::new();
        for Object { name, path } in files {
            let target = prefix.join(&name);
            let moved = self.directory_of(&target).and_then(|directory| {
                directory.take(&path, target.file_name().unwrap_or_default())
            });
            moved.map_err(io_error("store", &target))?;
            digests.insert(name, file_digest(&target)?);
        }
        Ok(digests)
    }

    /// Copies the objects at an address into another store, where they have the same addresses.
    ///
    /// # Errors
    ///
    /// Fails where no key begins with that of the address, where a file cannot be read or written, and where an
    /// object is not the one that was recorded.
    pub fn copy_to(&self, other: &Self, uri: &str) -> Result<(), StoreError> {
        for Object { path, .. } in self.objects(uri)? {
            let Ok(key) = path.strip_prefix(&self.root) else { continue };
            let found = other.put(&path, &format!("s3://{key}"))?;
            if let Some(expected) = self.recorded.digest(&path) {
                require_digest(&path, found, expected)?;
            }
        }
        Ok(())
    }

    /// Opens the directory of a file in the runs directory, and creates what is missing.
    pub(crate) fn directory_of(&self, file: &Utf8Path) -> io::Result<Directory> {
        self.directory(file.parent().unwrap_or(&self.root))
    }

    /// Opens a directory in the runs directory, in which the store is, and creates what is missing.
    pub(crate) fn directory(&self, path: &Utf8Path) -> io::Result<Directory> {
        let runs = self.root.parent().unwrap_or(&self.root);
        Directory::make(runs, path.strip_prefix(runs).unwrap_or(path))
    }
}
