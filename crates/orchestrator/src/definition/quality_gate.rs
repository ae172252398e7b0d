//! The step QualityGate, with Register and QualityGateFailed in its branches.

use config::Metric;
use pipeline::{Condition, ConditionArguments, Expression, Operator, Step};

use super::names::{EVALUATE, QUALITY_GATE, QUALITY_GATE_FAILED, REPORT};
use super::shared::DefinitionBuilder;

impl DefinitionBuilder<'_> {
    /// Returns the condition that lets Register run, or ends the execution with a message that names
    /// the metrics and their minimums.
    pub(super) fn quality_gate(&self) -> Step {
        let metrics: Vec<Metric> = self.settings.quality_gates.keys().copied().collect();
        let conditions = metrics.iter().map(|metric| {
            Condition::compare(
                reported(*metric),
                Operator::GreaterThanOrEqualTo,
                Expression::parameter(metric.gate_parameter()),
            )
        });
        let conditions = conditions.collect();
        let mut message: Vec<Expression> = vec!["Quality gate not met: ".into()];
        for (index, metric) in metrics.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            message.push(format!("{separator}{metric} ").into());
            message.push(reported(*metric));
            message.push(", at least ".into());
            message.push(Expression::parameter(metric.gate_parameter()));
            message.push(" wanted".into());
        }
        let mut step = Step::new(
            QUALITY_GATE,
            ConditionArguments {
                conditions,
                if_steps: vec![self.register()],
                else_steps: vec![Step::fail(QUALITY_GATE_FAILED, Expression::join("", message))],
            },
        );
        step.description = Some("Register only a model that reaches every minimum".to_owned());
        step
    }
}

/// Returns the value of a metric in the evaluation report.
fn reported(metric: Metric) -> Expression {
    Expression::json_get(EVALUATE, REPORT, metric.report_path())
}
