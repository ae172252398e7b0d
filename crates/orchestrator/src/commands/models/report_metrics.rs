//! The metrics in an evaluation report, of this program or of another.

use std::collections::BTreeMap;

use config::Metric;
use serde_json::{Map, Value};

/// The members of a report of SageMaker's shape that hold numbers and no metrics.
const NO_METRICS: [&str; 4] = ["dataset", "confusion_matrix", "standard_deviation", "version"];

/// Returns the metrics of a report by name. Of a report of this program they are those that a gate can require. Of
/// any other they are all numbers that have a name: as a member, with or without an object `{"value": ...}` around
/// the number, or as an entry `{"name": ..., "value": ...}` of a list.
pub fn report_metrics(report: &Value) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    if report.get("format_version").is_some() {
        for metric in Metric::ALL {
            let path = pipeline::Path::parse(&metric.report_path()).ok();
            let value = path.and_then(|path| path.find(report)?.as_f64());
            found.extend(value.map(|value| (metric.name().to_owned(), value)));
        }
    } else {
        collect(report, "", &mut found);
    }
    found
}

/// Returns a metric of a report that a gate requires, NaN if the report says that the metric has no value.
#[cfg(feature = "aws")]
pub fn required_metric(report: &Value, metric: Metric) -> Option<f64> {
    if report.get("format_version").is_none() {
        return report_metrics(report).remove(metric.name());
    }
    let path = pipeline::Path::parse(&metric.report_path()).ok()?;
    Some(path.find(report)?.as_f64().unwrap_or(f64::NAN))
}

/// Collects the numbers of a value, whose name is `name`.
fn collect(value: &Value, name: &str, found: &mut BTreeMap<String, f64>) {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|_| !name.is_empty());
            found.extend(number.map(|number| (own_name(name), number)));
        }
        Value::Object(members) => match member(members, &["value"]) {
            Some(Value::Number(number)) => {
                let own = member(members, &["name", "metric_name", "metricname"]);
                let name =
                    own.and_then(Value::as_str).map_or(name.to_owned(), |own| below(name, own));
                collect(&Value::Number(number.clone()), &name, found);
            }
            _ => {
                for (key, value) in members {
                    if !NO_METRICS.contains(&key.as_str()) {
                        collect(value, &below(name, key), found);
                    }
                }
            }
        },
        // A longer list of numbers is a curve.
        Value::Array(entries) => match &entries[..] {
            [Value::Number(_)] => entries.iter().for_each(|entry| collect(entry, name, found)),
            _ => {
                let objects = entries.iter().filter(|entry| entry.is_object());
                objects.for_each(|entry| collect(entry, name, found));
            }
        },
        _ => {}
    }
}

/// Returns the member of one of these names, in whatever case they are written.
fn member<'a>(members: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let mut members = members.iter();
    members.find(|(key, _)| names.contains(&key.to_lowercase().as_str())).map(|(_, value)| value)
}

/// Returns the name of a member of what has a name. Members that only group metrics, such as
/// `regression_metrics`, are no part of it.
fn below(name: &str, key: &str) -> String {
    match (name, key.to_lowercase().ends_with("metrics")) {
        (_, true) => name.to_owned(),
        ("", _) => key.to_owned(),
        _ => format!("{name}.{key}"),
    }
}

/// Returns this program's name of a metric: the report calls `f1_score` `f1`.
fn own_name(name: &str) -> String {
    let of_report = |metric: &&Metric| metric.report_path().split('.').nth(1) == Some(name);
    Metric::ALL.iter().find(of_report).map_or(name, |metric| metric.name()).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(report: Value) -> Vec<(String, f64)> {
        report_metrics(&report).into_iter().collect()
    }

    fn named(metrics: &[(&str, f64)]) -> Vec<(String, f64)> {
        metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    }

    #[test]
    fn a_report_of_any_shape_has_its_metrics() {
        assert_eq!(
            found(json!({ "binary_classification_metrics": {
                "accuracy": { "value": 0.9, "standard_deviation": "NaN" },
                "f1": { "value": 0.8, "standard_deviation": 0.1 },
                "confusion_matrix": { "0": { "0": 9, "1": 1 } },
                "receiver_operating_characteristic_curve": { "true_positive_rates": [0, 0.5, 1] },
            }, "dataset": { "item_count": 10 } })),
            named(&[("accuracy", 0.9), ("f1_score", 0.8)])
        );
        assert_eq!(
            found(
                json!({ "regression_metrics": { "mse": { "value": 4.5, "standard_deviation": 1.0 } } })
            ),
            named(&[("mse", 4.5)])
        );
        assert_eq!(
            found(
                json!({ "accuracy": 0.9, "auc": 0.95, "name": "run 7", "train": { "accuracy": 1 } })
            ),
            named(&[("accuracy", 0.9), ("roc_auc", 0.95), ("train.accuracy", 1.0)])
        );
        assert_eq!(
            found(json!({ "metrics": [
                { "name": "recall", "value": 0.7 }, { "MetricName": "rmse", "Value": 2 }, "x", { "value": 1 },
            ], "precision": [0.6] })),
            named(&[("precision", 0.6), ("recall", 0.7), ("rmse", 2.0)])
        );
        assert_eq!(found(json!([{ "name": "mae", "value": 1.5 }])), named(&[("mae", 1.5)]));
        assert_eq!(found(json!([0.5])), []);
        assert_eq!(found(json!("none")), []);
    }

    #[test]
    fn a_report_of_this_program_has_the_metrics_of_gates_alone() {
        let report = json!({
            "format_version": 2,
            "binary_classification_metrics": { "f1": { "value": 0.8 }, "f2": { "value": 0.7 } },
            "gates": [{ "metric": "f1_score", "minimum": 0.5, "value": 0.8 }],
        });
        assert_eq!(found(report), named(&[("f1_score", 0.8)]));
    }
}
