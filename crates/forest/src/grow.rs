//! The growth of one tree: the order in which nodes are split, the features that each split
//! considers, and the nodes that become leaves.

use std::collections::BinaryHeap;

use crate::params::RandomForestValidParams;
use crate::split::{NodeSpan, Split, SplitFinder, SplitOutcome};
use crate::stream::RandomStream;
use crate::tree::{Node, Tree};

/// A tree and, for each feature, the total decrease of the weighted impurity by its splits.
pub(crate) struct GrownTree {
    pub(crate) tree: Tree,
    pub(crate) gains: Vec<f64>,
}

/// A node whose split is known but not yet made.
struct PendingNode<T> {
    node: usize,
    span: NodeSpan,
    total: T,
    split: Split<T>,
}

impl<T> Ord for PendingNode<T> {
    /// The greatest gain comes first; among equals, the node that was created first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.split.gain.total_cmp(&other.split.gain).then(other.node.cmp(&self.node))
    }
}

impl<T> PartialOrd for PendingNode<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Eq for PendingNode<T> {}

impl<T> PartialEq for PendingNode<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

/// The nodes that wait to be split, in depth-first order or by descending gain.
enum Frontier<T> {
    DepthFirst(Vec<PendingNode<T>>),
    BestFirst(BinaryHeap<PendingNode<T>>),
}

impl<T> Frontier<T> {
    fn push(&mut self, node: PendingNode<T>) {
        match self {
            Self::DepthFirst(stack) => stack.push(node),
            Self::BestFirst(heap) => heap.push(node),
        }
    }

    fn pop(&mut self) -> Option<PendingNode<T>> {
        match self {
            Self::DepthFirst(stack) => stack.pop(),
            Self::BestFirst(heap) => heap.pop(),
        }
    }
}

/// Grows one tree after another on one thread, with the same buffers.
pub(crate) struct Grower<'a, E> {
    pub(crate) finder: E,
    params: &'a RandomForestValidParams,
    /// The number of features that each split considers.
    features_per_split: usize,
    /// A permutation of the features; those drawn for a node come first.
    features: Vec<u32>,
    /// The position of each feature in `features`.
    positions: Vec<u32>,
}

/// The amount of work, in rows times features, between two checks of the stop request: well below a
/// second.
const STOP_CHECK_INTERVAL: usize = 1 << 22;

impl<'a, E: SplitFinder> Grower<'a, E> {
    pub(crate) fn new(finder: E, params: &'a RandomForestValidParams, features: usize) -> Self {
        let features_per_split = params.max_features.resolve(features);
        let features: Vec<u32> = (0..features as u32).collect();
        Self { finder, params, features_per_split, positions: features.clone(), features }
    }

    /// Grows tree `index`. Returns `None` if `stopped` returns true before the tree is complete.
    pub(crate) fn grow(&mut self, index: usize, stopped: &dyn Fn() -> bool) -> Option<GrownTree> {
        let mut stream = RandomStream::new(self.params.random_state, index);
        let mut grown = GrownTree {
            tree: Tree { nodes: vec![Node::leaf(0)], ..Tree::default() },
            gains: vec![0.0; self.features.len()],
        };
        for place in 0..self.features.len() {
            (self.features[place], self.positions[place]) = (place as u32, place as u32);
        }
        let mut frontier = match self.params.max_leaf_nodes {
            None => Frontier::DepthFirst(Vec::new()),
            Some(_) => Frontier::BestFirst(BinaryHeap::new()),
        };
        let (span, total) = self.finder.draw_sample(&mut stream);
        let features = self.draw_features(&mut stream, &span, &total);
        let found = self.find_split(0, &span, &total, &features, false, &mut stream);
        self.queue_or_leaf(&mut grown.tree, &mut frontier, 0, span, total, found);

        let mut leaves = 1;
        let mut work = 0;
        while let Some(PendingNode { node, span, total, split }) = frontier.pop() {
            if self.params.max_leaf_nodes.is_some_and(|limit| leaves >= limit) {
                self.make_leaf(&mut grown.tree, node, &total);
                continue;
            }
            work += span.rows.len() * (1 + self.features_per_split);
            if work >= STOP_CHECK_INTERVAL {
                work = 0;
                if stopped() {
                    return None;
                }
            }
            leaves += 1;
            grown.gains[split.feature as usize] += split.gain;
            let left = grown.tree.nodes.len();
            grown.tree.nodes[node] = Node {
                feature: split.feature,
                threshold: self.finder.threshold(&split),
                next: left as u32,
            };
            grown.tree.nodes.extend([Node::leaf(0); 2]);
            let below = NodeSpan { depth: span.depth + 1, ..span.clone() };
            let drawn =
                [0, 1].map(|side| self.draw_features(&mut stream, &below, &split.sides[side]));
            if drawn.iter().all(Vec::is_empty) {
                self.make_leaf(&mut grown.tree, left, &split.sides[0]);
                self.make_leaf(&mut grown.tree, left + 1, &split.sides[1]);
                continue;
            }
            let spans = self.finder.partition(&span, &split, [&drawn[0], &drawn[1]]);
            let parts = spans.into_iter().zip(split.sides).zip(drawn).enumerate();
            for (side, ((span, total), features)) in parts {
                let found = self.find_split(side, &span, &total, &features, true, &mut stream);
                self.queue_or_leaf(&mut grown.tree, &mut frontier, left + side, span, total, found);
            }
        }
        Some(grown)
    }

    /// Draws the features that a node's split considers; none if the node becomes a leaf in any
    /// case.
    fn draw_features(
        &mut self,
        stream: &mut RandomStream,
        span: &NodeSpan,
        total: &E::Total,
    ) -> Vec<u32> {
        let deep = self.params.max_depth.is_some_and(|limit| span.depth >= limit);
        if deep || !self.finder.can_split(total) {
            return Vec::new();
        }
        for drawn in 0..self.features_per_split {
            self.draw_feature(drawn, stream);
        }
        self.features[..self.features_per_split].to_vec()
    }

    /// Draws one of the features that were not drawn yet, given that the first `drawn` were, and
    /// moves it to position `drawn`.
    fn draw_feature(&mut self, drawn: usize, stream: &mut RandomStream) -> u32 {
        let other = drawn + stream.below((self.features.len() - drawn) as u32) as usize;
        self.swap(drawn, other);
        self.features[drawn]
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.features.swap(one, other);
        for place in [one, other] {
            self.positions[self.features[place] as usize] = place as u32;
        }
    }

    /// Returns the best split of a node by the drawn features, or by further ones if all drawn
    /// features are constant in the node.
    fn find_split(
        &mut self,
        side: usize,
        span: &NodeSpan,
        total: &E::Total,
        features: &[u32],
        counted: bool,
        stream: &mut RandomStream,
    ) -> SplitOutcome<E::Total> {
        if features.is_empty() {
            return SplitOutcome::Constant;
        }
        match self.finder.best_split(side, span, total, features, counted) {
            SplitOutcome::Constant => self.find_split_by_more(side, span, total, features, stream),
            found => found,
        }
    }

    /// Draws further features one by one until one of them is not constant in the node.
    fn find_split_by_more(
        &mut self,
        side: usize,
        span: &NodeSpan,
        total: &E::Total,
        features: &[u32],
        stream: &mut RandomStream,
    ) -> SplitOutcome<E::Total> {
        // Drawing for the other side may have moved the features in the meantime.
        for (place, &feature) in features.iter().enumerate() {
            self.swap(place, self.positions[feature as usize] as usize);
        }
        for drawn in features.len()..self.features.len() {
            let feature = self.draw_feature(drawn, stream);
            match self.finder.best_split(side, span, total, &[feature], false) {
                SplitOutcome::Constant => {}
                found => return found,
            }
        }
        SplitOutcome::Constant
    }

    /// Adds a node with a split to the frontier; makes one without a leaf.
    fn queue_or_leaf(
        &self,
        tree: &mut Tree,
        frontier: &mut Frontier<E::Total>,
        node: usize,
        span: NodeSpan,
        total: E::Total,
        found: SplitOutcome<E::Total>,
    ) {
        match found {
            SplitOutcome::Best(split) => frontier.push(PendingNode { node, span, total, split }),
            SplitOutcome::Constant | SplitOutcome::TooSmall => self.make_leaf(tree, node, &total),
        }
    }

    fn make_leaf(&self, tree: &mut Tree, node: usize, total: &E::Total) {
        let leaf = self.finder.push_leaf(total, tree);
        tree.nodes[node] = Node::leaf(leaf as u32);
    }
}
