//! Parameters, unchecked and then checked by type.

use linfa::ParamGuard;

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

/// What a row of a class counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassWeight {
    /// `rows / (classes * rows of this class)`: all classes weigh alike.
    Balanced,
    /// 1
    Uniform,
}

/// Parameters out of their range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ParamsError {
    /// No trees.
    #[error("n_estimators is 0, expected at least 1")]
    NoTrees,
    /// A split of one row.
    #[error("min_samples_split is {0}, expected at least 2")]
    MinSamplesSplit(usize),
    /// An empty leaf.
    #[error("min_samples_leaf is 0, expected at least 1")]
    MinSamplesLeaf,
    /// No features, or a share that is none.
    #[error("max_features is {0:?}, expected a count of at least 1 or a share above 0 and up to 1")]
    MaxFeatures(MaxFeatures),
}

/// Parameters of a [`RandomForest`](crate::RandomForest), not yet checked. Names, meanings and
/// defaults are scikit-learn's.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForestParams(RandomForestValidParams);

/// Parameters in their ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomForestValidParams {
    pub(crate) n_estimators: usize,
    pub(crate) max_depth: Option<usize>,
    pub(crate) min_samples_split: usize,
    pub(crate) min_samples_leaf: usize,
    pub(crate) max_features: MaxFeatures,
    pub(crate) class_weight: ClassWeight,
    pub(crate) random_state: u64,
}

impl Default for RandomForestParams {
    fn default() -> Self {
        Self(RandomForestValidParams {
            n_estimators: 100,
            max_depth: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_features: MaxFeatures::Sqrt,
            class_weight: ClassWeight::Uniform,
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

    /// How many splits lie between the root and a leaf at most; no limit unless set.
    #[must_use]
    pub fn max_depth(mut self, depth: Option<usize>) -> Self {
        self.0.max_depth = depth;
        self
    }

    /// How many different rows a node needs to be split; 2 unless set.
    #[must_use]
    pub fn min_samples_split(mut self, rows: usize) -> Self {
        self.0.min_samples_split = rows;
        self
    }

    /// How many different rows each side of a split needs; 1 unless set.
    #[must_use]
    pub fn min_samples_leaf(mut self, rows: usize) -> Self {
        self.0.min_samples_leaf = rows;
        self
    }

    /// How many features each split looks at; the square root unless set.
    #[must_use]
    pub fn max_features(mut self, features: MaxFeatures) -> Self {
        self.0.max_features = features;
        self
    }

    /// What a row of a class counts for; 1 unless set.
    #[must_use]
    pub fn class_weight(mut self, weight: ClassWeight) -> Self {
        self.0.class_weight = weight;
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
        if params.min_samples_split < 2 {
            return Err(ParamsError::MinSamplesSplit(params.min_samples_split));
        }
        if params.min_samples_leaf == 0 {
            return Err(ParamsError::MinSamplesLeaf);
        }
        let usable = match params.max_features {
            MaxFeatures::Count(count) => count > 0,
            MaxFeatures::Fraction(share) => share > 0.0 && share <= 1.0,
            MaxFeatures::Sqrt | MaxFeatures::Log2 | MaxFeatures::All => true,
        };
        if usable { Ok(params) } else { Err(ParamsError::MaxFeatures(params.max_features)) }
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
    fn parameters_out_of_range_are_refused() {
        let refused = |params: RandomForestParams| params.check().unwrap_err().to_string();
        let params = RandomForestParams::default;
        assert_eq!(refused(params().n_estimators(0)), "n_estimators is 0, expected at least 1");
        assert_eq!(
            refused(params().min_samples_split(1)),
            "min_samples_split is 1, expected at least 2"
        );
        assert_eq!(
            refused(params().min_samples_leaf(0)),
            "min_samples_leaf is 0, expected at least 1"
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
