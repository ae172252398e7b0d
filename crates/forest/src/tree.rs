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
    /// The leaves' class shares, `classes` numbers for each, which add up to 1. Those of a fitted
    /// tree are multiples of 2^-24: their sums over trees are exact in f64, whatever the order, and
    /// so is what two classes' sums differ by.
    pub shares: Vec<f32>,
}

/// The shares that add up to a whole.
const WHOLE_SHARE: f64 = (1_u32 << 24) as f64;

/// Appends the shares that `weights` have of their sum.
pub(crate) fn append_shares(weights: &[f64], shares: &mut Vec<f32>) {
    let sum: f64 = weights.iter().sum();
    // Rounded are the running sums: no share is off by more than one part, and all are a whole.
    let (mut running, mut before) = (0.0, 0.0);
    for weight in weights {
        running += weight;
        let parts = (running / sum * WHOLE_SHARE).round();
        shares.push(((parts - before) / WHOLE_SHARE) as f32);
        before = parts;
    }
}

impl Tree {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_a_whole_in_parts_that_add_up_exactly() {
        let shares = |weights: &[f64]| {
            let mut shares = Vec::new();
            append_shares(weights, &mut shares);
            shares
        };
        let parts = |weights: &[f64]| -> Vec<f64> {
            shares(weights).into_iter().map(|share| f64::from(share) * WHOLE_SHARE).collect()
        };
        assert_eq!(shares(&[3.0, 1.0]), [0.75, 0.25]);
        assert_eq!(shares(&[0.0, 7.0]), [0.0, 1.0]);
        // 2^24 / 3 = 5592405.33
        assert_eq!(parts(&[0.1, 0.2]), [5_592_405.0, 11_184_811.0]);
        assert_eq!(parts(&[1.0; 3]), [5_592_405.0, 5_592_406.0, 5_592_405.0]);
        let many = shares(&vec![1.0; 50_000]);
        assert_eq!(many.iter().map(|&share| f64::from(share)).sum::<f64>(), 1.0);
    }
}
