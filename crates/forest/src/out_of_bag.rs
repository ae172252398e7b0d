//! Scores of trees on their out-of-bag rows, the rows that they were not grown from.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ndarray::Array2;

use crate::binned::BinnedTable;
use crate::model::{FIXED_POINT_ONE, most_likely};
use crate::params::RandomForestValidParams;
use crate::stream::RandomStream;
use crate::tree::Tree;
use crate::walk::{ROW_LANES, RowGroup, TreeWalker, ordered_key};

/// The votes and accuracy losses of all trees so far, in fixed point: their sums do not depend on
/// the order in which trees are completed.
pub(crate) struct OutOfBagScores<'a> {
    table: &'a BinnedTable<'a>,
    seed: u64,
    /// The sum of the leaves' shares for each row and class; empty unless requested.
    votes: Vec<AtomicU64>,
    /// The sum of the accuracy losses for each feature; empty unless requested.
    losses: Vec<AtomicI64>,
    /// The number of trees that the losses are summed over.
    trees: AtomicU64,
}

impl<'a> OutOfBagScores<'a> {
    pub(crate) fn new(table: &'a BinnedTable<'a>, params: &RandomForestValidParams) -> Self {
        let votes = table.labels.len() * table.class_weights.len();
        let votes = if params.oob_score { votes } else { 0 };
        let losses = if params.permutation_importances { table.features() } else { 0 };
        Self {
            table,
            seed: params.random_state,
            votes: std::iter::repeat_with(AtomicU64::default).take(votes).collect(),
            losses: std::iter::repeat_with(AtomicI64::default).take(losses).collect(),
            trees: AtomicU64::new(0),
        }
    }

    /// Adds the scores of a tree, given the draw count of each row. Returns false if `stopped`
    /// returns true before the end.
    pub(crate) fn add_tree(
        &self,
        tree: &Tree,
        index: usize,
        drawn: &[u8],
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        if self.votes.is_empty() && self.losses.is_empty() {
            return true;
        }
        let rows = drawn.iter().enumerate().filter(|(_, drawn)| **drawn == 0);
        let rows: Vec<usize> = rows.map(|(row, _)| row).collect();
        let judge = TreeJudge {
            table: self.table,
            tree,
            walker: TreeWalker::new(tree, self.table.features()),
        };
        if !self.votes.is_empty() {
            self.add_votes(&judge, &rows);
        }
        self.losses.is_empty() || rows.is_empty() || self.add_losses(&judge, index, &rows, stopped)
    }

    /// Adds the class shares that the tree gives to each of its out-of-bag rows.
    fn add_votes(&self, judge: &TreeJudge<'_>, rows: &[usize]) {
        let classes = self.table.class_weights.len();
        for rows in rows.chunks(ROW_LANES) {
            judge.for_each_row(rows, &judge.group(rows), |row, shares| {
                for (vote, &share) in self.votes[row * classes..].iter().zip(shares) {
                    vote.fetch_add((f64::from(share) * FIXED_POINT_ONE) as u64, Ordering::Relaxed);
                }
            });
        }
    }

    /// Adds the accuracy lost when a feature is shuffled, for each feature that the tree uses; the
    /// others lose nothing. Returns false if `stopped` returns true before the end.
    fn add_losses(
        &self,
        judge: &TreeJudge<'_>,
        index: usize,
        rows: &[usize],
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        let nodes = judge.tree.nodes.iter();
        let mut features: Vec<usize> =
            nodes.filter(|node| !node.is_leaf()).map(|node| node.feature as usize).collect();
        features.sort_unstable();
        features.dedup();
        let before: usize = rows.chunks(ROW_LANES).map(|r| judge.correct(r, &judge.group(r))).sum();
        // The shuffles have a random stream of their own, so that requesting importances changes no
        // tree.
        let mut stream = RandomStream::new(!self.seed, index);
        let mut others: Vec<usize> = (0..rows.len()).collect();
        for features in features.chunks(FEATURES_PER_PASS) {
            let mut shuffled = Vec::new();
            for &feature in features {
                if stopped() {
                    return false;
                }
                for last in (1..others.len()).rev() {
                    others.swap(last, stream.below(last as u32 + 1) as usize);
                }
                let keys: Vec<u32> =
                    rows.iter().map(|&row| ordered_key(self.table.row(row)[feature])).collect();
                shuffled.push(ShuffledFeature {
                    feature,
                    keys: others.iter().map(|&other| keys[other]).collect(),
                    correct: 0,
                });
            }
            judge.count_correct(rows, &mut shuffled);
            for ShuffledFeature { feature, correct, .. } in shuffled {
                let lost = (before as f64 - correct as f64) / rows.len() as f64;
                self.losses[feature].fetch_add((lost * FIXED_POINT_ONE) as i64, Ordering::Relaxed);
            }
        }
        self.trees.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Returns the scores, each if it was requested.
    pub(crate) fn scores(self) -> OutOfBag {
        let classes = self.table.class_weights.len();
        let votes: Vec<u64> = self.votes.into_iter().map(AtomicU64::into_inner).collect();
        let shares = votes.chunks(classes).flat_map(|votes| {
            // The votes of a row that is in every tree's sample are all 0, and 0 / 0 is NaN.
            let all: u64 = votes.iter().sum();
            votes.iter().map(move |&vote| vote as f64 / all as f64)
        });
        let shape = (votes.len() / classes.max(1), classes);
        let decision_function = Array2::from_shape_vec(shape, shares.collect()).ok();
        let judged = votes.chunks(classes).zip(&self.table.labels);
        let judged: Vec<bool> = judged
            .filter(|(votes, _)| votes.iter().any(|&vote| vote > 0))
            .map(|(votes, &label)| most_likely(votes) == label as usize)
            .collect();
        let correct = judged.iter().filter(|&&correct| correct).count();
        let score = (!judged.is_empty()).then(|| correct as f64 / judged.len() as f64);
        let trees = self.trees.into_inner().max(1) as f64;
        let losses = self.losses.into_iter().map(AtomicI64::into_inner);
        let losses: Vec<f64> = losses.map(|loss| loss as f64 / FIXED_POINT_ONE / trees).collect();
        OutOfBag {
            score,
            decision_function: decision_function.filter(|shares| !shares.is_empty()),
            permutation_importances: (!losses.is_empty()).then_some(losses),
        }
    }
}

/// What the trees' out-of-bag rows tell, each if it was requested.
pub(crate) struct OutOfBag {
    /// The share of rows whose class is predicted correctly.
    pub(crate) score: Option<f64>,
    /// The class shares of each row.
    pub(crate) decision_function: Option<Array2<f64>>,
    /// The mean loss of accuracy when a feature is shuffled.
    pub(crate) permutation_importances: Option<Vec<f64>>,
}

/// The number of features that are shuffled before the rows are scored: the rows' values are then
/// looked up once for all of these features.
const FEATURES_PER_PASS: usize = 16;

/// A shuffled feature: the rows' values after shuffling, and the number of rows that the tree then
/// predicts correctly.
struct ShuffledFeature {
    feature: usize,
    keys: Vec<u32>,
    correct: usize,
}

/// A tree and the table that it is scored on.
struct TreeJudge<'a> {
    table: &'a BinnedTable<'a>,
    tree: &'a Tree,
    walker: TreeWalker,
}

impl TreeJudge<'_> {
    /// Returns the values of up to [`ROW_LANES`] rows.
    fn group(&self, rows: &[usize]) -> RowGroup {
        RowGroup::new(self.table.features(), rows.iter().map(|&row| self.table.row(row).into()))
    }

    /// Calls `out` with each row of a group and the class shares of its leaf.
    fn for_each_row(&self, rows: &[usize], group: &RowGroup, mut out: impl FnMut(usize, &[f32])) {
        let mut leaves = [[0; ROW_LANES]];
        self.walker.leaves(std::slice::from_ref(group), &mut leaves);
        for (&row, leaf) in rows.iter().zip(leaves[0]) {
            out(row, self.tree.shares(leaf as usize, self.table.class_weights.len()));
        }
    }

    /// Returns the number of rows of a group that the tree predicts correctly.
    fn correct(&self, rows: &[usize], group: &RowGroup) -> usize {
        let mut correct = 0;
        self.for_each_row(rows, group, |row, shares| {
            correct += usize::from(most_likely(shares) == self.table.labels[row] as usize);
        });
        correct
    }

    /// Counts the rows predicted correctly with each of some features shuffled.
    fn count_correct(&self, rows: &[usize], shuffled: &mut [ShuffledFeature]) {
        for (chunk, rows) in rows.chunks(ROW_LANES).enumerate() {
            let mut group = self.group(rows);
            for ShuffledFeature { feature, keys, correct } in &mut *shuffled {
                let before = *group.values(*feature);
                group.values(*feature)[..rows.len()]
                    .copy_from_slice(&keys[chunk * ROW_LANES..][..rows.len()]);
                *correct += self.correct(rows, &group);
                *group.values(*feature) = before;
            }
        }
    }
}
