//! What the rows that a tree was not grown from say about it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::fit::WHOLE;
use crate::model::most_likely;
use crate::params::RandomForestValidParams;
use crate::stream::Stream;
use crate::table::Table;
use crate::tree::Tree;
use crate::walk::{Group, LANES, Walk, key};

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
        let judge = Judge { table: self.table, tree, walk: Walk::new(tree, self.table.features()) };
        if !self.votes.is_empty() {
            self.vote(&judge, &rows);
        }
        self.losses.is_empty() || rows.is_empty() || self.shuffle(&judge, index, &rows, stopped)
    }

    fn vote(&self, judge: &Judge<'_>, rows: &[usize]) {
        let classes = self.table.class_weights.len();
        for rows in rows.chunks(LANES) {
            judge.each(rows, &judge.group(rows), |row, shares| {
                for (vote, &share) in self.votes[row * classes..].iter().zip(shares) {
                    vote.fetch_add((f64::from(share) * WHOLE) as u64, Ordering::Relaxed);
                }
            });
        }
    }

    /// Shuffles one feature after the other that the tree looks at; the others lose nothing.
    fn shuffle(
        &self,
        judge: &Judge<'_>,
        index: usize,
        rows: &[usize],
        stopped: &dyn Fn() -> bool,
    ) -> bool {
        let nodes = judge.tree.nodes.iter();
        let mut features: Vec<usize> =
            nodes.filter(|node| !node.is_leaf()).map(|node| node.feature as usize).collect();
        features.sort_unstable();
        features.dedup();
        let before: usize = rows.chunks(LANES).map(|r| judge.right(r, &judge.group(r))).sum();
        // A stream of its own, so that asking for this changes no tree.
        let mut stream = Stream::new(!self.seed, index);
        let mut others: Vec<usize> = (0..rows.len()).collect();
        for features in features.chunks(TOGETHER) {
            let mut shuffled = Vec::new();
            for &feature in features {
                if stopped() {
                    return false;
                }
                for last in (1..others.len()).rev() {
                    others.swap(last, stream.below(last as u32 + 1) as usize);
                }
                let keys: Vec<u32> =
                    rows.iter().map(|&row| key(self.table.row(row)[feature])).collect();
                shuffled.push(Shuffled {
                    feature,
                    keys: others.iter().map(|&other| keys[other]).collect(),
                    right: 0,
                });
            }
            judge.count(rows, &mut shuffled);
            for Shuffled { feature, right, .. } in shuffled {
                let lost = (before as f64 - right as f64) / rows.len() as f64;
                self.losses[feature].fetch_add((lost * WHOLE) as i64, Ordering::Relaxed);
            }
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

/// How many features are shuffled before their rows are looked up once for all.
const TOGETHER: usize = 16;

/// A feature, the values that rows have of it after shuffling, and how many of the rows the tree
/// then gets right.
struct Shuffled {
    feature: usize,
    keys: Vec<u32>,
    right: usize,
}

/// A tree and the table that its rows are of.
struct Judge<'a> {
    table: &'a Table<'a>,
    tree: &'a Tree,
    walk: Walk,
}

impl Judge<'_> {
    /// The values of up to [`LANES`] rows.
    fn group(&self, rows: &[usize]) -> Group {
        Group::new(self.table.features(), rows.iter().map(|&row| self.table.row(row).into()))
    }

    /// Gives each of the rows of a group and its leaf's class shares.
    fn each(&self, rows: &[usize], group: &Group, mut out: impl FnMut(usize, &[f32])) {
        let mut leaves = [[0; LANES]];
        self.walk.leaves(std::slice::from_ref(group), &mut leaves);
        for (&row, leaf) in rows.iter().zip(leaves[0]) {
            out(row, self.tree.shares(leaf as usize, self.table.class_weights.len()));
        }
    }

    /// How many of the rows of a group have the class that the tree finds.
    fn right(&self, rows: &[usize], group: &Group) -> usize {
        let mut right = 0;
        self.each(rows, group, |row, shares| {
            right += usize::from(most_likely(shares) == self.table.labels[row] as usize);
        });
        right
    }

    /// Counts how many rows are right with each of some features shuffled.
    fn count(&self, rows: &[usize], shuffled: &mut [Shuffled]) {
        for (chunk, rows) in rows.chunks(LANES).enumerate() {
            let mut group = self.group(rows);
            for Shuffled { feature, keys, right } in &mut *shuffled {
                let before = *group.values(*feature);
                group.values(*feature)[..rows.len()]
                    .copy_from_slice(&keys[chunk * LANES..][..rows.len()]);
                *right += self.right(rows, &group);
                *group.values(*feature) = before;
            }
        }
    }
}
