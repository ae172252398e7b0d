//! The step Evaluate.

use config::steps::{self, Argument, Gate, paths};
use config::{Image, JobKind};
use pipeline::{Expression, PropertyFile, Step};

use super::names::{EVALUATE, PREPROCESS, REPORT};
use super::shared::{DefinitionBuilder, from_parameter, input, model_data, output};

impl DefinitionBuilder<'_> {
    /// Returns the step that scores the test rows and writes the evaluation report.
    pub(super) fn evaluate(&self) -> Step {
        let s = self.settings;
        let evaluate = s.evaluate();
        let ungated = steps::Evaluate { gates: Vec::new(), ..evaluate.clone() };
        let mut arguments: Vec<Expression> = ungated
            .to_arguments()
            .iter()
            .filter(|argument: &&Argument| argument.name != "gate")
            .map(|argument| argument.to_string().into())
            .collect();
        arguments.extend(evaluate.gates.iter().map(|Gate { metric, .. }| {
            from_parameter(&format!("--gate={metric}="), &metric.gate_parameter())
        }));
        let mut job = self.processing(JobKind::Evaluation, Image::Evaluate, arguments);
        job.processing_inputs = vec![
            input("model", model_data(), paths::EVALUATE_MODEL),
            input("test", Expression::output(PREPROCESS, "test"), paths::EVALUATE_TEST),
        ];
        let prefix = self.own_prefix(&s.s3_paths.evaluation, None);
        job.processing_output_config =
            self.outputs(vec![output("evaluation", prefix, paths::EVALUATE_OUTPUT)]);
        let mut step = self.job(EVALUATE, "Score the test rows", job);
        step.property_files = vec![PropertyFile {
            property_file_name: REPORT.to_owned(),
            output_name: "evaluation".to_owned(),
            file_path: paths::EVALUATION_JSON.to_owned(),
        }];
        step
    }
}
