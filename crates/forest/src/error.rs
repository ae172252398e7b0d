//! The error of a fit.

use std::ops::Range;

use crate::params::ParamsError;

/// An error of fitting a forest.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A parameter is out of range.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The table has no rows or no features.
    #[error("the table has {rows} rows and {features} features, expected at least one of each")]
    Empty {
        /// The number of rows.
        rows: usize,
        /// The number of features.
        features: usize,
    },
    /// The table has too many rows or features for the integers that count them.
    #[error("the table has {count} {what}, expected at most {most}")]
    TooLarge {
        /// The number found.
        count: usize,
        /// What there is too much of.
        what: &'static str,
        /// The maximum.
        most: usize,
    },
    /// The number of labels or weights differs from the number of rows.
    #[error("there are {found} {what} for {rows} rows")]
    Lengths {
        /// `labels` or `weights`.
        what: &'static str,
        /// The number found.
        found: usize,
        /// The number of rows.
        rows: usize,
    },
    /// A value is NaN or infinite.
    #[error("feature {feature} of row {row} is {value}, expected a finite number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The feature, from 0.
        feature: usize,
        /// The value.
        value: f32,
    },
    /// A label is so high that each leaf would need more memory than any real table justifies.
    #[error("row {row} has label {label}, expected less than {most}")]
    Label {
        /// The row, from 0.
        row: usize,
        /// The row's label.
        label: usize,
        /// The exclusive upper limit of labels.
        most: usize,
    },
    /// A weight is negative, NaN or infinite.
    #[error("row {row} has weight {weight}, expected a finite number from 0")]
    Weight {
        /// The row, from 0.
        row: usize,
        /// The row's weight.
        weight: f32,
    },
    /// Every row has weight 0, by itself or through its class.
    #[error("every row has weight 0, expected at least one row with a positive weight")]
    NoWeight,
    /// The number of class weights differs from the number of classes.
    #[error("class_weight has {found} weights, expected {classes}, one for each class")]
    ClassWeights {
        /// The number of weights.
        found: usize,
        /// The number of classes.
        classes: usize,
    },
    /// The range of trees is empty or exceeds the forest.
    #[error("trees {}..{} are not a part of a forest of {all} trees", trees.start, trees.end)]
    Share {
        /// The range, from 0.
        trees: Range<usize>,
        /// The number of trees in the forest.
        all: usize,
    },
    /// The caller stopped the fit.
    #[error("stopped after {done} of {all} trees")]
    Stopped {
        /// The number of trees completed.
        done: usize,
        /// The number of trees requested.
        all: usize,
    },
    /// An error of linfa itself.
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
}
