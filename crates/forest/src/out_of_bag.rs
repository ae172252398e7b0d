//! What the rows that a tree was not grown from say about it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::fit::WHOLE;
use crate::model::most_likely;
use crate::params::RandomForestValidParams;
use crate::stream::Stream;
use crate::table::Table;
use crate::tree::Tree;

/// Votes and losses of all trees so far, as fixed-point numbers: their sums do not depend on which
/// tree is done first.
pub(crate) struct OutOfBag<'a> {
    table: &'a Table<'a>,
    seed: u64,
    /// For each row and class the sum of leaves' shares; empty unless wanted.
    votes: Vec<AtomicU64>,
    /// For each feature the sum of losses; empty unless wanted.
    losses: Vec<AtomicI64>,
    /// How many trees have lost something or nothing.
    trees: AtomicU64,
}

impl<'a> OutOfBag<'a> {
    pub(crate) fn new(table: &'a Table<'a>, params: &RandomForestValidParams) -> Self {
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

    /// Takes in a tree, given how often each row was drawn for it. False where it is `stopped`
    /// before the end.
    pub(crate) fn judge(
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
        self.vote(tree, &rows);
        self.losses.is_empty() || rows.is_empty() || self.shuffle(tree, index, &rows, stopped)
    }

    fn vote(&self, tree: &Tree, rows: &[usize]) {
        let classes = self.table.class_weights.len();
        for &row in rows {
            let Some(votes) = self.votes.get(row * classes..(row + 1) * classes) else { return };
            for (vote, &share) in
                votes.iter().zip(tree.shares(tree.leaf(self.table.row(row)), classes))
            {
                vote.fetch_add((f64::from(share) * WHOLE) as u64, Ordering::Relaxed);
            }
        }
    }

    /// Shuffles one feature after the other that the tree looks at; the others lose nothing.
    fn shuffle(
        &self,
        tree: &Tree,
        index: usize,
        rows: &[usize],
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        let classes = self.table.class_weights.len();
        let right = |values: &[f32], row: usize| {
            let shares = tree.shares(tree.leaf(values), classes);
            most_likely(shares) == self.table.labels[row] as usize
        };
        let before = rows.iter().filter(|&&row| right(self.table.row(row), row)).count();
        let mut features: Vec<u32> =
            tree.nodes.iter().filter(|node| !node.is_leaf()).map(|node| node.feature).collect();
        features.sort_unstable();
        features.dedup();
        // A stream of its own, so that asking for this changes no tree.
        let mut stream = Stream::new(!self.seed, index);
        let mut others = rows.to_vec();
        let mut values = Vec::new();
        for feature in features {
            if stopped() {
                return false;
            }
            for last in (1..others.len()).rev() {
                others.swap(last, stream.below(last as u32 + 1) as usize);
            }
            let after = rows.iter().zip(&others).filter(|&(&row, &other)| {
                values.clear();
                values.extend_from_slice(self.table.row(row));
                values[feature as usize] = self.table.row(other)[feature as usize];
                right(&values, row)
            });
            let lost = (before as f64 - after.count() as f64) / rows.len() as f64;
            self.losses[feature as usize].fetch_add((lost * WHOLE) as i64, Ordering::Relaxed);
        }
        self.trees.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The score and the importances, where they were wanted.
    pub(crate) fn scores(self) -> (Option<f64>, Option<Vec<f64>>) {
        let classes = self.table.class_weights.len();
        let votes: Vec<u64> = self.votes.into_iter().map(AtomicU64::into_inner).collect();
        let judged = votes.chunks(classes).zip(&self.table.labels);
        let judged: Vec<bool> = judged
            .filter(|(votes, _)| votes.iter().any(|&vote| vote > 0))
            .map(|(votes, &label)| most_likely(votes) == label as usize)
            .collect();
        let right = judged.iter().filter(|&&right| right).count();
        let score = (!judged.is_empty()).then(|| right as f64 / judged.len() as f64);
        let trees = self.trees.into_inner().max(1) as f64;
        let losses = self.losses.into_iter().map(AtomicI64::into_inner);
        let losses: Vec<f64> = losses.map(|loss| loss as f64 / WHOLE / trees).collect();
        (score, (!losses.is_empty()).then_some(losses))
    }
}
