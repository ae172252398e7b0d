//! The prefixes in the bucket, none of which may be below another: what deletes, grants or expires one of them would
//! do so to the other, too.

use crate::fault::Fault;
use crate::settings::Settings;

/// The prefix in the bucket for what a definition consists of beside its request: the files that its steps read, and
/// definitions that are too large for a request. Those of a pipeline are below its name.
pub const DEFINITIONS: &str = "pipeline-definitions/";

/// Returns a fault for each prefix that is equal to, below or above an earlier one.
pub(crate) fn faults(settings: &Settings) -> Vec<Fault> {
    let paths = &settings.s3_paths;
    let endpoint = &settings.endpoint;
    let mut prefixes = vec![
        ("s3_paths.raw_data", &paths.raw_data),
        ("s3_paths.input_dataset", &paths.input_dataset),
        ("s3_paths.processed_data", &paths.processed_data),
        ("s3_paths.model_artifacts", &paths.model_artifacts),
        ("s3_paths.evaluation", &paths.evaluation),
        ("s3_paths.predictions", &paths.predictions),
    ];
    let capture = endpoint.capture.as_ref();
    prefixes.extend(capture.map(|it| ("endpoint.capture.prefix", &it.prefix)));
    let queue = endpoint.asynchronous.as_ref();
    prefixes.extend(queue.map(|it| ("endpoint.asynchronous.prefix", &it.prefix)));
    let mut faults = Vec::new();
    for (index, (path, prefix)) in prefixes.iter().enumerate() {
        let earlier = prefixes[..index].iter().find(|(name, other)| {
            // The input is one of the raw tables, or all of them.
            let is_input = *path == "s3_paths.input_dataset" && *name == "s3_paths.raw_data";
            !is_input && overlap(prefix, other)
        });
        let expected = if overlap(prefix, DEFINITIONS) {
            format!(
                "a prefix apart from {DEFINITIONS}, which is that of the pipelines' definitions"
            )
        } else if let Some((name, other)) = earlier {
            format!("a prefix apart from {name}, which is {other}")
        } else {
            continue;
        };
        let value = Some(prefix.as_str().into());
        faults.push(Fault { path: (*path).to_owned(), value, expected });
    }
    faults
}

/// Returns whether one prefix is below the other.
fn overlap(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|prefix| format!("{}/", prefix.trim_end_matches('/')));
    one.starts_with(&other) || other.starts_with(&one)
}
