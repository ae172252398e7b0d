//! The report of an execution on SageMaker.

use cloud::{Cloud, JobDescription, SageMakerExecution, SageMakerStep};
use common::{Exit, chain};
use config::Settings;
use config::steps::paths::{EVALUATION_JSON, METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use registry::ModelPackage;
use serde::Deserialize;
use serde_json::Value;

use super::report::{self, ExecutionReport, GateReport, StepReport};
use super::{print_text, say};
use crate::definition::{EVALUATE, PREPROCESS, QUALITY_GATE_FAILED, REGISTER};
use crate::error::CommandError;

/// The report of an execution on SageMaker, and the exit code that it means.
pub struct SageMakerReport {
    /// The report.
    pub report: ExecutionReport,
    /// The exit code: the same as that of a local run that ends so.
    pub exit: Exit,
}

impl SageMakerReport {
    /// Collects the report from the execution's jobs and their outputs. What cannot be read any more
    /// is left out.
    pub fn of(cloud: &Cloud, execution: &SageMakerExecution) -> Self {
        let descriptions: Vec<JobDescription> = execution
            .steps
            .iter()
            .map(|step| match &step.job {
                Some(job) => cloud.job(job).unwrap_or_else(|error| {
                    say(&format!("{} cannot be looked at: {}", step.name, chain(&error)));
                    JobDescription::default()
                }),
                None => JobDescription::default(),
            })
            .collect();
        let find = |step: &str, file: &str| {
            let mut steps = execution.steps.iter().zip(&descriptions);
            let (_, description) = steps.find(|(found, _)| found.name == step)?;
            description.outputs.values().find_map(|uri| cloud.object(&format!("{uri}/{file}")))
        };
        let steps = execution.steps.iter().zip(&descriptions);
        let steps: Vec<_> =
            steps.map(|(step, description)| step_report(step, description)).collect();
        let failed = || steps.iter().filter(|step| step.status == "Failed");
        // The execution's own reason says no more than that a step failed.
        let reasons: Vec<_> = failed()
            .filter_map(|step| Some(format!("{}: {}", step.name, step.failure_reason.as_ref()?)))
            .collect();
        let failure_reason = if execution.status == "Failed" && !reasons.is_empty() {
            Some(reasons.join("; "))
        } else {
            execution.failure_reason.clone()
        };
        let exit = match execution.status.as_str() {
            "Failed" | "CompletedWithFailures" => {
                let steps = execution.steps.iter().zip(&descriptions);
                let mut exits = steps.filter(|(step, _)| step.status == "Failed").map(exit);
                let own = execution.failure_reason.as_deref().unwrap_or_default();
                exits.find(|exit| *exit != Exit::Failed).unwrap_or_else(|| exit_of(own))
            }
            "Stopped" => Exit::Failed,
            // It is still running, or it succeeded.
            _ => Exit::Done,
        };
        let report = ExecutionReport {
            status: execution.status.clone(),
            execution_id: execution.id().to_owned(),
            execution_arn: Some(execution.arn.clone()),
            directory: None,
            failure_reason,
            seconds: execution.duration().as_secs_f64(),
            rows: find(PREPROCESS, SUMMARY_JSON).and_then(|text| report::rows(&text)),
            metrics: find(EVALUATE, METRICS_JSON)
                .map(|text| report::metrics(&text))
                .unwrap_or_default(),
            gates: find(EVALUATE, EVALUATION_JSON).map(|text| gates(&text)).unwrap_or_default(),
            model_package: find(REGISTER, REGISTRATION_JSON)
                .and_then(|text| ModelPackage::from_json(&text).ok()),
            model: None,
            steps,
        };
        Self { report, exit }
    }

    /// Prints the table, and the reason of a failure.
    pub fn print(&self, settings: &Settings) -> Result<(), CommandError> {
        let metrics = &settings.evaluation.metrics;
        let shown: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
        print_text(&self.report.to_table(&shown))?;
        if let (Some(reason), true) = (&self.report.failure_reason, self.exit != Exit::Done) {
            say(&format!("error: {reason}"));
            if reason.contains("ResourceLimitExceeded") {
                say(&aws::raise_quota(reason));
            }
        }
        Ok(())
    }
}

fn step_report(step: &SageMakerStep, description: &JobDescription) -> StepReport {
    let failed = step.status == "Failed";
    StepReport {
        name: step.name.clone(),
        kind: step.kind.to_owned(),
        status: step.status.clone(),
        seconds: step.duration().as_secs_f64(),
        cached: step.cached,
        job_arn: step.job.as_ref().map(|job| job.arn().to_owned()),
        outputs: description.outputs.clone(),
        failure_reason: description
            .reason
            .clone()
            .filter(|_| failed)
            .or_else(|| step.failure_reason.clone()),
    }
}

/// Returns the exit code of a failed step: the same as that of a step that runs here.
fn exit((step, description): (&SageMakerStep, &JobDescription)) -> Exit {
    if step.kind == "Fail" || step.name == QUALITY_GATE_FAILED {
        return Exit::Gate;
    }
    // A program's own message may contain anything.
    let service = description.service_reason.as_deref().or(step.failure_reason.as_deref());
    exit_of(service.unwrap_or_default())
}

/// Returns the exit code that a reason in the service's words means.
fn exit_of(reason: &str) -> Exit {
    // The service writes "AlgorithmError: ..., exit code: 3"
    let code = reason.to_lowercase().split_once("exit code: ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    // These say that the service could not run the job.
    const REFUSALS: [&str; 5] = [
        "ResourceLimitExceeded",
        "CapacityError",
        "ClientError",
        "InternalServerError",
        "AccessDenied",
    ];
    match code {
        Some(code) => Exit::from_code(code),
        None if REFUSALS.iter().any(|refusal| reason.contains(refusal)) => Exit::Aws,
        None => Exit::Failed,
    }
}

/// Reads the gates from Evaluate's report.
fn gates(evaluation: &[u8]) -> Vec<GateReport> {
    #[derive(Deserialize)]
    struct Evaluation {
        gates: Vec<Verdict>,
    }
    #[derive(Deserialize)]
    struct Verdict {
        metric: String,
        value: Value,
        minimum: Value,
        met: bool,
    }
    let evaluation = serde_json::from_slice::<Evaluation>(evaluation);
    let gates = evaluation.map(|evaluation| evaluation.gates).unwrap_or_default();
    let gate = |Verdict { metric, value, minimum, met }| GateReport {
        metric,
        value,
        operator: ">=".to_owned(),
        threshold: minimum,
        passed: met,
    };
    gates.into_iter().map(gate).collect()
}
