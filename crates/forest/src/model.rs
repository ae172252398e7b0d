//! A fitted forest and its predictions.

use linfa::prelude::PredictInplace;
use ndarray::{Array1, Array2, ArrayBase, ArrayView1, ArrayView2, Axis, Data, Ix2};
use rayon::prelude::*;

use crate::walk::{Group, LANES, Walk, leaves_of_row};
use crate::{RandomForestParams, Tree};

/// A fitted random forest.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForest {
    trees: Vec<Tree>,
    /// The same, to be walked.
    walks: Vec<Walk>,
    /// For each feature the sum over trees of its share of the impurity taken away, in fixed point.
    gains: Vec<u64>,
    classes: usize,
}

/// Trees that are no forest.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// No trees, no features or too many, or fewer than two classes.
    #[error(
        "a forest of {trees} trees, {features} features and {classes} classes, expected at least 1, \
         1 (and at most 65536) and 2"
    )]
    Empty {
        /// Trees.
        trees: usize,
        /// Features.
        features: usize,
        /// Classes.
        classes: usize,
    },
    /// More than the trees can have gained.
    #[error("the features' gains add up to more than {0} trees can have")]
    Gains(usize),
    /// Forests that do not go together.
    #[error(
        "part {index} has {found} features or classes, expected {expected} as in the parts before"
    )]
    Part {
        /// Which one, from 0.
        index: usize,
        /// What it has.
        found: usize,
        /// What the others have.
        expected: usize,
    },
    /// A tree that cannot be walked.
    #[error("tree {index} cannot be used: {reason}")]
    Tree {
        /// Which one, from 0.
        index: usize,
        /// Why.
        reason: &'static str,
    },
}

/// Rows that the forest was not made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rows have {found} features, expected {expected}")]
pub struct PredictError {
    /// What the rows have.
    pub found: usize,
    /// What the forest was fitted to.
    pub expected: usize,
}

/// Rows that one thread takes at a time: few enough to stay in the cache while every tree passes.
const BLOCK: usize = 512;

/// So few rows are scored sooner than a second thread wakes up.
const FEW: usize = 8;

/// As many as a table may have, and one: where a feature's values are still has 32 bits to spare.
const MOST_FEATURES: usize = 1 << 16;

impl RandomForest {
    /// A whole share of impurity in [`Self::gains`]. Sums of such numbers are the same in any order,
    /// so neither threads nor hosts show in them, and those of 2^20 trees fit in 64 bits.
    pub const WHOLE_GAIN: u64 = 1 << 43;

    /// Parameters to fit a forest with, scikit-learn's defaults to begin with.
    pub fn params() -> RandomForestParams {
        RandomForestParams::default()
    }

    /// A forest from its trees and [`Self::gains`].
    ///
    /// # Errors
    /// Trees with which a prediction would not end or reach outside.
    pub fn from_trees(
        trees: Vec<Tree>,
        gains: Vec<u64>,
        classes: usize,
    ) -> Result<Self, Malformed> {
        let features = gains.len();
        if trees.is_empty() || features == 0 || features > MOST_FEATURES || classes < 2 {
            return Err(Malformed::Empty { trees: trees.len(), features, classes });
        }
        // Each tree's shares add up to a whole, but for what rounding adds.
        let most = (trees.len() as u128) * (u128::from(Self::WHOLE_GAIN) + features as u128);
        if gains.iter().map(|&gain| u128::from(gain)).sum::<u128>() > most {
            return Err(Malformed::Gains(trees.len()));
        }
        for (index, tree) in trees.iter().enumerate() {
            tree.check(features, classes).map_err(|reason| Malformed::Tree { index, reason })?;
        }
        Ok(Self::new(trees, gains, classes))
    }

    pub(crate) fn new(trees: Vec<Tree>, gains: Vec<u64>, classes: usize) -> Self {
        let walks = trees.iter().map(|tree| Walk::new(tree, gains.len())).collect();
        Self { trees, walks, gains, classes }
    }

    /// One forest of the trees of several, in order.
    ///
    /// # Errors
    /// No forest at all, or forests of different features or classes.
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Result<Self, Malformed> {
        let mut parts = parts.into_iter().enumerate();
        let Some((_, mut whole)) = parts.next() else {
            return Err(Malformed::Empty { trees: 0, features: 0, classes: 0 });
        };
        for (index, part) in parts {
            for (found, expected) in
                [(part.features(), whole.features()), (part.classes, whole.classes)]
            {
                if found != expected {
                    return Err(Malformed::Part { index, found, expected });
                }
            }
            whole.trees.extend(part.trees);
            whole.walks.extend(part.walks);
            for (sum, gain) in whole.gains.iter_mut().zip(part.gains) {
                *sum = sum.saturating_add(gain);
            }
        }
        Ok(whole)
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// How many classes a prediction has shares for.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many features a row has.
    pub fn features(&self) -> usize {
        self.gains.len()
    }

    /// For each feature the sum over trees of its share of the impurity that the tree took away,
    /// where [`Self::WHOLE_GAIN`] is all of it: what [`Self::feature_importances`] are made of,
    /// exactly.
    pub fn gains(&self) -> &[u64] {
        &self.gains
    }

    /// Each feature's share of the impurity that the trees took away, the mean over trees; they add
    /// up to 1, or are all 0 where no tree has a split.
    pub fn feature_importances(&self) -> Vec<f64> {
        let all: u128 = self.gains.iter().map(|&gain| u128::from(gain)).sum();
        let share = |&gain: &u64| if all > 0 { gain as f64 / all as f64 } else { 0.0 };
        self.gains.iter().map(share).collect()
    }

    /// The probability of each class, a row of `classes` numbers for each row of `records`: the
    /// mean over trees of the leaf's class shares. A value that is NaN goes right.
    ///
    /// # Errors
    /// Rows with another number of features.
    pub fn predict_proba(&self, records: ArrayView2<'_, f32>) -> Result<Array2<f64>, PredictError> {
        if records.ncols() != self.features() {
            return Err(PredictError { found: records.ncols(), expected: self.features() });
        }
        let mut probabilities = Array2::zeros((records.nrows(), self.classes));
        if records.nrows() <= FEW {
            for (row, mut sums) in records.rows().into_iter().zip(probabilities.rows_mut()) {
                self.score_row(row, sums.as_slice_mut().unwrap_or_default());
            }
            return Ok(probabilities);
        }
        let blocks = records.axis_chunks_iter(Axis(0), BLOCK);
        let outs = probabilities.axis_chunks_iter_mut(Axis(0), BLOCK);
        let pairs: Vec<_> = blocks.zip(outs).collect();
        pairs.into_par_iter().for_each(|(block, mut out)| {
            self.score_block(block, out.as_slice_mut().unwrap_or_default());
        });
        Ok(probabilities)
    }

    /// Both ways add in the order of the trees, so that they agree to the last bit.
    fn score_row(&self, row: ArrayView1<'_, f32>, sums: &mut [f64]) {
        let group = Group::new(self.features(), [row]);
        for (tree, leaf) in self.trees.iter().zip(leaves_of_row(&self.walks, &group)) {
            add(sums, tree.shares(leaf as usize, self.classes));
        }
        self.divide(sums);
    }

    fn score_block(&self, block: ArrayView2<'_, f32>, sums: &mut [f64]) {
        let groups = block.axis_chunks_iter(Axis(0), LANES);
        let group = |rows: ArrayView2<'_, f32>| Group::new(self.features(), rows.rows());
        let groups: Vec<Group> = groups.map(group).collect();
        let mut leaves = vec![[0; LANES]; groups.len()];
        for (tree, walk) in self.trees.iter().zip(&self.walks) {
            walk.leaves(&groups, &mut leaves);
            let leaves = leaves.as_flattened();
            // Two classes are by far the most common.
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

/// The class with the greatest share, the first of several.
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
    /// As linfa's trait has it: where rows have another number of features, or `targets` is not as
    /// long as there are rows. [`RandomForest::predict_proba`] has an error instead.
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, targets: &mut Array1<usize>) {
        assert_eq!(records.nrows(), targets.len(), "a target for each row");
        match self.predict_proba(records.view()) {
            Ok(probabilities) => {
                for (target, row) in targets.iter_mut().zip(probabilities.rows()) {
                    *target = most_likely(row.as_slice().unwrap_or_default());
                }
            }
            #[expect(clippy::panic, reason = "linfa's trait has no error")]
            Err(error) => panic!("{error}"),
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(records.nrows())
    }
}
