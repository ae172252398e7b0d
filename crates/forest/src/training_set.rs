//! The training set that a forest is fitted to.

use ndarray::{ArrayView1, ArrayView2};

/// The data that a forest is fitted to.
#[derive(Clone, Copy, Debug)]
pub struct TrainingSet<'a> {
    /// The feature values, one row per example: `rows x features`.
    pub records: ArrayView2<'a, f32>,
    /// The class of each row, numbered from 0.
    pub labels: ArrayView1<'a, usize>,
    /// The weight of each row in the impurity and in the leaves; 1 if absent. Unlike the weight of a
    /// class, it does not change how often the row is drawn.
    pub weights: Option<ArrayView1<'a, f32>>,
}
