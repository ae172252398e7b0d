//! Trees in a layout for fast traversal. The direction that a row takes at a split is computed
//! without branches, because it cannot be predicted.

use ndarray::ArrayView1;

use crate::tree::Tree;

/// A node. A leaf is a split whose left child is the leaf itself and whose threshold no value
/// exceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CompactNode<I> {
    /// The threshold as an [`ordered_key`].
    threshold: u32,
    /// The index of the feature's values in a [`RowGroup`].
    values: I,
    /// The left child, which the right child follows.
    left: I,
}

/// A tree whose indices are of type `I`: with 16 bits a node takes 8 bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompactTree<I> {
    nodes: Vec<CompactNode<I>>,
    /// The leaf number of each node, 0 for a split.
    leaves: Vec<I>,
    /// The number of steps to the deepest leaf.
    depth: usize,
    /// Whether every node but the root has exactly one parent.
    is_tree: bool,
}

/// A tree in the layout for traversal, with the smallest indices that suffice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TreeWalker {
    Small(CompactTree<u16>),
    Large(CompactTree<u32>),
}

impl TreeWalker {
    /// Converts a tree that was checked.
    pub(crate) fn new(tree: &Tree, features: usize) -> Self {
        // A leaf has at least two shares.
        let numbers = tree.nodes.len().max(features * ROW_LANES).max(tree.shares.len() / 2);
        if numbers <= 1 << 16 {
            Self::Small(CompactTree::new(tree, |number| number as u16))
        } else {
            Self::Large(CompactTree::new(tree, |number| number))
        }
    }

    /// Returns the number of splits on the way to the deepest leaf.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Small(tree) => tree.depth,
            Self::Large(tree) => tree.depth,
        }
    }

    /// Returns whether every node but the root has exactly one parent. With more, a few nodes would have
    /// more paths than an explanation could ever walk.
    pub(crate) fn is_tree(&self) -> bool {
        match self {
            Self::Small(tree) => tree.is_tree,
            Self::Large(tree) => tree.is_tree,
        }
    }

    /// Writes the leaf of each row of each group to `leaves`.
    pub(crate) fn leaves(&self, groups: &[RowGroup], leaves: &mut [[u32; ROW_LANES]]) {
        match self {
            Self::Small(tree) => tree.leaves(groups, leaves),
            Self::Large(tree) => tree.leaves(groups, leaves),
        }
    }

    /// Returns the leaf of a group's first row.
    fn leaf(&self, group: &RowGroup) -> u32 {
        let [leaf] = match self {
            Self::Small(tree) => tree.walk(group),
            Self::Large(tree) => tree.walk(group),
        };
        leaf
    }
}

/// The number of rows that take a step together: as many as have their nodes in registers.
pub(crate) const ROW_LANES: usize = 8;

/// Up to [`ROW_LANES`] rows. The [`ordered_key`]s of a feature's values are adjacent.
pub(crate) struct RowGroup(Vec<u32>);

impl RowGroup {
    /// Converts up to [`ROW_LANES`] rows of `features` features.
    pub(crate) fn new<'a>(
        features: usize,
        rows: impl IntoIterator<Item = ArrayView1<'a, f32>>,
    ) -> Self {
        let mut group = Self(vec![0; features * ROW_LANES]);
        for (lane, row) in rows.into_iter().enumerate() {
            for (values, &value) in group.0.as_chunks_mut::<ROW_LANES>().0.iter_mut().zip(row) {
                values[lane] = ordered_key(value);
            }
        }
        group
    }

    /// Returns the [`ordered_key`]s of a feature's values.
    pub(crate) fn values(&mut self, feature: usize) -> &mut [u32; ROW_LANES] {
        &mut self.0.as_chunks_mut().0[feature]
    }
}

/// Maps a value to an integer of the same order, which is compared in fewer instructions. NaN is
/// the greatest and goes right.
pub(crate) fn ordered_key(value: f32) -> u32 {
    // -0.0 becomes 0.0, to which it is equal.
    let bits = (value + 0.0).to_bits();
    if value.is_nan() {
        u32::MAX
    } else if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// The number of steps between two checks for the end of a traversal. Most leaves of a deep tree
/// are less deep than the deepest, but the outcome of the check cannot be predicted.
const STEPS_PER_CHECK: usize = 16;

impl<I: Copy + Into<u32>> CompactTree<I> {
    fn new(tree: &Tree, number: impl Fn(u32) -> I) -> Self {
        let count = tree.nodes.len();
        // The level of a node, which is 1 for the root. Memory that begins as zeros, which the system gives
        // when it is first read, would take two page faults: a quarter of the time of loading a large forest.
        let mut levels = vec![1_u32; count];
        let (mut has_two_parents, mut reached) = (false, 1);
        let (mut nodes, mut leaves) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (index, node) in tree.nodes.iter().enumerate() {
            let (threshold, feature, left) = if node.is_leaf() {
                (u32::MAX, 0, index as u32)
            } else {
                (ordered_key(node.threshold), node.feature, node.next)
            };
            if !node.is_leaf() {
                for child in [left as usize, left as usize + 1] {
                    // The level is still that of the root unless there was a parent before.
                    has_two_parents |= levels[child] > 1;
                    levels[child] = levels[index] + 1;
                }
                reached += 2;
            }
            let values = number(feature * ROW_LANES as u32);
            nodes.push(CompactNode { threshold, values, left: number(left) });
            leaves.push(number(if node.is_leaf() { node.next } else { 0 }));
        }
        let depth = levels.into_iter().max().unwrap_or(1) as usize - 1;
        Self { nodes, leaves, depth, is_tree: !has_two_parents && reached == count }
    }

    /// Returns the child of a node for the row in a lane.
    #[inline(always)]
    fn step(&self, node: usize, group: &RowGroup, lane: usize) -> usize {
        let node = self.nodes[node];
        let right = group.0[index(node.values) + lane] > node.threshold;
        index(node.left) + usize::from(right)
    }

    fn is_leaf(&self, node: usize) -> bool {
        index(self.nodes[node].left) == node
    }

    /// Returns the leaves of the first `N` rows of a group.
    fn walk<const N: usize>(&self, group: &RowGroup) -> [u32; N] {
        let mut nodes = [0; N];
        for start in (0..self.depth).step_by(STEPS_PER_CHECK) {
            for _ in start..self.depth.min(start + STEPS_PER_CHECK) {
                for (lane, node) in nodes.iter_mut().enumerate() {
                    *node = self.step(*node, group, lane);
                }
            }
            if nodes.iter().all(|&node| self.is_leaf(node)) {
                break;
            }
        }
        nodes.map(|node| self.leaves[node].into())
    }

    fn leaves(&self, groups: &[RowGroup], leaves: &mut [[u32; ROW_LANES]]) {
        for (group, leaves) in groups.iter().zip(leaves) {
            *leaves = self.walk(group);
        }
    }
}

fn index(number: impl Into<u32>) -> usize {
    number.into() as usize
}

/// Returns the leaf of a group's first row in each of several trees. Eight trees are traversed at
/// once: a step in one does not wait for a step in another.
pub(crate) fn leaves_of_row(trees: &[TreeWalker], group: &RowGroup) -> Vec<u32> {
    let mut leaves = Vec::with_capacity(trees.len());
    let (chunks, rest) = trees.as_chunks::<8>();
    for chunk in chunks {
        let small = chunk.each_ref().map(|tree| match tree {
            TreeWalker::Small(tree) => Some(tree),
            TreeWalker::Large(_) => None,
        });
        let [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g), Some(h)] = small else {
            leaves.extend(chunk.iter().map(|tree| tree.leaf(group)));
            continue;
        };
        let trees = [a, b, c, d, e, f, g, h];
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
        let mut nodes = [0; 8];
        // As the loop of [`CompactTree::walk`]: shared by both, it made one row 3 to 6 % slower.
        for start in (0..depth).step_by(STEPS_PER_CHECK) {
            for _ in start..depth.min(start + STEPS_PER_CHECK) {
                for (tree, node) in trees.iter().zip(&mut nodes) {
                    *node = tree.step(*node, group, 0);
                }
            }
            if trees.iter().zip(nodes).all(|(tree, node)| tree.is_leaf(node)) {
                break;
            }
        }
        leaves.extend(trees.iter().zip(nodes).map(|(tree, node)| u32::from(tree.leaves[node])));
    }
    leaves.extend(rest.iter().map(|tree| tree.leaf(group)));
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::RandomStream;
    use crate::tree::Node;

    /// Returns a tree of `splits` splits, most of them to the right of the one before: deeper than
    /// [`STEPS_PER_CHECK`], with leaves at every depth.
    fn tree(splits: u32, features: u32, stream: &mut RandomStream) -> Tree {
        let mut tree = Tree { nodes: vec![Node::leaf(0)], ..Tree::default() };
        for _ in 0..splits {
            let next = tree.nodes.len() as u32;
            let left = u32::from(stream.below(32) == 0).min(next - 1);
            let parent = (next - 1 - left) as usize;
            let threshold = stream.below(7) as f32 - 3.0;
            tree.nodes[parent] = Node { feature: stream.below(features), threshold, next };
            tree.nodes.extend([Node::leaf(0); 2]);
        }
        let leaves = tree.nodes.iter_mut().filter(|node| node.is_leaf());
        leaves.zip(0..).for_each(|(node, leaf)| *node = Node::leaf(leaf));
        tree
    }

    fn leaf(tree: &Tree, row: &[f32]) -> u32 {
        let mut node = tree.nodes[0];
        while !node.is_leaf() {
            let left = row[node.feature as usize] <= node.threshold;
            node = tree.nodes[node.next as usize + usize::from(!left)];
        }
        node.next
    }

    #[test]
    fn a_traversal_ends_in_the_leaf_that_the_tree_defines() {
        let mut stream = RandomStream::new(3, 0);
        let most = 1 << 16;
        for (splits, features, large) in [
            (0, 1, false),
            (40, 3, false),
            (500, 8192, false),
            (9, 8193, true),
            (most / 2 - 1, 2, false),
            (most / 2, 2, true),
        ] {
            let trees: Vec<Tree> = (0..9).map(|_| tree(splits, features, &mut stream)).collect();
            let features = features as usize;
            let walks: Vec<TreeWalker> =
                trees.iter().map(|tree| TreeWalker::new(tree, features)).collect();
            assert_eq!(matches!(walks[0], TreeWalker::Large(_)), large, "{splits} {features}");
            let mut value =
                || [f32::NAN, -0.0, 0.5, -3.0, 3.0, -9.0, 9.0][stream.below(7) as usize];
            let mut rows: Vec<Vec<f32>> =
                (0..5).map(|_| (0..features).map(|_| value()).collect()).collect();
            // This row always goes right and so to the greatest depth.
            rows[4].fill(f32::NAN);
            let row = |row: usize| ArrayView1::from(&rows[row]);
            let groups =
                [RowGroup::new(features, (0..5).map(row)), RowGroup::new(features, [row(2)])];
            for (tree, walk) in trees.iter().zip(&walks) {
                let mut leaves = [[0; ROW_LANES]; 2];
                walk.leaves(&groups, &mut leaves);
                let expected: Vec<u32> = rows.iter().map(|row| leaf(tree, row)).collect();
                assert_eq!(leaves[0][..5], expected);
                assert_eq!(leaves[1][0], expected[2]);
            }
            let expected: Vec<u32> = trees.iter().map(|tree| leaf(tree, &rows[2])).collect();
            assert_eq!(leaves_of_row(&walks, &groups[1]), expected);
        }
    }

    #[test]
    fn ordered_keys_have_the_order_of_their_values() {
        let values = [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-40, 0.0, 1e-40, 1.5, f32::MAX];
        let keys = values.map(ordered_key);
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(ordered_key(-0.0), ordered_key(0.0));
        assert!(
            ordered_key(f32::MAX) < ordered_key(f32::INFINITY)
                && ordered_key(f32::INFINITY) < ordered_key(-f32::NAN)
        );
    }
}
