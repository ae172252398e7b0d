//! What made a version, and how to make it again.

use std::collections::BTreeMap;

use registry::{DirectoryRegistry, MODEL_DIGEST, ModelPackage, REPORT_DIGEST, Source};

/// Returns the names and values of what is known of a version's making: its source, its registration, and its metadata
/// that is no metric.
pub fn facts(package: &ModelPackage, metrics: &BTreeMap<String, f64>) -> Vec<(String, String)> {
    let Source { commit_id, repository, generated_by } = &package.source;
    let source = [
        ("commit", commit_id),
        ("repository", repository),
        ("made by", generated_by),
        ("registered at", &package.registered_at),
        ("registered by", &package.registered_by),
    ];
    let source = source.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let metadata = package.metadata.iter().map(|(name, value)| (name.as_str(), value));
    // The digests stand beside the addresses.
    let metadata = metadata.filter(|(name, _)| {
        !metrics.contains_key(*name) && ![MODEL_DIGEST, REPORT_DIGEST].contains(name)
    });
    source.chain(metadata).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Returns the ARN or the id of the execution that registered a version, if the version tells it.
pub fn execution(package: &ModelPackage) -> Option<&str> {
    let made_by = package.source.generated_by.as_deref();
    let made_by = made_by.filter(|arn| arn.starts_with("arn:") && arn.contains("/execution/"));
    made_by.or_else(|| package.metadata.get("pipeline_execution").map(String::as_str))
}

/// Returns the command that makes a version again, if it tells which execution made it.
pub fn command(package: &ModelPackage) -> Option<String> {
    execution(package)?;
    let local = if DirectoryRegistry::is_own(&package.arn) { " --local" } else { "" };
    Some(format!("orchestrator reproduce {}{local}", package.version))
}
