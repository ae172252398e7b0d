//! Trees laid out for walking: which way a row goes is counted and never jumped to, since no
//! processor can foretell it.

use ndarray::ArrayView1;

use crate::tree::Tree;

/// A node. A leaf is a split that everything stays in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step<I> {
    /// As a [`key`].
    threshold: u32,
    /// Where a [`Group`] has the feature's values.
    values: I,
    /// The left child, the right one being next to it.
    left: I,
}

/// A tree whose nodes and values have numbers of type `I`: with 16 bits a step has 8 bytes.
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
    pub(crate) fn new(tree: &Tree, features: usize) -> Self {
        match tree.nodes.len().max(features * LANES) <= 1 << 16 {
            true => Self::Small(Steps::new(tree, |number| number as u16)),
            false => Self::Large(Steps::new(tree, |number| number)),
        }
    }

    /// The leaf of each row in each of some groups of rows.
    pub(crate) fn leaves(&self, groups: &[Group], leaves: &mut [[u32; LANES]]) {
        match self {
            Self::Small(steps) => steps.leaves(groups, leaves),
            Self::Large(steps) => steps.leaves(groups, leaves),
        }
    }

    /// The leaf of a group's first row.
    fn leaf(&self, group: &Group) -> u32 {
        let [leaf] = match self {
            Self::Small(steps) => steps.walk(group),
            Self::Large(steps) => steps.walk(group),
        };
        leaf
    }
}

/// How many rows take a step together: as many as have their nodes in registers.
pub(crate) const LANES: usize = 8;

/// As many rows: for each feature the [`key`]s of its values, side by side.
pub(crate) struct Group(Vec<u32>);

impl Group {
    /// Of up to [`LANES`] rows of so many features.
    pub(crate) fn new<'a>(
        features: usize,
        rows: impl IntoIterator<Item = ArrayView1<'a, f32>>,
    ) -> Self {
        let mut group = Self(vec![0; features * LANES]);
        for (lane, row) in rows.into_iter().enumerate() {
            for (values, &value) in group.0.as_chunks_mut::<LANES>().0.iter_mut().zip(row) {
                values[lane] = key(value);
            }
        }
        group
    }

    /// The [`key`]s of a feature.
    pub(crate) fn values(&mut self, feature: usize) -> &mut [u32; LANES] {
        &mut self.0.as_chunks_mut().0[feature]
    }
}

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

/// How many steps are taken before a walk asks whether it is over: most leaves of a deep tree are
/// less deep than the deepest, but no processor can foretell the answer.
const STRIDE: usize = 16;

impl<I: Copy + Into<u32>> Steps<I> {
    fn new(tree: &Tree, number: impl Fn(u32) -> I) -> Self {
        let mut depths = vec![0; tree.nodes.len()];
        let (mut steps, mut leaves) = (Vec::new(), Vec::new());
        for (index, node) in tree.nodes.iter().enumerate() {
            let (threshold, feature, left) = match node.is_leaf() {
                true => (u32::MAX, 0, index as u32),
                false => (key(node.threshold), node.feature, node.next),
            };
            if !node.is_leaf() {
                for child in [left as usize, left as usize + 1] {
                    // The farthest parent counts, should there be several.
                    depths[child] = depths[child].max(depths[index] + 1);
                }
            }
            let values = number(feature * LANES as u32);
            steps.push(Step { threshold, values, left: number(left) });
            leaves.push(if node.is_leaf() { node.next } else { 0 });
        }
        Self { steps, leaves, depth: depths.into_iter().max().unwrap_or(0) }
    }

    /// From a node one step down, for the row in a lane.
    #[inline(always)]
    fn step(&self, node: usize, group: &Group, lane: usize) -> usize {
        let step = self.steps[node];
        let right = group.0[index(step.values) + lane] > step.threshold;
        index(step.left) + usize::from(right)
    }

    fn is_leaf(&self, node: usize) -> bool {
        index(self.steps[node].left) == node
    }

    /// The leaves of the first rows of a group.
    fn walk<const N: usize>(&self, group: &Group) -> [u32; N] {
        let mut nodes = [0; N];
        for start in (0..self.depth).step_by(STRIDE) {
            for _ in start..self.depth.min(start + STRIDE) {
                for (lane, node) in nodes.iter_mut().enumerate() {
                    *node = self.step(*node, group, lane);
                }
            }
            if nodes.iter().all(|&node| self.is_leaf(node)) {
                break;
            }
        }
        nodes.map(|node| self.leaves[node])
    }

    fn leaves(&self, groups: &[Group], leaves: &mut [[u32; LANES]]) {
        for (group, leaves) in groups.iter().zip(leaves) {
            *leaves = self.walk(group);
        }
    }
}

fn index(number: impl Into<u32>) -> usize {
    number.into() as usize
}

/// The leaf of a group's first row in each of several trees, eight at a time: a step of one does not
/// wait for a step of another.
pub(crate) fn leaves_of_row(trees: &[Walk], group: &Group) -> Vec<u32> {
    let mut leaves = Vec::with_capacity(trees.len());
    let (chunks, rest) = trees.as_chunks::<8>();
    for chunk in chunks {
        let small = chunk.each_ref().map(|tree| match tree {
            Walk::Small(steps) => Some(steps),
            Walk::Large(_) => None,
        });
        let [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f), Some(g), Some(h)] = small else {
            leaves.extend(chunk.iter().map(|tree| tree.leaf(group)));
            continue;
        };
        let trees = [a, b, c, d, e, f, g, h];
        let mut nodes = [0; 8];
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or(0);
        for start in (0..depth).step_by(STRIDE) {
            for _ in start..depth.min(start + STRIDE) {
                for (tree, node) in trees.iter().zip(&mut nodes) {
                    *node = tree.step(*node, group, 0);
                }
            }
            if trees.iter().zip(nodes).all(|(tree, node)| tree.is_leaf(node)) {
                break;
            }
        }
        leaves.extend(trees.iter().zip(nodes).map(|(tree, node)| tree.leaves[node]));
    }
    leaves.extend(rest.iter().map(|tree| tree.leaf(group)));
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use crate::tree::Node;

    /// A tree of so many splits, most of them to the right of the one before: deeper than a stride,
    /// and with leaves at every depth.
    fn tree(splits: u32, features: u32, stream: &mut Stream) -> Tree {
        let mut tree = Tree { nodes: vec![Node::leaf(0)], shares: Vec::new() };
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
    fn a_walk_ends_in_the_leaf_that_its_row_belongs_to() {
        let mut stream = Stream::new(3, 0);
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
            let walks: Vec<Walk> = trees.iter().map(|tree| Walk::new(tree, features)).collect();
            assert_eq!(matches!(walks[0], Walk::Large(_)), large, "{splits} {features}");
            let mut value =
                || [f32::NAN, -0.0, 0.5, -3.0, 3.0, -9.0, 9.0][stream.below(7) as usize];
            let mut rows: Vec<Vec<f32>> =
                (0..5).map(|_| (0..features).map(|_| value()).collect()).collect();
            // Always right, and so far down.
            rows[4].fill(f32::NAN);
            let row = |row: usize| ArrayView1::from(&rows[row]);
            let groups = [Group::new(features, (0..5).map(row)), Group::new(features, [row(2)])];
            for (tree, walk) in trees.iter().zip(&walks) {
                let mut leaves = [[0; LANES]; 2];
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
    fn keys_are_in_the_order_of_values() {
        let values = [f32::NEG_INFINITY, f32::MIN, -1.5, -1e-40, 0.0, 1e-40, 1.5, f32::MAX];
        let keys = values.map(key);
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        assert_eq!(key(-0.0), key(0.0));
        assert!(key(f32::MAX) < key(f32::INFINITY) && key(f32::INFINITY) < key(-f32::NAN));
    }
}
