//! A fitted forest and its predictions.

use linfa::prelude::PredictInplace;
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Axis, Data, Ix2};
use rayon::prelude::*;

use crate::{RandomForestParams, Tree};

/// A fitted random forest.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForest {
    pub(crate) trees: Vec<Tree>,
    pub(crate) importances: Vec<f64>,
    pub(crate) classes: usize,
}

/// Trees that are no forest.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// No trees, no features or fewer than two classes.
    #[error(
        "a forest of {trees} trees, {features} features and {classes} classes, expected at least 1, 1 and 2"
    )]
    Empty {
        /// Trees.
        trees: usize,
        /// Features.
        features: usize,
        /// Classes.
        classes: usize,
    },
    /// Importances that are no shares.
    #[error("the importance of feature {feature} is {value}, expected a share from 0 to 1")]
    Importance {
        /// The feature, from 0.
        feature: usize,
        /// What it is.
        value: f64,
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

impl RandomForest {
    /// Parameters to fit a forest with, scikit-learn's defaults to begin with.
    pub fn params() -> RandomForestParams {
        RandomForestParams::default()
    }

    /// A forest from its parts, as [`Self::trees`] and [`Self::feature_importances`] gave them.
    ///
    /// # Errors
    /// Parts with which a prediction would not end or reach outside.
    pub fn from_trees(
        trees: Vec<Tree>,
        importances: Vec<f64>,
        classes: usize,
    ) -> Result<Self, Malformed> {
        let features = importances.len();
        if trees.is_empty() || features == 0 || classes < 2 {
            return Err(Malformed::Empty { trees: trees.len(), features, classes });
        }
        for (feature, &value) in importances.iter().enumerate() {
            if !(0.0..=1.0).contains(&value) {
                return Err(Malformed::Importance { feature, value });
            }
        }
        for (index, tree) in trees.iter().enumerate() {
            tree.check(features, classes).map_err(|reason| Malformed::Tree { index, reason })?;
        }
        Ok(Self { trees, importances, classes })
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
        self.importances.len()
    }

    /// Each feature's share of the impurity that the trees took away; they add up to 1, or are all
    /// 0 where no tree has a split.
    pub fn feature_importances(&self) -> &[f64] {
        &self.importances
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
        let records = records.as_standard_layout();
        let mut probabilities = Array2::zeros((records.nrows(), self.classes));
        let blocks = records.axis_chunks_iter(Axis(0), BLOCK);
        let outs = probabilities.axis_chunks_iter_mut(Axis(0), BLOCK);
        let pairs: Vec<_> = blocks.zip(outs).collect();
        pairs.into_par_iter().for_each(|(block, mut out)| {
            for tree in &self.trees {
                for (row, mut sums) in block.rows().into_iter().zip(out.rows_mut()) {
                    let leaf = row.to_slice().map_or(0, |row| tree.leaf(row));
                    let shares = &tree.shares[leaf * self.classes..][..self.classes];
                    for (sum, &share) in sums.iter_mut().zip(shares) {
                        *sum += f64::from(share);
                    }
                }
            }
            out /= self.trees.len() as f64;
        });
        Ok(probabilities)
    }
}

/// The class of the greatest probability, the first of several.
pub(crate) fn most_likely(probabilities: ndarray::ArrayView1<'_, f64>) -> usize {
    let mut best = 0;
    for (class, &probability) in probabilities.iter().enumerate() {
        if probability > probabilities[best] {
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
                    *target = most_likely(row);
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
