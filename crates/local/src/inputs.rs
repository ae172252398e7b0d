//! What the jobs of a definition read and none of them writes.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use indexmap::IndexMap;
use pipeline::{
    Definition, EvaluationError, ExecutionVariable, Expression, Path, Reference, Scope, StepKind,
};
use serde_json::Value;

/// Returns the addresses of the objects that must be there before a definition is run with these parameters.
///
/// # Errors
///
/// Fails where an address joins something that is no text.
pub fn inputs(
    definition: &Definition,
    parameters: &IndexMap<String, Value>,
) -> Result<BTreeSet<String>, EvaluationError> {
    let (mut read, mut written) = (Vec::new(), Vec::new());
    for placed in definition.steps_recursive() {
        match &placed.step.kind {
            StepKind::Processing(job) => {
                let inputs = job.processing_inputs.iter().filter_map(|it| it.s3_input.as_ref());
                read.extend(inputs.map(|input| &input.s3_uri));
                let outputs = job.processing_output_config.iter().flat_map(|it| &it.outputs);
                let outputs = outputs.filter_map(|output| output.s3_output.as_ref());
                written.extend(outputs.map(|output| &output.s3_uri));
            }
            StepKind::Training(job) => {
                let sources = job.input_data_config.iter();
                let sources = sources.filter_map(|it| it.data_source.s3_data_source.as_ref());
                read.extend(sources.map(|source| &source.s3_uri));
                written.push(&job.output_data_config.s3_output_path);
            }
            _ => {}
        }
    }
    let written = known(written, parameters)?;
    let mut read = known(read, parameters)?;
    read.retain(|uri| !written.iter().any(|output| uri.starts_with(output.as_str())));
    Ok(read)
}

/// Returns the addresses that depend on nothing but parameters.
fn known(
    addresses: Vec<&Expression>,
    parameters: &IndexMap<String, Value>,
) -> Result<BTreeSet<String>, EvaluationError> {
    let mut found = BTreeSet::new();
    for address in addresses {
        let references = address.references();
        if references.iter().all(|reference| matches!(reference, Reference::Parameter(_)))
            && let Value::String(uri) = address.resolve(&Parameters(parameters))?
        {
            found.insert(uri);
        }
    }
    Ok(found)
}

/// The values of parameters, where nothing else is known.
struct Parameters<'a>(&'a IndexMap<String, Value>);

impl Scope for Parameters<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn execution(&self, _: ExecutionVariable) -> String {
        String::new()
    }

    fn property(&self, _: &str, _: &Path) -> Option<Value> {
        None
    }

    fn property_file(&self, _: &str, _: &str) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>> {
        Err("no step has run".into())
    }
}

#[cfg(test)]
mod tests {
    use pipeline::{AppSpecification, ClusterConfig, ProcessingArguments};
    use pipeline::{ProcessingInput, ProcessingOutput, ProcessingOutputConfig, Step};

    use super::*;

    fn step(name: &str, inputs: Vec<Expression>, output: Expression) -> Step {
        let cluster = ClusterConfig::new("ml.m5.large", 1_i64, 30_i64);
        let mut job = ProcessingArguments::new(cluster, AppSpecification::new("image:1"), "role");
        let input = |uri| ProcessingInput::new("i", uri, "/opt/ml/processing/input");
        job.processing_inputs = inputs.into_iter().map(input).collect();
        job.processing_output_config = Some(ProcessingOutputConfig {
            outputs: vec![ProcessingOutput::new("o", output, "/opt/ml/processing/output")],
            ..ProcessingOutputConfig::default()
        });
        Step::new(name, job)
    }

    #[test]
    fn what_a_step_writes_is_no_input() {
        let table = Expression::join("/", ["s3://b/raw".into(), Expression::parameter("Table")]);
        let id = Expression::execution(ExecutionVariable::PipelineExecutionId);
        let own = Expression::join("/", ["s3://b/own".into(), id]);
        let definition = Definition::new(
            Vec::new(),
            vec![
                step("First", vec![table.clone(), "s3://b/settings.json".into()], own.clone()),
                step("Second", vec![Expression::output("First", "o"), own], "s3://b/fixed".into()),
                step("Third", vec!["s3://b/fixed/rows.csv".into(), table], "s3://b/last".into()),
            ],
        );
        let parameters = [("Table".to_owned(), Value::from("line_2.csv"))].into_iter().collect();
        let found: Vec<_> = inputs(&definition, &parameters).unwrap().into_iter().collect();
        assert_eq!(found, ["s3://b/raw/line_2.csv", "s3://b/settings.json"]);
        assert!(inputs(&definition, &IndexMap::new()).is_err());
    }
}
