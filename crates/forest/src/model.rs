//! A fitted forest and its predictions.

use linfa::prelude::PredictInplace;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, ArrayViewMut2, Axis, Data, Ix2};
use rayon::prelude::*;

use crate::params::RandomForestParams;
use crate::tree::Tree;
use crate::walk::{ROW_LANES, RowGroup, TreeWalker, leaves_of_row};

/// A fitted random forest.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForest {
    trees: Vec<Tree>,
    /// The same trees in the layout for prediction.
    walkers: Vec<TreeWalker>,
    /// For each feature the sum over trees of its share of the impurity decrease, in fixed point.
    gains: Vec<u64>,
    classes: usize,
}

/// An error of putting a forest together from trees or parts.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MalformedForest {
    /// There are no trees, no features, too many features, or fewer than two classes.
    #[error(
        "a forest of {trees} trees, {features} features and {classes} classes, expected at least 1, \
         1 (and at most 65536) and 2"
    )]
    Empty {
        /// The number of trees.
        trees: usize,
        /// The number of features.
        features: usize,
        /// The number of classes.
        classes: usize,
    },
    /// The gains add up to more than the trees can have.
    #[error("the features' gains add up to more than {0} trees can have")]
    Gains(usize),
    /// The parts differ in their number of features or classes.
    #[error(
        "part {index} has {found} features or classes, expected {expected} as in the parts before"
    )]
    Part {
        /// The part, from 0.
        index: usize,
        /// Its number of features or classes.
        found: usize,
        /// That of the parts before it.
        expected: usize,
    },
    /// A tree is malformed.
    #[error("tree {index} cannot be used: {reason}")]
    Tree {
        /// The tree, from 0.
        index: usize,
        /// The reason.
        reason: &'static str,
    },
}

/// The error of a prediction for rows of the wrong width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rows have {found} features, expected {expected}")]
pub struct PredictError {
    /// The number of features of the rows.
    pub found: usize,
    /// The number of features of the forest.
    pub expected: usize,
}

/// A tree that was checked and is prepared for predictions. Whoever reads trees one by one can prepare each
/// while it is still in the cache of the processor.
#[derive(Clone, Debug)]
pub struct CheckedTree {
    tree: Tree,
    walker: TreeWalker,
    /// The numbers of features and classes for which it was checked.
    features: usize,
    classes: usize,
}

impl CheckedTree {
    /// Checks a tree of a forest of this number of features and classes.
    ///
    /// # Errors
    /// Returns the reason for which a prediction could fail to end or leave the tree, or for which it is
    /// not a tree.
    pub fn new(tree: Tree, features: usize, classes: usize) -> Result<Self, &'static str> {
        if features > MAX_FEATURES || classes < 2 {
            return Err("its forest has too many features or too few classes");
        }
        tree.check(features, classes)?;
        let walker = TreeWalker::new(&tree, features);
        if !walker.is_tree() {
            return Err("a node has several parents, or none");
        }
        Ok(Self { tree, walker, features, classes })
    }
}

/// Up to this number of nodes, one thread prepares the trees.
const SINGLE_THREAD_NODES: usize = 100_000;

/// The number of rows that one thread scores at a time: few enough to stay in the cache while every
/// tree is traversed.
const BLOCK_ROWS: usize = 512;

/// Up to this number of rows, one thread is done before a second one wakes up.
const SINGLE_THREAD_ROWS: usize = 8;

/// The maximum number of features, one more than a training set may have: the index of a feature's
/// values in a row group still fits in 32 bits.
const MAX_FEATURES: usize = 1 << 16;

/// The fixed-point representation of 1, as the factor to and from floating point.
pub(crate) const FIXED_POINT_ONE: f64 = RandomForest::WHOLE_GAIN as f64;

/// Returns whether preparing the trees takes longer than waking up other threads.
fn is_large(trees: &[Tree]) -> bool {
    trees.iter().map(|tree| tree.nodes.len()).sum::<usize>() > SINGLE_THREAD_NODES
}

impl RandomForest {
    /// The fixed-point representation of 1 in [`Self::gains`]. Sums of fixed-point numbers do not
    /// depend on the order of their terms, and thus not on threads or hosts; sums over 2^20 trees
    /// fit in 64 bits.
    pub const WHOLE_GAIN: u64 = 1 << 43;

    /// Returns parameters to fit a forest with, preset to scikit-learn's defaults.
    pub fn params() -> RandomForestParams {
        RandomForestParams::default()
    }

    /// Builds a forest of `classes` classes from its trees and [`Self::gains`], one for each
    /// feature.
    ///
    /// # Errors
    /// Returns an error if a prediction could fail to end or leave a tree, or if the numbers of
    /// trees, features and classes or the gains are out of range.
    pub fn from_trees(
        trees: Vec<Tree>,
        gains: Vec<u64>,
        classes: usize,
    ) -> Result<Self, MalformedForest> {
        let features = gains.len();
        let check = |tree| CheckedTree::new(tree, features, classes);
        let checked = if is_large(&trees) {
            trees.into_par_iter().map(check).collect()
        } else {
            trees.into_iter().map(check).collect()
        };
        Self::from_checked(checked, gains, classes)
    }

    /// Builds a forest of `classes` classes from the outcome of checking each of its trees, and from
    /// [`Self::gains`].
    ///
    /// # Errors
    /// Returns the errors of [`Self::from_trees`]. Of several malformed trees the first is named.
    pub fn from_checked(
        checked: Vec<Result<CheckedTree, &'static str>>,
        gains: Vec<u64>,
        classes: usize,
    ) -> Result<Self, MalformedForest> {
        let features = gains.len();
        if checked.is_empty() || features == 0 || features > MAX_FEATURES || classes < 2 {
            return Err(MalformedForest::Empty { trees: checked.len(), features, classes });
        }
        // The shares of each tree add up to 1, plus rounding errors.
        let most = (checked.len() as u128) * (u128::from(Self::WHOLE_GAIN) + features as u128);
        if gains.iter().map(|&gain| u128::from(gain)).sum::<u128>() > most {
            return Err(MalformedForest::Gains(checked.len()));
        }
        let mut trees = Vec::with_capacity(checked.len());
        let mut walkers = Vec::with_capacity(checked.len());
        for (index, checked) in checked.into_iter().enumerate() {
            let malformed = |reason| MalformedForest::Tree { index, reason };
            let checked = checked.map_err(malformed)?;
            if (checked.features, checked.classes) != (features, classes) {
                return Err(malformed("it was checked for another forest"));
            }
            trees.push(checked.tree);
            walkers.push(checked.walker);
        }
        Ok(Self { trees, walkers, gains, classes })
    }

    pub(crate) fn new(trees: Vec<Tree>, gains: Vec<u64>, classes: usize) -> Self {
        let walker = |tree| TreeWalker::new(tree, gains.len());
        let walkers = if is_large(&trees) {
            trees.par_iter().map(walker).collect()
        } else {
            trees.iter().map(walker).collect()
        };
        Self { trees, walkers, gains, classes }
    }

    /// Merges the trees of several forests, in order, into one forest.
    ///
    /// # Errors
    /// Returns an error if there are no forests, or if they differ in their number of features or
    /// classes.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Result<Self, MalformedForest> {
        let mut parts = parts.into_iter().enumerate();
        let Some((_, mut whole)) = parts.next() else {
            return Err(MalformedForest::Empty { trees: 0, features: 0, classes: 0 });
        };
        for (index, part) in parts {
            for (found, expected) in
                [(part.features(), whole.features()), (part.classes, whole.classes)]
            {
                if found != expected {
                    return Err(MalformedForest::Part { index, found, expected });
                }
            }
            whole.trees.extend(part.trees);
            whole.walkers.extend(part.walkers);
            for (sum, gain) in whole.gains.iter_mut().zip(part.gains) {
                *sum = sum.saturating_add(gain);
            }
        }
        Ok(whole)
    }

    /// Returns the trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Returns the number of splits on the way to the deepest leaf.
    pub(crate) fn depth(&self) -> usize {
        self.walkers.iter().map(TreeWalker::depth).max().unwrap_or_default()
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Returns the number of features of a row.
    pub fn features(&self) -> usize {
        self.gains.len()
    }

    /// Returns, for each feature, the sum over trees of its share of the impurity decrease in the
    /// tree, where [`Self::WHOLE_GAIN`] represents 1. [`Self::feature_importances`] is computed
    /// from these exact numbers.
    pub fn gains(&self) -> &[u64] {
        &self.gains
    }

    /// Returns the share of each feature in the impurity decrease, as the mean over trees. The
    /// shares add up to 1, or are all 0 if no tree has a split.
    pub fn feature_importances(&self) -> Vec<f64> {
        let all: u128 = self.gains.iter().map(|&gain| u128::from(gain)).sum();
        let share = |&gain: &u64| if all > 0 { gain as f64 / all as f64 } else { 0.0 };
        self.gains.iter().map(share).collect()
    }

    /// Returns the probability of each class, `rows x classes`, for `records`, `rows x features`:
    /// the mean over trees of the leaf's class shares. A NaN goes right at every split.
    ///
    /// # Errors
    /// Returns an error if the rows have another number of features than the forest.
    pub fn predict_proba(&self, records: ArrayView2<'_, f32>) -> Result<Array2<f64>, PredictError> {
        if records.ncols() != self.features() {
            return Err(PredictError { found: records.ncols(), expected: self.features() });
        }
        let mut probabilities = Array2::zeros((records.nrows(), self.classes));
        if records.nrows() <= SINGLE_THREAD_ROWS {
            for (row, mut sums) in records.rows().into_iter().zip(probabilities.rows_mut()) {
                self.score_row(row, sums.as_slice_mut().unwrap_or_default());
            }
            return Ok(probabilities);
        }
        let blocks = records.axis_chunks_iter(Axis(0), BLOCK_ROWS);
        let outs = probabilities.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS);
        let pairs: Vec<_> = blocks.zip(outs).collect();
        let score = |(block, mut out): (_, ArrayViewMut2<'_, f64>)| {
            self.score_block(block, out.as_slice_mut().unwrap_or_default());
        };
        // A single block is done before another thread wakes up.
        if pairs.len() == 1 {
            pairs.into_iter().for_each(score);
        } else {
            pairs.into_par_iter().for_each(score);
        }
        Ok(probabilities)
    }

    /// Adds the trees' shares in the same order as [`Self::score_block`], so that both return the
    /// same bits.
    fn score_row(&self, row: ArrayView1<'_, f32>, sums: &mut [f64]) {
        let group = RowGroup::new(self.features(), [row]);
        for (tree, leaf) in self.trees.iter().zip(leaves_of_row(&self.walkers, &group)) {
            add(sums, tree.shares(leaf as usize, self.classes));
        }
        self.divide(sums);
    }

    /// Adds the trees' shares for a block of rows, tree by tree.
    fn score_block(&self, block: ArrayView2<'_, f32>, sums: &mut [f64]) {
        let groups = block.axis_chunks_iter(Axis(0), ROW_LANES);
        let group = |rows: ArrayView2<'_, f32>| RowGroup::new(self.features(), rows.rows());
        let groups: Vec<RowGroup> = groups.map(group).collect();
        let mut leaves = vec![[0; ROW_LANES]; groups.len()];
        for (tree, walker) in self.trees.iter().zip(&self.walkers) {
            walker.leaves(&groups, &mut leaves);
            let leaves = leaves.as_flattened();
            // Two classes are by far the most common case.
            if self.classes == 2 {
                let shares = tree.shares.as_chunks::<2>().0;
                for (sums, &leaf) in sums.as_chunks_mut::<2>().0.iter_mut().zip(leaves) {
                    add(sums, &shares[leaf as usize]);
                }
                continue;
            }
            for (sums, &leaf) in sums.chunks_exact_mut(self.classes).zip(leaves) {
                add(sums, tree.shares(leaf as usize, self.classes));
            }
        }
        self.divide(sums);
    }

    fn divide(&self, sums: &mut [f64]) {
        for sum in sums {
            *sum /= self.trees.len() as f64;
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f64], shares: &[f32]) {
    for (sum, &share) in sums.iter_mut().zip(shares) {
        *sum += f64::from(share);
    }
}

/// Returns the class with the greatest share, the first of several.
pub(crate) fn most_likely<T: PartialOrd>(shares: &[T]) -> usize {
    let mut best = 0;
    for (class, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = class;
        }
    }
    best
}

impl<D: Data<Elem = f32>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for RandomForest {
    /// # Panics
    /// Panics, as linfa's trait demands, if rows have another number of features than the forest,
    /// or if the length of `targets` is not the number of rows. [`RandomForest::predict_proba`]
    /// returns an error instead.
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, targets: &mut Array1<usize>) {
        assert_eq!(records.nrows(), targets.len(), "a target for each row");
        match self.predict_proba(records.view()) {
            Ok(probabilities) => {
                for (target, row) in targets.iter_mut().zip(probabilities.rows()) {
                    *target = most_likely(row.as_slice().unwrap_or_default());
                }
            }
            #[expect(clippy::panic, reason = "linfa's trait returns no error")]
            Err(error) => panic!("{error}"),
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(records.nrows())
    }
}
