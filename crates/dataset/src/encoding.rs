//! How the readings of one column become features.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::categories;
use crate::schema::{Column, ColumnKind};

/// How columns of categories are encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoryRules {
    /// The maximum number of features of one column. A column with more values has a single feature:
    /// the share of the training rows that have the row's value.
    pub max_one_hot: usize,
    /// The share of the training rows below which a value is rare. The rare values of a column share
    /// one feature.
    pub min_frequency: f64,
}

impl Default for CategoryRules {
    fn default() -> Self {
        Self { max_one_hot: 16, min_frequency: 0.01 }
    }
}

/// A fitted encoding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Encoding {
    /// The reading itself. A missing one becomes the median over the training rows.
    Number {
        median: f64,
        /// The least and the greatest reading of the training rows; `None` in recipes of old programs.
        range: Option<[f64; 2]>,
    },
    /// A feature for each value, which is 1 where the row has it, and one for all rare values.
    OneHot(OneHot),
    /// The value's number, from 1, or its share of the training rows; 0 for any other.
    Lookup {
        /// The values in the order in which they are stored.
        values: Vec<Frequency>,
        /// The feature of each value, by code.
        features: BTreeMap<u64, f32>,
    },
}

/// The values of a one-hot encoding.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OneHot {
    stored: StoredOneHot,
    /// The index of the feature that is 1, by code.
    features: BTreeMap<u64, usize>,
}

/// A value and its share of the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frequency {
    value: String,
    share: f64,
}

/// The stored form of a one-hot encoding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredOneHot {
    /// The values with a feature of their own, in order.
    values: Vec<String>,
    /// The values that share the last feature.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    rare: Vec<String>,
}

/// The parts of an encoding that are stored beside its column. An order is the column's.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoredEncoding {
    pub(crate) median: Option<f64>,
    pub(crate) range: Option<[f64; 2]>,
    pub(crate) one_hot: Option<StoredOneHot>,
    pub(crate) frequencies: Option<Vec<Frequency>>,
}

impl Encoding {
    /// Fits the encoding of categories to the number of training rows with each value, of `rows`
    /// rows. Values come in alphabetical order.
    pub(crate) fn fit(
        column: &Column,
        counts: &BTreeMap<&str, usize>,
        rows: usize,
        rules: CategoryRules,
    ) -> Self {
        if !column.order.is_empty() {
            return Self::order(&column.order);
        }
        let share = |count: usize| count as f64 / rows.max(1) as f64;
        let is_rare = |count: &usize| share(*count) < rules.min_frequency;
        let values = |rare: bool| {
            let values = counts.iter().filter(|(_, count)| is_rare(count) == rare);
            values.map(|(value, _)| (*value).to_owned()).collect::<Vec<_>>()
        };
        let stored = StoredOneHot { values: values(false), rare: values(true) };
        if stored.width() <= rules.max_one_hot {
            return Self::OneHot(OneHot::new(stored));
        }
        let frequency = |(value, count): (&&str, &usize)| {
            let (value, share) = ((*value).to_owned(), share(*count));
            Frequency { value, share }
        };
        Self::frequencies(counts.iter().map(frequency).collect())
    }

    fn order(order: &[String]) -> Self {
        let features = order.iter().enumerate();
        let features = features
            .map(|(index, value)| (categories::code(categories::value(value)), (index + 1) as f32));
        Self::Lookup { values: Vec::new(), features: features.collect() }
    }

    fn frequencies(values: Vec<Frequency>) -> Self {
        let features = values
            .iter()
            .map(|Frequency { value, share }| (categories::code(value), *share as f32));
        Self::Lookup { features: features.collect(), values }
    }

    /// Returns the names of the features of a column.
    pub(crate) fn names(&self, column: &str) -> Vec<String> {
        match self {
            Self::Number { .. } | Self::Lookup { .. } => vec![column.to_owned()],
            Self::OneHot(one_hot) => {
                let rare = (!one_hot.stored.rare.is_empty()).then_some("(rare)");
                let values = one_hot.stored.values.iter().map(String::as_str).chain(rare);
                values.map(|value| format!("{column}={}", printable(value))).collect()
            }
        }
    }

    /// Appends the features of a reading to `out`. A missing number becomes the median in `reading`,
    /// too. Returns whether the reading is a value that was not seen when this was fitted.
    #[inline]
    pub(crate) fn apply(&self, reading: &mut f64, is_missing: bool, out: &mut Vec<f32>) -> bool {
        match self {
            Self::Number { median, .. } => {
                if is_missing {
                    *reading = *median;
                }
                out.push(*reading as f32);
                false
            }
            Self::OneHot(OneHot { stored, features }) => {
                let begin = out.len();
                out.resize(begin + stored.width(), 0.0);
                let feature = features.get(&categories::code_of(*reading));
                match feature.filter(|_| !is_missing) {
                    Some(feature) => out[begin + feature] = 1.0,
                    None => return !is_missing,
                }
                false
            }
            Self::Lookup { features, .. } => {
                let feature = features.get(&categories::code_of(*reading));
                let feature = feature.filter(|_| !is_missing);
                out.push(feature.copied().unwrap_or(0.0));
                feature.is_none() && !is_missing
            }
        }
    }

    /// Returns whether a reading is a number outside of the range of the training rows.
    pub(crate) fn is_outside(&self, reading: f64) -> bool {
        match self {
            // Another unit may change the last digits of 64 bits.
            Self::Number { range: Some([least, greatest]), .. } => {
                (reading as f32) < *least as f32 || reading as f32 > *greatest as f32
            }
            _ => false,
        }
    }

    /// Returns whether the range of the training rows is known, where there is one.
    pub(crate) fn knows_range(&self) -> bool {
        !matches!(self, Self::Number { range: None, .. })
    }

    /// Returns the stored form.
    pub(crate) fn to_stored(&self) -> StoredEncoding {
        let mut stored = StoredEncoding::default();
        match self {
            Self::Number { median, range } => {
                (stored.median, stored.range) = (Some(*median), *range);
            }
            Self::OneHot(one_hot) => stored.one_hot = Some(one_hot.stored.clone()),
            // An order is the column's.
            Self::Lookup { values, .. } if values.is_empty() => {}
            Self::Lookup { values, .. } => stored.frequencies = Some(values.clone()),
        }
        stored
    }

    /// Returns the encoding of a column from its stored form, or what is wrong with it.
    pub(crate) fn from_stored(column: &Column, stored: StoredEncoding) -> Result<Self, String> {
        let name = &column.name;
        match stored {
            StoredEncoding { median: Some(median), range, one_hot: None, frequencies: None }
                if column.kind != ColumnKind::Category =>
            {
                if !(median as f32).is_finite() {
                    return Err(format!("the median of column `{name}` is not a number"));
                }
                if range.is_some_and(|[least, greatest]| !(least..=greatest).contains(&median)) {
                    return Err(format!("the median of column `{name}` is outside of its range"));
                }
                Ok(Self::Number { median, range })
            }
            StoredEncoding {
                median: None,
                range: None,
                one_hot: Some(stored),
                frequencies: None,
            } if column.kind == ColumnKind::Category && column.order.is_empty() => {
                let values = stored.values.len() + stored.rare.len();
                let one_hot = OneHot::new(stored);
                if values == 0 || one_hot.features.len() != values {
                    return Err(format!("column `{name}` has no values, or one twice"));
                }
                Ok(Self::OneHot(one_hot))
            }
            StoredEncoding {
                median: None,
                range: None,
                one_hot: None,
                frequencies: Some(shares),
            } if column.kind == ColumnKind::Category && column.order.is_empty() => {
                if shares.is_empty()
                    || !shares.iter().all(|share| (0.0..=1.0).contains(&share.share))
                {
                    return Err(format!("column `{name}` has no values, or a share that is none"));
                }
                Ok(Self::frequencies(shares))
            }
            StoredEncoding { median: None, range: None, one_hot: None, frequencies: None }
                if !column.order.is_empty() =>
            {
                Ok(Self::order(&column.order))
            }
            _ => Err(format!("the encoding of column `{name}` is not that of its kind")),
        }
    }
}

impl OneHot {
    fn new(stored: StoredOneHot) -> Self {
        let code = |value: &String| categories::code(value);
        let own = stored.values.iter().map(code).enumerate().map(|(index, code)| (code, index));
        let rare = stored.rare.iter().map(|value| (code(value), stored.values.len()));
        Self { features: own.chain(rare).collect(), stored }
    }
}

impl StoredOneHot {
    /// Returns the number of features.
    fn width(&self) -> usize {
        self.values.len() + usize::from(!self.rare.is_empty())
    }
}

/// Returns a value without the characters that would break a line.
fn printable(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(order: &[&str]) -> Column {
        let order = order.iter().map(|&value| value.to_owned()).collect();
        let kind = ColumnKind::Category;
        Column { name: "Type".to_owned(), kind, order, ..Column::default() }
    }

    /// Returns the features of a value, and whether it is unseen.
    fn encode(encoding: &Encoding, value: Option<&str>) -> (Vec<f32>, bool) {
        let mut out = Vec::new();
        let mut reading = value.map_or(f64::NAN, |value| categories::code(value) as f64);
        let unseen = encoding.apply(&mut reading, value.is_none(), &mut out);
        (out, unseen)
    }

    #[test]
    fn few_values_are_one_hot_and_rare_ones_share_a_feature() {
        let counts = BTreeMap::from([("H", 40), ("L", 57), ("X", 1), ("Y", 2)]);
        let rules = CategoryRules { max_one_hot: 3, min_frequency: 0.03 };
        let encoding = Encoding::fit(&category(&[]), &counts, 100, rules);
        assert_eq!(encoding.names("Type"), ["Type=H", "Type=L", "Type=(rare)"]);
        assert_eq!(encode(&encoding, Some("L")), (vec![0.0, 1.0, 0.0], false));
        assert_eq!(encode(&encoding, Some("Y")), (vec![0.0, 0.0, 1.0], false));
        assert_eq!(encode(&encoding, Some("never seen")), (vec![0.0; 3], true));
        assert_eq!(encode(&encoding, None), (vec![0.0; 3], false));
    }

    #[test]
    fn many_values_are_their_shares() {
        let counts = BTreeMap::from([("A", 50), ("B", 25), ("C", 25)]);
        let rules = CategoryRules { max_one_hot: 2, min_frequency: 0.01 };
        let encoding = Encoding::fit(&category(&[]), &counts, 100, rules);
        assert_eq!(encoding.names("Type"), ["Type"]);
        assert_eq!(encode(&encoding, Some("A")), (vec![0.5], false));
        assert_eq!(encode(&encoding, Some("D")), (vec![0.0], true));
        assert_eq!(encode(&encoding, None), (vec![0.0], false));
    }

    #[test]
    fn ordered_values_are_numbered_from_1() {
        let column = category(&["low", "mid", "high"]);
        let encoding = Encoding::fit(&column, &BTreeMap::new(), 3, CategoryRules::default());
        assert_eq!(encode(&encoding, Some("high")), (vec![3.0], false));
        assert_eq!(encode(&encoding, Some("higher")), (vec![0.0], true));
    }

    #[test]
    fn a_stored_encoding_is_checked_and_read_back() {
        let counts = BTreeMap::from([("A", 50), ("B", 49), ("C", 1)]);
        for (column, max_one_hot) in
            [(category(&[]), 16), (category(&[]), 1), (category(&["A", "B"]), 16)]
        {
            let rules = CategoryRules { max_one_hot, min_frequency: 0.02 };
            let encoding = Encoding::fit(&column, &counts, 100, rules);
            let stored = encoding.to_stored();
            assert_eq!(Encoding::from_stored(&column, stored.clone()), Ok(encoding));
            let number = Column { name: "Type".to_owned(), ..Column::default() };
            assert!(Encoding::from_stored(&number, stored).is_err());
        }
        let refused = |stored| Encoding::from_stored(&category(&[]), stored).unwrap_err();
        let nothing = StoredEncoding::default;
        insta::assert_snapshot!(refused(nothing()), @"the encoding of column `Type` is not that of its kind");
        let a = || vec!["A".to_owned()];
        let twice = StoredOneHot { values: a(), rare: a() };
        insta::assert_snapshot!(refused(StoredEncoding { one_hot: Some(twice), ..nothing() }), @"column `Type` has no values, or one twice");
        let frequency = Frequency { value: "A".to_owned(), share: 2.0 };
        insta::assert_snapshot!(refused(StoredEncoding { frequencies: Some(vec![frequency]), ..nothing() }), @"column `Type` has no values, or a share that is none");
    }
}
