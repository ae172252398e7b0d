//! `forest.bin`: the forest as flat little-endian arrays.
//!
//! ```text
//! magic            8 bytes   "MDFOREST"
//! version          u32       2
//! features         u32
//! classes          u32
//! trees            u32
//! gains            u64 for each feature: `RandomForest::gains`
//! for each tree:
//!   nodes          u32
//!   leaves         u32
//!   nodes          (feature u32, threshold f32, next u32) for each
//!   class shares   f32, `classes` for each leaf
//! checksum         u32       CRC-32 of all before it
//! ```

use forest::{Malformed, Node, RandomForest, Tree};

const MAGIC: &[u8; 8] = b"MDFOREST";
const VERSION: u32 = 2;
/// Had shares of the whole, f64, in place of the gains.
const FIRST_VERSION: u32 = 1;
const NODE_BYTES: usize = 12;

/// Why bytes are no forest.
#[derive(Debug, thiserror::Error)]
pub enum ForestFileError {
    /// Something else.
    #[error("forest.bin does not begin with `MDFOREST`, it is no forest")]
    Magic,
    /// Another version.
    #[error("forest.bin has format version {0}, expected {FIRST_VERSION} or {VERSION}")]
    Version(u32),
    /// Not all of it.
    #[error("forest.bin is cut short at byte {0}")]
    Short(usize),
    /// Changed bits.
    #[error("forest.bin is damaged: its checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Of the bytes.
        found: u32,
        /// As stored.
        expected: u32,
    },
    /// More than a forest.
    #[error("forest.bin has {0} bytes after its last tree")]
    Long(usize),
    /// Trees that lead astray.
    #[error("forest.bin holds no usable forest")]
    Malformed(#[from] Malformed),
}

pub(crate) fn write(forest: &RandomForest) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let mut number = |number: u32| out.extend(number.to_le_bytes());
    number(VERSION);
    number(forest.features() as u32);
    number(forest.classes() as u32);
    number(forest.trees().len() as u32);
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

pub(crate) fn read(bytes: &[u8]) -> Result<RandomForest, ForestFileError> {
    let mut rest = Rest { bytes, at: 0 };
    if rest.bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(ForestFileError::Magic);
    }
    rest.at = MAGIC.len();
    let version = rest.number()?;
    if ![FIRST_VERSION, VERSION].contains(&version) {
        return Err(ForestFileError::Version(version));
    }
    let Some((body, checksum)) = bytes[rest.at..].split_last_chunk::<4>() else {
        return Err(ForestFileError::Short(bytes.len()));
    };
    let end = rest.at + body.len();
    // What a file cut short ends in is no checksum either; the more telling error is that it is
    // short, so the trees are walked first and the checksum decides between them.
    let expected = u32::from_le_bytes(*checksum);
    let found = crc32fast::hash(&bytes[..end]);
    rest.bytes = &bytes[..end];
    let forest = rest.forest(version);
    match forest {
        Err(ForestFileError::Short(_)) => forest,
        _ if found != expected => Err(ForestFileError::Checksum { found, expected }),
        _ => forest,
    }
}

/// Bytes still to be read.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    /// `count` things of `N` bytes, which must be there before anything is made of them.
    fn chunks<const N: usize>(&mut self, count: u32) -> Result<&'a [[u8; N]], ForestFileError> {
        let short = ForestFileError::Short(self.bytes.len());
        let length = (count as usize).checked_mul(N).and_then(|length| length.checked_add(self.at));
        let Some(bytes) = length.and_then(|end| self.bytes.get(self.at..end)) else {
            return Err(short);
        };
        self.at += bytes.len();
        Ok(bytes.as_chunks().0)
    }

    fn number(&mut self) -> Result<u32, ForestFileError> {
        Ok(u32::from_le_bytes(self.chunks::<4>(1)?[0]))
    }

    fn forest(&mut self, version: u32) -> Result<RandomForest, ForestFileError> {
        let (features, classes) = (self.number()?, self.number()?);
        let trees = self.number()?;
        let whole = f64::from(trees) * (1_u64 << 43) as f64;
        let gain = |&bytes: &[u8; 8]| match version {
            FIRST_VERSION => (f64::from_le_bytes(bytes) * whole).round() as u64,
            _ => u64::from_le_bytes(bytes),
        };
        let gains = self.chunks(features)?.iter().map(gain).collect();
        let trees = (0..trees).map(|_| self.tree(classes)).collect::<Result<Vec<_>, _>>()?;
        match self.bytes.len() - self.at {
            0 => Ok(RandomForest::from_trees(trees, gains, classes as usize)?),
            more => Err(ForestFileError::Long(more)),
        }
    }

    fn tree(&mut self, classes: u32) -> Result<Tree, ForestFileError> {
        let (nodes, leaves) = (self.number()?, self.number()?);
        let shares = leaves.checked_mul(classes).ok_or(ForestFileError::Short(self.bytes.len()))?;
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
