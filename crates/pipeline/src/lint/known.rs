//! The type and text of an expression as far as they are known before an execution.

use serde_json::Value;

use super::Linter;
use crate::expression::Expression;
use crate::parameter::ParameterType;
use crate::path::Path;
use crate::reference::{ExecutionVariable, Reference};
use crate::step::StepKind;

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueType {
    Text,
    Integer,
    Float,
    Boolean,
    /// Not known: a property, or a value from a property file.
    Unknown,
}

impl ValueType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Unknown => "anything",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Integer,
            Value::Bool(_) => Self::Boolean,
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Unknown,
        }
    }
}

/// The known part of an expression's text.
#[derive(Default)]
pub(super) struct KnownText {
    /// All known parts, joined.
    pub(super) text: String,
    /// The text before the first unknown part: all of it if there is none.
    pub(super) head: String,
    /// The parts that are known only during an execution, for messages.
    pub(super) missing: Vec<String>,
    /// The greatest length in characters of those parts, as far as it is known.
    pub(super) missing_length: usize,
    /// Whether the text contains the default of a parameter.
    pub(super) defaults: bool,
    /// The number of expressions visited.
    visited: usize,
}

impl KnownText {
    pub(super) fn complete(&self) -> bool {
        self.missing.is_empty()
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.complete() {
            self.head.push_str(text);
        }
    }
}

/// The length of an execution's id.
const EXECUTION_ID: usize = 12;
/// The greatest length of a job's name.
const MAX_JOB_NAME: usize = 63;

/// Returns the greatest length of what SageMaker appends to the prefix of a Training step's model:
/// `/<job>/output/model.tar.gz`, with a job that is called `pipelines-<execution>-<step>-<10 letters>`
/// unless it has a name of its own.
fn model_key(step: &str, has_job_name: bool) -> usize {
    let job = "pipelines-".len() + EXECUTION_ID + 1 + step.chars().count() + 1 + 10;
    let job = if has_job_name { MAX_JOB_NAME } else { job.min(MAX_JOB_NAME) };
    1 + job + "/output/model.tar.gz".len()
}

/// The maximum depth of output prefixes that refer to other outputs' prefixes. Deeper ones are most
/// likely circular.
const MAX_DEPTH: usize = 8;
/// The maximum number of expressions visited. The number multiplies with each level: ten references
/// on each of eight levels are 10^8.
const MAX_VISITED: usize = 1_000;
/// The maximum number of bytes after which no more text is collected. No limit of a text is greater.
const MAX_TEXT: usize = 10_000;

impl Linter<'_> {
    /// Returns the type of an expression's value.
    pub(super) fn kind(&self, expression: &Expression) -> ValueType {
        match expression {
            Expression::Literal(value) => ValueType::of(value),
            Expression::Get(Reference::Parameter(name)) => {
                match self.parameters.get(name.as_str()).map(|p| p.kind) {
                    Some(ParameterType::String) => ValueType::Text,
                    Some(ParameterType::Integer) => ValueType::Integer,
                    Some(ParameterType::Float) => ValueType::Float,
                    Some(ParameterType::Boolean) => ValueType::Boolean,
                    None => ValueType::Unknown,
                }
            }
            Expression::Get(Reference::Execution(_)) | Expression::Join { .. } => ValueType::Text,
            Expression::Get(Reference::Property { .. } | Reference::PropertyFile { .. })
            | Expression::JsonGet { .. } => ValueType::Unknown,
        }
    }

    /// Returns the value of a literal, or the value or else the default of a parameter.
    pub(super) fn value(&self, expression: &Expression) -> Option<Value> {
        match expression {
            Expression::Literal(value) => Some(value.clone()),
            Expression::Get(Reference::Parameter(name)) => {
                let given = self.given.and_then(|given| given.get(name)).cloned();
                given.or_else(|| self.parameters.get(name.as_str())?.default.clone())
            }
            _ => None,
        }
    }

    /// Returns the known part of an expression's text.
    pub(super) fn known(&self, expression: &Expression) -> KnownText {
        let mut known = KnownText::default();
        self.add_known(expression, &mut known, 0);
        known
    }

    fn add_known(&self, expression: &Expression, known: &mut KnownText, depth: usize) {
        known.visited += 1;
        if known.text.len() > MAX_TEXT {
            known.visited = known.visited.max(MAX_VISITED + 1);
        }
        if known.visited > MAX_VISITED {
            // One more name in the message is enough.
            if known.visited == MAX_VISITED + 1 {
                known.missing.push(expression.to_string());
            }
            return;
        }
        if let Some(value) = self.value(expression) {
            known.defaults |= expression.as_literal().is_none() && self.given.is_none();
            return match value {
                Value::String(text) => known.push(&text),
                other => known.push(&other.to_string()),
            };
        }
        match expression {
            Expression::Join { on, values } => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        known.push(on);
                    }
                    self.add_known(value, known, depth);
                }
            }
            Expression::Get(Reference::Property { step, path }) if depth < MAX_DEPTH => {
                if let Some(uri) = self.output_uri(step, path) {
                    return self.add_known(uri, known, depth + 1);
                }
                if let Some((prefix, length)) = self.model_prefix(step, path) {
                    self.add_known(prefix, known, depth + 1);
                    known.missing_length += length;
                }
                known.missing.push(expression.to_string());
            }
            Expression::Get(Reference::Execution(ExecutionVariable::PipelineExecutionId)) => {
                known.missing_length += EXECUTION_ID;
                known.missing.push(expression.to_string());
            }
            _ => known.missing.push(expression.to_string()),
        }
    }

    /// Returns the prefix of a Training step's model, if that is what `path` is the address of, and the
    /// greatest length of what follows.
    fn model_prefix(&self, step: &str, path: &str) -> Option<(&Expression, usize)> {
        let StepKind::Training(arguments) = &self.find_step(step)?.step.kind else {
            return None;
        };
        let length = model_key(step, arguments.training_job_name.is_some());
        let path = Path::parse(path).ok()?;
        (path.names()[..] == ["ModelArtifacts", "S3ModelArtifacts"])
            .then_some((&arguments.output_data_config.s3_output_path, length))
    }

    /// Returns the `S3Uri` in the arguments of the step that
    /// `Steps.<step>.ProcessingOutputConfig.Outputs['<name>'].S3Output.S3Uri` refers to.
    fn output_uri(&self, step: &str, path: &str) -> Option<&Expression> {
        let StepKind::Processing(arguments) = &self.find_step(step)?.step.kind else {
            return None;
        };
        let path = Path::parse(path).ok()?;
        let ["ProcessingOutputConfig", "Outputs", name, "S3Output", "S3Uri"] = path.names()[..]
        else {
            return None;
        };
        let output = arguments.outputs().iter().find(|output| output.output_name == name)?;
        output.s3_output.as_ref().map(|s3| &s3.s3_uri)
    }
}
