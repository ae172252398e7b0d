//! Steps: the members common to all, and the four types that this crate knows in full.

use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::processing::ProcessingArguments;
use crate::arguments::training::TrainingArguments;
use crate::condition::Condition;
use crate::expression::Expression;
use crate::place::shown;

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The name, of the pattern `[A-Za-z0-9\-_]{1,64}` and unique in the definition, branches
    /// included.
    pub name: String,
    /// The type and arguments.
    pub kind: StepKind,
    /// Steps that must finish first, in addition to those that expressions refer to.
    pub depends_on: Vec<String>,
    /// The name shown in Studio.
    pub display_name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// The retry policies.
    pub retry_policies: Vec<RetryPolicy>,
    /// The cache settings; without them the step is not cached.
    pub cache: Option<CacheConfig>,
    /// Files in the outputs that expressions may read values from.
    pub property_files: Vec<PropertyFile>,
    /// Members beside `Arguments` that have no field of their own.
    pub other: IndexMap<String, Value>,
}

/// A step's type and arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A Processing job.
    Processing(Box<ProcessingArguments>),
    /// A Training job.
    Training(Box<TrainingArguments>),
    /// A Condition step, which runs one of two lists of steps.
    Condition(ConditionArguments),
    /// A Fail step, which ends the execution as Failed.
    Fail {
        /// The reason, for people.
        error_message: Expression,
    },
    /// A step of any other type, whose arguments are kept as JSON.
    Other {
        /// The step's `Type`.
        kind: String,
        /// The step's `Arguments`; null if it has none.
        arguments: Value,
    },
}

/// The arguments of a Condition step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ConditionArguments {
    /// The conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// The steps that run if the conditions hold.
    #[serde(default)]
    pub if_steps: Vec<Step>,
    /// The steps that run if a condition does not hold.
    #[serde(default)]
    pub else_steps: Vec<Step>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FailArguments<E> {
    error_message: E,
}

impl StepKind {
    /// Returns the step's `Type`.
    pub fn name(&self) -> &str {
        match self {
            Self::Processing(_) => "Processing",
            Self::Training(_) => "Training",
            Self::Condition(_) => "Condition",
            Self::Fail { .. } => "Fail",
            Self::Other { kind, .. } => kind,
        }
    }
}

impl From<ProcessingArguments> for StepKind {
    fn from(arguments: ProcessingArguments) -> Self {
        Self::Processing(Box::new(arguments))
    }
}

impl From<TrainingArguments> for StepKind {
    fn from(arguments: TrainingArguments) -> Self {
        Self::Training(Box::new(arguments))
    }
}

impl From<ConditionArguments> for StepKind {
    fn from(arguments: ConditionArguments) -> Self {
        Self::Condition(arguments)
    }
}

impl Step {
    /// Creates a step with only a name and arguments.
    pub fn new(name: impl Into<String>, kind: impl Into<StepKind>) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            depends_on: Vec::new(),
            display_name: None,
            description: None,
            retry_policies: Vec::new(),
            cache: None,
            property_files: Vec::new(),
            other: IndexMap::new(),
        }
    }

    /// Creates a step that ends the execution as Failed.
    pub fn fail(name: impl Into<String>, error_message: impl Into<Expression>) -> Self {
        Self::new(name, StepKind::Fail { error_message: error_message.into() })
    }
}

/// The cache settings of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CacheConfig {
    /// Whether the step may use the result of an earlier execution.
    pub enabled: bool,
    /// The maximum age of that result, such as `P30D`, `30d` or `T12h`; see [`duration`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_after: Option<String>,
}

/// A retry policy. Exactly one of `max_attempts` and `expire_after_min` is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RetryPolicy {
    /// The factor from one interval to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff_rate: Option<f64>,
    /// The first interval in seconds, at most 43200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i64>,
    /// The maximum number of attempts, at most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i64>,
    /// The timeout of all attempts in minutes, at most 14400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_after_min: Option<i64>,
    /// The failures that are retried, such as `Step.THROTTLING`.
    pub exception_type: Vec<String>,
}

/// A JSON file in an output of a Processing step, from which expressions may read values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PropertyFile {
    /// The name in `Steps.<step>.PropertyFiles.<name>`.
    pub property_file_name: String,
    /// The output that contains the file.
    pub output_name: String,
    /// The path of the file in that output.
    pub file_path: String,
}

/// Parses a duration of the service: ISO 8601 in any letter case, with or without the `P` at its
/// start, such as `P30D`, `30dT5h` or `T16m`; none if `text` is not one. An `M` before the `T` counts
/// months, one after it minutes. A month counts as 30 days and a year as 365, since there is no date
/// to count from.
pub fn duration(text: &str) -> Option<Duration> {
    const DAY: u64 = 24 * 60 * 60;
    let dates = [('Y', 365 * DAY), ('M', 30 * DAY), ('W', 7 * DAY), ('D', DAY)];
    let times = [('H', 60 * 60), ('M', 60), ('S', 1)];
    let text = text.to_ascii_uppercase();
    let period = text.strip_prefix('P').unwrap_or(&text);
    let (date, time) = match period.split_once('T') {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None if period.is_empty() => return None,
        None => (period, ""),
    };
    let seconds = count(date, &dates)?.checked_add(count(time, &times)?)?;
    Some(Duration::from_secs(seconds))
}

/// Adds up numbers followed by their units, which must be in the order given. Returns seconds.
fn count(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    for (unit, seconds) in units {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        if let Some(rest) = text[digits..].strip_prefix(*unit) {
            sum = sum.checked_add(text[..digits].parse::<u64>().ok()?.checked_mul(*seconds)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Name", &self.name)?;
        map.serialize_entry("Type", self.kind.name())?;
        match &self.kind {
            StepKind::Processing(arguments) => map.serialize_entry("Arguments", arguments)?,
            StepKind::Training(arguments) => map.serialize_entry("Arguments", arguments)?,
            StepKind::Condition(arguments) => map.serialize_entry("Arguments", arguments)?,
            StepKind::Fail { error_message } => {
                map.serialize_entry("Arguments", &FailArguments { error_message })?;
            }
            StepKind::Other { arguments: Value::Null, .. } => {}
            StepKind::Other { arguments, .. } => map.serialize_entry("Arguments", arguments)?,
        }
        if !self.depends_on.is_empty() {
            map.serialize_entry("DependsOn", &self.depends_on)?;
        }
        if let Some(display_name) = &self.display_name {
            map.serialize_entry("DisplayName", display_name)?;
        }
        if let Some(description) = &self.description {
            map.serialize_entry("Description", description)?;
        }
        if !self.retry_policies.is_empty() {
            map.serialize_entry("RetryPolicies", &self.retry_policies)?;
        }
        if let Some(cache) = &self.cache {
            map.serialize_entry("CacheConfig", cache)?;
        }
        if !self.property_files.is_empty() {
            map.serialize_entry("PropertyFiles", &self.property_files)?;
        }
        for (name, value) in &self.other {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(StepVisitor)
    }
}

/// A visitor written by hand, because the shape of `Arguments` depends on `Type`. If `Type` comes
/// first, as is usual, an error in the arguments keeps its own line and path.
struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: an object with Name, Type and Arguments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let mut name = None;
        let mut kind = None::<String>;
        let mut arguments = None::<StepKind>;
        let mut early = None::<Value>;
        let mut step =
            Step::new("", StepKind::Other { kind: String::new(), arguments: Value::Null });
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "Name" => name = Some(map.next_value()?),
                "Type" => kind = Some(map.next_value()?),
                "Arguments" => match kind.as_deref() {
                    Some("Processing") => arguments = Some(StepKind::Processing(map.next_value()?)),
                    Some("Training") => arguments = Some(StepKind::Training(map.next_value()?)),
                    Some("Condition") => arguments = Some(StepKind::Condition(map.next_value()?)),
                    Some("Fail") => {
                        let FailArguments { error_message } = map.next_value()?;
                        arguments = Some(StepKind::Fail { error_message });
                    }
                    _ => early = Some(map.next_value()?),
                },
                "DependsOn" => step.depends_on = map.next_value()?,
                "DisplayName" => step.display_name = map.next_value()?,
                "Description" => step.description = map.next_value()?,
                "RetryPolicies" => step.retry_policies = map.next_value()?,
                "CacheConfig" => step.cache = map.next_value()?,
                "PropertyFiles" => step.property_files = map.next_value()?,
                _ => {
                    let value = map.next_value()?;
                    step.other.insert(key, value);
                }
            }
        }
        step.name = name.ok_or_else(|| de::Error::missing_field("Name"))?;
        let kind = kind.ok_or_else(|| de::Error::missing_field("Type"))?;
        step.kind = match arguments {
            Some(arguments) => arguments,
            None => from_value(kind, early).map_err(de::Error::custom)?,
        };
        Ok(step)
    }
}

/// Reads the arguments of a step whose `Type` came after them or is not known in full.
fn from_value(kind: String, arguments: Option<Value>) -> Result<StepKind, String> {
    fn typed<T: for<'de> Deserialize<'de>>(arguments: Option<Value>) -> Result<T, String> {
        let arguments = arguments.ok_or_else(|| "missing field `Arguments`".to_owned())?;
        serde_path_to_error::deserialize(arguments).map_err(|error| {
            let place = match error.path().to_string().as_str() {
                // The arguments themselves.
                "." => "Arguments".to_owned(),
                path => shown(format!("Arguments.{path}")),
            };
            format!("{place}: {}", error.inner())
        })
    }
    match kind.as_str() {
        "Processing" => typed(arguments).map(StepKind::Processing),
        "Training" => typed(arguments).map(StepKind::Training),
        "Condition" => typed(arguments).map(StepKind::Condition),
        "Fail" => {
            typed(arguments).map(|FailArguments { error_message }| StepKind::Fail { error_message })
        }
        _ => Ok(StepKind::Other { kind, arguments: arguments.unwrap_or_default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_iso_8601_in_any_case_and_with_or_without_the_p() {
        let hours = |text| duration(text).map(|d| d.as_secs_f64() / 3600.0);
        // the examples of the service's guide and of the Python SDK
        assert_eq!(hours("30d"), Some(720.0));
        assert_eq!(hours("5y"), Some(5.0 * 365.0 * 24.0));
        assert_eq!(duration("T16m"), Some(Duration::from_secs(16 * 60)));
        assert_eq!(hours("30dT5h"), Some(725.0));
        assert_eq!(hours("p30d"), Some(720.0));
        assert_eq!(hours("T12H"), Some(12.0));
        assert_eq!(hours("pt12h"), Some(12.0));
        // five months of 30 days, then five minutes
        assert_eq!(duration("5mt5m"), Some(Duration::from_secs(150 * 24 * 60 * 60 + 5 * 60)));
        assert_eq!(hours("P30D"), Some(720.0));
        assert_eq!(hours("P1Y2M3W4D"), Some((365.0 + 60.0 + 21.0 + 4.0) * 24.0));
        assert_eq!(hours("PT1H30M"), Some(1.5));
        assert_eq!(hours("P1DT1800S"), Some(24.5));
        for text in [
            "", "P", "PT", "T", "30", "P30", "PP1D", "P1D2W", "P1H", "1h", "PT1D", "P-1D", "P1DT",
            "1 d", "µ",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration("P99999999999999999999D"), None);
        assert_eq!(duration("P9999999999999999Y"), None);
    }

    #[test]
    fn arguments_may_come_before_the_type() {
        let step: Step = serde_json::from_str(
            r#"{"Arguments": {"ErrorMessage": "no"}, "Type": "Fail", "Name": "Stop"}"#,
        )
        .unwrap();
        assert_eq!(step, Step::fail("Stop", "no"));
        let error = serde_json::from_str::<Step>(
            r#"{"Arguments": {"ErrorMessage": []}, "Type": "Fail", "Name": "Stop"}"#,
        )
        .unwrap_err();
        insta::assert_snapshot!(error, @"Arguments.ErrorMessage: invalid type: sequence, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet at line 1 column 67");
    }
}
