//! Summaries of a definition's values in one line.

use serde_json::Value;

use crate::expression::Expression;
use crate::place::cut;

/// Returns a value of a definition as one line for display: strings without quotes, expressions as
/// `Parameters.X` and `s3://bucket/{Execution.PipelineExecutionId}/train`. A line longer than 120
/// bytes loses its middle.
pub fn brief(value: &Value) -> String {
    let mut line = String::new();
    write(value, &mut line);
    if line.is_empty() {
        return "\"\"".to_owned();
    }
    cut_value(line)
}

/// Cuts the middle out of a line longer than 120 bytes.
pub(crate) fn cut_value(text: String) -> String {
    cut(text, 80, 40)
}

fn write(value: &Value, line: &mut String) {
    if let Ok(expression) = Expression::deserialize_value(value) {
        return write_expression(&expression, line);
    }
    match value {
        Value::Array(entries) => {
            line.push('[');
            for (index, entry) in entries.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { ", " });
                write(entry, line);
            }
            line.push(']');
        }
        Value::Object(members) => {
            line.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                line.push_str(if index == 0 { "" } else { ", " });
                write_text(name, line);
                line.push_str(": ");
                write(member, line);
            }
            line.push('}');
        }
        other => line.push_str(&other.to_string()),
    }
}

fn write_expression(expression: &Expression, line: &mut String) {
    match expression {
        Expression::Literal(Value::String(text)) => write_text(text, line),
        Expression::Literal(value) => line.push_str(&value.to_string()),
        Expression::Get(reference) => write_text(&reference.to_string(), line),
        Expression::Join { on, values } => {
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    write_text(on, line);
                }
                let text = matches!(value, Expression::Literal(_) | Expression::Join { .. });
                line.push_str(if text { "" } else { "{" });
                write_expression(value, line);
                line.push_str(if text { "" } else { "}" });
            }
        }
        Expression::JsonGet { step, file, path } => {
            let dot = if path.starts_with('[') { "" } else { "." };
            write_text(&format!("Steps.{step}.PropertyFiles.{file}{dot}{path}"), line);
        }
    }
}

/// Appends `text` as one line, so that a definition deployed by another tool cannot control the
/// terminal.
pub(crate) fn write_text(text: &str, line: &mut String) {
    line.push_str(&common::one_line(text));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_are_shown_by_their_result() {
        let id = json!({"Get": "Execution.PipelineExecutionId"});
        let join =
            json!({"Std:Join": {"On": "/", "Values": ["s3://bucket/processed", id, "train"]}});
        insta::assert_snapshot!(brief(&id), @"Execution.PipelineExecutionId");
        insta::assert_snapshot!(brief(&join), @"s3://bucket/processed/{Execution.PipelineExecutionId}/train");
        insta::assert_snapshot!(
            brief(&json!({"Std:Join": {"On": " ", "Values": [join, 3, {"Get": "Parameters.X"}]}})),
            @"s3://bucket/processed/{Execution.PipelineExecutionId}/train 3 {Parameters.X}"
        );
        let metric = |path| {
            brief(&json!({"Std:JsonGet": {
                "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": path,
            }}))
        };
        insta::assert_snapshot!(metric("metrics.f1.value"), @"Steps.Evaluate.PropertyFiles.Report.metrics.f1.value");
        insta::assert_snapshot!(metric("['f1']"), @"Steps.Evaluate.PropertyFiles.Report['f1']");
    }

    #[test]
    fn other_values_are_shown_as_json_without_quotes() {
        insta::assert_snapshot!(brief(&json!("two\nlines, \"quoted\"")), @r#"two\nlines, "quoted""#);
        insta::assert_snapshot!(brief(&json!("")), @r#""""#);
        insta::assert_snapshot!(brief(&json!(2.0)), @"2.0");
        insta::assert_snapshot!(brief(&json!(null)), @"null");
        insta::assert_snapshot!(brief(&json!({"Get": 3})), @"{Get: 3}");
        insta::assert_snapshot!(
            brief(&json!(["--size", {"Get": "Parameters.Size"}, {"Key": "a", "Value": true}])),
            @"[--size, Parameters.Size, {Key: a, Value: true}]"
        );
    }

    #[test]
    fn a_long_value_loses_its_middle() {
        insta::assert_snapshot!(
            brief(&json!("ä".repeat(200))),
            @"ääääääääääääääääääääääääääääääääääääääää…ääääääääääääääääääää"
        );
        assert_eq!(brief(&json!("a".repeat(120))), "a".repeat(120));
    }
}
