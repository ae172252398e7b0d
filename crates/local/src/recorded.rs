//! What the objects of an execution are known to be.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

/// The objects at addresses: for each address the SHA-256 of every object by its path below the address. The path of
/// an object that is the address's own is empty.
pub type Contents = BTreeMap<String, BTreeMap<String, String>>;

/// The objects that an execution was given and those that its steps have made, by their paths.
///
/// Nothing else that lies below their addresses belongs to the execution, whoever put it there.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    digests: BTreeMap<Utf8PathBuf, String>,
    addresses: BTreeSet<Utf8PathBuf>,
}

impl Recorded {
    /// Adds the objects of an address, which is at `path`. They replace what was recorded under their names.
    pub fn add(&mut self, path: &Utf8Path, objects: &BTreeMap<String, String>) {
        for (name, digest) in objects {
            self.digests.insert(object_path(path, name), digest.clone());
        }
        self.addresses.insert(path.to_owned());
    }

    /// Returns the SHA-256 of the object at a path.
    pub fn digest(&self, path: &Utf8Path) -> Option<&str> {
        self.digests.get(path).map(String::as_str)
    }

    /// Returns whether the address at `path`, or one above it, was recorded.
    pub fn is_known(&self, path: &Utf8Path) -> bool {
        path.ancestors().any(|above| self.addresses.contains(above))
    }

    /// Returns whether an object at `path` is read as part of what is at `address`: nothing is known of either, or the
    /// object was recorded.
    pub fn includes(&self, address: &Utf8Path, path: &Utf8Path) -> bool {
        self.digests.contains_key(path)
            || !(self.is_known(path) || self.addresses.contains(address))
    }

    /// Returns the paths of the objects.
    pub fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.digests.keys().map(|path| &**path)
    }
}

/// Returns the path of an object, by its name below an address that is at `path`.
pub fn object_path(path: &Utf8Path, name: &str) -> Utf8PathBuf {
    if name.is_empty() { path.to_owned() } else { path.join(name) }
}
