//! `orchestrator models list`: lists the versions of a group.

use std::collections::BTreeMap;

use common::Exit;
use registry::ModelPackage;
use serde_json::json;

use super::group::ModelGroup;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Prints up to `limit` versions, latest first.
pub fn list(group: &ModelGroup, limit: usize, as_json: bool) -> Result<Exit, CommandError> {
    let versions = group.registry.versions(&group.name)?;
    let mut packages = Vec::new();
    for (version, arn) in versions.iter().take(limit) {
        packages.extend(group.describe(*version, arn)?);
    }
    if as_json {
        return print_json(&json!({ "group": group.name, "versions": packages }));
    }
    let shown = config::Metric::REGISTERED.map(config::Metric::name);
    let mut text = format!("{:<9} {:<11} {:<22}", "Version", "Status", "Approval");
    shown.iter().for_each(|name| text.push_str(&format!(" {name:>9}")));
    text.push('\n');
    for package in &packages {
        let ModelPackage { version, status, approval_status, .. } = package;
        let status = format!("{status:?}");
        text.push_str(&format!("{version:<9} {status:<11} {approval_status:<22}"));
        let metrics = metrics(group, package);
        for name in shown {
            let value = metrics.get(name);
            let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
            text.push_str(&format!(" {value:>9}"));
        }
        // A model that is no classifier has others.
        if !shown.iter().any(|name| metrics.contains_key(*name)) {
            let others = metrics.iter().take(shown.len());
            others.for_each(|(name, value)| text.push_str(&format!("  {name} {value:.4}")));
        }
        if let Some(reason) = &package.approval_description {
            text.push_str(&format!("  {reason}"));
        }
        text.push('\n');
    }
    print_text(&text)
}

/// Returns the metrics of a version. The report is read only for those that something else has registered, whose
/// metadata has none.
fn metrics(group: &ModelGroup, package: &ModelPackage) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for name in config::Metric::REGISTERED.map(config::Metric::name) {
        let value = package.metadata.get(name).and_then(|value| value.parse().ok());
        found.extend(value.map(|value| (name.to_owned(), value)));
    }
    if found.is_empty() { group.metrics(package).0 } else { found }
}
