//! `orchestrator models compare`: prints two versions side by side.

use std::collections::BTreeMap;

use common::Exit;
use serde_json::json;

use super::group::ModelGroup;
use super::show::facts;
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// Prints the fields of two versions and the differences of their metrics.
pub fn compare(
    group: &ModelGroup,
    names: [&String; 2],
    as_json: bool,
) -> Result<Exit, CommandError> {
    let [a, b] = [group.find(names[0])?, group.find(names[1])?];
    if a.arn == b.arn {
        say(&format!("{} and {} are both version {}", names[0], names[1], a.version));
    } else if let Some(change) = group.table_change(&a, &b) {
        say(&format!(
            "Version {} was made from another table than version {}: {change}",
            b.version, a.version
        ));
    }
    let [a_metrics, b_metrics] = [group.metrics(&a), group.metrics(&b)];
    let differences: BTreeMap<_, _> = a_metrics
        .iter()
        .filter_map(|(name, before)| Some((name.clone(), b_metrics.get(name)? - before)))
        .collect();
    if as_json {
        return print_json(&json!({
            "a": { "model_package": a, "metrics": a_metrics },
            "b": { "model_package": b, "metrics": b_metrics },
            "differences": differences,
        }));
    }
    let left: Vec<_> = facts(&a, &a_metrics);
    let right: BTreeMap<_, _> = facts(&b, &b_metrics).into_iter().collect();
    let mut names: Vec<&String> = left.iter().map(|(name, _)| name).collect();
    names.extend(right.keys().filter(|name| !left.iter().any(|(known, _)| known == *name)));
    let left: BTreeMap<_, _> = left.iter().cloned().collect();
    let value = |of: &BTreeMap<String, String>, name: &str| {
        of.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    let mut text = String::new();
    for name in names {
        let (a, b) = (value(&left, name), value(&right, name));
        match differences.get(name) {
            Some(difference) => {
                text.push_str(&format!("{name:<20} {a:<24} {b:<24} {difference:+.4}\n"));
            }
            None if a == b => text.push_str(&format!("{name:<20} {a}\n")),
            // Addresses are too long for two columns.
            None if a.len() > 24 => text.push_str(&format!("{name:<20} {a}\n{:<20} {b}\n", "")),
            None => text.push_str(&format!("{name:<20} {a:<24} {b}\n")),
        }
    }
    print_text(&text)
}
