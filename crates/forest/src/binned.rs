//! The checked training set that all trees of a forest grow from.

use ndarray::{ArrayView2, Axis, CowArray};
use rayon::prelude::*;

use crate::bins::{FeatureBins, U8_BINS, U16_BINS};
use crate::error::FitError;
use crate::params::{ClassWeight, RandomForestValidParams};
use crate::stream::RandomStream;
use crate::training_set::TrainingSet;
use crate::watch::Watch;

/// A checked training set with the bins of its features.
pub(crate) struct BinnedTable<'a> {
    /// The values, row by row.
    values: &'a [f32],
    /// The bins of each feature.
    pub(crate) bins: Vec<FeatureBins>,
    /// The class of each row.
    pub(crate) labels: Vec<u32>,
    /// The weight of a row of each class.
    pub(crate) class_weights: Vec<f64>,
    /// The weight of each row besides that of its class, if rows have weights.
    pub(crate) weights: Option<Vec<f64>>,
}

/// The maximum number of classes. Every leaf holds a share for each class.
const MAX_CLASSES: usize = 1 << 16;

/// The maximum number of rows. Rows are counted in signed 32-bit integers, which processors convert
/// to floating point fastest.
const MAX_ROWS: usize = i32::MAX as usize;

/// The maximum number of features, the greatest 16-bit number.
const MAX_FEATURES: usize = u16::MAX as usize;

/// The number of rows in the sample that bins are chosen from if values may share a bin.
const BIN_SAMPLE_ROWS: usize = 1 << 16;

/// Up to this number of rows every split is exact unless `max_bins` is set.
const EXACT_SPLIT_ROWS: usize = 20_000;

impl<'a> BinnedTable<'a> {
    /// Checks a training set and chooses its bins. `values` are the set's records, row by row.
    /// Returns `None` if `watch` stops the fit.
    pub(crate) fn new(
        set: &TrainingSet<'_>,
        values: &'a [f32],
        params: &RandomForestValidParams,
        watch: &dyn Watch,
    ) -> Result<Option<Self>, FitError> {
        let (rows, features) = set.records.dim();
        if rows == 0 || features == 0 {
            return Err(FitError::Empty { rows, features });
        }
        for (count, most, what) in [(rows, MAX_ROWS, "rows"), (features, MAX_FEATURES, "features")]
        {
            if count > most {
                return Err(FitError::TooLarge { count, what, most });
            }
        }
        if set.labels.len() != rows {
            return Err(FitError::Lengths { what: "labels", found: set.labels.len(), rows });
        }
        let high = |label: &usize| *label >= MAX_CLASSES;
        if let Some(row) = set.labels.iter().position(high) {
            return Err(FitError::Label { row, label: set.labels[row], most: MAX_CLASSES });
        }
        let labels: Vec<u32> = set.labels.iter().map(|&label| label as u32).collect();
        // A table of a single class has a second, empty one.
        let classes = labels.iter().max().map_or(2, |&last| last as usize + 1).max(2);
        let class_weights = class_weights(&params.class_weight, &labels, classes)?;
        let weights = row_weights(set, &labels, &class_weights)?;
        check_finite(set.records)?;
        let bins = find_bins(set.records, params, watch);
        Ok(bins.map(|bins| Self { values, bins, labels, class_weights, weights }))
    }

    /// Returns the values of a row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.features()..][..self.features()]
    }

    pub(crate) fn features(&self) -> usize {
        self.bins.len()
    }

    /// Returns the greatest number of bins of any feature.
    pub(crate) fn max_bin_count(&self) -> usize {
        self.bins.iter().map(FeatureBins::len).max().unwrap_or(0)
    }
}

/// Returns the weight of a row of each class.
fn class_weights(
    weight: &ClassWeight,
    labels: &[u32],
    classes: usize,
) -> Result<Vec<f64>, FitError> {
    match weight {
        ClassWeight::Uniform => return Ok(vec![1.0; classes]),
        ClassWeight::Each(weights) if weights.len() == classes => return Ok(weights.clone()),
        ClassWeight::Each(weights) => {
            return Err(FitError::ClassWeights { found: weights.len(), classes });
        }
        ClassWeight::Balanced => {}
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

/// Checks and returns the weights of the rows, if there are any.
fn row_weights(
    set: &TrainingSet<'_>,
    labels: &[u32],
    class_weights: &[f64],
) -> Result<Option<Vec<f64>>, FitError> {
    let Some(weights) = set.weights else { return Ok(None) };
    if weights.len() != labels.len() {
        return Err(FitError::Lengths {
            what: "weights",
            found: weights.len(),
            rows: labels.len(),
        });
    }
    let usable = |weight: f32| weight.is_finite() && weight >= 0.0;
    if let Some(row) = weights.iter().position(|&weight| !usable(weight)) {
        return Err(FitError::Weight { row, weight: weights[row] });
    }
    let weighs =
        |(&weight, &label): (&f32, &u32)| weight > 0.0 && class_weights[label as usize] > 0.0;
    if !weights.iter().zip(labels).any(weighs) {
        return Err(FitError::NoWeight);
    }
    Ok(Some(weights.iter().map(|&weight| weight.into()).collect()))
}

/// Reports the first value that is NaN or infinite.
fn check_finite(records: ArrayView2<'_, f32>) -> Result<(), FitError> {
    let finite = |row: usize| records.row(row).iter().all(|value| value.is_finite());
    let wrong =
        (0..records.nrows()).into_par_iter().with_min_len(1024).find_first(|&row| !finite(row));
    let cell = wrong.and_then(|row| {
        let feature = records.row(row).iter().position(|value| !value.is_finite())?;
        Some((row, feature))
    });
    match cell {
        Some((row, feature)) => {
            Err(FitError::NotFinite { row, feature, value: records[[row, feature]] })
        }
        None => Ok(()),
    }
}

/// Chooses the bins of each feature from all rows, or from a sample that is the same for all
/// features. Returns `None` if `watch` stops the fit.
fn find_bins(
    records: ArrayView2<'_, f32>,
    params: &RandomForestValidParams,
    watch: &dyn Watch,
) -> Option<Vec<FeatureBins>> {
    let rows = records.nrows();
    let limit =
        params.max_bins.unwrap_or(if rows <= EXACT_SPLIT_ROWS { U16_BINS } else { U8_BINS });
    let all = limit > U8_BINS || rows <= BIN_SAMPLE_ROWS;
    // The sample takes one row of each stretch of rows, so that no order of the rows can hide a
    // part of them.
    let mut stream = RandomStream::new(params.random_state, usize::MAX);
    let starts = || (0..=BIN_SAMPLE_ROWS).map(|index| (index * rows).div_ceil(BIN_SAMPLE_ROWS));
    let mut sample = || -> Vec<usize> {
        let stretches = starts().zip(starts().skip(1));
        stretches.map(|(start, end)| start + stream.below((end - start) as u32) as usize).collect()
    };
    let records: CowArray<'_, f32, _> =
        if all { records.into() } else { records.select(Axis(0), &sample()).into() };
    let of = |feature: usize| {
        if watch.stopped() {
            return None;
        }
        let mut values = records.column(feature).to_vec();
        radsort::sort(&mut values);
        Some(FeatureBins::new(&values, limit, all))
    };
    (0..records.ncols()).into_par_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::params::RandomForestParams;

    fn max_bin_count(rows: usize, max_bins: Option<usize>) -> usize {
        let records = Array2::from_shape_fn((rows, 1), |(row, _)| row as f32);
        let labels = Array1::from_elem(rows, 0);
        let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
        let params = RandomForestParams::default().max_bins(max_bins).check().unwrap();
        BinnedTable::new(&set, records.as_slice().unwrap(), &params, &())
            .unwrap()
            .unwrap()
            .max_bin_count()
    }

    #[test]
    fn splits_are_exact_up_to_the_limit_on_rows() {
        assert_eq!(max_bin_count(EXACT_SPLIT_ROWS, None), EXACT_SPLIT_ROWS);
        assert_eq!(max_bin_count(EXACT_SPLIT_ROWS + 1, None), 256);
        assert_eq!(max_bin_count(EXACT_SPLIT_ROWS + 1, Some(U16_BINS)), EXACT_SPLIT_ROWS + 1);
        assert_eq!(max_bin_count(65_537, Some(U16_BINS)), U16_BINS);
        assert_eq!(max_bin_count(1000, Some(10)), 10);
        assert_eq!(max_bin_count(BIN_SAMPLE_ROWS + 1, None), 256);
    }

    #[test]
    fn balanced_weights_give_each_class_the_same_total() {
        // 6 rows, 2 classes present: 6 / (2 * 4) = 0.75 and 6 / (2 * 2) = 1.5; class 1 is absent.
        let of =
            |weight: ClassWeight, labels: &[u32], classes| class_weights(&weight, labels, classes);
        let balanced = of(ClassWeight::Balanced, &[0, 0, 2, 0, 2, 0], 3).unwrap();
        assert_eq!(balanced, [0.75, 0.0, 1.5]);
        assert_eq!(of(ClassWeight::Uniform, &[0, 1, 1], 2).unwrap(), [1.0, 1.0]);
        assert_eq!(of(ClassWeight::Each(vec![2.0, 3.0]), &[0, 1], 2).unwrap(), [2.0, 3.0]);
        let error = of(ClassWeight::Each(vec![2.0, 3.0]), &[0, 2], 3).unwrap_err().to_string();
        assert_eq!(error, "class_weight has 2 weights, expected 3, one for each class");
    }
}
