//! What all trees of a forest grow from.

use ndarray::{ArrayView2, Axis, CowArray};
use rayon::prelude::*;

use crate::FitError;
use crate::bins::Bins;
use crate::fit::{TrainingSet, Watch};
use crate::params::RandomForestValidParams;
use crate::stream::Stream;

/// A checked training set.
pub(crate) struct Table<'a> {
    /// The rows, one after the other.
    values: &'a [f32],
    /// The bins of each feature.
    pub(crate) bins: Vec<Bins>,
    /// Each row's class.
    pub(crate) labels: Vec<u32>,
    /// What a row of each class weighs.
    pub(crate) class_weights: Vec<f64>,
    /// And what each row does besides.
    pub(crate) weights: Option<Vec<f64>>,
}

/// Labels are class numbers from 0, and every leaf has a share for each class.
const MOST_CLASSES: usize = 1 << 16;

/// Rows are counted with signed 32-bit numbers, which processors turn into fractions fastest.
const MOST_ROWS: usize = i32::MAX as usize;

/// As many as 16 bits can count.
const MOST_FEATURES: usize = u16::MAX as usize;

/// How many rows bins are chosen by, where each value need not have one.
const SAMPLE: usize = 1 << 16;

/// Up to so many rows every split is exact unless `max_bins` says otherwise.
const EXACT_ROWS: usize = 20_000;

/// The bins of a code of 16 bits, and of 8.
pub(crate) const WIDE: usize = 1 << 16;
pub(crate) const NARROW: usize = 1 << 8;

impl<'a> Table<'a> {
    /// `values` are the set's records, a row after the other. None where `watch` stops the work.
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
        for (count, most, what) in
            [(rows, MOST_ROWS, "rows"), (features, MOST_FEATURES, "features")]
        {
            if count > most {
                return Err(FitError::TooLarge { count, what, most });
            }
        }
        if set.labels.len() != rows {
            return Err(FitError::Lengths { what: "labels", found: set.labels.len(), rows });
        }
        let high = |label: &usize| *label >= MOST_CLASSES;
        if let Some(row) = set.labels.iter().position(high) {
            return Err(FitError::Label { row, label: set.labels[row], most: MOST_CLASSES });
        }
        let labels: Vec<u32> = set.labels.iter().map(|&label| label as u32).collect();
        // A single class is still told from its absence.
        let classes = labels.iter().max().map_or(2, |&last| last as usize + 1).max(2);
        let class_weights = params.class_weight.of(&labels, classes)?;
        let weights = weights(set, &labels, &class_weights)?;
        check_finite(set.records)?;
        let bins = bins(set.records, params, watch);
        Ok(bins.map(|bins| Self { values, bins, labels, class_weights, weights }))
    }

    /// The values of a row.
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.features()..][..self.features()]
    }

    pub(crate) fn features(&self) -> usize {
        self.bins.len()
    }

    /// The most bins that a feature has.
    pub(crate) fn most_bins(&self) -> usize {
        self.bins.iter().map(Bins::len).max().unwrap_or(0)
    }

    /// What a row weighs when it is drawn once.
    pub(crate) fn weight(&self, row: usize) -> f64 {
        let weight = self.weights.as_ref().map_or(1.0, |weights| weights[row]);
        self.class_weights[self.labels[row] as usize] * weight
    }
}

fn weights(
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

/// Each feature's bins, chosen by all rows or by a sample that is the same for all features; none
/// where `watch` stops the work.
fn bins(
    records: ArrayView2<'_, f32>,
    params: &RandomForestValidParams,
    watch: &dyn Watch,
) -> Option<Vec<Bins>> {
    let rows = records.nrows();
    let limit = params.max_bins.unwrap_or(if rows <= EXACT_ROWS { WIDE } else { NARROW });
    let all = limit > NARROW || rows <= SAMPLE;
    // One row of each stretch: no order of the rows can hide a part of them.
    let mut stream = Stream::new(params.random_state, usize::MAX);
    let starts = || (0..=SAMPLE).map(|index| (index * rows).div_ceil(SAMPLE));
    let mut sample = || -> Vec<usize> {
        let stretches = starts().zip(starts().skip(1));
        stretches.map(|(start, end)| start + stream.below((end - start) as u32) as usize).collect()
    };
    let records: CowArray<'_, f32, _> = match all {
        true => records.into(),
        false => records.select(Axis(0), &sample()).into(),
    };
    let of = |feature: usize| {
        if watch.stopped() {
            return None;
        }
        let mut values = records.column(feature).to_vec();
        radsort::sort(&mut values);
        Some(Bins::new(&values, limit, all))
    };
    (0..records.ncols()).into_par_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::RandomForest;

    fn most_bins(rows: usize, max_bins: Option<usize>) -> usize {
        let records = Array2::from_shape_fn((rows, 1), |(row, _)| row as f32);
        let labels = Array1::from_elem(rows, 0);
        let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
        let params = RandomForest::params().max_bins(max_bins).check().unwrap();
        Table::new(&set, records.as_slice().unwrap(), &params, &()).unwrap().unwrap().most_bins()
    }

    #[test]
    fn splits_are_exact_up_to_a_number_of_rows() {
        assert_eq!(most_bins(EXACT_ROWS, None), EXACT_ROWS);
        assert_eq!(most_bins(EXACT_ROWS + 1, None), 256);
        assert_eq!(most_bins(EXACT_ROWS + 1, Some(WIDE)), EXACT_ROWS + 1);
        assert_eq!(most_bins(65_537, Some(WIDE)), WIDE);
        assert_eq!(most_bins(1000, Some(10)), 10);
        assert_eq!(most_bins(SAMPLE + 1, None), 256);
    }
}
