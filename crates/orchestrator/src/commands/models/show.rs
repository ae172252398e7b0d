//! `orchestrator models show`: prints everything that is known of a version.

use std::collections::BTreeMap;

use common::Exit;
use registry::ModelPackage;
use serde_json::json;

use super::group::ModelGroup;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Prints the version with a number, or the `latest` or `approved` one.
pub fn show(group: &ModelGroup, version: &str, as_json: bool) -> Result<Exit, CommandError> {
    let package = group.find(version)?;
    let metrics = group.metrics(&package);
    if as_json {
        return print_json(&json!({ "model_package": package, "metrics": metrics }));
    }
    let facts = facts(&package, &metrics);
    print_text(
        &facts.iter().map(|(name, value)| format!("{name:<20} {value}\n")).collect::<String>(),
    )
}

/// Returns the names and values of a version's fields, the most important first.
pub fn facts(package: &ModelPackage, metrics: &BTreeMap<String, f64>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("version".to_owned(), package.version.to_string()),
        ("arn".to_owned(), package.arn.clone()),
        ("status".to_owned(), format!("{:?}", package.status)),
        ("approval".to_owned(), package.approval_status.to_string()),
    ];
    let mut add = |name: &str, value: Option<&String>| {
        facts.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    add("reason", package.approval_description.as_ref());
    add("failure", package.failure_reason.as_ref());
    for (name, value) in metrics {
        add(name, Some(&format!("{value:.4}")));
    }
    for (name, value) in package.metadata.iter().filter(|(name, _)| !metrics.contains_key(*name)) {
        add(name, Some(value));
    }
    add("model", Some(&package.serving.model_data_url));
    add("report", Some(&package.metrics_url).filter(|url| !url.is_empty()));
    add("image", Some(&package.serving.inference_image));
    facts
}
