//! A tree as a flat array of nodes.

/// A split or, if `feature` is [`Node::LEAF`], a leaf.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The feature that a split tests.
    pub feature: u32,
    /// The split threshold: a row goes left if its value is at most this.
    pub threshold: f32,
    /// The index of a split's left child, which the right child follows; the number of a leaf.
    pub next: u32,
}

impl Node {
    /// The value of `feature` that marks a leaf.
    pub const LEAF: u32 = u32::MAX;

    /// Returns the node of leaf number `leaf`.
    pub fn leaf(leaf: u32) -> Self {
        Self { feature: Self::LEAF, threshold: 0.0, next: leaf }
    }

    /// Returns whether the node is a leaf.
    pub fn is_leaf(&self) -> bool {
        self.feature == Self::LEAF
    }
}

/// A tree. The root is the first node, children come after their parents, siblings are adjacent, and
/// every node but the root has one parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The class shares of the leaves, `classes` numbers per leaf, which add up to 1. Shares of a
    /// fitted tree are multiples of 2^-24: their sums over trees, and the difference of two
    /// classes' sums, are exact in f64 in any order.
    pub shares: Vec<f32>,
    /// The weight of the training rows in each leaf: those that the tree drew, as often as it drew them.
    /// Empty if it is not known.
    pub covers: Vec<f32>,
}

/// The number of units that the shares of a leaf add up to.
const WHOLE_SHARE: f64 = (1_u32 << 24) as f64;

/// Appends the share of each weight in the sum of all weights.
pub(crate) fn append_shares(weights: &[f64], shares: &mut Vec<f32>) {
    let sum: f64 = weights.iter().sum();
    // The running sums are rounded instead of the shares: no share is off by more than one unit,
    // and together they are exactly 1.
    let (mut running, mut before) = (0.0, 0.0);
    for weight in weights {
        running += weight;
        let parts = (running / sum * WHOLE_SHARE).round();
        shares.push(((parts - before) / WHOLE_SHARE) as f32);
        before = parts;
    }
}

impl Tree {
    /// Adds a leaf of rows of these weights by class, and returns its number.
    pub(crate) fn push_leaf(&mut self, weights: &[f64]) -> usize {
        append_shares(weights, &mut self.shares);
        self.covers.push(weights.iter().sum::<f64>() as f32);
        self.covers.len() - 1
    }

    /// Returns the class shares of a leaf.
    pub(crate) fn shares(&self, leaf: usize, classes: usize) -> &[f32] {
        &self.shares[leaf * classes..][..classes]
    }

    /// Checks that every traversal of the tree stays inside it and ends. Children after their
    /// parents make an endless traversal impossible. That every node has one parent is seen when the
    /// tree is prepared, where it costs no time.
    pub(crate) fn check(&self, features: usize, classes: usize) -> Result<(), &'static str> {
        if self.nodes.is_empty() {
            return Err("it has no nodes");
        }
        if self.nodes.len() >= u32::MAX as usize || !self.shares.len().is_multiple_of(classes) {
            return Err("it has too many nodes, or an incomplete leaf");
        }
        let leaves = self.shares.len() / classes;
        if !self.covers.is_empty() && self.covers.len() != leaves {
            return Err("the number of its leaves' weights is not that of its leaves");
        }
        if !self.covers.iter().all(|cover| cover.is_finite() && *cover > 0.0) {
            return Err("the weight of a leaf is not positive");
        }
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
    fn shares_are_rounded_to_units_that_add_up_to_exactly_one() {
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
