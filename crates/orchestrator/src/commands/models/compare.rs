//! `orchestrator models compare`: prints two versions side by side.

use std::collections::BTreeMap;

use common::Exit;
use serde_json::json;

use super::group::ModelGroup;
use super::made_by;
use super::show::{facts, say_without_report};
use crate::error::CommandError;
use crate::output::side_by_side::side_by_side;
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
    let [a_metrics, b_metrics] = [&a, &b].map(|package| {
        let (metrics, trouble) = group.metrics(package);
        say_without_report(trouble.as_deref());
        metrics
    });
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
    let all = |package, metrics| -> Vec<_> {
        facts(package, metrics).into_iter().chain(made_by::facts(package, metrics)).collect()
    };
    let [left, right] = [all(&a, &a_metrics), all(&b, &b_metrics)];
    print_text(&side_by_side(&left, &right, &differences))
}
