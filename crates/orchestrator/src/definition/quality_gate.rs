//! The step QualityGate, with Register and QualityGateFailed in its branches.

use config::steps::paths;
use pipeline::{Condition, ConditionArguments, Expression, Operator, Step};

use super::names::{EVALUATE, QUALITY_GATE, QUALITY_GATE_FAILED, REPORT};
use super::shared::DefinitionBuilder;

impl DefinitionBuilder<'_> {
    /// Returns the condition that lets Register run, or ends the execution with a message that names
    /// the missed gates, which Evaluate has written into its report.
    pub(super) fn quality_gate(&self) -> Step {
        let metrics = self.settings.quality_gates.keys();
        let conditions = metrics.map(|metric| {
            Condition::compare(
                reported(&metric.report_path()),
                Operator::GreaterThanOrEqualTo,
                Expression::parameter(metric.gate_parameter()),
            )
        });
        let conditions = conditions.collect();
        let message = ["Quality gate not met: ".into(), reported(paths::MISSED_GATES)];
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

/// Returns a value of the evaluation report.
fn reported(path: &str) -> Expression {
    Expression::json_get(EVALUATE, REPORT, path)
}
