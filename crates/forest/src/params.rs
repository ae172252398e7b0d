//! Parameters, unchecked and then checked by type.

use linfa::ParamGuard;

use crate::table::WIDE;

/// How many features each split looks at, of all that there are; at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFeatures {
    /// The square root of their number, rounded down.
    Sqrt,
    /// The binary logarithm of their number, rounded down.
    Log2,
    /// All of them.
    All,
    /// So many; all where there are fewer.
    Count(usize),
    /// Such a share of them, above 0 and at most 1, rounded down.
    Fraction(f64),
}

impl MaxFeatures {
    fn usable(self) -> bool {
        match self {
            Self::Count(count) => count > 0,
            Self::Fraction(share) => share > 0.0 && share <= 1.0,
            Self::Sqrt | Self::Log2 | Self::All => true,
        }
    }

    /// The number for a table of `features` columns.
    pub fn of(self, features: usize) -> usize {
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

/// A number of rows: itself, or as a share of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Samples {
    /// So many.
    Count(usize),
    /// Such a share of the table's rows, above 0 and at most 1.
    Fraction(f64),
}

impl Samples {
    fn usable(self, least: usize) -> bool {
        match self {
            Self::Count(count) => count >= least,
            Self::Fraction(share) => share > 0.0 && share <= 1.0,
        }
    }

    /// The number for a table of `rows`, a fraction rounded up.
    fn of(self, rows: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Fraction(share) => (share * rows as f64).ceil() as usize,
        }
    }
}

/// How mixed a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// The Gini impurity: how often two rows drawn from it differ.
    Gini,
    /// The Shannon entropy, which is the log loss of a leaf.
    Entropy,
}

/// What a row of a class counts for.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassWeight {
    /// `rows / (classes * rows of this class)`: all classes weigh alike.
    Balanced,
    /// 1
    Uniform,
    /// A number from 1e-9 to 1e9 for each class, in order.
    Each(Vec<f64>),
}

/// Parameters out of their range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// No trees.
    #[error("n_estimators is 0, expected at least 1")]
    NoTrees,
    /// A split of one row.
    #[error(
        "min_samples_split is {0:?}, expected a count of at least 2 or a share above 0 and up to 1"
    )]
    MinSamplesSplit(Samples),
    /// An empty leaf.
    #[error(
        "min_samples_leaf is {0:?}, expected a count of at least 1 or a share above 0 and up to 1"
    )]
    MinSamplesLeaf(Samples),
    /// No features, or a share that is none.
    #[error("max_features is {0:?}, expected a count of at least 1 or a share above 0 and up to 1")]
    MaxFeatures(MaxFeatures),
    /// No draws.
    #[error("max_samples is {0:?}, expected a count of at least 1 or a share above 0 and up to 1")]
    MaxSamples(Samples),
    /// Nothing to split.
    #[error("max_leaf_nodes is {0}, expected at least 2")]
    MaxLeafNodes(usize),
    /// Too few bins for a split, or more than their codes can tell.
    #[error("max_bins is {0}, expected a number from 2 to 65536")]
    MaxBins(usize),
    /// A class without a say.
    #[error("class_weight of class {class} is {weight}, expected a number from 1e-9 to 1e9")]
    ClassWeight {
        /// The class.
        class: usize,
        /// Its weight.
        weight: f64,
    },
    /// Every row is in every tree.
    #[error("{0} needs rows that a tree was not grown from, expected bootstrap")]
    NoneOutOfBag(&'static str),
}

/// Parameters of a [`RandomForest`](crate::RandomForest), not yet checked. Names, meanings and
/// defaults are scikit-learn's.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForestParams(RandomForestValidParams);

/// Parameters in their ranges.
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

/// How many rows a node needs to be split, and how many each side of a split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) split: usize,
    pub(crate) leaf: usize,
}

impl RandomForestValidParams {
    pub(crate) fn limits(&self, rows: usize) -> Limits {
        let leaf = self.min_samples_leaf.of(rows).max(1);
        Limits { split: self.min_samples_split.of(rows).max(2).max(2 * leaf), leaf }
    }

    /// How many draws a tree takes; none where it takes each row once.
    pub(crate) fn draws(&self, rows: usize) -> Option<usize> {
        let draws = match self.max_samples {
            None => rows,
            Some(Samples::Count(count)) => count.min(rows),
            // Rounded to the nearest, here as there.
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
    /// How many trees; 100 unless set.
    #[must_use]
    pub fn n_estimators(mut self, count: usize) -> Self {
        self.0.n_estimators = count;
        self
    }

    /// What a split is to make less of; the Gini impurity unless set.
    #[must_use]
    pub fn criterion(mut self, criterion: Criterion) -> Self {
        self.0.criterion = criterion;
        self
    }

    /// How many splits lie between the root and a leaf at most; no limit unless set.
    #[must_use]
    pub fn max_depth(mut self, depth: Option<usize>) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// How many leaves a tree has at most, splitting the node first that gains most; no limit
    /// unless set.
    #[must_use]
    pub fn max_leaf_nodes(mut self, leaves: Option<usize>) -> Self {
        self.0.max_leaf_nodes = leaves;
        self
    }

    /// How many different rows a node needs to be split; 2 unless set.
    #[must_use]
    pub fn min_samples_split(mut self, rows: Samples) -> Self {
        self.0.min_samples_split = rows;
        self
    }

    /// How many different rows each side of a split needs; 1 unless set.
    #[must_use]
    pub fn min_samples_leaf(mut self, rows: Samples) -> Self {
        self.0.min_samples_leaf = rows;
        self
    }

    /// How many features each split looks at; the square root unless set.
    #[must_use]
    pub fn max_features(mut self, features: MaxFeatures) -> Self {
        self.0.max_features = features;
        self
    }

    /// How many values of a feature a split can tell apart at most, from 2 to 65,536; a feature with
    /// no more has exact splits. Unless set 65,536 up to 20,000 rows, where every split is exact,
    /// and 256 beyond, which is faster and as good.
    #[must_use]
    pub fn max_bins(mut self, bins: Option<usize>) -> Self {
        self.0.max_bins = bins;
        self
    }

    /// What a row of a class counts for; 1 unless set.
    #[must_use]
    pub fn class_weight(mut self, weight: ClassWeight) -> Self {
        self.0.class_weight = weight;
        self
    }

    /// Whether each tree draws its rows with replacement, or takes all; it draws unless set.
    #[must_use]
    pub fn bootstrap(mut self, bootstrap: bool) -> Self {
        self.0.bootstrap = bootstrap;
        self
    }

    /// How many rows each tree draws; as many as there are unless set.
    #[must_use]
    pub fn max_samples(mut self, rows: Option<Samples>) -> Self {
        self.0.max_samples = rows;
        self
    }

    /// Whether [`Fitted::oob_score`](crate::Fitted::oob_score) is wanted; not unless set.
    #[must_use]
    pub fn oob_score(mut self, wanted: bool) -> Self {
        self.0.oob_score = wanted;
        self
    }

    /// Whether [`Fitted::permutation_importances`](crate::Fitted::permutation_importances) are
    /// wanted; not unless set.
    #[must_use]
    pub fn permutation_importances(mut self, wanted: bool) -> Self {
        self.0.permutation_importances = wanted;
        self
    }

    /// Seeds every tree's random stream; 0 unless set.
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
        if !params.min_samples_split.usable(2) {
            return Err(ParamsError::MinSamplesSplit(params.min_samples_split));
        }
        if !params.min_samples_leaf.usable(1) {
            return Err(ParamsError::MinSamplesLeaf(params.min_samples_leaf));
        }
        if !params.max_features.usable() {
            return Err(ParamsError::MaxFeatures(params.max_features));
        }
        if let Some(samples) = params.max_samples.filter(|samples| !samples.usable(1)) {
            return Err(ParamsError::MaxSamples(samples));
        }
        if let Some(leaves) = params.max_leaf_nodes.filter(|&leaves| leaves < 2) {
            return Err(ParamsError::MaxLeafNodes(leaves));
        }
        if let Some(bins) = params.max_bins.filter(|bins| !(2..=WIDE).contains(bins)) {
            return Err(ParamsError::MaxBins(bins));
        }
        if let ClassWeight::Each(weights) = &params.class_weight {
            // Beyond, a gain is no longer a number.
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
        let of = |features, columns| MaxFeatures::of(features, columns);
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
    fn shares_of_rows_become_numbers() {
        let limits = |split, leaf| {
            let params = RandomForestParams::default()
                .min_samples_split(split)
                .min_samples_leaf(leaf)
                .check()
                .unwrap();
            let Limits { split, leaf } = params.limits(150);
            (split, leaf)
        };
        let (count, share) = (Samples::Count, Samples::Fraction);
        assert_eq!(limits(count(2), count(1)), (2, 1));
        // 0.05 * 150 = 7.5 and 0.01 * 150 = 1.5; a split needs two leaves.
        assert_eq!(limits(share(0.05), share(0.01)), (8, 2));
        assert_eq!(limits(count(3), count(4)), (8, 4));
        assert_eq!(limits(share(0.001), count(1)), (2, 1));
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
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
            "oob_score needs rows that a tree was not grown from, expected bootstrap"
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
