//! Expressions that point at nothing.

use super::{Linter, has_properties};
use crate::graph::PlacedStep;
use crate::path::Path;
use crate::reference::Reference;
use crate::step::{Step, StepKind};
use crate::suggest::{did_you_mean, nearest};
use crate::walk;

/// The members of the API's answers. The service may gain some, so others are only warned about.
const DESCRIBE_PROCESSING: [&str; 21] = [
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingJobName",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
    "ProcessingJobArn",
    "ProcessingJobStatus",
    "ExitMessage",
    "FailureReason",
    "ProcessingEndTime",
    "ProcessingStartTime",
    "LastModifiedTime",
    "CreationTime",
    "MonitoringScheduleArn",
    "AutoMLJobArn",
    "TrainingJobArn",
];
const DESCRIBE_TRAINING: [&str; 43] = [
    "TrainingJobName",
    "TrainingJobArn",
    "TuningJobArn",
    "LabelingJobArn",
    "AutoMLJobArn",
    "ModelArtifacts",
    "TrainingJobStatus",
    "SecondaryStatus",
    "FailureReason",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "WarmPoolStatus",
    "VpcConfig",
    "StoppingCondition",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "SecondaryStatusTransitions",
    "FinalMetricDataList",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "TrainingTimeInSeconds",
    "BillableTimeInSeconds",
    "DebugHookConfig",
    "ExperimentConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "DebugRuleEvaluationStatuses",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "ProfilerRuleEvaluationStatuses",
    "ProfilingStatus",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
];

impl Linter<'_> {
    /// `DependsOn` and every expression of one step.
    pub(super) fn references(&mut self, placed: &PlacedStep<'_>) {
        for (index, name) in placed.step.depends_on.iter().enumerate() {
            let place = format!("{}.DependsOn[{index}]", placed.place);
            self.dependency(&place, placed, name);
        }
        for (place, found) in walk::expressions(placed.step) {
            let place = format!("{}.{place}", placed.place);
            match found {
                Err(problem) => self.error(place, problem),
                Ok(expression) => {
                    for reference in expression.references() {
                        if let Some(step) = reference.step() {
                            self.dependency(&place, placed, step);
                        }
                        self.reference(&place, &reference);
                    }
                }
            }
        }
    }

    /// The experiment's names are made before any step has run.
    pub(super) fn experiment(&mut self) {
        let Some(experiment) = &self.definition.experiment else { return };
        for (name, expression) in
            [("ExperimentName", &experiment.experiment_name), ("TrialName", &experiment.trial_name)]
        {
            let Some(expression) = expression else { continue };
            let place = format!("PipelineExperimentConfig.{name}");
            self.filled(&place, expression, 120);
            for reference in expression.references() {
                match reference.step() {
                    Some(_) => self.error(
                        &place,
                        format!("{reference} is not known before the first step; use parameters and execution variables"),
                    ),
                    None => self.reference(&place, &reference),
                }
            }
        }
    }

    /// That the step exists and that it is done, in every execution in which this one runs.
    fn dependency(&mut self, place: &str, placed: &PlacedStep<'_>, name: &str) {
        let Some(target) = self.find_step(name).cloned() else {
            let names = self.steps.iter().map(|placed| placed.step.name.as_str());
            let suggestion = did_you_mean(nearest(name, names));
            self.error(place, format!("there is no step {name:?}{suggestion}"));
            return;
        };
        if matches!(target.step.kind, StepKind::Fail { .. }) {
            self.error(place, format!("{name} is a Fail step, nothing runs after it"));
            return;
        }
        for branch in &target.branches {
            if placed.branches.contains(branch) || placed.step.name == branch.condition {
                continue;
            }
            let condition = branch.condition;
            if placed.branches.iter().any(|own| own.condition == condition) {
                self.error(
                    place,
                    format!("{name} is in the other branch of {condition}, so only one of the two ever runs"),
                );
            } else {
                let side = if branch.when { "IfSteps" } else { "ElseSteps" };
                self.warning(
                    place,
                    format!("{name} runs only when {condition} takes its {side}; without it this step cannot run"),
                );
            }
        }
    }

    /// That what is pointed at exists in its step, or among the parameters.
    fn reference(&mut self, place: &str, reference: &Reference) {
        match reference {
            Reference::Parameter(name) => {
                if self.parameters.contains_key(name.as_str()) {
                    self.used_parameters.push(name.clone());
                } else {
                    let suggestion = did_you_mean(nearest(name, self.parameters.keys().copied()));
                    self.error(place, format!("there is no parameter {name:?}{suggestion}"));
                }
            }
            Reference::Execution(_) => {}
            Reference::Property { step, path } => {
                if let Some(target) = self.find_step(step).map(|placed| placed.step) {
                    self.property(place, target, path);
                }
            }
            Reference::PropertyFile { step, name } => {
                let Some(target) = self.find_step(step).map(|placed| placed.step) else { return };
                let names = || target.property_files.iter().map(|f| f.property_file_name.as_str());
                if !names().any(|file| file == name) {
                    let suggestion = did_you_mean(nearest(name, names()));
                    self.error(place, format!("{step} has no property file {name:?}{suggestion}"));
                }
            }
        }
    }

    fn property(&mut self, place: &str, target: &Step, path: &str) {
        let step = &target.name;
        if !has_properties(target) {
            // Fail steps were refused as a dependency.
            if matches!(target.kind, StepKind::Condition(_)) {
                self.error(place, format!("{step} is a Condition step and has no properties"));
            }
            return;
        }
        let Ok(path) = Path::parse(path) else { return };
        let names = path.names();
        let (what, known): (_, Vec<&str>) = match &target.kind {
            StepKind::Processing(arguments) => match names[..] {
                ["ProcessingOutputConfig", "Outputs", _, ..] => {
                    ("output", arguments.outputs().iter().map(|o| o.output_name.as_str()).collect())
                }
                ["ProcessingInputs", _, ..] => (
                    "input",
                    arguments.processing_inputs.iter().map(|i| i.input_name.as_str()).collect(),
                ),
                _ => ("property", DESCRIBE_PROCESSING.to_vec()),
            },
            StepKind::Training(arguments) => match names[..] {
                ["InputDataConfig", _, ..] => (
                    "channel",
                    arguments.input_data_config.iter().map(|c| c.channel_name.as_str()).collect(),
                ),
                _ => ("property", DESCRIBE_TRAINING.to_vec()),
            },
            _ => return,
        };
        let name = match what {
            "output" => names.get(2),
            "input" | "channel" => names.get(1),
            _ => names.first(),
        };
        let Some(name) = name.copied().filter(|name| !known.contains(name)) else { return };
        let suggestion = did_you_mean(nearest(name, known));
        let message = format!("{step} has no {what} {name:?}{suggestion}");
        match what {
            "property" => self.warning(place, message),
            _ => self.error(place, message),
        }
    }
}
