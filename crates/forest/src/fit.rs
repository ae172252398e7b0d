//! The fit of a forest: checks the training set, chooses a memory layout and grows the trees in
//! parallel.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linfa::DatasetBase;
use linfa::dataset::AsSingleTargets;
use linfa::prelude::Fit;
use ndarray::{Array2, ArrayBase, ArrayView1, Data, Ix2};

use crate::binned::BinnedTable;
use crate::bins::U8_BINS;
use crate::error::FitError;
use crate::grow::{Grower, GrownTree};
use crate::histogram::HistogramFinder;
use crate::layout::{BinCode, ColumnMajor, RecordLayout, RowMajor, code_columns};
use crate::model::{FIXED_POINT_ONE, RandomForest};
use crate::out_of_bag::{OutOfBag, OutOfBagScores};
use crate::params::RandomForestValidParams;
use crate::sorted::SortedFinder;
use crate::split::SplitFinder;
use crate::tally::{Draws, DrawsAndRows, FewDraws, Tally};
use crate::training_set::TrainingSet;
use crate::tree::Tree;
use crate::watch::Watch;

/// The result of a fit: the forest, and the scores measured during the fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The forest.
    pub forest: RandomForest,
    /// The out-of-bag accuracy: the share of rows whose class is predicted correctly by the trees
    /// that were not grown from them. Rows that are in every tree's sample are left out. `None`
    /// unless requested, or if there are no other rows.
    pub oob_score: Option<f64>,
    /// The class shares of each row by the trees that were not grown from it, a row of shares for
    /// each row of the table as [`RandomForest::predict_proba`] returns them; NaN where every tree
    /// was grown from the row. `None` unless the out-of-bag score is requested.
    pub oob_decision_function: Option<Array2<f64>>,
    /// The permutation importance of each feature: the accuracy that a tree loses on its out-of-bag
    /// rows when the feature's values are shuffled among them, as the mean over trees. `None`
    /// unless requested.
    pub permutation_importances: Option<Vec<f64>>,
}

impl RandomForestValidParams {
    /// Fits a forest on all threads of the current rayon pool.
    ///
    /// # Errors
    /// Returns an error if the training set is empty or inconsistent or has values that are not
    /// finite, or if `watch` stops the fit.
    pub fn fit_with(&self, set: &TrainingSet<'_>, watch: &dyn Watch) -> Result<Fitted, FitError> {
        self.fit_share(0..self.n_estimators, set, watch)
    }

    /// Fits a range of the forest's trees, counted from 0. The parts fitted by several hosts,
    /// merged in order by [`RandomForest::merge`], equal the forest that one host would have
    /// fitted. Scores refer to the part alone.
    ///
    /// # Errors
    /// Returns the errors of [`Self::fit_with`], and [`FitError::Share`] if `trees` is empty or
    /// exceeds the forest.
    pub fn fit_share(
        &self,
        trees: Range<usize>,
        set: &TrainingSet<'_>,
        watch: &dyn Watch,
    ) -> Result<Fitted, FitError> {
        if trees.is_empty() || trees.end > self.n_estimators {
            return Err(FitError::Share { trees, all: self.n_estimators });
        }
        let records = set.records.as_standard_layout();
        let table = BinnedTable::new(set, records.as_slice().unwrap_or_default(), self, watch)?;
        let Some(table) = table.filter(|_| !watch.stopped()) else {
            return Err(FitError::Stopped { done: 0, all: trees.len() });
        };
        let fit = ForestFit { table: &table, params: self, trees, watch };
        let (features, narrow) = (table.features(), table.max_bin_count() <= U8_BINS);
        if table.class_weights.len() > 2 || table.weights.is_some() {
            return if narrow { fit.with_sorting::<u8>() } else { fit.with_sorting::<u16>() };
        }
        // One place of each record is its kind, so a record of 16 places has room for 15 features.
        match (narrow, features) {
            (true, ..16) => fit.with_layout(&RowMajor::<u8, 16>::new(&table)),
            (true, ..32) => fit.with_layout(&RowMajor::<u8, 32>::new(&table)),
            (true, ..64) => fit.with_layout(&RowMajor::<u8, 64>::new(&table)),
            (true, _) => fit.with_layout(&ColumnMajor::<u8>::new(&table)),
            (false, ..8) => fit.with_layout(&RowMajor::<u16, 8>::new(&table)),
            (false, ..16) => fit.with_layout(&RowMajor::<u16, 16>::new(&table)),
            (false, ..32) => fit.with_layout(&RowMajor::<u16, 32>::new(&table)),
            (false, _) => fit.with_layout(&ColumnMajor::<u16>::new(&table)),
        }
    }
}

/// One call of [`RandomForestValidParams::fit_share`].
struct ForestFit<'a> {
    table: &'a BinnedTable<'a>,
    params: &'a RandomForestValidParams,
    trees: Range<usize>,
    watch: &'a dyn Watch,
}

impl ForestFit<'_> {
    /// Fits any number of classes and any weights.
    fn with_sorting<C: BinCode>(&self) -> Result<Fitted, FitError> {
        let codes = code_columns::<C>(self.table);
        self.grow_trees(|| SortedFinder::new(self.table, &codes, self.params))
    }

    /// Fits two classes without row weights, with the smallest counts that suffice.
    fn with_layout<L: RecordLayout>(&self, layout: &L) -> Result<Fitted, FitError> {
        let rows = self.table.labels.len();
        let limits = self.params.limits(rows);
        // No tree draws more rows than the table has.
        if limits.split > 2 || limits.leaf > 1 {
            self.with_histogram::<L, DrawsAndRows>(layout)
        } else if rows < 1 << 16 {
            self.with_histogram::<L, FewDraws>(layout)
        } else {
            self.with_histogram::<L, Draws>(layout)
        }
    }

    fn with_histogram<L: RecordLayout, T: Tally>(&self, layout: &L) -> Result<Fitted, FitError> {
        self.grow_trees(|| HistogramFinder::<L, T>::new(self.table, layout, self.params))
    }

    /// Grows the trees, one at a time on each thread.
    fn grow_trees<E: SplitFinder>(
        &self,
        finder: impl Fn() -> E + Sync,
    ) -> Result<Fitted, FitError> {
        let (all, features) = (self.trees.len(), self.table.features());
        let (next, done) = (AtomicUsize::new(self.trees.start), AtomicUsize::new(0));
        let halted = AtomicBool::new(false);
        let stopped = || {
            if self.watch.stopped() {
                halted.store(true, Ordering::Relaxed);
            }
            halted.load(Ordering::Relaxed)
        };
        let out_of_bag = OutOfBagScores::new(self.table, self.params);
        let grown = rayon::broadcast(|_| {
            let mut mine = Vec::new();
            let mut grower: Option<Grower<'_, E>> = None;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= self.trees.end || stopped() {
                    return mine;
                }
                let grower =
                    grower.get_or_insert_with(|| Grower::new(finder(), self.params, features));
                let Some(grown) = grower.grow(index, &stopped) else { return mine };
                if !out_of_bag.add_tree(&grown.tree, index, grower.finder.draw_counts(), &stopped) {
                    return mine;
                }
                mine.push((index, grown));
                self.watch.grown(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        });
        let mut grown: Vec<(usize, GrownTree)> = grown.into_iter().flatten().collect();
        if grown.len() < all {
            return Err(FitError::Stopped { done: grown.len(), all });
        }
        grown.sort_unstable_by_key(|&(index, _)| index);
        let gains = gains(&grown, features);
        let trees: Vec<Tree> = grown.into_iter().map(|(_, grown)| grown.tree).collect();
        let OutOfBag { score: oob_score, decision_function, permutation_importances } =
            out_of_bag.scores();
        let forest = RandomForest::new(trees, gains, self.table.class_weights.len());
        Ok(Fitted {
            forest,
            oob_score,
            oob_decision_function: decision_function,
            permutation_importances,
        })
    }
}

/// Returns, for each feature, the sum over trees of its share of the impurity decrease in the tree,
/// in fixed point. Trees without a split are left out.
fn gains(grown: &[(usize, GrownTree)], features: usize) -> Vec<u64> {
    let mut sums = vec![0; features];
    for (_, GrownTree { gains, .. }) in grown {
        let all: f64 = gains.iter().sum();
        if all > 0.0 {
            for (sum, gain) in sums.iter_mut().zip(gains) {
                *sum += (gain / all * FIXED_POINT_ONE).round() as u64;
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
        let set = TrainingSet {
            records: dataset.records().view(),
            labels: dataset.targets().as_single_targets(),
            weights: dataset.weights().map(ArrayView1::from),
        };
        Ok(self.fit_with(&set, &())?.forest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_sums_of_shares_of_each_tree() {
        let grown = |gains: &[f64]| (0, GrownTree { tree: Tree::default(), gains: gains.to_vec() });
        // 3/4 + 1/2 = 1.25; the tree without a split is left out.
        let found = gains(&[grown(&[3.0, 1.0]), grown(&[0.0, 0.0]), grown(&[2.0, 2.0])], 2);
        assert_eq!(found, [10 << 40, 6 << 40]);
    }
}
