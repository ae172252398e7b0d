//! The S3 prefixes that the jobs of a definition read and write.

use config::{DEFINITIONS, Settings};
use pipeline::{Definition, Expression, Reference, StepKind};
use serde_json::Value;

/// A prefix in S3: all objects of a bucket whose keys begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Prefix {
    pub(crate) bucket: String,
    pub(crate) key_prefix: String,
}

impl S3Prefix {
    /// Parses an S3 URI; none if it does not name a bucket.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (bucket, prefix) = text.strip_prefix("s3://")?.split_once('/')?;
        Some(Self { bucket: bucket.to_owned(), key_prefix: prefix.to_owned() })
    }

    /// Whether every object of `other` is under this prefix too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.key_prefix.starts_with(&self.key_prefix)
    }
}

/// Returns a prefix in the settings' bucket.
pub(crate) fn own_prefix(settings: &Settings, prefix: &str) -> S3Prefix {
    let key_prefix = format!("{}/", prefix.trim_end_matches('/'));
    S3Prefix { bucket: settings.s3_paths.bucket.clone(), key_prefix }
}

/// Returns the prefix of what the pipeline's definitions consist of. The names below it contain digests, so the
/// policies name the prefix.
pub(crate) fn of_definitions(settings: &Settings) -> S3Prefix {
    own_prefix(settings, &format!("{DEFINITIONS}{}", settings.pipeline.name))
}

/// Returns every prefix below which the pipeline and its endpoint store something. An endpoint that is no longer
/// asynchronous may have left requests and answers.
pub(crate) fn all_prefixes(settings: &Settings) -> Vec<S3Prefix> {
    let (paths, endpoint) = (&settings.s3_paths, &settings.endpoint);
    let queue = endpoint.asynchronous.clone().unwrap_or_default();
    let mut prefixes = vec![
        &paths.raw_data,
        &paths.processed_data,
        &paths.model_artifacts,
        &paths.evaluation,
        &paths.predictions,
        &queue.prefix,
    ];
    prefixes.extend(endpoint.capture.as_ref().map(|capture| &capture.prefix));
    let own = prefixes.into_iter().map(|prefix| own_prefix(settings, prefix));
    without_covered(own.chain([of_definitions(settings)]).collect())
}

/// Returns the prefixes of what the jobs read from outside: the input tables, including those that
/// people upload, and the files that `deploy` uploads.
pub(crate) fn inputs(settings: &Settings, definition: &Definition) -> Vec<S3Prefix> {
    let raw = own_prefix(settings, &settings.s3_paths.raw_data);
    let mut read = vec![raw, of_definitions(settings)];
    for placed in definition.steps_recursive() {
        match &placed.step.kind {
            StepKind::Processing(job) => {
                let inputs = job.processing_inputs.iter().filter_map(|i| i.s3_input.as_ref());
                read.extend(inputs.filter_map(|i| known_prefix(&i.s3_uri, definition)));
            }
            StepKind::Training(job) => {
                let sources = job.input_data_config.iter().filter_map(|channel| {
                    channel.data_source.s3_data_source.as_ref().map(|source| &source.s3_uri)
                });
                read.extend(sources.filter_map(|uri| known_prefix(uri, definition)));
            }
            _ => {}
        }
    }
    without_covered(read)
}

/// Returns the prefixes that the jobs write, and that later jobs read.
pub(crate) fn outputs(definition: &Definition) -> Vec<S3Prefix> {
    let mut written = Vec::new();
    for placed in definition.steps_recursive() {
        match &placed.step.kind {
            StepKind::Processing(job) => {
                let outputs = job.processing_output_config.iter().flat_map(|c| &c.outputs);
                let outputs = outputs.filter_map(|output| output.s3_output.as_ref());
                written.extend(outputs.filter_map(|o| known_prefix(&o.s3_uri, definition)));
            }
            StepKind::Training(job) => {
                written.extend(known_prefix(&job.output_data_config.s3_output_path, definition));
            }
            _ => {}
        }
    }
    for prefix in &mut written {
        // An output is a directory; keys that only begin with the same letters are not in it.
        if !prefix.key_prefix.ends_with('/') {
            prefix.key_prefix.push('/');
        }
    }
    without_covered(written)
}

/// Removes prefixes that another prefix covers, and duplicates.
pub(crate) fn without_covered(prefixes: Vec<S3Prefix>) -> Vec<S3Prefix> {
    let mut kept: Vec<S3Prefix> = Vec::new();
    for prefix in prefixes {
        if !kept.iter().any(|other| other.covers(&prefix)) {
            kept.retain(|other| !prefix.covers(other));
            kept.push(prefix);
        }
    }
    kept
}

/// Returns the known beginning of a URI as a prefix. References to other steps' outputs give none,
/// since those steps' outputs are already listed.
fn known_prefix(uri: &Expression, definition: &Definition) -> Option<S3Prefix> {
    S3Prefix::of(&known(uri, definition).0)
}

/// Returns the known beginning of an expression's text, and whether it is the whole text.
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

    fn prefix(text: &str) -> S3Prefix {
        S3Prefix::of(text).unwrap()
    }

    #[test]
    fn a_uri_is_known_up_to_its_first_unknown_part() {
        let parameters = vec![Parameter::string("Input", "s3://b/raw/table.csv")];
        let definition = Definition::new(parameters, Vec::new());
        let execution = Expression::execution(ExecutionVariable::PipelineExecutionId);
        let own = ["s3://b/processed".into(), execution, "train".into()];
        let known = |expression: &Expression| known(expression, &definition);
        assert_eq!(known(&Expression::join("/", own)), ("s3://b/processed/".to_owned(), false));
        let input = Expression::parameter("Input");
        assert_eq!(known(&input), ("s3://b/raw/table.csv".to_owned(), true));
        assert_eq!(known(&Expression::parameter("Other")), (String::new(), false));
        assert_eq!(known_prefix(&Expression::output("Train", "model"), &definition), None);
    }

    #[test]
    fn covered_prefixes_are_removed() {
        let prefixes = ["s3://b/raw/x.csv", "s3://b/processed/", "s3://b/raw/", "s3://c/raw/x.csv"];
        let kept = without_covered(prefixes.map(prefix).to_vec());
        assert_eq!(kept, ["s3://b/processed/", "s3://b/raw/", "s3://c/raw/x.csv"].map(prefix));
    }
}
