//! Exact Shapley values of a forest's probability, beside rows of a background.
//!
//! A coalition of features is worth the mean, over the rows of the background, of the probability of a
//! row that has the known features of the explained row and the others of the background's
//! (interventional TreeSHAP, Lundberg et al. 2020). For one row of the background, a leaf of value `v`
//! is reached by the coalitions that contain `S`, the features of its path whose splits only the
//! explained row passes, and none of `N`, those whose splits only the background's row passes; by none
//! if neither row passes the splits by some feature. In such a game
//!
//! ```text
//! value of each of S =   v (|S| - 1)! |N|! / (|S| + |N|)!
//! value of each of N = - v |S|! (|N| - 1)! / (|S| + |N|)!
//! ```
//!
//! One walk over a tree serves all rows of the background: a bit of a mask stands for a row. At a leaf
//! `N` is the same for all rows that are left, since each of them must pass what the explained row does
//! not. A constant that all leaves have in common explains nothing, so that values are taken relative to
//! the commonest one, and its leaves take no time: in a forest of pure leaves that is about a half.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{ArrayView1, ArrayView2};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::explain::{ExplainError, MAX_DEPTH, SINGLE_THREAD_ROWS};
use crate::model::{PredictError, RandomForest};
use crate::stream::RandomStream;
use crate::tree::{Node, Tree};

/// The maximum number of rows of a background.
pub const MAX_BACKGROUND_ROWS: usize = 100;
/// The number of the random stream that chooses a background, which no tree has.
const BACKGROUND_STREAM: usize = u32::MAX as usize;
/// The number of binary digits of a number of features on a path.
const COUNT_BITS: usize = MAX_DEPTH.ilog2() as usize + 1;
/// The place of a feature by which the path is not split.
const NOWHERE: u32 = u32::MAX;

/// A set of rows of the background.
type Rows = u128;

/// Chooses the rows of a background among this number of training rows: [`MAX_BACKGROUND_ROWS`]
/// different ones in their order, each set with the same probability, or all if there are fewer. The
/// choice depends on nothing but the arguments.
pub fn background_rows(rows: usize, seed: u64) -> Vec<usize> {
    // Floyd's algorithm (Bentley and Floyd 1987). Training sets have fewer than 2^32 rows.
    let all = u32::try_from(rows).unwrap_or(u32::MAX);
    let mut stream = RandomStream::new(seed, BACKGROUND_STREAM);
    let mut chosen = BTreeSet::new();
    for last in all.saturating_sub(MAX_BACKGROUND_ROWS as u32)..all {
        let row = stream.below(last + 1);
        if !chosen.insert(row) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().map(|row| row as usize).collect()
}

/// A node in the order of the tree.
#[derive(Clone, Copy, Debug)]
struct SplitNode {
    /// The feature of a split, or [`Node::LEAF`].
    feature: u32,
    threshold: f32,
    /// The left child, which the right child follows.
    next: u32,
    /// The probability of class 1 of a leaf.
    value: f32,
    /// The rows of the background that go left.
    left: Rows,
}

/// A tree, and the value of a leaf that explains nothing.
#[derive(Clone, Debug)]
struct SplitTree {
    nodes: Vec<SplitNode>,
    reference: f32,
}

/// Explains the probability of class 1 that a forest of two or more classes gives to a row, by what it
/// gives to rows that have some features of a background's.
#[derive(Clone, Debug)]
pub struct InterventionalExplainer {
    trees: Vec<SplitTree>,
    features: usize,
    /// The number of rows of the background.
    rows: usize,
    weights: Weights,
    base: f64,
}

impl InterventionalExplainer {
    /// Prepares a forest for explanations beside the rows of `background`, `rows x features`.
    ///
    /// # Errors
    /// Returns an error if the background has no rows or more than [`MAX_BACKGROUND_ROWS`], if they have
    /// another number of features than the forest, or if a tree is too deep.
    pub fn new(
        forest: &RandomForest,
        background: ArrayView2<'_, f32>,
    ) -> Result<Self, ExplainError> {
        let rows = background.nrows();
        if rows == 0 {
            return Err(ExplainError::NoBackground);
        }
        if rows > MAX_BACKGROUND_ROWS {
            return Err(ExplainError::LargeBackground { found: rows, most: MAX_BACKGROUND_ROWS });
        }
        let probabilities = forest.predict_proba(background)?;
        let depth = forest.depth();
        if depth > MAX_DEPTH {
            return Err(ExplainError::TooDeep);
        }
        let classes = forest.classes();
        let columns: Vec<_> = background.columns().into_iter().map(SortedColumn::new).collect();
        let trees = forest.trees().iter().map(|tree| SplitTree::new(tree, classes, &columns));
        Ok(Self {
            trees: trees.collect(),
            features: forest.features(),
            rows,
            weights: Weights::new(depth.min(forest.features())),
            base: probabilities.column(1).sum() / rows as f64,
        })
    }

    /// Returns the value of no features: the mean probability of the background. A row's values and this
    /// add up to its probability.
    pub fn base(&self) -> f64 {
        self.base
    }

    /// Appends the value of each feature for each row of `records` to `values`.
    ///
    /// # Errors
    /// Returns an error if the rows have another number of features than the forest.
    pub fn explain(
        &self,
        records: ArrayView2<'_, f32>,
        values: &mut Vec<f64>,
    ) -> Result<(), ExplainError> {
        if records.ncols() != self.features {
            let error = PredictError { found: records.ncols(), expected: self.features };
            return Err(error.into());
        }
        let begin = values.len();
        values.resize(begin + records.len(), 0.0);
        let outs = values[begin..].chunks_exact_mut(self.features.max(1));
        let pairs: Vec<_> = records.rows().into_iter().zip(outs).collect();
        let explain = |walk: &mut Walk<'_>, (row, out): (_, &mut [f64])| walk.explain(row, out);
        if pairs.len() <= SINGLE_THREAD_ROWS {
            let mut walk = Walk::new(self);
            pairs.into_iter().for_each(|pair| explain(&mut walk, pair));
        } else {
            pairs.into_par_iter().for_each_init(|| Walk::new(self), explain);
        }
        Ok(())
    }
}

/// A feature's values in the background.
struct SortedColumn {
    /// The values in ascending order, without NaN.
    values: Vec<f32>,
    /// The rows of the first values, for each number of them from 0.
    rows: Vec<Rows>,
}

impl SortedColumn {
    fn new(column: ArrayView1<'_, f32>) -> Self {
        let numbers = column.iter().copied().enumerate().filter(|(_, value)| !value.is_nan());
        let mut numbers: Vec<(usize, f32)> = numbers.collect();
        numbers.sort_unstable_by(|(_, a), (_, b)| a.total_cmp(b));
        let mut rows = vec![0];
        let mut before = 0;
        for (row, _) in &numbers {
            before |= 1 << row;
            rows.push(before);
        }
        Self { values: numbers.into_iter().map(|(_, value)| value).collect(), rows }
    }

    /// Returns the rows whose value is at most a threshold.
    fn left(&self, threshold: f32) -> Rows {
        // NaN goes right, as in a prediction.
        self.rows[self.values.partition_point(|value| *value <= threshold)]
    }
}

impl SplitTree {
    fn new(tree: &Tree, classes: usize, columns: &[SortedColumn]) -> Self {
        let node = |node: &Node| {
            let Node { feature, threshold, next } = *node;
            if node.is_leaf() {
                let value = tree.shares(next as usize, classes)[1];
                return SplitNode { feature, threshold, next, value, left: 0 };
            }
            let left = columns[feature as usize].left(threshold);
            SplitNode { feature, threshold, next, value: 0.0, left }
        };
        let nodes: Vec<SplitNode> = tree.nodes.iter().map(node).collect();
        let mut counts = BTreeMap::<u32, usize>::new();
        for leaf in nodes.iter().filter(|node| node.feature == Node::LEAF) {
            *counts.entry(leaf.value.to_bits()).or_default() += 1;
        }
        let commonest = counts.into_iter().max_by_key(|(_, count)| *count);
        let reference = commonest.map_or(0.0, |(value, _)| f32::from_bits(value));
        Self { nodes, reference }
    }
}

/// The values of the games of leaves.
#[derive(Clone, Debug)]
struct Weights {
    /// `(s - 1)! n! / (s + n)!` for each `s` and, in a row, each `n` from 0; nothing for an `s` of 0.
    values: Vec<f64>,
    stride: usize,
}

impl Weights {
    /// Computes the values for up to this number of features.
    fn new(features: usize) -> Self {
        let stride = features + 1;
        let mut values = vec![0.0; stride * stride];
        for (s, row) in values.chunks_exact_mut(stride).enumerate().skip(1) {
            row[0] = 1.0 / s as f64;
            for n in 1..stride - s {
                row[n] = row[n - 1] * n as f64 / (s + n) as f64;
            }
        }
        Self { values, stride }
    }

    fn get(&self, s: usize, n: usize) -> f64 {
        self.values[s * self.stride + n]
    }
}

/// What the splits by a feature do on a path.
#[derive(Clone, Copy)]
struct PathFeature {
    feature: u32,
    /// Whether the explained row passes all of them.
    passes: bool,
    /// The rows of the background that do not.
    misses: Rows,
}

/// The walk over trees for one row.
struct Walk<'a> {
    explainer: &'a InterventionalExplainer,
    /// The features by which the path is split, in the order of their first splits.
    path: Vec<PathFeature>,
    /// Of a leaf, the features of the path whose splits the explained row passes and some rows of the
    /// background do not, with these rows.
    missed: Vec<(u32, Rows)>,
    /// The place of each feature in the path, or [`NOWHERE`].
    place_of: Vec<u32>,
    /// The number of features of the path whose splits the explained row does not pass: `|N|`.
    fails: usize,
    /// The explained row, whose values are adjacent.
    row: Vec<f32>,
    /// The value of each feature.
    values: Vec<f64>,
}

impl<'a> Walk<'a> {
    fn new(explainer: &'a InterventionalExplainer) -> Self {
        Self {
            explainer,
            path: Vec::new(),
            missed: vec![(0, 0); explainer.weights.stride],
            place_of: vec![NOWHERE; explainer.features],
            fails: 0,
            row: Vec::with_capacity(explainer.features),
            values: vec![0.0; explainer.features],
        }
    }

    /// Adds the values of a row to `out`.
    fn explain(&mut self, row: ArrayView1<'_, f32>, out: &mut [f64]) {
        let InterventionalExplainer { trees, rows, .. } = self.explainer;
        self.row.clear();
        self.row.extend(row);
        self.values.fill(0.0);
        let all = Rows::MAX >> (Rows::BITS as usize - rows);
        for tree in trees {
            // A tree without a split explains nothing.
            if tree.nodes[0].feature != Node::LEAF {
                self.split(tree, tree.nodes[0], all);
            }
        }
        let pairs = (trees.len() * rows) as f64;
        for (out, value) in out.iter_mut().zip(&self.values) {
            *out += value / pairs;
        }
    }

    /// Adds what the leaves below a split contribute. `left` are the rows of the background of which, for
    /// each feature of the path, the row itself or the explained row passes all splits.
    fn split(&mut self, tree: &SplitTree, node: SplitNode, left: Rows) {
        let feature = node.feature as usize;
        let is_new = self.place_of[feature] == NOWHERE;
        if is_new {
            self.place_of[feature] = self.path.len() as u32;
            self.path.push(PathFeature { feature: node.feature, passes: true, misses: 0 });
        }
        let place = self.place_of[feature] as usize;
        let before = self.path[place];
        // NaN goes right, as in a prediction.
        let goes_left = self.row[feature] <= node.threshold;
        let next = node.next as usize;
        let sides = [(next, goes_left, node.left), (next + 1, !goes_left, !node.left)];
        for (child, goes_here, here) in sides {
            let child = tree.nodes[child];
            let is_leaf = child.feature == Node::LEAF;
            let passes = before.passes && goes_here;
            let misses = before.misses | !here;
            let left = if passes { left } else { left & !misses };
            if left == 0 || (is_leaf && child.value == tree.reference) {
                continue;
            }
            self.path[place] = PathFeature { feature: node.feature, passes, misses };
            let fails = usize::from(before.passes && !passes);
            self.fails += fails;
            if is_leaf {
                self.leaf(f64::from(child.value) - f64::from(tree.reference), left);
            } else {
                self.split(tree, child, left);
            }
            self.fails -= fails;
        }
        if is_new {
            self.path.pop();
            self.place_of[feature] = NOWHERE;
        } else {
            self.path[place] = before;
        }
    }

    /// Adds what a leaf contributes.
    fn leaf(&mut self, value: f64, left: Rows) {
        let Self { path, missed, fails, values, .. } = self;
        // No row that is left misses a feature that the explained row does not pass.
        let mut count = 0;
        for feature in path.iter() {
            let misses = feature.misses & left;
            missed[count] = (feature.feature, misses);
            count += usize::from(misses != 0);
        }
        let missed = &missed[..count];
        // The number |S| of each row, of which each mask has one binary digit.
        let mut digits = [0; COUNT_BITS];
        let digits = &mut digits[..(usize::BITS - count.leading_zeros()) as usize];
        for (_, misses) in missed {
            let mut carry = *misses;
            for digit in digits.iter_mut() {
                (*digit, carry) = (*digit ^ carry, *digit & carry);
            }
        }
        let table = &self.explainer.weights;
        let mut against = 0.0;
        let mut rest = left;
        while rest != 0 {
            // The rows that have the number of the first one are counted together.
            let first = rest & rest.wrapping_neg();
            let (mut same, mut count) = (rest, 0);
            for (bit, digit) in digits.iter().enumerate() {
                let is_set = digit & first != 0;
                same &= if is_set { *digit } else { !digit };
                count |= usize::from(is_set) << bit;
            }
            rest &= !same;
            against += table.get(*fails, count) * f64::from(same.count_ones());
            if count > 0 {
                let weight = value * table.get(count, *fails);
                for (feature, misses) in missed {
                    let rows = f64::from((misses & same).count_ones());
                    values[*feature as usize] += weight * rows;
                }
            }
        }
        if *fails > 0 {
            for feature in path.iter().filter(|feature| !feature.passes) {
                values[feature.feature as usize] -= value * against;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, array};

    use super::*;
    use crate::explain::tests::{comb, forest, random, shapley};

    fn rows(count: usize, features: usize, seed: u64) -> Array2<f32> {
        let mut next = random(seed);
        Array2::from_shape_fn((count, features), |_| next() * 1.2 - 0.1)
    }

    fn explained(explainer: &InterventionalExplainer, records: &Array2<f32>) -> Vec<f64> {
        let mut values = Vec::new();
        explainer.explain(records.view(), &mut values).unwrap();
        values
    }

    #[test]
    fn values_are_those_of_the_definition() {
        for (features, depth, background, seed) in [
            (1, None, 100, 1),
            (2, Some(3), 1, 2),
            (3, None, 64, 3),
            (4, Some(1), 65, 4),
            (5, None, 2, 5),
            (6, Some(12), 100, 6),
            (7, None, 30, 7),
        ] {
            let forest = forest(120, features, depth, seed);
            let background = rows(background, features, seed + 100);
            let explainer = InterventionalExplainer::new(&forest, background.view()).unwrap();
            // Three rows and more are explained by several threads.
            let records = rows(5, features, 99);
            let found = explained(&explainer, &records);
            for (row, found) in records.rows().into_iter().zip(found.chunks_exact(features)) {
                let expected = shapley(features, |known| {
                    let mut mixed = background.clone();
                    for feature in (0..features).filter(|feature| known >> feature & 1 == 1) {
                        mixed.column_mut(feature).fill(row[feature]);
                    }
                    let probabilities = forest.predict_proba(mixed.view()).unwrap();
                    probabilities.column(1).mean().unwrap()
                });
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-12, "{features}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn values_add_up_to_the_probability_at_any_depth() {
        for (depth, features) in [
            (1, 1),
            (2, 2),
            (3, 1),
            (10, 3),
            (60, 60),
            (200, 12),
            (200, 200),
            (999, 40),
            (999, 999),
        ] {
            let forest = comb(depth, features);
            let background = rows(100, features, 5);
            let explainer = InterventionalExplainer::new(&forest, background.view()).unwrap();
            for records in
                [rows(4, features, depth as u64), background.slice_move(ndarray::s![..4, ..])]
            {
                let values = explained(&explainer, &records);
                let probabilities = forest.predict_proba(records.view()).unwrap();
                for (values, probability) in
                    values.chunks_exact(features).zip(probabilities.column(1))
                {
                    let sum = explainer.base() + values.iter().sum::<f64>();
                    assert!(
                        (sum - probability).abs() < 1e-12,
                        "{depth} {features}: {sum} {probability}"
                    );
                }
            }
        }
        let deep = InterventionalExplainer::new(&comb(1_001, 3), rows(1, 3, 0).view());
        assert_eq!(deep.err(), Some(ExplainError::TooDeep));
    }

    #[test]
    fn values_do_not_depend_on_threads_or_on_other_rows() {
        let (forest, records) = (forest(300, 6, None, 3), rows(50, 6, 4));
        let explainer = InterventionalExplainer::new(&forest, rows(100, 6, 5).view()).unwrap();
        let bits = |threads: usize, records: &Array2<f32>| -> Vec<u64> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let values = pool.install(|| explained(&explainer, records));
            values.into_iter().map(f64::to_bits).collect()
        };
        let together = bits(1, &records);
        for threads in [2, 5] {
            assert_eq!(bits(threads, &records), together);
        }
        let alone = records.axis_chunks_iter(Axis(0), 1);
        let alone: Vec<u64> = alone.flat_map(|row| bits(1, &row.to_owned())).collect();
        assert_eq!(alone, together);
    }

    #[test]
    fn a_missing_value_goes_right_as_in_a_prediction() {
        let forest = forest(120, 3, None, 8);
        let background = array![[f32::NAN, 0.2, 0.7], [0.5, f32::NAN, f32::NEG_INFINITY]];
        let explainer = InterventionalExplainer::new(&forest, background.view()).unwrap();
        let records = array![[f32::NAN, 0.2, f32::INFINITY]];
        let sum = explainer.base() + explained(&explainer, &records).iter().sum::<f64>();
        assert!((sum - forest.predict_proba(records.view()).unwrap()[[0, 1]]).abs() < 1e-13);
        let narrow = explainer.explain(array![[0.5]].view(), &mut Vec::new()).unwrap_err();
        assert_eq!(narrow.to_string(), "rows have 1 features, expected 3");
    }

    #[test]
    fn a_background_of_another_size_is_refused() {
        let forest = forest(60, 3, Some(2), 8);
        let refused = |rows: Array2<f32>| {
            InterventionalExplainer::new(&forest, rows.view()).unwrap_err().to_string()
        };
        assert_eq!(
            refused(rows(0, 3, 1)),
            "interventional explanations need training rows, of which the model has none: train it again"
        );
        assert_eq!(
            refused(rows(101, 3, 1)),
            "there are 101 rows to compare with, expected at most 100"
        );
        assert_eq!(refused(rows(5, 2, 1)), "rows have 2 features, expected 3");
    }

    #[test]
    fn a_background_is_chosen_by_the_seed_alone() {
        let chosen = background_rows(2_000, 42);
        assert_eq!(chosen, background_rows(2_000, 42));
        assert_eq!(chosen.len(), MAX_BACKGROUND_ROWS);
        assert!(chosen.is_sorted_by(|a, b| a < b) && chosen[99] < 2_000);
        assert_ne!(chosen, background_rows(2_000, 43));
        assert_eq!(chosen[..5], FIXED);
        for few in [0, 1, 99, 100] {
            assert_eq!(background_rows(few, 42), (0..few).collect::<Vec<_>>());
        }
        // Each of 200 rows is in a half of 2,000 backgrounds: 1,000 times, with a standard deviation of 22.
        let mut counts = [0_u32; 200];
        for seed in 0..2_000 {
            background_rows(200, seed).into_iter().for_each(|row| counts[row] += 1);
        }
        assert!(counts.iter().all(|count| count.abs_diff(1_000) < 5 * 22), "{counts:?}");
    }

    const FIXED: [usize; 5] = [11, 21, 69, 74, 76];
}
