//! `orchestrator models show`: prints everything that is known of a version.

use std::collections::BTreeMap;

use common::Exit;
use registry::ModelPackage;
use serde_json::json;

use super::group::ModelGroup;
use super::made_by;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Prints the version with a number, or the `latest` or `approved` one.
pub fn show(group: &ModelGroup, version: &str, as_json: bool) -> Result<Exit, CommandError> {
    let package = group.find(version)?;
    let metrics = group.metrics(&package);
    let again = made_by::command(&package);
    if as_json {
        return print_json(
            &json!({ "model_package": package, "metrics": metrics, "reproduce": again }),
        );
    }
    let mut text = lines(&facts(&package, &metrics));
    let made_by = made_by::facts(&package, &metrics);
    if !made_by.is_empty() {
        text.push_str(&format!("\nWhat made it:\n{}", lines(&made_by)));
    }
    text.push_str(&match again {
        Some(command) => format!("\n`{command}` makes it again and compares the bytes.\n"),
        None => {
            "\nIt does not tell which execution made it, so it cannot be made again.\n".to_owned()
        }
    });
    print_text(&text)
}

fn lines(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).fold(20, usize::max);
    facts.iter().map(|(name, value)| format!("{name:<width$} {value}\n")).collect()
}

/// Returns the names and values of a version's fields, the most important first, without what made it.
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
    add("model", Some(&package.serving.model_data_url));
    add("model digest", Some(&package.model_digest().unwrap_or("not recorded").to_owned()));
    add("report", Some(&package.metrics_url).filter(|url| !url.is_empty()));
    add("image", Some(&package.serving.inference_image));
    let others = package.other_members.join(", ");
    add("has also", Some(&others).filter(|others| !others.is_empty()));
    facts
}
