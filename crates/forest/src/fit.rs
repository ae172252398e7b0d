//! Fitting a forest.

use std::ops::{ControlFlow, Range};

use linfa::DatasetBase;
use linfa::dataset::AsSingleTargets;
use linfa::prelude::Fit;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Data, Ix2};
use rayon::prelude::*;

use crate::codes;
use crate::grow::{Grower, Grown, Table};
use crate::params::{ClassWeight, ParamsError, RandomForestValidParams};
use crate::{RandomForest, Tree};

/// Why no forest was fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Parameters out of range.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// Nothing to learn from.
    #[error("the table has {rows} rows and {features} features, expected at least one of each")]
    Empty {
        /// Its rows.
        rows: usize,
        /// Its features.
        features: usize,
    },
    /// More than the tree's 32-bit numbers hold.
    #[error("the table has {0} {1}, expected fewer than 4294967295")]
    TooLarge(usize, &'static str),
    /// Records and labels of different tables.
    #[error("there are {labels} labels for {rows} rows")]
    Lengths {
        /// Rows.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// NaN or an infinity.
    #[error("feature {feature} of row {row} is {value}, expected a finite number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The feature, from 0.
        feature: usize,
        /// What it is.
        value: f32,
    },
    /// A class number that would make each leaf larger than any table needs.
    #[error("row {row} has label {label}, expected less than {}", MOST_CLASSES)]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: usize,
    },
    /// linfa's weights per row.
    #[error("weights per row are not supported, expected class_weight instead")]
    RowWeights,
    /// Trees that are not the forest's.
    #[error("trees {} to {} of {all}, expected some of the forest's", trees.start, trees.end)]
    Share {
        /// From 0, without the last.
        trees: Range<usize>,
        /// How many the forest has.
        all: usize,
    },
    /// The caller asked to stop.
    #[error("stopped after {done} of {all} trees")]
    Stopped {
        /// Trees grown.
        done: usize,
        /// Trees wanted.
        all: usize,
    },
    /// linfa's own.
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
}

/// Labels are class numbers from 0, and every leaf has a share for each class.
const MOST_CLASSES: usize = 1 << 16;

impl RandomForestValidParams {
    /// Fits a forest to records, a row each, and their class numbers. `on_tree` hears of each tree
    /// that is done with the number of trees done so far, from several threads and in any order;
    /// its `Break` ends the work early.
    ///
    /// # Errors
    /// A table that is empty or not finite, labels of another table, a break.
    pub fn fit_with(
        &self,
        records: ArrayView2<'_, f32>,
        labels: ArrayView1<'_, usize>,
        on_tree: &(dyn Fn(usize) -> ControlFlow<()> + Sync),
    ) -> Result<RandomForest, FitError> {
        self.fit_share(0..self.n_estimators, records, labels, on_tree)
    }

    /// Fits some of the forest's trees, counted from 0: the shares of several hosts, put together
    /// in order by [`RandomForest::merge`], are the forest that one host would have fitted.
    ///
    /// # Errors
    /// As [`Self::fit_with`], and trees that the forest does not have.
    pub fn fit_share(
        &self,
        trees: Range<usize>,
        records: ArrayView2<'_, f32>,
        labels: ArrayView1<'_, usize>,
        on_tree: &(dyn Fn(usize) -> ControlFlow<()> + Sync),
    ) -> Result<RandomForest, FitError> {
        if trees.is_empty() || trees.end > self.n_estimators {
            return Err(FitError::Share { trees, all: self.n_estimators });
        }
        let all = trees.len();
        let table = self.table(records, labels)?;
        let done = std::sync::atomic::AtomicUsize::new(0);
        let grown: Option<Vec<Grown>> = trees
            .into_par_iter()
            .map_init(
                || Grower::new(&table, self),
                |grower, index| {
                    let grown = grower.grow(index);
                    let count = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                    on_tree(count).is_continue().then_some(grown)
                },
            )
            .collect();
        let Some(grown) = grown else {
            return Err(FitError::Stopped { done: done.into_inner(), all });
        };
        let gains = gains(&grown, records.ncols());
        let trees: Vec<Tree> = grown.into_iter().map(|grown| grown.tree).collect();
        Ok(RandomForest { trees, gains, classes: table.weights.len() })
    }

    fn table(
        &self,
        records: ArrayView2<'_, f32>,
        labels: ArrayView1<'_, usize>,
    ) -> Result<Table, FitError> {
        let (rows, features) = records.dim();
        if rows == 0 || features == 0 {
            return Err(FitError::Empty { rows, features });
        }
        for (count, what) in [(rows, "rows"), (features, "features")] {
            if count >= u32::MAX as usize {
                return Err(FitError::TooLarge(count, what));
            }
        }
        if labels.len() != rows {
            return Err(FitError::Lengths { rows, labels: labels.len() });
        }
        if let Some((row, &label)) = labels.iter().enumerate().find(|(_, l)| **l >= MOST_CLASSES) {
            return Err(FitError::Label { row, label });
        }
        let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
        // A single class is still told from its absence.
        let classes = labels.iter().max().map_or(2, |&last| last as usize + 1).max(2);
        Ok(Table {
            columns: codes::rank(records)?,
            weights: self.class_weight.of(&labels, classes),
            labels,
        })
    }
}

impl ClassWeight {
    /// What a row of each class weighs.
    fn of(self, labels: &[u32], classes: usize) -> Vec<f64> {
        if self == Self::Uniform {
            return vec![1.0; classes];
        }
        let mut counts = vec![0_usize; classes];
        for &label in labels {
            counts[label as usize] += 1;
        }
        let present = counts.iter().filter(|&&count| count > 0).count();
        let weight = |&count: &usize| match count {
            0 => 0.0,
            _ => labels.len() as f64 / (present as f64 * count as f64),
        };
        counts.iter().map(weight).collect()
    }
}

/// A whole share as a fixed-point number. Sums of these are the same in any order, so neither
/// threads nor hosts show in them, and those of 2^20 trees fit in 64 bits.
const WHOLE: f64 = (1_u64 << 43) as f64;

/// The sum over trees of each feature's share of the impurity that the tree took away; trees that
/// are a single leaf have no say.
fn gains(grown: &[Grown], features: usize) -> Vec<u64> {
    let mut sums = vec![0; features];
    for Grown { gains, .. } in grown {
        let all: f64 = gains.iter().sum();
        if all > 0.0 {
            for (sum, gain) in sums.iter_mut().zip(gains) {
                *sum += (gain / all * WHOLE).round() as u64;
            }
        }
    }
    sums
}

impl<D, T> Fit<ArrayBase<D, Ix2>, T, FitError> for RandomForestValidParams
where
    D: Data<Elem = f32>,
    T: AsSingleTargets<Elem = usize>,
{
    type Object = RandomForest;

    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<RandomForest, FitError> {
        if dataset.weights().is_some() {
            return Err(FitError::RowWeights);
        }
        let goes_on = |_| ControlFlow::Continue(());
        self.fit_with(dataset.records().view(), dataset.targets().as_single_targets(), &goes_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_weights_make_classes_weigh_alike() {
        // 6 rows, 2 classes present: 6 / (2 * 4) = 0.75 and 6 / (2 * 2) = 1.5; class 1 is absent.
        assert_eq!(ClassWeight::Balanced.of(&[0, 0, 2, 0, 2, 0], 3), [0.75, 0.0, 1.5]);
        assert_eq!(ClassWeight::Uniform.of(&[0, 1, 1], 2), [1.0, 1.0]);
    }

    #[test]
    fn gains_are_sums_of_shares() {
        let grown = |gains: &[f64]| Grown {
            tree: Tree { nodes: Vec::new(), shares: Vec::new() },
            gains: gains.to_vec(),
        };
        // 3/4 + 1/2 = 1.25; the tree without a split does not count.
        let found = gains(&[grown(&[3.0, 1.0]), grown(&[0.0, 0.0]), grown(&[2.0, 2.0])], 2);
        assert_eq!(found, [10 << 40, 6 << 40]);
    }
}
