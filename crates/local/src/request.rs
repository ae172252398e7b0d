//! Members of the requests that create jobs: strings, counts and paths, checked for what the local
//! run supports.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8PathBuf;
use container::wire;
use pipeline::{Expression, LONGEST_ARGUMENT};
use serde_json::{Value, json};

/// A request that is invalid or that the local run does not support.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A member is absent or of the wrong type.
    #[error("{member} is {found}, expected {expected}")]
    Member {
        /// The member's path.
        member: String,
        /// The value found.
        found: String,
        /// The expected type or values.
        expected: &'static str,
    },
    /// A text is longer than SageMaker takes.
    #[error("{member} has {length} characters, expected at most {most}, which SageMaker takes")]
    TooLong {
        /// The member's path.
        member: String,
        /// The number of characters found.
        length: usize,
        /// The maximum number.
        most: usize,
    },
    /// The request needs something that only SageMaker can do.
    #[error("the local run does not support {what}; {remedy}")]
    Unsupported {
        /// The feature or value.
        what: String,
        /// The remedy or the supported alternative.
        remedy: String,
    },
}

/// Returns a Processing job's request as its container sees it, in which absent members have their
/// defaults.
pub fn with_defaults(mut request: Value) -> Value {
    for absent in ["ContainerEntrypoint", "ContainerArguments"] {
        if request["AppSpecification"].get(absent).is_none() {
            request["AppSpecification"][absent] = Value::Null;
        }
    }
    let empty = [
        ("Environment", json!({})),
        ("ProcessingInputs", json!([])),
        ("ProcessingOutputConfig", json!({ "Outputs": [] })),
        // one day, SageMaker's limit where none is set
        ("StoppingCondition", json!({ "MaxRuntimeInSeconds": 86400 })),
    ];
    for (name, value) in empty {
        if request.get(name).is_none() {
            request[name] = value;
        }
    }
    request
}

/// Returns the error for a member `name` of `place` that is absent or not a string.
pub fn not_a_string(place: &str, name: &str, found: Option<&Expression>) -> JobError {
    JobError::Member {
        member: if name.is_empty() { place.to_owned() } else { format!("{place}.{name}") },
        found: found.map_or("absent".to_owned(), |found| format!("`{found}`")),
        expected: "a string",
    }
}

/// Returns the error for something that only SageMaker can do.
pub fn unsupported(what: &str, remedy: &str) -> JobError {
    JobError::Unsupported { what: what.to_owned(), remedy: remedy.to_owned() }
}

/// Returns whether an expression is the string `word`.
pub fn is_word(expression: Option<&Expression>, word: &str) -> bool {
    expression.and_then(Expression::as_str) == Some(word)
}

/// Refuses every value but `word`, the only one that the local run supports.
pub fn require_word(place: &str, value: &Expression, word: &'static str) -> Result<(), JobError> {
    if value.as_str() == Some(word) {
        return Ok(());
    }
    Err(JobError::Unsupported {
        what: format!("{value} ({place})"),
        remedy: format!("expected {word}"),
    })
}

/// Returns the string at `place`.
pub fn string(place: &str, value: &Expression) -> Result<String, JobError> {
    value.as_str().map(str::to_owned).ok_or_else(|| not_a_string(place, "", Some(value)))
}

/// Returns the strings of the list at `place`.
fn strings(place: &str, values: &[Expression]) -> Result<Vec<String>, JobError> {
    values
        .iter()
        .enumerate()
        .map(|(index, value)| string(&format!("{place}[{index}]"), value))
        .collect()
}

/// Returns the strings of the map at `place`.
fn string_map(
    place: &str,
    values: &indexmap::IndexMap<String, Expression>,
) -> Result<BTreeMap<String, String>, JobError> {
    values
        .iter()
        .map(|(key, value)| Ok((key.clone(), string(&format!("{place}.{key}"), value)?)))
        .collect()
}

/// Returns the words of the command line at `place`, which have at most 256 characters each. A
/// Processing job's have at least one.
pub fn words(place: &str, values: &[Expression], least: usize) -> Result<Vec<String>, JobError> {
    let words = strings(place, values)?;
    for (index, word) in words.iter().enumerate() {
        let member = format!("{place}[{index}]");
        if word.chars().count() < least {
            return Err(JobError::Member {
                member,
                found: "empty".to_owned(),
                expected: "1 to 256 characters, which SageMaker takes",
            });
        }
        require_length(member, word, LONGEST_ARGUMENT)?;
    }
    Ok(words)
}

/// Returns the strings of the map at `place`, which have at most `most` characters each.
pub fn limited_map(
    place: &str,
    values: &indexmap::IndexMap<String, Expression>,
    most: usize,
) -> Result<BTreeMap<String, String>, JobError> {
    let map = string_map(place, values)?;
    for (key, value) in &map {
        require_no_nul(format!("{place}.{}", key.escape_debug()), key)?;
        require_length(format!("{place}.{key}"), value, most)?;
    }
    Ok(map)
}

/// Refuses a text that no program can be given.
fn require_no_nul(member: String, text: &str) -> Result<(), JobError> {
    if !text.contains('\0') {
        return Ok(());
    }
    let found = "a text with a NUL character".to_owned();
    Err(JobError::Member { member, found, expected: "a text without one" })
}

/// Refuses a text that is longer than SageMaker takes, or that no program can be given.
fn require_length(member: String, text: &str, most: usize) -> Result<(), JobError> {
    require_no_nul(member.clone(), text)?;
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    Err(JobError::TooLong { member, length, most })
}

/// Returns the positive integer at `place`.
pub fn positive_integer(place: &str, value: &Expression) -> Result<u64, JobError> {
    value.as_literal().and_then(Value::as_u64).filter(|&number| number > 0).ok_or_else(|| {
        JobError::Member {
            member: place.to_owned(),
            found: format!("`{value}`"),
            expected: "a whole number from 1",
        }
    })
}

/// Returns the number of hosts at `place`.
pub fn host_count(place: &str, value: &Expression) -> Result<usize, JobError> {
    let hosts = positive_integer(place, value)?;
    // every host is a process of this machine
    usize::try_from(hosts).ok().filter(|&hosts| hosts <= 100).ok_or_else(|| JobError::Unsupported {
        what: format!("{place} of {hosts}"),
        remedy: "at most 100 hosts run on one machine".to_owned(),
    })
}

/// The maximum runtime that SageMaker takes, in seconds: 28 days.
const LONGEST_RUNTIME: u64 = 28 * 24 * 60 * 60;

/// Returns the maximum runtime of a stopping condition.
pub fn runtime_limit(
    condition: Option<&pipeline::StoppingCondition>,
) -> Result<Option<Duration>, JobError> {
    let Some(condition) = condition else { return Ok(None) };
    let (place, value) =
        ("StoppingCondition.MaxRuntimeInSeconds", &condition.max_runtime_in_seconds);
    let seconds = positive_integer(place, value)?;
    if seconds > LONGEST_RUNTIME {
        return Err(JobError::Member {
            member: place.to_owned(),
            found: format!("`{value}`"),
            expected: "1 to 2419200 seconds, which are 28 days",
        });
    }
    Ok(Some(Duration::from_secs(seconds)))
}

/// Returns `/opt/ml/processing/input` as `processing/input`. The path may come from another step, so
/// it must not lead out of the job's directory tree.
pub fn path_below_base(place: &str, path: &Expression) -> Result<Utf8PathBuf, JobError> {
    let inside =
        path.as_str().and_then(|path| path.strip_prefix(wire::DEFAULT_BASE)?.strip_prefix('/'));
    let inside = inside.map(|path| path.trim_end_matches('/'));
    let inside = inside.filter(|path| {
        path.starts_with("processing/")
            && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
    });
    inside.map(Utf8PathBuf::from).ok_or_else(|| JobError::Member {
        member: format!("{place}.LocalPath"),
        found: format!("`{path}`"),
        expected: "a path under /opt/ml/processing/",
    })
}
