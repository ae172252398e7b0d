//! The parameters of a forest, before and after their check.

use linfa::ParamGuard;

use crate::bins::U16_BINS;

/// The number of features that each split considers; at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFeatures {
    /// The square root of the number of features, rounded down.
    Sqrt,
    /// The binary logarithm of the number of features, rounded down.
    Log2,
    /// All features.
    All,
    /// A number of features; all if the table has fewer.
    Count(usize),
    /// A share of the features, greater than 0 and at most 1, rounded down.
    Fraction(f64),
}

impl MaxFeatures {
    fn in_range(self) -> bool {
        match self {
            Self::Count(count) => count > 0,
            Self::Fraction(share) => share > 0.0 && share <= 1.0,
            Self::Sqrt | Self::Log2 | Self::All => true,
        }
    }

    /// Returns the number for a table of `features` features.
    pub fn resolve(self, features: usize) -> usize {
        let count = match self {
            Self::Sqrt => features.isqrt(),
            Self::Log2 => features.checked_ilog2().unwrap_or(0) as usize,
            Self::All => features,
            Self::Count(count) => count,
            Self::Fraction(share) => (share * features as f64) as usize,
        };
        count.clamp(1, features.max(1))
    }
}

/// A number of rows, absolute or as a share of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Samples {
    /// A number of rows.
    Count(usize),
    /// A share of the table's rows, greater than 0 and at most 1.
    Fraction(f64),
}

impl Samples {
    fn in_range(self, least: usize) -> bool {
        match self {
            Self::Count(count) => count >= least,
            Self::Fraction(share) => share > 0.0 && share <= 1.0,
        }
    }

    /// Returns the number for a table of `rows` rows; a share is rounded up.
    fn resolve(self, rows: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Fraction(share) => (share * rows as f64).ceil() as usize,
        }
    }
}

/// The measure of a node's impurity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The Gini impurity: the probability that two rows drawn from the node differ in class.
    Gini,
    /// The Shannon entropy, equal to the log loss of a leaf.
    Entropy,
}

/// The weights of the classes.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// `rows / (classes * rows of this class)`: all classes have the same total weight.
    Balanced,
    /// 1 for each class.
    Uniform,
    /// A weight from 1e-9 to 1e9 for each class, in order.
    Each(Vec<f64>),
}

/// A parameter that is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// `n_estimators` is 0.
    #[error("n_estimators is 0, expected at least 1")]
    NoTrees,
    /// `min_samples_split` is out of range.
    #[error(
        "min_samples_split is {0:?}, expected a count of at least 2 or a share above 0 and up to 1"
    )]
    MinSamplesSplit(Samples),
    /// `min_samples_leaf` is out of range.
    #[error(
        "min_samples_leaf is {0:?}, expected a count of at least 1 or a share above 0 and up to 1"
    )]
    MinSamplesLeaf(Samples),
    /// `max_features` is out of range.
    #[error("max_features is {0:?}, expected a count of at least 1 or a share above 0 and up to 1")]
    MaxFeatures(MaxFeatures),
    /// `max_samples` is out of range.
    #[error("max_samples is {0:?}, expected a count of at least 1 or a share above 0 and up to 1")]
    MaxSamples(Samples),
    /// `max_leaf_nodes` is too small for a split.
    #[error("max_leaf_nodes is {0}, expected at least 2")]
    MaxLeafNodes(usize),
    /// `max_bins` is too small for a split, or exceeds what a 16-bit code can tell apart.
    #[error("max_bins is {0}, expected a number from 2 to 65536")]
    MaxBins(usize),
    /// The weight of a class is out of range.
    #[error("class_weight of class {class} is {weight}, expected a number from 1e-9 to 1e9")]
    ClassWeight {
        /// The class.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// A score of out-of-bag rows is requested without `bootstrap`, where every row is in every
    /// tree's sample.
    #[error("{0} needs out-of-bag rows, expected bootstrap to be true")]
    NoneOutOfBag(&'static str),
}

/// Unchecked parameters of a [`RandomForest`](crate::RandomForest). Names, meanings and defaults
/// are those of scikit-learn.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForestParams(RandomForestValidParams);

/// Checked parameters of a [`RandomForest`](crate::RandomForest).
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForestValidParams {
    pub(crate) n_estimators: usize,
    pub(crate) criterion: Criterion,
    pub(crate) max_depth: Option<usize>,
    pub(crate) max_leaf_nodes: Option<usize>,
    pub(crate) min_samples_split: Samples,
    pub(crate) min_samples_leaf: Samples,
    pub(crate) max_features: MaxFeatures,
    pub(crate) max_bins: Option<usize>,
    pub(crate) class_weight: ClassWeight,
    pub(crate) bootstrap: bool,
    pub(crate) max_samples: Option<Samples>,
    pub(crate) oob_score: bool,
    pub(crate) permutation_importances: bool,
    pub(crate) random_state: u64,
}

/// The minimum number of rows of a node that is split, and of each side of a split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLimits {
    pub(crate) split: usize,
    pub(crate) leaf: usize,
}

impl RandomForestValidParams {
    /// Returns the row minimums for a table of `rows` rows.
    pub(crate) fn limits(&self, rows: usize) -> RowLimits {
        let leaf = self.min_samples_leaf.resolve(rows).max(1);
        RowLimits { split: self.min_samples_split.resolve(rows).max(2).max(2 * leaf), leaf }
    }

    /// Returns the number of rows that a tree draws, or `None` if it takes each row once.
    pub(crate) fn draws(&self, rows: usize) -> Option<usize> {
        let draws = match self.max_samples {
            None => rows,
            Some(Samples::Count(count)) => count.min(rows),
            // Rounded to the nearest integer, as scikit-learn does.
            Some(Samples::Fraction(share)) => ((share * rows as f64).round() as usize).max(1),
        };
        self.bootstrap.then_some(draws)
    }
}

impl Default for RandomForestParams {
    fn default() -> Self {
        Self(RandomForestValidParams {
            n_estimators: 100,
            criterion: Criterion::Gini,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: Samples::Count(2),
            min_samples_leaf: Samples::Count(1),
            max_features: MaxFeatures::Sqrt,
            max_bins: None,
            class_weight: ClassWeight::Uniform,
            bootstrap: true,
            max_samples: None,
            oob_score: false,
            permutation_importances: false,
            random_state: 0,
        })
    }
}

impl RandomForestParams {
    /// Sets the number of trees; the default is 100.
    #[must_use]
    pub fn n_estimators(mut self, count: usize) -> Self {
        self.0.n_estimators = count;
        self
    }

    /// Sets the impurity that splits decrease; the default is the Gini impurity.
    #[must_use]
    pub fn criterion(mut self, criterion: Criterion) -> Self {
        self.0.criterion = criterion;
        self
    }

    /// Sets the maximum number of splits between the root and a leaf; the default is no limit.
    #[must_use]
    pub fn max_depth(mut self, depth: Option<usize>) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// Sets the maximum number of leaves of a tree, which is then grown by splitting the node with
    /// the greatest gain first; the default is no limit.
    #[must_use]
    pub fn max_leaf_nodes(mut self, leaves: Option<usize>) -> Self {
        self.0.max_leaf_nodes = leaves;
        self
    }

    /// Sets the minimum number of distinct rows of a node that is split; the default is 2.
    #[must_use]
    pub fn min_samples_split(mut self, rows: Samples) -> Self {
        self.0.min_samples_split = rows;
        self
    }

    /// Sets the minimum number of distinct rows on each side of a split; the default is 1.
    #[must_use]
    pub fn min_samples_leaf(mut self, rows: Samples) -> Self {
        self.0.min_samples_leaf = rows;
        self
    }

    /// Sets the number of features that each split considers; the default is the square root.
    #[must_use]
    pub fn max_features(mut self, features: MaxFeatures) -> Self {
        self.0.max_features = features;
        self
    }

    /// Sets the maximum number of bins of a feature, from 2 to 65,536. A feature with no more
    /// distinct values than bins has exact splits. The default is 65,536 for tables of up to 20,000
    /// rows, where every split is exact, and 256 for larger ones, which is faster and as accurate.
    #[must_use]
    pub fn max_bins(mut self, bins: Option<usize>) -> Self {
        self.0.max_bins = bins;
        self
    }

    /// Sets the weights of the classes; the default is 1 for each. With a bootstrap, the number of
    /// draws from a class is proportional to its weight times its number of rows. Without one, the
    /// weights count in the impurity and in the leaves.
    #[must_use]
    pub fn class_weight(mut self, weight: ClassWeight) -> Self {
        self.0.class_weight = weight;
        self
    }

    /// Sets whether each tree draws its rows with replacement or takes all rows; the default is to
    /// draw.
    #[must_use]
    pub fn bootstrap(mut self, bootstrap: bool) -> Self {
        self.0.bootstrap = bootstrap;
        self
    }

    /// Sets the number of rows that each tree draws; the default is the number of rows of the
    /// table.
    #[must_use]
    pub fn max_samples(mut self, rows: Option<Samples>) -> Self {
        self.0.max_samples = rows;
        self
    }

    /// Sets whether to compute [`Fitted::oob_score`](crate::Fitted::oob_score); the default is not
    /// to.
    #[must_use]
    pub fn oob_score(mut self, wanted: bool) -> Self {
        self.0.oob_score = wanted;
        self
    }

    /// Sets whether to compute
    /// [`Fitted::permutation_importances`](crate::Fitted::permutation_importances); the default is
    /// not to.
    #[must_use]
    pub fn permutation_importances(mut self, wanted: bool) -> Self {
        self.0.permutation_importances = wanted;
        self
    }

    /// Sets the seed of the trees' random streams; the default is 0.
    #[must_use]
    pub fn random_state(mut self, seed: u64) -> Self {
        self.0.random_state = seed;
        self
    }
}

impl ParamGuard for RandomForestParams {
    type Checked = RandomForestValidParams;
    type Error = ParamsError;

    fn check_ref(&self) -> Result<&Self::Checked, ParamsError> {
        let params = &self.0;
        if params.n_estimators == 0 {
            return Err(ParamsError::NoTrees);
        }
        if !params.min_samples_split.in_range(2) {
            return Err(ParamsError::MinSamplesSplit(params.min_samples_split));
        }
        if !params.min_samples_leaf.in_range(1) {
            return Err(ParamsError::MinSamplesLeaf(params.min_samples_leaf));
        }
        if !params.max_features.in_range() {
            return Err(ParamsError::MaxFeatures(params.max_features));
        }
        if let Some(samples) = params.max_samples.filter(|samples| !samples.in_range(1)) {
            return Err(ParamsError::MaxSamples(samples));
        }
        if let Some(leaves) = params.max_leaf_nodes.filter(|&leaves| leaves < 2) {
            return Err(ParamsError::MaxLeafNodes(leaves));
        }
        if let Some(bins) = params.max_bins.filter(|bins| !(2..=U16_BINS).contains(bins)) {
            return Err(ParamsError::MaxBins(bins));
        }
        if let ClassWeight::Each(weights) = &params.class_weight {
            // Outside of this range a gain can overflow to infinity or underflow to NaN.
            let wrong = |weight: &f64| !(1e-9..=1e9).contains(weight);
            if let Some(class) = weights.iter().position(wrong) {
                return Err(ParamsError::ClassWeight { class, weight: weights[class] });
            }
        }
        for (wanted, what) in [
            (params.oob_score, "oob_score"),
            (params.permutation_importances, "permutation_importances"),
        ] {
            if wanted && !params.bootstrap {
                return Err(ParamsError::NoneOutOfBag(what));
            }
        }
        Ok(params)
    }

    fn check(self) -> Result<Self::Checked, ParamsError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_features_rounds_down_and_keeps_at_least_one() {
        let of = |features, columns| MaxFeatures::resolve(features, columns);
        assert_eq!([of(MaxFeatures::Sqrt, 15), of(MaxFeatures::Log2, 15)], [3, 3]);
        assert_eq!([of(MaxFeatures::All, 15), of(MaxFeatures::Count(40), 15)], [15, 15]);
        // 0.3 * 15 = 4.5; 0.01 * 15 = 0.15
        assert_eq!(
            [of(MaxFeatures::Fraction(0.3), 15), of(MaxFeatures::Fraction(0.01), 15)],
            [4, 1]
        );
        assert_eq!([of(MaxFeatures::Sqrt, 1), of(MaxFeatures::Log2, 1)], [1, 1]);
    }

    #[test]
    fn shares_of_rows_are_rounded_to_counts() {
        let limits = |split, leaf| {
            let params = RandomForestParams::default()
                .min_samples_split(split)
                .min_samples_leaf(leaf)
                .check()
                .unwrap();
            let RowLimits { split, leaf } = params.limits(150);
            (split, leaf)
        };
        let (count, share) = (Samples::Count, Samples::Fraction);
        assert_eq!(limits(count(2), count(1)), (2, 1));
        // 0.05 * 150 = 7.5 and 0.01 * 150 = 1.5; a split needs rows for two leaves.
        assert_eq!(limits(share(0.05), share(0.01)), (8, 2));
        assert_eq!(limits(count(3), count(4)), (8, 4));
        assert_eq!(limits(share(0.001), count(1)), (2, 1));
    }

    #[test]
    fn parameters_out_of_range_are_errors() {
        let refused = |params: RandomForestParams| params.check().unwrap_err().to_string();
        let params = RandomForestParams::default;
        assert_eq!(refused(params().n_estimators(0)), "n_estimators is 0, expected at least 1");
        let rows = "expected a count of at least 1 or a share above 0 and up to 1";
        for samples in [Samples::Count(0), Samples::Fraction(0.0), Samples::Fraction(f64::NAN)] {
            assert!(refused(params().min_samples_leaf(samples)).ends_with(rows));
            assert!(refused(params().max_samples(Some(samples))).ends_with(rows));
        }
        assert_eq!(
            refused(params().min_samples_split(Samples::Count(1))),
            "min_samples_split is Count(1), expected a count of at least 2 or a share above 0 and \
             up to 1"
        );
        assert_eq!(
            refused(params().max_leaf_nodes(Some(1))),
            "max_leaf_nodes is 1, expected at least 2"
        );
        for bins in [1, 65_537] {
            assert!(refused(params().max_bins(Some(bins))).starts_with("max_bins is"));
        }
        assert_eq!(
            refused(params().class_weight(ClassWeight::Each(vec![1.0, 0.0]))),
            "class_weight of class 1 is 0, expected a number from 1e-9 to 1e9"
        );
        assert_eq!(
            refused(params().bootstrap(false).oob_score(true)),
            "oob_score needs out-of-bag rows, expected bootstrap to be true"
        );
        for features in [
            MaxFeatures::Count(0),
            MaxFeatures::Fraction(0.0),
            MaxFeatures::Fraction(1.5),
            MaxFeatures::Fraction(f64::NAN),
        ] {
            assert!(refused(params().max_features(features)).contains("max_features is"));
        }
    }
}
