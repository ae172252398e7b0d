//! A whole pipeline definition and its JSON.

use std::num::NonZeroUsize;

use common::json::{LARGEST_JSON, Unique};
use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expression::Expression;
use crate::parameter::{Parameter, ParameterError};
use crate::place::{cut, shown};
use crate::reference::ExecutionVariable;
use crate::step::Step;

/// The only version of the language.
pub const VERSION: &str = "2020-12-01";

/// The member that bounds how many steps run at once.
pub(crate) const PARALLELISM: &str = "ParallelismConfiguration";

/// A pipeline definition, as `CreatePipeline` takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "PascalCase",
    expecting = "a pipeline definition: an object with Version and Steps"
)]
pub struct Definition {
    /// [`VERSION`]
    pub version: String,
    /// Metadata of the author's choosing. The service stores it.
    #[serde(default)]
    pub metadata: IndexMap<String, Value>,
    /// The parameters, at most 200.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// The experiment and trial that the jobs belong to.
    #[serde(rename = "PipelineExperimentConfig", default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<PipelineExperimentConfig>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
    /// The steps, in any order. Dependencies decide when a step runs.
    pub steps: Vec<Step>,
}

/// `PipelineExperimentConfig`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PipelineExperimentConfig {
    /// The experiment's name. The service creates an experiment that does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_name: Option<Expression>,
    /// The trial's name. The service creates a trial that does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_name: Option<Expression>,
}

/// The official SDK's default: one experiment per pipeline, one trial per execution.
impl Default for PipelineExperimentConfig {
    fn default() -> Self {
        Self {
            experiment_name: Some(Expression::execution(ExecutionVariable::PipelineName)),
            trial_name: Some(Expression::execution(ExecutionVariable::PipelineExecutionId)),
        }
    }
}

impl Definition {
    /// Creates a definition of these parameters and steps with the official SDK's experiment.
    pub fn new(parameters: Vec<Parameter>, steps: Vec<Step>) -> Self {
        Self {
            version: VERSION.to_owned(),
            metadata: IndexMap::new(),
            parameters,
            experiment: Some(PipelineExperimentConfig::default()),
            other: IndexMap::new(),
            steps,
        }
    }

    /// Returns the definition as JSON, indented by two spaces, with a newline at the end. Equal
    /// definitions give equal bytes.
    pub fn to_json(&self) -> String {
        // Serialization into memory with string keys cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a definition from JSON.
    ///
    /// Checks the shape of the document only. [`lint`](crate::lint) checks limits, names and
    /// references.
    pub fn from_json(text: &str) -> Result<Self, DefinitionError> {
        let size = text.len() as u64;
        if size > LARGEST_JSON {
            let problem = format!("{size} bytes, expected at most {LARGEST_JSON}");
            return Err(DefinitionError { path: "definition".into(), line: 1, column: 1, problem });
        }
        let definition = parse(text)?;
        parse::<Unique>(text)?;
        Ok(definition)
    }

    /// Returns the most steps that run at once, if the document says so in `ParallelismConfiguration`. SageMaker takes
    /// that as a member of `CreatePipeline`'s request.
    ///
    /// Fails with the place, and with the value and what was expected.
    pub fn max_parallel_steps(&self) -> Result<Option<NonZeroUsize>, (String, String)> {
        const MEMBER: &str = "MaxParallelExecutionSteps";
        let Some(value) = self.other.get(PARALLELISM) else { return Ok(None) };
        let wrong = |place: &str, found: &str, expected: &str| {
            let problem = format!("found {}, expected {expected}", cut(found.to_owned(), 60, 20));
            Err((place.to_owned(), problem))
        };
        let most = match value {
            Value::Object(members) => match members.get(MEMBER) {
                Some(most) => most,
                None => {
                    return wrong(PARALLELISM, &value.to_string(), &format!("the member {MEMBER}"));
                }
            },
            other => {
                return wrong(PARALLELISM, &other.to_string(), &format!("an object with {MEMBER}"));
            }
        };
        let number = most.as_u64().and_then(|most| NonZeroUsize::new(usize::try_from(most).ok()?));
        match number {
            Some(number) => Ok(Some(number)),
            None => {
                let place = format!("{PARALLELISM}.{MEMBER}");
                wrong(&place, &most.to_string(), "a whole number from 1")
            }
        }
    }

    /// Returns the value of every parameter: the one in `given`, as text, or else its default.
    ///
    /// Fails on an unknown name, on text that is not of the parameter's type, and on a parameter
    /// that has neither a value nor a default.
    pub fn parameter_values<'a>(
        &self,
        given: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<IndexMap<String, Value>, ParameterError> {
        let mut values: IndexMap<String, Value> = IndexMap::new();
        for (name, text) in given {
            let parameter = self.parameters.iter().find(|p| p.name == name).ok_or_else(|| {
                let names = self.parameters.iter().map(|p| p.name.as_str());
                ParameterError::Unknown {
                    name: name.to_owned(),
                    suggestion: common::nearest(name, names.clone()).map(str::to_owned),
                    known: names.map(str::to_owned).collect(),
                }
            })?;
            values.insert(name.to_owned(), parameter.parse(text)?);
        }
        self.parameters
            .iter()
            .map(|parameter| {
                let value = values.swap_remove(&parameter.name).or(parameter.default.clone());
                let missing = || ParameterError::Missing {
                    name: parameter.name.clone(),
                    kind: parameter.kind,
                };
                Ok((parameter.name.clone(), value.ok_or_else(missing)?))
            })
            .collect()
    }
}

/// Parses JSON. Its errors name the place in the document.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, DefinitionError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| DefinitionError::new(error.path().to_string(), &error.into_inner()))?;
    deserializer.end().map_err(|error| DefinitionError::new(String::new(), &error))?;
    Ok(value)
}

/// The error of text that is not a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} (line {line}, column {column}): {problem}")]
pub struct DefinitionError {
    /// The place in the document, such as `Steps[0].Arguments.RoleArn`; `definition` for the whole.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub problem: String,
}

impl DefinitionError {
    fn new(path: String, error: &serde_json::Error) -> Self {
        // serde_path_to_error writes these for the whole document and for an unknown place.
        let path = if matches!(path.as_str(), "" | "." | "?") { "definition".into() } else { path };
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let problem =
            text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let problem = common::one_line(problem);
        Self { path: shown(path), line, column, problem }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(text: &str) -> String {
        Definition::from_json(text).unwrap_err().to_string()
    }

    fn step(arguments: &str) -> String {
        format!(
            r#"{{"Version": "2020-12-01", "Steps": [
  {{"Name": "Pre", "Type": "Processing", "Arguments": {{
    "ProcessingResources": {{"ClusterConfig": {{"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}}}},
    "RoleArn": "arn",
    "Unheard": {{"Of": [1]}},
    {arguments}
  }}}}
]}}"#
        )
    }

    #[test]
    fn an_error_names_path_line_column_and_what_was_expected() {
        insta::assert_snapshot!(message("{"), @"definition (line 1, column 1): EOF while parsing an object");
        insta::assert_snapshot!(message("[]"), @"definition (line 1, column 0): invalid type: sequence, expected a pipeline definition: an object with Version and Steps");
        insta::assert_snapshot!(message(r#"{"Version": "2020-12-01", "Steps": []} x"#), @"definition (line 1, column 40): trailing characters");
        insta::assert_snapshot!(message(r#"{"Version": "2020-12-01"}"#), @"definition (line 1, column 25): missing field `Steps`");
        insta::assert_snapshot!(message(&step(r#""AppSpecification": {}"#)), @"Steps[0].Arguments.AppSpecification (line 6, column 26): missing field `ImageUri`");
        insta::assert_snapshot!(message(&step(r#""AppSpecification": {"ImageUri": null}"#)), @"Steps[0].Arguments.AppSpecification.ImageUri (line 6, column 41): invalid type: null, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet");
        insta::assert_snapshot!(message(&step(r#""AppSpecification": {"ImageUri": {"Get": "Parameter.Image"}}"#)), @r#"Steps[0].Arguments.AppSpecification.ImageUri (line 6, column 63): "Parameter.Image" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>"#);
        insta::assert_snapshot!(message(&step(r#""AppSpecification": {"ImageUri": "i", "ContainerArguments": ["a", {"Std:Join": {"On": 1}}]}"#)), @"Steps[0].Arguments.AppSpecification.ContainerArguments[1].Std:Join.On (line 6, column 91): invalid type: integer `1`, expected a string");
        insta::assert_snapshot!(message(&step(r#""AppSpecification": {"ImageUri": "i"}, "ProcessingInputs": [{"S3Input": {}}]"#)), @"Steps[0].Arguments.ProcessingInputs[0].S3Input (line 6, column 78): missing field `S3Uri`");
        insta::assert_snapshot!(message(r#"{"Version": "2020-12-01", "Steps": [{"Name": "Gate", "Type": "Condition", "Arguments": {"Conditions": [{"Type": "Equal"}]}}]}"#), @"Steps[0].Arguments.Conditions[0].Type (line 1, column 119): unknown variant `Equal`, expected one of `Equals`, `GreaterThan`, `GreaterThanOrEqualTo`, `LessThan`, `LessThanOrEqualTo`, `In`, `Not`, `And`, `Or`");
        insta::assert_snapshot!(message(r#"{"Version": "2020-12-01", "Parameters": [{"Name": "A", "Type": "Number"}], "Steps": []}"#), @"Parameters[0].Type (line 1, column 71): unknown variant `Number`, expected one of `String`, `Integer`, `Float`, `Boolean`");
    }

    #[test]
    fn a_long_place_is_cut() {
        let mut condition = "{}".to_owned();
        for _ in 0..140 {
            condition = format!(r#"{{"Type": "Not", "Expression": {condition}}}"#);
        }
        let text = format!(
            r#"{{"Version": "2020-12-01", "Steps": [{{"Name": "Gate", "Type": "Condition", "Arguments": {{"Conditions": [{condition}]}}}}]}}"#
        );
        insta::assert_snapshot!(message(&text), @"Steps[0].Arguments.Conditions[0].Expression.Expression.Expression.Expression.Expression.Expression.Expression.Expression.Expression.Expressi…n.Expression.Expression.Expression.Expression.Expression.Expression.Expression.Expression.Expression (line 1, column 3764): recursion limit exceeded");
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused() {
        let twice = |more: &str| {
            message(&step(&format!(r#"{more} "AppSpecification": {{"ImageUri": "i"}}"#)))
        };
        let found = twice(r#""Environment": {"A": "1", "B": "2", "A": "3"},"#);
        assert!(found.starts_with("Steps[0].Arguments.Environment"), "{found}");
        assert!(found.ends_with(r#"member "A" is there twice"#), "{found}");
        // A member that the program does not know, which would be kept.
        let found = twice(r#""Unheard": {"Of": [2]},"#);
        assert!(found.ends_with(r#"member "Unheard" is there twice"#), "{found}");
        insta::assert_snapshot!(message(r#"{"Version":"2020-12-01","Steps":[],"Steps":[]}"#), @"definition (line 1, column 42): duplicate field `Steps`");
    }

    #[test]
    fn a_definition_of_any_size_and_depth_is_refused_at_once() {
        let deep = message(&"{\"a\":".repeat(100_000));
        assert!(deep.ends_with("recursion limit exceeded"), "{deep}");
        let blanks = " ".repeat(usize::try_from(LARGEST_JSON).unwrap() + 1);
        insta::assert_snapshot!(message(&blanks), @"definition (line 1, column 1): 16777217 bytes, expected at most 16777216");
    }

    #[test]
    fn the_most_steps_at_once_are_a_whole_number_from_1() {
        let most = |value: Value| {
            let mut definition = Definition::new(Vec::new(), Vec::new());
            definition.other.insert("ParallelismConfiguration".to_owned(), value);
            let found = definition.max_parallel_steps();
            found.map_err(|(place, problem)| format!("{place}: {problem}"))
        };
        let steps = |most: Value| json!({ "MaxParallelExecutionSteps": most });
        assert_eq!(Definition::new(Vec::new(), Vec::new()).max_parallel_steps(), Ok(None));
        assert_eq!(most(steps(json!(3))), Ok(NonZeroUsize::new(3)));
        insta::assert_snapshot!(most(steps(json!(0))).unwrap_err(), @"ParallelismConfiguration.MaxParallelExecutionSteps: found 0, expected a whole number from 1");
        insta::assert_snapshot!(most(steps(json!("2"))).unwrap_err(), @r#"ParallelismConfiguration.MaxParallelExecutionSteps: found "2", expected a whole number from 1"#);
        insta::assert_snapshot!(most(json!({})).unwrap_err(), @"ParallelismConfiguration: found {}, expected the member MaxParallelExecutionSteps");
        insta::assert_snapshot!(most(json!(2)).unwrap_err(), @"ParallelismConfiguration: found 2, expected an object with MaxParallelExecutionSteps");
    }

    #[test]
    fn what_was_found_stays_one_line() {
        let step = r#"{"Version": "2020-12-01", "Parameters": [{"Name": "A", "Type": "X\nerror: fine"}], "Steps": []}"#;
        assert!(message(step).contains(r"unknown variant `X\nerror: fine`"), "{}", message(step));
    }

    #[test]
    fn unknown_members_are_kept() {
        let text = step(r#""AppSpecification": {"ImageUri": "i"}"#);
        let definition = Definition::from_json(&text).unwrap();
        let again: Value = serde_json::from_str(&definition.to_json()).unwrap();
        assert_eq!(again["Steps"][0]["Arguments"]["Unheard"], json!({"Of": [1]}));
    }

    #[test]
    fn parameters_take_the_given_value_or_their_default() {
        let mut definition = Definition::new(
            vec![Parameter::integer("Trees", 200), Parameter::float("MinRecall", 0.85)],
            Vec::new(),
        );
        let values = definition.parameter_values([("MinRecall", "0.9")]).unwrap();
        assert_eq!(json!(values), json!({"Trees": 200, "MinRecall": 0.9}));
        insta::assert_snapshot!(definition.parameter_values([("MinRecal", "1")]).unwrap_err(), @"parameter MinRecal: the pipeline has none of this name; did you mean MinRecall?");
        insta::assert_snapshot!(definition.parameter_values([("Foo", "1")]).unwrap_err(), @"parameter Foo: the pipeline has none of this name; it has Trees, MinRecall");
        insta::assert_snapshot!(definition.parameter_values([("Trees", "many")]).unwrap_err(), @r#"parameter Trees (Integer): found "many", expected a whole number of 64 bits"#);
        definition.parameters[0].default = None;
        insta::assert_snapshot!(definition.parameter_values([]).unwrap_err(), @"parameter Trees (Integer): it has no default, so the start must name a value");
    }
}
