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

use forest::{MalformedForest, Node, RandomForest, Tree};
use rayon::prelude::*;

use crate::names::{FOREST_BIN, METADATA_JSON};
use crate::shard::Shard;

const MAGIC: &[u8; 8] = b"MDFOREST";
const VERSION: u32 = 3;
const WITHOUT_COVERS: u32 = 2;
/// Version 1 stored whole forests. Its header has features, classes and trees only, and in place of
/// the gains each feature's share of the total gain, as f64.
const FIRST_VERSION: u32 = 1;
const NODE_BYTES: usize = 12;
/// Up to this number of bytes, one thread reads a file.
const SINGLE_THREAD_BYTES: usize = 2 << 20;

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
    Short(usize),
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
    Long(usize),
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
    files: BTreeMap<String, Vec<u8>>,
    training_id: u32,
) -> Result<Shards, ForestFileError> {
    let mut shards = Shards { count: 1, found: BTreeMap::new() };
    let mut first = None;
    for (file, bytes) in files {
        let refused = |fault| ForestFileError { file: file.clone(), fault };
        let stored = read(&bytes).map_err(refused)?;
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

fn read(bytes: &[u8]) -> Result<StoredShard, ForestFault> {
    let mut reader = ByteReader { bytes, position: 0, has_covers: false };
    if reader.bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(ForestFault::Magic);
    }
    reader.position = MAGIC.len();
    let version = reader.number()?;
    if ![FIRST_VERSION, WITHOUT_COVERS, VERSION].contains(&version) {
        return Err(ForestFault::Version(version));
    }
    let Some((body, checksum)) = bytes[reader.position..].split_last_chunk::<4>() else {
        return Err(ForestFault::Short(bytes.len()));
    };
    let end = reader.position + body.len();
    // A truncated file does not end in a valid checksum either. That it is truncated is the more
    // useful error, so the trees are read first, and the checksum is compared unless they are
    // incomplete.
    let expected = u32::from_le_bytes(*checksum);
    reader.bytes = &bytes[..end];
    reader.has_covers = version == VERSION;
    let parse = || if version == FIRST_VERSION { reader.version_1() } else { reader.shard() };
    let checksum = || crc32fast::hash(&bytes[..end]);
    let (stored, found) = if bytes.len() > SINGLE_THREAD_BYTES {
        rayon::join(parse, checksum)
    } else {
        (parse(), checksum())
    };
    match stored {
        Err(ForestFault::Short(_)) => stored,
        _ if found != expected => Err(ForestFault::Checksum { found, expected }),
        _ => stored,
    }
}

/// Reads numbers and trees from bytes, from `position` on.
struct ByteReader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Whether trees have the covers of their leaves.
    has_covers: bool,
}

impl<'a> ByteReader<'a> {
    /// Returns the next `count` chunks of `N` bytes. Their presence is checked before anything is
    /// allocated for them.
    fn chunks<const N: usize>(&mut self, count: u32) -> Result<&'a [[u8; N]], ForestFault> {
        let short = ForestFault::Short(self.bytes.len());
        let length = (count as usize).checked_mul(N);
        let end = length.and_then(|length| length.checked_add(self.position));
        let Some(bytes) = end.and_then(|end| self.bytes.get(self.position..end)) else {
            return Err(short);
        };
        self.position += bytes.len();
        Ok(bytes.as_chunks().0)
    }

    fn number(&mut self) -> Result<u32, ForestFault> {
        Ok(u32::from_le_bytes(self.chunks::<4>(1)?[0]))
    }

    fn shard(mut self) -> Result<StoredShard, ForestFault> {
        let training_id = Some(self.number()?);
        let shard = Shard { index: self.number()?, count: self.number()? };
        let (trees, features, classes) = (self.number()?, self.number()?, self.number()?);
        if shard.index >= shard.count || shard.count > trees {
            return Err(ForestFault::Shard { shard, trees });
        }
        let gains = self.chunks(features)?.iter().map(|&gain| u64::from_le_bytes(gain)).collect();
        let forest = self.forest(shard.trees(trees).len(), gains, classes)?;
        Ok(StoredShard { forest, shard, trees, training_id })
    }

    fn version_1(mut self) -> Result<StoredShard, ForestFault> {
        let (features, classes, trees) = (self.number()?, self.number()?, self.number()?);
        let whole = f64::from(trees) * RandomForest::WHOLE_GAIN as f64;
        let gain = |&share: &[u8; 8]| (f64::from_le_bytes(share) * whole).round() as u64;
        let gains = self.chunks(features)?.iter().map(gain).collect();
        let forest = self.forest(trees as usize, gains, classes)?;
        Ok(StoredShard { forest, shard: Shard::WHOLE, trees, training_id: None })
    }

    fn forest(
        mut self,
        trees: usize,
        gains: Vec<u64>,
        classes: u32,
    ) -> Result<RandomForest, ForestFault> {
        let stored = (0..trees).map(|_| self.tree(classes)).collect::<Result<Vec<_>, _>>()?;
        let trees = if self.bytes.len() > SINGLE_THREAD_BYTES {
            stored.par_iter().map(StoredTree::tree).collect()
        } else {
            stored.iter().map(StoredTree::tree).collect()
        };
        match self.bytes.len() - self.position {
            0 => RandomForest::from_trees(trees, gains, classes as usize)
                .map_err(ForestFault::Malformed),
            more => Err(ForestFault::Long(more)),
        }
    }

    fn tree(&mut self, classes: u32) -> Result<StoredTree<'a>, ForestFault> {
        let (nodes, leaves) = (self.number()?, self.number()?);
        let shares = leaves.checked_mul(classes).ok_or(ForestFault::Short(self.bytes.len()))?;
        let covers = if self.has_covers { leaves } else { 0 };
        Ok(StoredTree {
            nodes: self.chunks(nodes)?,
            shares: self.chunks(shares)?,
            covers: self.chunks(covers)?,
        })
    }
}

/// The bytes of a tree.
struct StoredTree<'a> {
    nodes: &'a [[u8; NODE_BYTES]],
    shares: &'a [[u8; 4]],
    covers: &'a [[u8; 4]],
}

impl StoredTree<'_> {
    fn tree(&self) -> Tree {
        let numbers = |bytes: &[[u8; 4]]| -> Vec<f32> {
            bytes.iter().map(|&number| f32::from_le_bytes(number)).collect()
        };
        Tree {
            nodes: self.nodes.iter().map(node).collect(),
            shares: numbers(self.shares),
            covers: numbers(self.covers),
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
