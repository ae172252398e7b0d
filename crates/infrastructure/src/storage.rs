//! Where in S3 the jobs of a definition read and write.

use config::S3Paths;
use pipeline::{Definition, Expression, Reference, StepKind};
use serde_json::Value;

/// Every object whose key begins like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
}

impl Location {
    /// None for a text that does not name a bucket.
    fn of(text: &str) -> Option<Self> {
        let (bucket, prefix) = text.strip_prefix("s3://")?.split_once('/')?;
        Some(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }

    fn covers(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.prefix.starts_with(&self.prefix)
    }
}

/// What comes from outside: the tables that executions read, those that people uploaded included.
pub(crate) fn inputs(paths: &S3Paths, definition: &Definition) -> Vec<Location> {
    let uploads = Location::of(&format!("{}/", paths.url(&paths.raw_data)));
    let mut read: Vec<Location> = uploads.into_iter().collect();
    for placed in definition.steps_recursive() {
        match &placed.step.kind {
            StepKind::Processing(job) => {
                let inputs = job.processing_inputs.iter().filter_map(|i| i.s3_input.as_ref());
                read.extend(inputs.filter_map(|i| begin(&i.s3_uri, definition)));
            }
            StepKind::Training(job) => {
                let sources = job.input_data_config.iter().filter_map(|channel| {
                    channel.data_source.s3_data_source.as_ref().map(|source| &source.s3_uri)
                });
                read.extend(sources.filter_map(|uri| begin(uri, definition)));
            }
            _ => {}
        }
    }
    without_covered(read)
}

/// What the jobs write, and read from one another.
pub(crate) fn outputs(definition: &Definition) -> Vec<Location> {
    let mut written = Vec::new();
    for placed in definition.steps_recursive() {
        match &placed.step.kind {
            StepKind::Processing(job) => {
                let outputs = job.processing_output_config.iter().flat_map(|c| &c.outputs);
                let outputs = outputs.filter_map(|output| output.s3_output.as_ref());
                written.extend(outputs.filter_map(|o| begin(&o.s3_uri, definition)));
            }
            StepKind::Training(job) => {
                written.extend(begin(&job.output_data_config.s3_output_path, definition));
            }
            _ => {}
        }
    }
    for location in &mut written {
        // an output is a directory, whatever else begins with the same letters
        if !location.prefix.ends_with('/') {
            location.prefix.push('/');
        }
    }
    without_covered(written)
}

/// Each once, the widest of those that lie in one another.
pub(crate) fn without_covered(locations: Vec<Location>) -> Vec<Location> {
    let mut kept: Vec<Location> = Vec::new();
    for location in locations {
        if !kept.iter().any(|other| other.covers(&location)) {
            kept.retain(|other| !location.covers(other));
            kept.push(location);
        }
    }
    kept
}

/// Where an address begins, as far as it is known before an execution. What points at another
/// step's output is that step's matter.
fn begin(uri: &Expression, definition: &Definition) -> Option<Location> {
    Location::of(&known(uri, definition).0)
}

/// The text that an expression begins with, and whether that is all of it.
pub(crate) fn known(expression: &Expression, definition: &Definition) -> (String, bool) {
    match expression {
        Expression::Literal(Value::String(text)) => (text.clone(), true),
        Expression::Get(Reference::Parameter(name)) => {
            let parameter = definition.parameters.iter().find(|p| p.name == *name);
            let default = parameter.and_then(|p| p.default.as_ref()?.as_str());
            default.map_or((String::new(), false), |text| (text.to_owned(), true))
        }
        Expression::Join { on, values } => {
            let mut text = String::new();
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push_str(on);
                }
                let (part, whole) = known(value, definition);
                text.push_str(&part);
                if !whole {
                    return (text, false);
                }
            }
            (text, true)
        }
        _ => (String::new(), false),
    }
}

#[cfg(test)]
mod tests {
    use pipeline::{ExecutionVariable, Parameter};

    use super::*;

    fn place(text: &str) -> Location {
        Location::of(text).unwrap()
    }

    #[test]
    fn an_address_is_known_as_far_as_the_definition_says_it() {
        let parameters = vec![Parameter::string("Input", "s3://b/raw/table.csv")];
        let definition = Definition::new(parameters, Vec::new());
        let execution = Expression::execution(ExecutionVariable::PipelineExecutionId);
        let own = ["s3://b/processed".into(), execution, "train".into()];
        let known = |expression: &Expression| known(expression, &definition);
        assert_eq!(known(&Expression::join("/", own)), ("s3://b/processed/".to_owned(), false));
        let input = Expression::parameter("Input");
        assert_eq!(known(&input), ("s3://b/raw/table.csv".to_owned(), true));
        assert_eq!(known(&Expression::parameter("Other")), (String::new(), false));
        assert_eq!(begin(&Expression::output("Train", "model"), &definition), None);
    }

    #[test]
    fn what_lies_in_another_place_is_not_said_twice() {
        let places = ["s3://b/raw/x.csv", "s3://b/processed/", "s3://b/raw/", "s3://c/raw/x.csv"];
        let kept = without_covered(places.map(place).to_vec());
        assert_eq!(kept, ["s3://b/processed/", "s3://b/raw/", "s3://c/raw/x.csv"].map(place));
    }
}
