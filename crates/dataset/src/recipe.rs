//! The recipe that turns raw readings into features. It is fitted on the training rows and applied
//! to every row, in training and in serving.

use std::collections::BTreeSet;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use crate::encoding::{CategoryRules, Encoding, Frequency, StoredEncoding, StoredOneHot};
use crate::expression::{Expression, ExpressionError, StatisticKind};
use crate::schema::{Column, ColumnKind, LABEL, Label, Schema, SchemaError, fold_name};
use crate::sensor_table::SensorTable;
use crate::statistics::{ColumnSummary, Spread};

/// The definition of an engineered feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The feature's name.
    pub name: String,
    /// The feature's expression over the schema's columns, in the grammar of [`Expression`].
    pub expression: String,
}

/// A fitted transformation of raw readings into features.
///
/// The features are those of the schema's columns, in order, followed by the engineered features. A
/// number is a feature, with missing readings replaced by the column's training median. A category
/// has a feature `Column=value` for each value, or a single one: its number in the column's order, or
/// the value's share of the training rows. Where a column asks for it, `Column=missing` follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredRecipe", into = "StoredRecipe")]
pub struct Recipe {
    schema: Schema,
    /// How each column is encoded.
    encodings: Vec<Encoding>,
    /// The names of the columns' features.
    column_features: Vec<String>,
    features: Vec<FittedFeature>,
}

#[derive(Clone, Debug, PartialEq)]
struct FittedFeature {
    name: String,
    text: String,
    expression: Expression,
    statistics: Vec<f64>,
    /// The feature's median over the training rows, which replaces values that are not finite.
    fallback: f32,
}

/// The ways in which fitting or reading a recipe fails.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RecipeError {
    /// Columns or a label that are ambiguous.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A feature whose expression cannot be parsed.
    #[error("feature `{name}`")]
    Expression {
        /// The feature.
        name: String,
        /// The cause.
        source: ExpressionError,
    },
    /// A feature with the name of a column, of the label or of another feature.
    #[error("feature `{0}` has the name of another column")]
    NameTaken(String),
    /// A feature with a name that a CSV header or a log line cannot hold.
    #[error("feature `{0}`: expected a name of letters, digits and `_`")]
    Name(String),
    /// A column whose readings are all missing.
    #[error("column `{0}` has no reading in any training row, expected at least one")]
    NoReading(String),
    /// An expression that computes with a category.
    #[error("feature `{name}` uses column `{column}`, which is a category, expected a number")]
    Category {
        /// The feature.
        name: String,
        /// The column.
        column: String,
    },
    /// A feature whose values are all infinite or NaN.
    #[error("feature `{name}`: `{expression}` is not finite in any training row")]
    NeverFinite {
        /// The feature.
        name: String,
        /// The feature's expression.
        expression: String,
    },
    /// A stored recipe whose parts contradict one another.
    #[error("{0}")]
    Inconsistent(String),
}

/// The numbers of values that a recipe imputed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImputationCounts {
    /// For each column the number of missing readings. A number was replaced by its training median;
    /// a category is 0 in all its features.
    pub imputed: Vec<usize>,
    /// For each column the number of values of a category that are in no training row. They are 0 in
    /// all features of the column.
    pub unseen: Vec<usize>,
    /// For each engineered feature the number of values that were not finite and were replaced by
    /// its training median.
    pub replaced: Vec<usize>,
}

impl ImputationCounts {
    /// Adds the counts of other rows.
    pub fn add(&mut self, other: &Self) {
        for (counts, more) in [
            (&mut self.imputed, &other.imputed),
            (&mut self.unseen, &other.unseen),
            (&mut self.replaced, &other.replaced),
        ] {
            counts.resize(counts.len().max(more.len()), 0);
            counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }
}

impl Recipe {
    /// Fits a recipe to the training rows, whose indices in `table` are `rows`.
    ///
    /// # Errors
    /// Returns an error if a feature's name or expression cannot be used, its value is not finite
    /// in any training row, or a column has no reading in any training row.
    pub fn fit(
        schema: &Schema,
        features: &[Feature],
        table: &SensorTable,
        rows: &[usize],
        rules: CategoryRules,
    ) -> Result<Self, RecipeError> {
        let encoding = |(index, (column, spread)): (usize, (&Column, Option<Spread>))| {
            let spread = spread.ok_or_else(|| RecipeError::NoReading(column.name.clone()))?;
            let Spread { median, least, greatest } = spread;
            Ok(match column.kind {
                ColumnKind::Number | ColumnKind::YesNo => {
                    Encoding::Number { median, range: Some([least, greatest]) }
                }
                ColumnKind::Category => {
                    Encoding::fit(column, &table.value_counts(index, rows), rows.len(), rules)
                }
            })
        };
        let columns = schema.columns().iter().zip(table.spreads(rows)).enumerate();
        let encodings: Result<_, RecipeError> = columns.map(encoding).collect();
        let mut recipe = Self::of_columns(schema.clone(), encodings?)?;
        for Feature { name, expression: text } in features {
            check_name(schema, &recipe.feature_names().collect::<Vec<_>>(), name)?;
            let expression = parse(name, text, schema)?;
            let statistics: Vec<f64> = expression
                .statistics()
                .iter()
                .map(|statistic| statistic.kind.of(&table.summary_of(statistic.column, rows)))
                .collect();
            let values = rows.par_iter().map_init(Vec::new, |readings, &row| {
                readings.clear();
                readings.extend_from_slice(table.row(row));
                recipe.impute(readings);
                let value = expression.evaluate(readings, &statistics) as f32;
                f64::from(if value.is_finite() { value } else { f32::NAN })
            });
            let values: Vec<f64> = values.collect();
            let summary = ColumnSummary::of(values.into_iter());
            if summary.count == 0 {
                let (name, expression) = (name.clone(), text.clone());
                return Err(RecipeError::NeverFinite { name, expression });
            }
            recipe.features.push(FittedFeature {
                name: name.clone(),
                text: text.clone(),
                expression,
                statistics,
                fallback: summary.median as f32,
            });
        }
        Ok(recipe)
    }

    /// Returns a recipe without engineered features.
    fn of_columns(schema: Schema, encodings: Vec<Encoding>) -> Result<Self, RecipeError> {
        let mut column_features = Vec::new();
        for (column, encoding) in schema.columns().iter().zip(&encodings) {
            column_features.extend(encoding.names(&column.name));
            if column.missing_indicator {
                column_features.push(format!("{}=missing", column.name));
            }
        }
        let mut taken = BTreeSet::new();
        if let Some(twice) = column_features.iter().find(|name| !taken.insert(name.as_str())) {
            return Err(RecipeError::NameTaken(twice.clone()));
        }
        Ok(Self { schema, encodings, column_features, features: Vec::new() })
    }

    /// Returns the columns and the label that the recipe was fitted with.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Iterates over the names of the engineered features.
    pub fn engineered_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.features.iter().map(|feature| feature.name.as_str())
    }

    /// Iterates over the features' names: those of the columns, then those of the engineered
    /// features.
    pub fn feature_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.column_features.iter().map(String::as_str).chain(self.engineered_names())
    }

    /// Returns the columns that each feature is computed from, as indices into those of the schema.
    pub fn columns_of_features(&self) -> Vec<Vec<usize>> {
        let mut columns = Vec::new();
        for (index, (column, encoding)) in
            self.schema.columns().iter().zip(&self.encodings).enumerate()
        {
            let own = encoding.names(&column.name).len() + usize::from(column.missing_indicator);
            columns.extend(std::iter::repeat_n(vec![index], own));
        }
        let engineered = self.features.iter();
        columns
            .extend(engineered.map(|feature| feature.expression.columns().into_iter().collect()));
        columns
    }

    /// Appends the features of a row of readings to `out`. A reading that is not finite is missing,
    /// and becomes the training median in `readings`, too. Features are computed in 64 bits and
    /// rounded once to the 32 of the forest.
    ///
    /// What was imputed is added to `counts`, which [`Self::no_counts`] begins.
    ///
    /// # Panics
    /// Panics if there is not one reading for each column.
    pub fn apply(&self, readings: &mut [f64], out: &mut Vec<f32>, counts: &mut ImputationCounts) {
        assert_eq!(readings.len(), self.encodings.len(), "a reading for each column");
        for (index, (reading, encoding)) in readings.iter_mut().zip(&self.encodings).enumerate() {
            let is_missing = !(*reading as f32).is_finite();
            counts.imputed[index] += usize::from(is_missing);
            counts.unseen[index] += usize::from(encoding.apply(reading, is_missing, out));
            if self.schema.columns()[index].missing_indicator {
                out.push(f32::from(u8::from(is_missing)));
            }
        }
        for (feature, replaced) in self.features.iter().zip(&mut counts.replaced) {
            let value = feature.expression.evaluate(readings, &feature.statistics) as f32;
            *replaced += usize::from(!value.is_finite());
            out.push(if value.is_finite() { value } else { feature.fallback });
        }
    }

    /// Iterates over the columns whose number is outside of the range of the training rows. A recipe of
    /// an old program does not know it.
    pub fn outside(&self, readings: &[f64]) -> impl Iterator<Item = usize> {
        let readings = readings.iter().zip(&self.encodings).enumerate();
        readings.filter_map(|(index, (reading, encoding))| {
            encoding.is_outside(*reading).then_some(index)
        })
    }

    /// Returns whether the ranges of the training rows are known. Recipes of old programs have none.
    pub fn knows_ranges(&self) -> bool {
        self.encodings.iter().all(Encoding::knows_range)
    }

    /// Returns counts of zero for each column and engineered feature.
    pub fn no_counts(&self) -> ImputationCounts {
        ImputationCounts {
            imputed: vec![0; self.encodings.len()],
            unseen: vec![0; self.encodings.len()],
            replaced: vec![0; self.features.len()],
        }
    }

    /// Replaces the missing numbers of a row.
    fn impute(&self, readings: &mut [f64]) {
        for (reading, encoding) in readings.iter_mut().zip(&self.encodings) {
            if let Encoding::Number { median, .. } = encoding
                && !(*reading as f32).is_finite()
            {
                *reading = *median;
            }
        }
    }

    /// Checks features without any rows, and returns each error with the feature's name.
    pub fn faults(schema: &Schema, features: &[Feature]) -> Vec<(String, RecipeError)> {
        let mut taken: Vec<&str> = schema.names().collect();
        let mut faults = Vec::new();
        for Feature { name, expression } in features {
            let fault = check_name(schema, &taken, name);
            let fault = fault.and_then(|()| parse(name, expression, schema).map(|_| ()));
            faults.extend(fault.err().map(|fault| (name.clone(), fault)));
            taken.push(name);
        }
        faults
    }
}

/// Checks that a feature may have this name; other columns and features have the names in `taken`.
fn check_name(schema: &Schema, taken: &[&str], name: &str) -> Result<(), RecipeError> {
    let usable = |letter: char| letter.is_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(usable) {
        return Err(RecipeError::Name(name.to_owned()));
    }
    let folded = fold_name(name);
    let label = [LABEL, schema.label().column.as_str()];
    if taken.iter().chain(&label).any(|other| fold_name(other) == folded) {
        return Err(RecipeError::NameTaken(name.to_owned()));
    }
    Ok(())
}

fn parse(name: &str, text: &str, schema: &Schema) -> Result<Expression, RecipeError> {
    let columns: Vec<_> = schema.names().collect();
    let expression = Expression::parse(text, &columns)
        .map_err(|source| RecipeError::Expression { name: name.to_owned(), source })?;
    for column in expression.columns().into_iter().map(|index| &schema.columns()[index]) {
        if column.kind == ColumnKind::Category {
            let (name, column) = (name.to_owned(), column.name.clone());
            return Err(RecipeError::Category { name, column });
        }
    }
    Ok(expression)
}

/// The stored form of a recipe: plain values that are checked when they are read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecipe {
    columns: Vec<StoredColumn>,
    label: Label,
    features: Vec<StoredFeature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredColumn {
    column: Column,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    median: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    range: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    one_hot: Option<StoredOneHot>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    frequencies: Option<Vec<Frequency>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFeature {
    name: String,
    expression: String,
    statistics: Vec<StoredStatistic>,
    fallback: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredStatistic {
    statistic: StatisticKind,
    column: String,
    value: f64,
}

impl StoredColumn {
    fn into_parts(self) -> (Column, StoredEncoding) {
        let Self { column, median, range, one_hot, frequencies } = self;
        (column, StoredEncoding { median, range, one_hot, frequencies })
    }
}

impl From<Recipe> for StoredRecipe {
    fn from(recipe: Recipe) -> Self {
        let columns: Vec<Column> = recipe.schema.columns().to_vec();
        let features = recipe.features.into_iter().map(|feature| StoredFeature {
            statistics: feature
                .expression
                .statistics()
                .iter()
                .zip(feature.statistics)
                .map(|(statistic, value)| StoredStatistic {
                    statistic: statistic.kind,
                    column: columns[statistic.column].name.clone(),
                    value,
                })
                .collect(),
            name: feature.name,
            expression: feature.text,
            fallback: feature.fallback,
        });
        let features = features.collect();
        let encodings = recipe.encodings.iter().map(Encoding::to_stored);
        let columns = columns.into_iter().zip(encodings);
        let columns = columns.map(|(column, encoding)| {
            let StoredEncoding { median, range, one_hot, frequencies } = encoding;
            StoredColumn { column, median, range, one_hot, frequencies }
        });
        Self { columns: columns.collect(), label: recipe.schema.label().clone(), features }
    }
}

impl TryFrom<StoredRecipe> for Recipe {
    type Error = String;

    /// Appends the cause to the message, because serde keeps the message only.
    fn try_from(stored: StoredRecipe) -> Result<Self, String> {
        Self::from_stored(stored).map_err(|error| match &error {
            RecipeError::Expression { source, .. } => format!("{error}: {source}"),
            _ => error.to_string(),
        })
    }
}

impl Recipe {
    fn from_stored(stored: StoredRecipe) -> Result<Self, RecipeError> {
        let inconsistent = |what: String| Err(RecipeError::Inconsistent(what));
        let (columns, encodings): (Vec<_>, Vec<_>) =
            stored.columns.into_iter().map(StoredColumn::into_parts).unzip();
        let schema = Schema::new(columns, stored.label)?;
        let columns = schema.columns().iter().zip(encodings);
        let encodings =
            columns.map(|(column, encoding)| Encoding::from_stored(column, encoding)).collect();
        let mut recipe = match encodings {
            Ok(encodings) => Self::of_columns(schema, encodings)?,
            Err(problem) => return inconsistent(problem),
        };
        for stored in stored.features {
            check_name(&recipe.schema, &recipe.feature_names().collect::<Vec<_>>(), &stored.name)?;
            let expression = parse(&stored.name, &stored.expression, &recipe.schema)?;
            let needed = expression
                .statistics()
                .iter()
                .map(|needed| (needed.kind, recipe.schema.columns()[needed.column].name.as_str()));
            let given =
                stored.statistics.iter().map(|given| (given.statistic, given.column.as_str()));
            if !needed.eq(given) {
                return inconsistent(format!(
                    "the statistics of feature `{}` are not those of `{}`",
                    stored.name, stored.expression
                ));
            }
            let statistics: Vec<f64> = stored.statistics.iter().map(|given| given.value).collect();
            if !stored.fallback.is_finite() || statistics.iter().any(|value| !value.is_finite()) {
                return inconsistent(format!(
                    "a value of feature `{}` is not a number",
                    stored.name
                ));
            }
            recipe.features.push(FittedFeature {
                name: stored.name,
                text: stored.expression,
                expression,
                statistics,
                fallback: stored.fallback,
            });
        }
        Ok(recipe)
    }
}
