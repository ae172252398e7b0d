//! Trees laid out for walking: which way a row goes is counted and never jumped to, since no
//! processor can foretell it.

use crate::tree::Tree;

/// A node. A leaf is a split that everything stays in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step<I> {
    /// As a [`key`].
    threshold: u32,
    feature: u16,
    /// The left child, the right one being next to it.
    left: I,
}

/// A tree whose nodes have numbers of type `I`: with 16 bits a step has 8 bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Steps<I> {
    steps: Vec<Step<I>>,
    /// The leaf that each node is, and 0 for a split.
    leaves: Vec<u32>,
    /// How many steps lead to the deepest leaf.
    depth: usize,
}

/// A tree to walk.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Walk {
    Small(Steps<u16>),
    Large(Steps<u32>),
}

impl Walk {
    /// Of a tree that was checked.
    pub(crate) fn new(tree: &Tree) -> Self {
        match tree.nodes.len() <= 1 << 16 {
            true => Self::Small(Steps::new(tree, |node| node as u16)),
            false => Self::Large(Steps::new(tree, |node| node)),
        }
    }

    /// The leaf of each row in each of some groups of rows.
    pub(crate) fn leaves(&self, groups: &[Group], leaves: &mut [[u32; LANES]]) {
        match self {
            Self::Small(steps) => steps.leaves(groups, leaves),
            Self::Large(steps) => steps.leaves(groups, leaves),
        }
    }

    /// The leaf of one row.
    fn leaf(&self, row: &[u32]) -> u32 {
        match self {
            Self::Small(steps) => steps.leaf(row),
            Self::Large(steps) => steps.leaf(row),
        }
    }
}

/// How many rows take a step together.
pub(crate) const LANES: usize = 16;

/// As many rows: for each feature the [`key`]s of its values.
pub(crate) type Group = Vec<[u32; LANES]>;

/// A value as a whole number of the same order, which is compared in fewer instructions;
/// NaN is the greatest and goes right.
pub(crate) fn key(value: f32) -> u32 {
    // -0.0 becomes 0.0, to which it is equal.
    let bits = (value + 0.0).to_bits();
    match value.is_nan() {
        true => u32::MAX,
        false if bits >> 31 == 1 => !bits,
        false => bits | 1 << 31,
    }
}

/// How many steps are taken before a walk asks whether it is over: most leaves are less deep than
/// the deepest.
const STRIDE: usize = 8;

impl<I: Copy + Into<u32>> Steps<I> {
    fn new(tree: &Tree, number: impl Fn(u32) -> I) -> Self {
        let mut depths = vec![0; tree.nodes.len()];
        let (mut steps, mut leaves) = (Vec::new(), Vec::new());
        for (index, node) in tree.nodes.iter().enumerate() {
            let (threshold, feature, left) = match node.is_leaf() {
                true => (u32::MAX, 0, index as u32),
                false => (key(node.threshold), node.feature as u16, node.next),
            };
            if !node.is_leaf() {
                for child in [left as usize, left as usize + 1] {
                    depths[child] = depths[index] + 1;
                }
            }
            steps.push(Step { threshold, feature, left: number(left) });
            leaves.push(if node.is_leaf() { node.next } else { 0 });
        }
        Self { steps, leaves, depth: depths.into_iter().max().unwrap_or(0) }
    }

    /// Walks from the root to leaves, where `right` tells for each lane whether a value of a
    /// feature is above a threshold.
    fn walk<const N: usize>(&self, right: impl Fn(usize, usize, u32) -> bool) -> [u32; N] {
        let mut nodes = [0_u32; N];
        for start in (0..self.depth).step_by(STRIDE) {
            for _ in start..self.depth.min(start + STRIDE) {
                for (lane, node) in nodes.iter_mut().enumerate() {
                    let step = self.steps[*node as usize];
                    let right = right(lane, step.feature.into(), step.threshold);
                    *node = step.left.into() + u32::from(right);
                }
            }
            if nodes.iter().all(|&node| self.steps[node as usize].left.into() == node) {
                break;
            }
        }
        nodes.map(|node| self.leaves[node as usize])
    }

    fn leaves(&self, groups: &[Group], leaves: &mut [[u32; LANES]]) {
        for (group, leaves) in groups.iter().zip(leaves) {
            *leaves = self.walk(|lane, feature, threshold| group[feature][lane] > threshold);
        }
    }

    fn leaf(&self, row: &[u32]) -> u32 {
        let [leaf] = self.walk(|_, feature, threshold| row[feature] > threshold);
        leaf
    }
}

/// The leaf of one row in each of several trees, eight at a time: a step of one does not wait for a
/// step of another.
pub(crate) fn leaves_of_row(trees: &[Walk], row: &[u32]) -> Vec<u32> {
    let mut leaves = Vec::with_capacity(trees.len());
    let (chunks, rest) = trees.as_chunks::<8>();
    for chunk in chunks {
        let small = chunk.each_ref().map(|tree| match tree {
            Walk::Small(steps) => Some(steps),
            Walk::Large(_) => None,
        });
        let [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g), Some(h)] = small else {
            leaves.extend(chunk.iter().map(|tree| tree.leaf(row)));
            continue;
        };
        let trees = [a, b, c, d, e, f, g, h];
        let mut nodes = [0_u16; 8];
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
        for start in (0..depth).step_by(STRIDE) {
            for _ in start..depth.min(start + STRIDE) {
                for (tree, node) in trees.iter().zip(&mut nodes) {
                    let step = tree.steps[usize::from(*node)];
                    *node = step.left + u16::from(row[usize::from(step.feature)] > step.threshold);
                }
            }
            let mut walks = trees.iter().zip(nodes);
            if walks.all(|(tree, node)| tree.steps[usize::from(node)].left == node) {
                break;
            }
        }
        leaves.extend(trees.iter().zip(nodes).map(|(tree, node)| tree.leaves[usize::from(node)]));
    }
    leaves.extend(rest.iter().map(|tree| tree.leaf(row)));
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_values() {
        let values = [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-40, 0.0, 1e-40, 1.5, f32::MAX];
        let keys = values.map(key);
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(key(-0.0), key(0.0));
        assert!(key(f32::MAX) < key(f32::INFINITY) && key(f32::INFINITY) < key(-f32::NAN));
    }
}
