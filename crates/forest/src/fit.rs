//! Fitting a forest.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use linfa::DatasetBase;
use linfa::dataset::AsSingleTargets;
use linfa::prelude::Fit;
use ndarray::{ArrayBase, ArrayView1, ArrayView2, Data, Ix2};

use crate::grow::{Engine, Grower, Grown};
use crate::histogram::Histogram;
use crate::layout::{Code, Columns, Layout, Rows, columns};
use crate::out_of_bag::OutOfBag;
use crate::params::{ClassWeight, ParamsError, RandomForestValidParams};
use crate::sorted::Sorted;
use crate::table::{NARROW, Table};
use crate::tally::{Draws, DrawsAndRows, FewDraws, Tally};
use crate::{RandomForest, Tree};

/// What a forest learns from.
#[derive(Clone, Copy, Debug)]
pub struct TrainingSet<'a> {
    /// A row each.
    pub records: ArrayView2<'a, f32>,
    /// Each row's class, numbered from 0.
    pub labels: ArrayView1<'a, usize>,
    /// What each row counts for besides its class; 1 where absent.
    pub weights: Option<ArrayView1<'a, f32>>,
}

/// Looks on while a forest grows, from several threads.
pub trait Watch: Sync {
    /// Hears that so many trees are done.
    fn grown(&self, _trees: usize) {}

    /// Whether to stop; asked between features while the table is made, between trees, and while
    /// large trees grow.
    fn stopped(&self) -> bool {
        false
    }
}

/// Nobody looks on.
impl Watch for () {}

/// A forest, and what was learned about it on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The forest.
    pub forest: RandomForest,
    /// The share of rows whose class the trees that were not grown from them find; rows that are
    /// in every tree do not count. None unless asked for, or where there is no such row.
    pub oob_score: Option<f64>,
    /// For each feature how much of a tree's accuracy, on the rows it was not grown from, is lost
    /// when the feature's values are shuffled among them; the mean over trees. None unless asked
    /// for.
    pub permutation_importances: Option<Vec<f64>>,
}

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
    /// More than the trees' numbers hold.
    #[error("the table has {count} {what}, expected at most {most}")]
    TooLarge {
        /// How many.
        count: usize,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// Records and labels or weights of different tables.
    #[error("there are {found} {what} for {rows} rows")]
    Lengths {
        /// Labels or weights.
        what: &'static str,
        /// How many.
        found: usize,
        /// Rows.
        rows: usize,
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
    #[error("row {row} has label {label}, expected less than {most}")]
    Label {
        /// The row, from 0.
        row: usize,
        /// Its label.
        label: usize,
        /// What it must be below.
        most: usize,
    },
    /// A weight that is none.
    #[error("row {row} has weight {weight}, expected a finite number from 0")]
    Weight {
        /// The row, from 0.
        row: usize,
        /// Its weight.
        weight: f32,
    },
    /// Weights of 0 alone.
    #[error("every row has weight 0, expected one above it")]
    NoWeight,
    /// Weights for other classes.
    #[error("class_weight has {found} weights, expected {classes}, one for each class")]
    ClassWeights {
        /// How many.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
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

impl RandomForestValidParams {
    /// Fits a forest on all threads of the current rayon pool.
    ///
    /// # Errors
    /// A training set that is empty, not finite or does not fit together; the watcher's stop.
    pub fn fit_with(&self, set: &TrainingSet<'_>, watch: &dyn Watch) -> Result<Fitted, FitError> {
        self.fit_share(0..self.n_estimators, set, watch)
    }

    /// Fits some of the forest's trees, counted from 0: the shares of several hosts, put together
    /// in order by [`RandomForest::merge`], are the forest that one host would have fitted. Scores
    /// are those of the share.
    ///
    /// # Errors
    /// As [`Self::fit_with`], and trees that the forest does not have.
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
        let table = Table::new(set, records.as_slice().unwrap_or_default(), self, watch)?;
        let Some(table) = table.filter(|_| !watch.stopped()) else {
            return Err(FitError::Stopped { done: 0, all: trees.len() });
        };
        let fit = Growing { table: &table, params: self, trees, watch };
        let (features, narrow) = (table.features(), table.most_bins() <= NARROW);
        if table.class_weights.len() > 2 || table.weights.is_some() {
            return match narrow {
                true => fit.sorted::<u8>(),
                false => fit.sorted::<u16>(),
            };
        }
        // The last place of a row is its kind.
        match (narrow, features) {
            (true, ..16) => fit.layout(&Rows::<u8, 16>::new(&table)),
            (true, ..32) => fit.layout(&Rows::<u8, 32>::new(&table)),
            (true, ..64) => fit.layout(&Rows::<u8, 64>::new(&table)),
            (true, _) => fit.layout(&Columns::<u8>::new(&table)),
            (false, ..8) => fit.layout(&Rows::<u16, 8>::new(&table)),
            (false, ..16) => fit.layout(&Rows::<u16, 16>::new(&table)),
            (false, ..32) => fit.layout(&Rows::<u16, 32>::new(&table)),
            (false, _) => fit.layout(&Columns::<u16>::new(&table)),
        }
    }
}

/// One call of [`RandomForestValidParams::fit_share`].
struct Growing<'a> {
    table: &'a Table<'a>,
    params: &'a RandomForestValidParams,
    trees: Range<usize>,
    watch: &'a dyn Watch,
}

impl Growing<'_> {
    fn sorted<C: Code>(&self) -> Result<Fitted, FitError> {
        let codes = columns::<C>(self.table);
        self.grow(|| Sorted::new(self.table, &codes, self.params))
    }

    fn layout<L: Layout>(&self, layout: &L) -> Result<Fitted, FitError> {
        let rows = self.table.labels.len();
        let limits = self.params.limits(rows);
        // No tree draws more often than there are rows.
        match (limits.split > 2 || limits.leaf > 1, rows < 1 << 16) {
            (true, _) => self.counted::<L, DrawsAndRows>(layout),
            (false, true) => self.counted::<L, FewDraws>(layout),
            (false, false) => self.counted::<L, Draws>(layout),
        }
    }

    fn counted<L: Layout, T: Tally>(&self, layout: &L) -> Result<Fitted, FitError> {
        self.grow(|| Histogram::<L, T>::new(self.table, layout, self.params))
    }

    /// Grows the trees, one at a time on each thread.
    fn grow<E: Engine>(&self, engine: impl Fn() -> E + Sync) -> Result<Fitted, FitError> {
        let (all, features) = (self.trees.len(), self.table.features());
        let (next, done) = (AtomicUsize::new(self.trees.start), AtomicUsize::new(0));
        let halted = AtomicBool::new(false);
        let stopped = || {
            if self.watch.stopped() {
                halted.store(true, Ordering::Relaxed);
            }
            halted.load(Ordering::Relaxed)
        };
        let out_of_bag = OutOfBag::new(self.table, self.params);
        let grown = rayon::broadcast(|_| {
            let mut mine = Vec::new();
            let mut grower: Option<Grower<'_, E>> = None;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= self.trees.end || stopped() {
                    return mine;
                }
                let grower =
                    grower.get_or_insert_with(|| Grower::new(engine(), self.params, features));
                let Some(grown) = grower.grow(index, &stopped) else { return mine };
                if !out_of_bag.judge(&grown.tree, index, grower.engine.drawn(), &stopped) {
                    return mine;
                }
                mine.push((index, grown));
                self.watch.grown(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
        });
        let mut grown: Vec<(usize, Grown)> = grown.into_iter().flatten().collect();
        if grown.len() < all {
            return Err(FitError::Stopped { done: grown.len(), all });
        }
        grown.sort_unstable_by_key(|&(index, _)| index);
        let gains = gains(&grown, features);
        let trees: Vec<Tree> = grown.into_iter().map(|(_, grown)| grown.tree).collect();
        let (oob_score, permutation_importances) = out_of_bag.scores();
        let forest = RandomForest::new(trees, gains, self.table.class_weights.len());
        Ok(Fitted { forest, oob_score, permutation_importances })
    }
}

impl ClassWeight {
    /// What a row of each class weighs.
    pub(crate) fn of(&self, labels: &[u32], classes: usize) -> Result<Vec<f64>, FitError> {
        match self {
            Self::Uniform => return Ok(vec![1.0; classes]),
            Self::Each(weights) if weights.len() == classes => return Ok(weights.clone()),
            Self::Each(weights) => {
                return Err(FitError::ClassWeights { found: weights.len(), classes });
            }
            Self::Balanced => {}
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
        Ok(counts.iter().map(weight).collect())
    }
}

/// To and from fixed-point numbers.
pub(crate) const WHOLE: f64 = RandomForest::WHOLE_GAIN as f64;

/// The sum over trees of each feature's share of the impurity that the tree took away; trees that
/// are a single leaf have no say.
fn gains(grown: &[(usize, Grown)], features: usize) -> Vec<u64> {
    let mut sums = vec![0; features];
    for (_, Grown { gains, .. }) in grown {
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
    fn balanced_weights_make_classes_weigh_alike() {
        // 6 rows, 2 classes present: 6 / (2 * 4) = 0.75 and 6 / (2 * 2) = 1.5; class 1 is absent.
        let of = |weight: ClassWeight, labels: &[u32], classes| weight.of(labels, classes);
        let balanced = of(ClassWeight::Balanced, &[0, 0, 2, 0, 2, 0], 3).unwrap();
        assert_eq!(balanced, [0.75, 0.0, 1.5]);
        assert_eq!(of(ClassWeight::Uniform, &[0, 1, 1], 2).unwrap(), [1.0, 1.0]);
        assert_eq!(of(ClassWeight::Each(vec![2.0, 3.0]), &[0, 1], 2).unwrap(), [2.0, 3.0]);
        let error = of(ClassWeight::Each(vec![2.0, 3.0]), &[0, 2], 3).unwrap_err().to_string();
        assert_eq!(error, "class_weight has 2 weights, expected 3, one for each class");
    }

    #[test]
    fn gains_are_sums_of_shares() {
        let grown = |gains: &[f64]| {
            let tree = Tree { nodes: Vec::new(), shares: Vec::new() };
            (0, Grown { tree, gains: gains.to_vec() })
        };
        // 3/4 + 1/2 = 1.25; the tree without a split does not count.
        let found = gains(&[grown(&[3.0, 1.0]), grown(&[0.0, 0.0]), grown(&[2.0, 2.0])], 2);
        assert_eq!(found, [10 << 40, 6 << 40]);
    }
}
