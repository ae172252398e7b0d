//! `forest.bin`, or `forest-2-of-3.bin` if three hosts grew the forest: trees as flat little-endian
//! arrays.
//!
//! ```text
//! magic            8 bytes   "MDFOREST"
//! version          u32       3
//! training         u32       `Metadata::training_id`, the same in all shards of a forest
//! shard            u32       the index of this shard, from 0
//! shards           u32       the number of shards
//! trees            u32       the number of trees in all shards; `Shard::trees` are in this file
//! features         u32
//! classes          u32
//! gains            u64 for each feature: `RandomForest::gains` of the trees in this file
//! for each tree in this file:
//!   nodes          u32
//!   leaves         u32
//!   nodes          (feature u32, threshold f32, next u32) for each
//!   class shares   f32, `classes` for each leaf
//!   covers         f32 for each leaf: the weight of its training rows
//! checksum         u32       CRC-32 of all preceding bytes
//! ```
//!
//! Version 2 has no covers.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::sync::{Mutex, PoisonError};

use forest::{CheckedTree, MalformedForest, Node, RandomForest, Tree};
use rayon::prelude::*;

use crate::bundle_file::BundleFile;

use crate::names::{FOREST_BIN, METADATA_JSON};
use crate::shard::Shard;

const MAGIC: &[u8; 8] = b"MDFOREST";
const VERSION: u32 = 3;
const WITHOUT_COVERS: u32 = 2;
/// Version 1 stored whole forests. Its header has features, classes and trees only, and in place of
/// the gains each feature's share of the total gain, as f64.
const FIRST_VERSION: u32 = 1;
const NODE_BYTES: usize = 12;
const NUMBER_BYTES: u64 = 4;
const CHECKSUM_BYTES: u64 = 4;
/// Up to this number of bytes, one thread reads a file.
const SINGLE_THREAD_BYTES: u64 = 2 << 20;
/// The bytes that are read at a time where less is needed.
const BUFFER_BYTES: usize = 64 << 10;

/// A forest file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{file} {fault}")]
pub struct ForestFileError {
    file: String,
    fault: ForestFault,
}

/// The reason for which a forest file cannot be read.
#[derive(Debug, thiserror::Error)]
enum ForestFault {
    /// The magic bytes are missing.
    #[error("does not begin with `MDFOREST`, it is no forest")]
    Magic,
    /// The format version is unknown.
    #[error("has format version {0}, expected {FIRST_VERSION}, {WITHOUT_COVERS} or {VERSION}")]
    Version(u32),
    /// The file ends too early.
    #[error("is cut short at byte {0}")]
    Short(u64),
    /// The bytes cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The checksum does not match.
    #[error("is damaged: its checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// The checksum of the bytes.
        found: u32,
        /// The checksum at the end of the file.
        expected: u32,
    },
    /// Bytes follow the last tree.
    #[error("has {0} bytes after its last tree")]
    Long(u64),
    /// The header names an impossible shard.
    #[error("says that it is shard {} of {} of {trees} trees", u64::from(.shard.index) + 1, .shard.count)]
    Shard {
        /// The shard of the header.
        shard: Shard,
        /// The number of trees of the header.
        trees: u32,
    },
    /// The trees are inconsistent.
    #[error("holds no usable forest: {0}")]
    Malformed(MalformedForest),
    /// The trees were grown from other rows or with other hyperparameters.
    #[error("is of another training than {METADATA_JSON}")]
    OtherTraining,
    /// The shards before it belong to another forest, or to another number of shards.
    #[error("is of a forest of {found}, expected {expected} as in {other}")]
    OtherForest {
        /// The forest of this file.
        found: ForestDimensions,
        /// The forest of the file read before.
        expected: ForestDimensions,
        /// The name of the file read before.
        other: String,
    },
    /// Another file holds the same shard.
    #[error("holds the same trees as {0}")]
    Twice(String),
}

/// The numbers that all shards of a forest have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ForestDimensions {
    shards: u32,
    trees: u32,
    features: usize,
    classes: usize,
}

impl std::fmt::Display for ForestDimensions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shards, trees, features, classes } = self;
        let s = if *shards == 1 { "" } else { "s" };
        write!(f, "{trees} trees, {features} features and {classes} classes in {shards} shard{s}")
    }
}

/// The contents of one forest file.
struct StoredShard {
    /// The trees of the file.
    forest: RandomForest,
    /// The shard that they are.
    shard: Shard,
    /// The number of trees in all shards.
    trees: u32,
    /// The identifier of the training; version 1 has none.
    training_id: Option<u32>,
}

/// The shards of one forest, of which some may be missing.
pub(crate) struct Shards {
    count: u32,
    /// File name and trees of each shard, by index.
    found: BTreeMap<u32, (String, RandomForest)>,
}

impl Shards {
    /// Returns the first shard that is missing, if any.
    pub(crate) fn missing(&self) -> Option<Shard> {
        let index = (0..self.count).find(|index| !self.found.contains_key(index))?;
        Some(Shard { index, count: self.count })
    }

    /// Merges the shards into the forest that a single host would have grown. No shard may be
    /// missing.
    pub(crate) fn merge(self) -> Result<RandomForest, ForestFileError> {
        RandomForest::merge(self.found.into_values().map(|(_, forest)| forest)).map_err(|fault| {
            ForestFileError { file: FOREST_BIN.to_owned(), fault: ForestFault::Malformed(fault) }
        })
    }
}

/// Reads forest files by name. All of them must be shards of one forest, grown by the training
/// `training_id`.
pub(crate) fn read_all(
    files: BTreeMap<String, BundleFile<'_>>,
    training_id: u32,
) -> Result<Shards, ForestFileError> {
    let mut shards = Shards { count: 1, found: BTreeMap::new() };
    let mut first = None;
    for (file, contents) in files {
        let refused = |fault| ForestFileError { file: file.clone(), fault };
        let stored = read(contents.reader, contents.length).map_err(refused)?;
        let StoredShard { forest, shard, trees, .. } = stored;
        if stored.training_id.is_some_and(|found| found != training_id) {
            return Err(refused(ForestFault::OtherTraining));
        }
        let (features, classes) = (forest.features(), forest.classes());
        let found = ForestDimensions { shards: shard.count, trees, features, classes };
        let (other, expected) = first.get_or_insert_with(|| (file.clone(), found));
        if found != *expected {
            let (other, expected) = (other.clone(), *expected);
            return Err(refused(ForestFault::OtherForest { found, expected, other }));
        }
        shards.count = shard.count;
        if let Some((other, _)) = shards.found.insert(shard.index, (file.clone(), forest)) {
            return Err(refused(ForestFault::Twice(other)));
        }
    }
    Ok(shards)
}

/// Returns the bytes of the file of a shard. `forest` holds the trees of the shard; `trees` is the
/// number of trees in all shards.
pub(crate) fn write(forest: &RandomForest, shard: Shard, trees: u32, training_id: u32) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut number = |number: u32| out.extend(number.to_le_bytes());
    // A forest of an old file has no covers.
    let has_covers = forest.trees().iter().all(|tree| !tree.covers.is_empty());
    number(if has_covers { VERSION } else { WITHOUT_COVERS });
    number(training_id);
    number(shard.index);
    number(shard.count);
    number(trees);
    number(forest.features() as u32);
    number(forest.classes() as u32);
    out.extend(forest.gains().iter().flat_map(|gain| gain.to_le_bytes()));
    for tree in forest.trees() {
        out.extend((tree.nodes.len() as u32).to_le_bytes());
        out.extend(((tree.shares.len() / forest.classes()) as u32).to_le_bytes());
        for node in &tree.nodes {
            out.extend(node.feature.to_le_bytes());
            out.extend(node.threshold.to_le_bytes());
            out.extend(node.next.to_le_bytes());
        }
        out.extend(tree.shares.iter().flat_map(|share| share.to_le_bytes()));
        if has_covers {
            out.extend(tree.covers.iter().flat_map(|cover| cover.to_le_bytes()));
        }
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Reads a file of this length. Trees are prepared while later ones are read, so that their bytes need no
/// memory of their own: fresh memory costs more time than reading does.
fn read(input: impl Read + Send, length: u64) -> Result<StoredShard, ForestFault> {
    let capacity = usize::try_from(length).unwrap_or(usize::MAX).min(BUFFER_BYTES);
    let mut reader = ForestReader {
        input: BufReader::with_capacity(capacity, input),
        checksum: crc32fast::Hasher::new(),
        length,
        position: 0,
        has_covers: false,
    };
    let mut magic = Vec::new();
    match reader.read(MAGIC.len() as u64, &mut magic) {
        Err(fault @ ForestFault::Unreadable(_)) => return Err(fault),
        _ if magic != MAGIC => return Err(ForestFault::Magic),
        _ => {}
    }
    let version = reader.number()?;
    if ![FIRST_VERSION, WITHOUT_COVERS, VERSION].contains(&version) {
        return Err(ForestFault::Version(version));
    }
    reader.length = length.saturating_sub(CHECKSUM_BYTES);
    if reader.length < reader.position {
        return Err(ForestFault::Short(length));
    }
    reader.has_covers = version == VERSION;
    let stored = if version == FIRST_VERSION { reader.version_1() } else { reader.shard() };
    // A truncated file does not end in a valid checksum either. That it is truncated is the more
    // useful error, so the checksum is compared unless the trees are incomplete.
    if let Err(ForestFault::Short(_) | ForestFault::Unreadable(_)) = stored {
        return stored;
    }
    let (found, expected) = reader.checksums()?;
    if found == expected { stored } else { Err(ForestFault::Checksum { found, expected }) }
}

/// Reads numbers and trees from the bytes of a file.
struct ForestReader<R> {
    input: BufReader<R>,
    /// The checksum of the bytes that were read.
    checksum: crc32fast::Hasher,
    /// The number of bytes of the file; once the version is known, without the checksum at the end.
    length: u64,
    /// The number of bytes that were read.
    position: u64,
    /// Whether trees have the covers of their leaves.
    has_covers: bool,
}

impl<R: Read + Send> ForestReader<R> {
    /// Reads the next `count` bytes into `bytes`. Their presence is checked before anything is
    /// allocated for them.
    fn read(&mut self, count: u64, bytes: &mut Vec<u8>) -> Result<(), ForestFault> {
        let short = ForestFault::Short(self.length);
        let end = self.position.checked_add(count).filter(|end| *end <= self.length);
        let (Some(end), Ok(capacity)) = (end, usize::try_from(count)) else { return Err(short) };
        bytes.clear();
        bytes.reserve(capacity);
        let read = (&mut self.input).take(count).read_to_end(bytes);
        if read.map_err(ForestFault::Unreadable)? < capacity {
            return Err(short);
        }
        self.checksum.update(bytes);
        self.position = end;
        Ok(())
    }

    /// Returns the next `count` chunks of `N` bytes.
    fn chunks<const N: usize>(&mut self, count: u32) -> Result<Vec<[u8; N]>, ForestFault> {
        let mut bytes = Vec::new();
        self.read(u64::from(count) * N as u64, &mut bytes)?;
        Ok(bytes.as_chunks().0.to_vec())
    }

    fn number(&mut self) -> Result<u32, ForestFault> {
        Ok(u32::from_le_bytes(self.chunks::<4>(1)?[0]))
    }

    /// Reads what is left, and returns the checksum of the bytes and that at the end of the file.
    fn checksums(&mut self) -> Result<(u32, u32), ForestFault> {
        let mut bytes = Vec::new();
        while self.position < self.length {
            self.read((self.length - self.position).min(BUFFER_BYTES as u64), &mut bytes)?;
        }
        let found = self.checksum.clone().finalize();
        self.length += CHECKSUM_BYTES;
        Ok((found, self.number()?))
    }

    fn shard(&mut self) -> Result<StoredShard, ForestFault> {
        let training_id = Some(self.number()?);
        let shard = Shard { index: self.number()?, count: self.number()? };
        let (trees, features, classes) = (self.number()?, self.number()?, self.number()?);
        if shard.index >= shard.count || shard.count > trees {
            return Err(ForestFault::Shard { shard, trees });
        }
        let gains = self.chunks(features)?.into_iter().map(u64::from_le_bytes).collect();
        let forest = self.forest(shard.trees(trees).len(), gains, classes)?;
        Ok(StoredShard { forest, shard, trees, training_id })
    }

    fn version_1(&mut self) -> Result<StoredShard, ForestFault> {
        let (features, classes, trees) = (self.number()?, self.number()?, self.number()?);
        let whole = f64::from(trees) * RandomForest::WHOLE_GAIN as f64;
        let gain = |share: [u8; 8]| (f64::from_le_bytes(share) * whole).round() as u64;
        let gains = self.chunks(features)?.into_iter().map(gain).collect();
        let forest = self.forest(trees as usize, gains, classes)?;
        Ok(StoredShard { forest, shard: Shard::WHOLE, trees, training_id: None })
    }

    fn forest(
        &mut self,
        trees: usize,
        gains: Vec<u64>,
        classes: u32,
    ) -> Result<RandomForest, ForestFault> {
        let (features, is_large) = (gains.len(), self.length > SINGLE_THREAD_BYTES);
        // The buffers that are not in use.
        let spare = Mutex::new(Vec::new());
        let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
        // The first tree that cannot be read is the last one.
        let mut is_cut = false;
        let stored = (0..trees).map_while(|index| {
            let buffer = spare().pop().unwrap_or_default();
            let stored = (!is_cut).then(|| self.tree(classes, buffer))?;
            is_cut = stored.is_err();
            Some((index, stored))
        });
        let prepare = |(index, stored): (usize, Result<StoredTree, ForestFault>)| {
            let stored = stored?;
            let checked = CheckedTree::new(stored.tree(), features, classes as usize);
            spare().push(stored.bytes);
            Ok((index, checked))
        };
        let prepared: Result<Vec<_>, ForestFault> = if is_large {
            stored.par_bridge().map(prepare).collect()
        } else {
            stored.map(prepare).collect()
        };
        let mut prepared = prepared?;
        prepared.sort_unstable_by_key(|(index, _)| *index);
        let checked = prepared.into_iter().map(|(_, checked)| checked).collect();
        match self.length - self.position {
            0 => RandomForest::from_checked(checked, gains, classes as usize)
                .map_err(ForestFault::Malformed),
            more => Err(ForestFault::Long(more)),
        }
    }

    /// Reads a tree into a buffer.
    fn tree(&mut self, classes: u32, mut bytes: Vec<u8>) -> Result<StoredTree, ForestFault> {
        let (nodes, leaves) = (self.number()?, u64::from(self.number()?));
        let nodes = u64::from(nodes) * NODE_BYTES as u64;
        let covers = if self.has_covers { leaves * NUMBER_BYTES } else { 0 };
        let shares = leaves.checked_mul(u64::from(classes) * NUMBER_BYTES);
        let before_covers = shares.and_then(|shares| shares.checked_add(nodes));
        let all = before_covers.and_then(|bytes| bytes.checked_add(covers));
        let (Some(before_covers), Some(all)) = (before_covers, all) else {
            return Err(ForestFault::Short(self.length));
        };
        self.read(all, &mut bytes)?;
        // They fit, since they were read.
        Ok(StoredTree { bytes, nodes: nodes as usize, before_covers: before_covers as usize })
    }
}

/// The bytes of a tree.
struct StoredTree {
    bytes: Vec<u8>,
    /// The number of bytes of the nodes.
    nodes: usize,
    /// The number of bytes of the nodes and the class shares.
    before_covers: usize,
}

impl StoredTree {
    fn tree(&self) -> Tree {
        let numbers = |bytes: &[u8]| -> Vec<f32> {
            bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect()
        };
        Tree {
            nodes: self.bytes[..self.nodes].as_chunks().0.iter().map(node).collect(),
            shares: numbers(&self.bytes[self.nodes..self.before_covers]),
            covers: numbers(&self.bytes[self.before_covers..]),
        }
    }
}

fn node(bytes: &[u8; NODE_BYTES]) -> Node {
    let &[a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
    Node {
        feature: u32::from_le_bytes([a, b, c, d]),
        threshold: f32::from_le_bytes([e, f, g, h]),
        next: u32::from_le_bytes([i, j, k, l]),
    }
}
