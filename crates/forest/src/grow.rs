//! Growing one tree: which node is split next, by which features, and what becomes a leaf.

use std::collections::BinaryHeap;
use std::ops::Range;

use crate::params::RandomForestValidParams;
use crate::stream::Stream;
use crate::tree::{Node, Tree};

/// The rows of one tree, wherever they are kept; each node owns a range of them. An engine counts
/// them and moves them, and knows nothing of trees.
pub(crate) trait Engine {
    /// The weights of a node's classes.
    type Total: Clone;

    /// Draws a tree's rows and gives the root's.
    fn sample(&mut self, stream: &mut Stream) -> (Span, Self::Total);

    /// How often each row of the table was drawn.
    fn drawn(&self) -> &[u8];

    /// Whether a node's classes and rows allow a split; depth does not matter here.
    fn divisible(&self, total: &Self::Total) -> bool;

    /// The best split of a node by one of `features`. `side` names the node's buffer of counts, and
    /// `counted` says that [`Self::part`] has already counted the first [`GROUP`] of the features.
    fn look(
        &mut self,
        side: usize,
        span: &Span,
        total: &Self::Total,
        features: &[u32],
        counted: bool,
    ) -> Found<Self::Total>;

    /// Moves a node's rows to its sides, and counts each side by the first [`GROUP`] of its
    /// features; a side without features becomes a leaf, and its rows may be lost.
    fn part(&mut self, span: &Span, split: &Split<Self::Total>, features: [&[u32]; 2])
    -> [Span; 2];

    /// The threshold of a split.
    fn threshold(&self, split: &Split<Self::Total>) -> f32;

    /// Appends each class's share of a node's weight, and gives the number of that leaf.
    fn share(&self, total: &Self::Total, shares: &mut Vec<f32>) -> usize;
}

/// How many features are counted in one pass over a node's rows.
pub(crate) const GROUP: usize = 4;

/// The rows of a node.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) rows: Range<usize>,
    pub(crate) depth: usize,
}

/// Rows up to bin `low` of a feature go left; the next bin that occurs in the node is `high`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split<T> {
    pub(crate) feature: u32,
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// How much less impure both sides are together, times their weight.
    pub(crate) gain: f64,
    /// What goes left, and what goes right.
    pub(crate) sides: [T; 2],
}

/// What looking at features of a node found.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// All rows have one value of each.
    Constant,
    /// There are several, but no split leaves enough rows on both sides.
    TooSmall,
    /// The best split.
    Best(Split<T>),
}

impl<T> Found<T> {
    /// The better of two; of equals the first.
    pub(crate) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Best(one), Self::Best(two)) if two.gain > one.gain => other,
            (Self::Best(_), _) => self,
            (_, Self::Best(_)) | (Self::Constant, _) => other,
            (Self::TooSmall, _) => self,
        }
    }
}

/// A tree, and how much each feature lowered the weighted impurity in it.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) gains: Vec<f64>,
}

/// A node that will be split.
struct Open<T> {
    node: usize,
    span: Span,
    total: T,
    split: Split<T>,
}

impl<T> Ord for Open<T> {
    /// The greatest gain first; of equals the node that was made first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.split.gain.total_cmp(&other.split.gain).then(other.node.cmp(&self.node))
    }
}

impl<T> PartialOrd for Open<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Eq for Open<T> {}

impl<T> PartialEq for Open<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

/// The nodes that will be split: the last one first, or the one that gains most.
enum Frontier<T> {
    Last(Vec<Open<T>>),
    Best(BinaryHeap<Open<T>>),
}

impl<T> Frontier<T> {
    fn push(&mut self, open: Open<T>) {
        match self {
            Self::Last(stack) => stack.push(open),
            Self::Best(heap) => heap.push(open),
        }
    }

    fn pop(&mut self) -> Option<Open<T>> {
        match self {
            Self::Last(stack) => stack.pop(),
            Self::Best(heap) => heap.pop(),
        }
    }
}

/// One thread's work place, used for tree after tree.
pub(crate) struct Grower<'a, E> {
    pub(crate) engine: E,
    params: &'a RandomForestValidParams,
    /// How many features each split looks at.
    wanted: usize,
    /// The features, to be drawn from.
    features: Vec<u32>,
    /// Where each feature is among them.
    places: Vec<u32>,
}

/// How often a row may be looked at, once for each feature, before a tree asks whether it is still
/// wanted: well below a second.
const PATIENCE: usize = 1 << 22;

impl<'a, E: Engine> Grower<'a, E> {
    pub(crate) fn new(engine: E, params: &'a RandomForestValidParams, features: usize) -> Self {
        let wanted = params.max_features.of(features);
        let features: Vec<u32> = (0..features as u32).collect();
        Self { engine, params, wanted, places: features.clone(), features }
    }

    /// Grows tree `index`, unless it is `stopped`.
    pub(crate) fn grow(&mut self, index: usize, stopped: &dyn Fn() -> bool) -> Option<Grown> {
        let mut stream = Stream::new(self.params.random_state, index);
        let mut grown = Grown {
            tree: Tree { nodes: vec![Node::leaf(0)], shares: Vec::new() },
            gains: vec![0.0; self.features.len()],
        };
        for place in 0..self.features.len() {
            (self.features[place], self.places[place]) = (place as u32, place as u32);
        }
        let mut frontier = match self.params.max_leaf_nodes {
            None => Frontier::Last(Vec::new()),
            Some(_) => Frontier::Best(BinaryHeap::new()),
        };
        let (span, total) = self.engine.sample(&mut stream);
        let features = self.draw(&mut stream, &span, &total);
        let found = self.look(0, &span, &total, &features, false, &mut stream);
        self.settle(&mut grown.tree, &mut frontier, 0, span, total, found);

        let mut leaves = 1;
        let mut work = 0;
        while let Some(Open { node, span, total, split }) = frontier.pop() {
            if self.params.max_leaf_nodes.is_some_and(|limit| leaves >= limit) {
                self.leaf(&mut grown.tree, node, &total);
                continue;
            }
            work += span.rows.len() * (1 + self.wanted);
            if work >= PATIENCE {
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
                threshold: self.engine.threshold(&split),
                next: left as u32,
            };
            grown.tree.nodes.extend([Node::leaf(0); 2]);
            let below = Span { depth: span.depth + 1, ..span.clone() };
            let drawn = [0, 1].map(|side| self.draw(&mut stream, &below, &split.sides[side]));
            if drawn.iter().all(Vec::is_empty) {
                self.leaf(&mut grown.tree, left, &split.sides[0]);
                self.leaf(&mut grown.tree, left + 1, &split.sides[1]);
                continue;
            }
            let spans = self.engine.part(&span, &split, [&drawn[0], &drawn[1]]);
            let parts = spans.into_iter().zip(split.sides).zip(drawn).enumerate();
            for (side, ((span, total), features)) in parts {
                let found = self.look(side, &span, &total, &features, true, &mut stream);
                self.settle(&mut grown.tree, &mut frontier, left + side, span, total, found);
            }
        }
        Some(grown)
    }

    /// The features that a node is looked at by; none where it becomes a leaf in any case.
    fn draw(&mut self, stream: &mut Stream, span: &Span, total: &E::Total) -> Vec<u32> {
        let deep = self.params.max_depth.is_some_and(|limit| span.depth >= limit);
        if deep || !self.engine.divisible(total) {
            return Vec::new();
        }
        for drawn in 0..self.wanted {
            self.draw_one(drawn, stream);
        }
        self.features[..self.wanted].to_vec()
    }

    /// Puts one of the features that were not drawn behind the `drawn` first ones.
    fn draw_one(&mut self, drawn: usize, stream: &mut Stream) -> u32 {
        let other = drawn + stream.below((self.features.len() - drawn) as u32) as usize;
        self.swap(drawn, other);
        self.features[drawn]
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.features.swap(one, other);
        for place in [one, other] {
            self.places[self.features[place] as usize] = place as u32;
        }
    }

    /// Looks for a node's split by the features that were drawn, and by more where all of these are
    /// constant.
    fn look(
        &mut self,
        side: usize,
        span: &Span,
        total: &E::Total,
        features: &[u32],
        counted: bool,
        stream: &mut Stream,
    ) -> Found<E::Total> {
        if features.is_empty() {
            return Found::Constant;
        }
        match self.engine.look(side, span, total, features, counted) {
            Found::Constant => self.look_on(side, span, total, features, stream),
            found => found,
        }
    }

    /// Draws further features, one by one, while all drawn so far are constant in the node.
    fn look_on(
        &mut self,
        side: usize,
        span: &Span,
        total: &E::Total,
        features: &[u32],
        stream: &mut Stream,
    ) -> Found<E::Total> {
        // The other side may have drawn since.
        for (place, &feature) in features.iter().enumerate() {
            self.swap(place, self.places[feature as usize] as usize);
        }
        for drawn in features.len()..self.features.len() {
            let feature = self.draw_one(drawn, stream);
            match self.engine.look(side, span, total, &[feature], false) {
                Found::Constant => {}
                found => return found,
            }
        }
        Found::Constant
    }

    /// A node with a split waits for it; one without becomes a leaf.
    fn settle(
        &self,
        tree: &mut Tree,
        frontier: &mut Frontier<E::Total>,
        node: usize,
        span: Span,
        total: E::Total,
        found: Found<E::Total>,
    ) {
        match found {
            Found::Best(split) => frontier.push(Open { node, span, total, split }),
            Found::Constant | Found::TooSmall => self.leaf(tree, node, &total),
        }
    }

    fn leaf(&self, tree: &mut Tree, node: usize, total: &E::Total) {
        let leaf = self.engine.share(total, &mut tree.shares);
        tree.nodes[node] = Node::leaf(leaf as u32);
    }
}
