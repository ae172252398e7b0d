//! The references of `Get` expressions.

use std::fmt;
use std::str::FromStr;

use crate::path::{Path, PathError};

/// The parsed text of `{"Get": "..."}`. [`Display`](fmt::Display) writes exactly the text that was
/// parsed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `Parameters.<name>`
    Parameter(String),
    /// `Execution.<variable>`
    Execution(ExecutionVariable),
    /// `Steps.<step>.<path>`: a member of the job's Describe response.
    Property {
        /// The step that runs the job.
        step: String,
        /// A path that [`Path::parse`] accepts.
        path: String,
    },
    /// `Steps.<step>.PropertyFiles.<name>`
    PropertyFile {
        /// The step that declares the file.
        step: String,
        /// The file's `PropertyFileName`.
        name: String,
    },
}

impl Reference {
    /// Returns the step that must finish before this has a value.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Parameter(_) | Self::Execution(_) => None,
            Self::Property { step, .. } | Self::PropertyFile { step, .. } => Some(step),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "Parameters.{name}"),
            Self::Execution(variable) => write!(f, "Execution.{}", variable.name()),
            Self::Property { step, path } => write!(f, "Steps.{step}.{path}"),
            Self::PropertyFile { step, name } => write!(f, "Steps.{step}.PropertyFiles.{name}"),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let shape = || ReferenceError::Shape { text: text.to_owned() };
        let (root, rest) = text.split_once('.').ok_or_else(shape)?;
        if rest.is_empty() {
            return Err(shape());
        }
        match root {
            "Parameters" => Ok(Self::Parameter(rest.to_owned())),
            "Execution" => ExecutionVariable::from_name(rest)
                .map(Self::Execution)
                .ok_or_else(|| ReferenceError::Execution { name: rest.to_owned() }),
            "Steps" => {
                let (step, path) = rest.split_once('.').ok_or_else(shape)?;
                if step.is_empty() {
                    return Err(shape());
                }
                if let Some(name) = path.strip_prefix("PropertyFiles.").filter(|n| !n.is_empty()) {
                    return Ok(Self::PropertyFile { step: step.to_owned(), name: name.to_owned() });
                }
                Path::parse(path)?;
                Ok(Self::Property { step: step.to_owned(), path: path.to_owned() })
            }
            _ => Err(shape()),
        }
    }
}

/// The error of text that is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text has none of the forms of the language.
    #[error(
        "{text:?} is no reference; expected Parameters.<name>, Execution.<variable>, \
         Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>"
    )]
    Shape {
        /// The text found.
        text: String,
    },
    /// The text is `Execution.` with an unknown variable.
    #[error("{name:?} is no execution variable; expected one of {}", ExecutionVariable::names())]
    Execution {
        /// The text found.
        name: String,
    },
    /// The part after the step's name is not a path.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// The variables of a running execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExecutionVariable {
    /// The execution's short random id, the last part of its ARN.
    PipelineExecutionId,
    /// The execution's ARN.
    PipelineExecutionArn,
    /// The pipeline's name.
    PipelineName,
    /// The pipeline's ARN.
    PipelineArn,
    /// The start time of the execution, ISO 8601.
    StartDateTime,
    /// The current time, ISO 8601.
    CurrentDateTime,
}

impl ExecutionVariable {
    /// All variables, in the order of the developer guide.
    pub const ALL: [Self; 6] = [
        Self::PipelineExecutionId,
        Self::PipelineExecutionArn,
        Self::PipelineName,
        Self::PipelineArn,
        Self::StartDateTime,
        Self::CurrentDateTime,
    ];

    /// Returns the variable's name without `Execution.`.
    pub fn name(self) -> &'static str {
        match self {
            Self::PipelineExecutionId => "PipelineExecutionId",
            Self::PipelineExecutionArn => "PipelineExecutionArn",
            Self::PipelineName => "PipelineName",
            Self::PipelineArn => "PipelineArn",
            Self::StartDateTime => "StartDateTime",
            Self::CurrentDateTime => "CurrentDateTime",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_displayed_as_parsed() {
        for text in [
            "Parameters.MinF1",
            "Execution.PipelineExecutionId",
            "Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
            "Steps.CreateModel-CreateModel.ModelName",
            "Steps.Evaluate.PropertyFiles.EvaluationReport",
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        assert_eq!(
            "Steps.Evaluate.PropertyFiles.EvaluationReport".parse(),
            Ok(Reference::PropertyFile {
                step: "Evaluate".to_owned(),
                name: "EvaluationReport".to_owned()
            })
        );
    }

    #[test]
    fn an_invalid_reference_is_refused_with_the_expected_forms() {
        let message = |text: &str| text.parse::<Reference>().unwrap_err().to_string();
        insta::assert_snapshot!(message("Parameter.X"), @r#""Parameter.X" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>"#);
        insta::assert_snapshot!(message("Execution.Id"), @r#""Id" is no execution variable; expected one of PipelineExecutionId, PipelineExecutionArn, PipelineName, PipelineArn, StartDateTime, CurrentDateTime"#);
        insta::assert_snapshot!(message("Steps.A.Outputs['x"), @r#"path "Outputs['x": the bracket at character 8 is not closed"#);
        for text in ["", "Parameters", "Parameters.", "Steps.A", "Steps..X"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
