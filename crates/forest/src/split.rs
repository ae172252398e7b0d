//! Splits, and the interface of the search for a node's best split.

use std::ops::Range;

use crate::stream::RandomStream;
use crate::tree::Tree;

/// Finds the splits of one tree. An implementation owns the tree's rows, where each node owns a
/// range, and counts and moves them; it knows nothing of trees.
pub(crate) trait SplitFinder {
    /// The class totals of a node.
    type Total: Clone;

    /// Draws the rows of a tree and returns the root's rows and totals.
    fn draw_sample(&mut self, stream: &mut RandomStream) -> (NodeSpan, Self::Total);

    /// Returns the draw count of each row of the table.
    fn draw_counts(&self) -> &[u8];

    /// Returns whether a node has enough classes and rows for a split, whatever its depth.
    fn can_split(&self, total: &Self::Total) -> bool;

    /// Returns the best split of a node by one of `features`. `side` (0 or 1) selects the buffer of
    /// counts, and `counted` says that [`Self::partition`] has already counted the first
    /// [`FEATURE_GROUP`] features into it.
    fn best_split(
        &mut self,
        side: usize,
        span: &NodeSpan,
        total: &Self::Total,
        features: &[u32],
        counted: bool,
    ) -> SplitOutcome<Self::Total>;

    /// Partitions a node's rows into the two sides of a split, and counts each side by the first
    /// [`FEATURE_GROUP`] of its features. A side without features becomes a leaf, and its rows may
    /// be lost.
    fn partition(
        &mut self,
        span: &NodeSpan,
        split: &Split<Self::Total>,
        features: [&[u32]; 2],
    ) -> [NodeSpan; 2];

    /// Returns the threshold of a split.
    fn threshold(&self, split: &Split<Self::Total>) -> f32;

    /// Adds a leaf of a node's rows to a tree and returns its number.
    fn push_leaf(&self, total: &Self::Total, tree: &mut Tree) -> usize;
}

/// The number of features that are counted in one pass over a node's rows.
pub(crate) const FEATURE_GROUP: usize = 4;

/// The range of a node's rows in the row buffer, and the node's depth.
#[derive(Clone, Debug)]
pub(crate) struct NodeSpan {
    pub(crate) rows: Range<usize>,
    pub(crate) depth: usize,
}

/// A split: rows whose bin of `feature` is at most `low` go left. `high` is the next bin that
/// occurs in the node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split<T> {
    pub(crate) feature: u32,
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// The decrease of the weighted impurity.
    pub(crate) gain: f64,
    /// The totals of the left and the right side.
    pub(crate) sides: [T; 2],
}

/// The outcome of a search for a node's split.
#[derive(Debug)]
pub(crate) enum SplitOutcome<T> {
    /// Each feature has a single value in the node.
    Constant,
    /// Some feature has several values, but no split leaves enough rows on both sides.
    TooSmall,
    /// The best split.
    Best(Split<T>),
}

impl<T> SplitOutcome<T> {
    /// Returns the better of two outcomes, the first if both are equally good.
    pub(crate) fn or(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::Best(one), Self::Best(two)) if two.gain > one.gain => other,
            (Self::Best(_), _) => self,
            (_, Self::Best(_)) | (Self::Constant, _) => other,
            (Self::TooSmall, _) => self,
        }
    }
}
