//! One tree as a flat array.

/// A node. It is a leaf where `feature` is [`Node::LEAF`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The feature that a split looks at.
    pub feature: u32,
    /// A row goes left where its value is at most this.
    pub threshold: f32,
    /// A split's left child, the right one being next to it; a leaf's number.
    pub next: u32,
}

impl Node {
    /// The feature of a leaf.
    pub const LEAF: u32 = u32::MAX;

    /// Leaf number `leaf`.
    pub fn leaf(leaf: u32) -> Self {
        Self { feature: Self::LEAF, threshold: 0.0, next: leaf }
    }

    /// Whether this is a leaf.
    pub fn is_leaf(&self) -> bool {
        self.feature == Self::LEAF
    }
}

/// One tree: the root first, children behind their parents, siblings side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The leaves' class shares, `classes` numbers for each, which add up to 1.
    pub shares: Vec<f32>,
}

impl Tree {
    /// The leaf that a row ends in.
    pub(crate) fn leaf(&self, row: &[f32]) -> usize {
        let mut node = self.nodes[0];
        while !node.is_leaf() {
            let right = row[node.feature as usize] > node.threshold;
            node = self.nodes[node.next as usize + usize::from(right)];
        }
        node.next as usize
    }

    /// The class shares of a leaf.
    pub(crate) fn shares(&self, leaf: usize, classes: usize) -> &[f32] {
        &self.shares[leaf * classes..][..classes]
    }

    /// Whether every walk through the tree stays inside it and ends. Children behind their parents
    /// make an endless walk impossible.
    pub(crate) fn check(&self, features: usize, classes: usize) -> Result<(), &'static str> {
        if self.nodes.is_empty() {
            return Err("it has no nodes");
        }
        if self.nodes.len() >= u32::MAX as usize || !self.shares.len().is_multiple_of(classes) {
            return Err("its sizes do not agree");
        }
        let leaves = self.shares.len() / classes;
        for (index, node) in self.nodes.iter().enumerate() {
            let next = node.next as usize;
            if node.is_leaf() {
                if next >= leaves {
                    return Err("a leaf has no class shares");
                }
                if node.threshold.to_bits() != 0 {
                    return Err("a leaf has a threshold");
                }
            } else if node.feature as usize >= features {
                return Err("a split looks at a feature that does not exist");
            } else if next <= index || next + 1 >= self.nodes.len() {
                return Err("a split's children are not behind it");
            } else if !node.threshold.is_finite() {
                return Err("a threshold is not a number");
            }
        }
        let adds_up = |shares: &[f32]| {
            shares.iter().all(|share| (0.0..=1.0).contains(share))
                && (shares.iter().sum::<f32>() - 1.0).abs() < 1e-3
        };
        if self.shares.chunks_exact(classes).all(adds_up) {
            Ok(())
        } else {
            Err("a leaf's class shares do not add up to 1")
        }
    }
}
