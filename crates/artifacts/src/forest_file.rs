//! `forest.bin`, or `forest-2-of-3.bin` where three hosts grew it: trees as flat little-endian
//! arrays.
//!
//! ```text
//! magic            8 bytes   "MDFOREST"
//! version          u32       2
//! training         u32       the same in all shards of a forest: `Metadata::training`
//! shard            u32       which one this is, from 0
//! shards           u32       how many there are
//! trees            u32       of all shards; which of them are here follows: `Shard::trees`
//! features         u32
//! classes          u32
//! gains            u64 for each feature: `RandomForest::gains` of the trees here
//! for each tree here:
//!   nodes          u32
//!   leaves         u32
//!   nodes          (feature u32, threshold f32, next u32) for each
//!   class shares   f32, `classes` for each leaf
//! checksum         u32       CRC-32 of all before it
//! ```

use std::collections::BTreeMap;

use forest::{MalformedForest, Node, RandomForest, Tree};

use crate::bundle::FOREST_BIN;
use crate::shard::Shard;

const MAGIC: &[u8; 8] = b"MDFOREST";
const VERSION: u32 = 2;
/// Was of whole forests: features, classes and trees were all it said, and there were shares of the
/// whole, f64, in place of the gains.
const FIRST_VERSION: u32 = 1;
const NODE_BYTES: usize = 12;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file} {fault}")]
pub struct ForestFileError {
    file: String,
    fault: ForestFault,
}

/// Why bytes are no forest.
#[derive(Debug, thiserror::Error)]
enum ForestFault {
    /// Something else.
    #[error("does not begin with `MDFOREST`, it is no forest")]
    Magic,
    /// Another version.
    #[error("has format version {0}, expected {FIRST_VERSION} or {VERSION}")]
    Version(u32),
    /// Not all of it.
    #[error("is cut short at byte {0}")]
    Short(usize),
    /// Changed bits.
    #[error("is damaged: its checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Of the bytes.
        found: u32,
        /// As stored.
        expected: u32,
    },
    /// More than a forest.
    #[error("has {0} bytes after its last tree")]
    Long(usize),
    /// A shard that there cannot be.
    #[error("says that it is shard {} of {} of {trees} trees", u64::from(.shard.index) + 1, .shard.count)]
    Shard {
        /// Which it says it is.
        shard: Shard,
        /// How many trees it says there are.
        trees: u32,
    },
    /// Trees that lead astray.
    #[error("holds no usable forest: {0}")]
    Malformed(MalformedForest),
    /// Trees of other rows or hyperparameters.
    #[error("is of another training than metadata.json")]
    Foreign,
    /// Trees of another forest, or of one that was cut otherwise.
    #[error("is of a forest of {found}, expected {expected} as in {other}")]
    Other {
        /// What it says of all its shards.
        found: Cut,
        /// What the other says.
        expected: Cut,
        /// A file that was read before.
        other: String,
    },
    /// The same shard again.
    #[error("holds the same trees as {0}")]
    Twice(String),
}

/// What all shards of a forest agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    shards: u32,
    trees: u32,
    features: usize,
    classes: usize,
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { shards, trees, features, classes } = self;
        let s = if *shards == 1 { "" } else { "s" };
        write!(f, "{trees} trees, {features} features and {classes} classes in {shards} shard{s}")
    }
}

/// What is in one file.
struct Stored {
    /// Its trees.
    forest: RandomForest,
    /// Which they are.
    shard: Shard,
    /// How many there are in all shards.
    trees: u32,
    /// What all shards of a forest have in common; unknown of the first version.
    training: Option<u32>,
}

/// The shards of one forest, all or some.
pub(crate) struct Shards {
    count: u32,
    /// By their number, each with its file.
    found: BTreeMap<u32, (String, RandomForest)>,
}

impl Shards {
    /// The first that is not here.
    pub(crate) fn missing(&self) -> Option<Shard> {
        let index = (0..self.count).find(|index| !self.found.contains_key(index))?;
        Some(Shard { index, count: self.count })
    }

    /// The forest that one host would have grown, if none is missing.
    pub(crate) fn merge(self) -> Result<RandomForest, ForestFileError> {
        RandomForest::merge(self.found.into_values().map(|(_, forest)| forest)).map_err(|fault| {
            ForestFileError { file: FOREST_BIN.to_owned(), fault: ForestFault::Malformed(fault) }
        })
    }
}

/// Reads shards that must belong to one forest, that of `training`.
pub(crate) fn read_all(
    files: BTreeMap<String, Vec<u8>>,
    training: u32,
) -> Result<Shards, ForestFileError> {
    let mut shards = Shards { count: 1, found: BTreeMap::new() };
    let mut first = None;
    for (file, bytes) in files {
        let refused = |fault| ForestFileError { file: file.clone(), fault };
        let Stored { forest, shard, trees, training: found } = read(&bytes).map_err(refused)?;
        if found.is_some_and(|found| found != training) {
            return Err(refused(ForestFault::Foreign));
        }
        let (features, classes) = (forest.features(), forest.classes());
        let found = Cut { shards: shard.count, trees, features, classes };
        let (other, expected) = first.get_or_insert_with(|| (file.clone(), found));
        if found != *expected {
            let (other, expected) = (other.clone(), *expected);
            return Err(refused(ForestFault::Other { found, expected, other }));
        }
        shards.count = shard.count;
        if let Some((other, _)) = shards.found.insert(shard.index, (file.clone(), forest)) {
            return Err(refused(ForestFault::Twice(other)));
        }
    }
    Ok(shards)
}

/// The bytes of a shard: `forest` has its trees, of `trees` in all.
pub(crate) fn write(forest: &RandomForest, shard: Shard, trees: u32, training: u32) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut number = |number: u32| out.extend(number.to_le_bytes());
    number(VERSION);
    number(training);
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
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

fn read(bytes: &[u8]) -> Result<Stored, ForestFault> {
    let mut rest = Rest { bytes, at: 0 };
    if rest.bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(ForestFault::Magic);
    }
    rest.at = MAGIC.len();
    let version = rest.number()?;
    if ![FIRST_VERSION, VERSION].contains(&version) {
        return Err(ForestFault::Version(version));
    }
    let Some((body, checksum)) = bytes[rest.at..].split_last_chunk::<4>() else {
        return Err(ForestFault::Short(bytes.len()));
    };
    let end = rest.at + body.len();
    // What a file cut short ends in is no checksum either; the more telling error is that it is
    // short, so the trees are walked first and the checksum decides between them.
    let expected = u32::from_le_bytes(*checksum);
    let found = crc32fast::hash(&bytes[..end]);
    rest.bytes = &bytes[..end];
    let stored = if version == FIRST_VERSION { rest.first_version() } else { rest.shard() };
    match stored {
        Err(ForestFault::Short(_)) => stored,
        _ if found != expected => Err(ForestFault::Checksum { found, expected }),
        _ => stored,
    }
}

/// Bytes still to be read.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    /// `count` things of `N` bytes, which must be there before anything is made of them.
    fn chunks<const N: usize>(&mut self, count: u32) -> Result<&'a [[u8; N]], ForestFault> {
        let short = ForestFault::Short(self.bytes.len());
        let length = (count as usize).checked_mul(N).and_then(|length| length.checked_add(self.at));
        let Some(bytes) = length.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(short);
        };
        self.at += bytes.len();
        Ok(bytes.as_chunks().0)
    }

    fn number(&mut self) -> Result<u32, ForestFault> {
        Ok(u32::from_le_bytes(self.chunks::<4>(1)?[0]))
    }

    fn shard(mut self) -> Result<Stored, ForestFault> {
        let training = Some(self.number()?);
        let shard = Shard { index: self.number()?, count: self.number()? };
        let (trees, features, classes) = (self.number()?, self.number()?, self.number()?);
        if shard.index >= shard.count || shard.count > trees {
            return Err(ForestFault::Shard { shard, trees });
        }
        let gains = self.chunks(features)?.iter().map(|&gain| u64::from_le_bytes(gain)).collect();
        let forest = self.forest(shard.trees(trees).len(), gains, classes)?;
        Ok(Stored { forest, shard, trees, training })
    }

    fn first_version(mut self) -> Result<Stored, ForestFault> {
        let (features, classes, trees) = (self.number()?, self.number()?, self.number()?);
        let whole = f64::from(trees) * RandomForest::WHOLE_GAIN as f64;
        let gain = |&share: &[u8; 8]| (f64::from_le_bytes(share) * whole).round() as u64;
        let gains = self.chunks(features)?.iter().map(gain).collect();
        let forest = self.forest(trees as usize, gains, classes)?;
        Ok(Stored { forest, shard: Shard::WHOLE, trees, training: None })
    }

    fn forest(
        mut self,
        trees: usize,
        gains: Vec<u64>,
        classes: u32,
    ) -> Result<RandomForest, ForestFault> {
        let trees = (0..trees).map(|_| self.tree(classes)).collect::<Result<Vec<_>, _>>()?;
        match self.bytes.len() - self.at {
            0 => RandomForest::from_trees(trees, gains, classes as usize)
                .map_err(ForestFault::Malformed),
            more => Err(ForestFault::Long(more)),
        }
    }

    fn tree(&mut self, classes: u32) -> Result<Tree, ForestFault> {
        let (nodes, leaves) = (self.number()?, self.number()?);
        let shares = leaves.checked_mul(classes).ok_or(ForestFault::Short(self.bytes.len()))?;
        let nodes = self.chunks(nodes)?.iter().map(node).collect();
        let shares = self.chunks(shares)?.iter().map(|&share| f32::from_le_bytes(share)).collect();
        Ok(Tree { nodes, shares })
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
