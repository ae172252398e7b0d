//! The report of an execution on SageMaker.

use cloud::{BilledInstances, Cloud, JobDescription, SageMakerExecution, SageMakerStep};
use common::{Exit, chain};
use config::Settings;
use config::steps::paths::{EVALUATION_JSON, METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use registry::ModelPackage;
use serde::Deserialize;
use serde_json::{Value, json};

use super::cost::{BilledCost, ExecutionCost};
use super::report::{self, Billed, ExecutionReport, GateReport, StepReport};
use super::{print_text, say};
use crate::definition::names::{EVALUATE, PREPROCESS, QUALITY_GATE_FAILED, REGISTER};
use crate::error::CommandError;

/// The statuses of an execution with a step that failed.
const HAS_FAILED: [&str; 2] = ["Failed", "CompletedWithFailures"];

/// The report of an execution on SageMaker, and the exit code that it means.
pub struct SageMakerReport {
    /// The report.
    pub report: ExecutionReport,
    /// The exit code. A local run that ends the same way has the same one.
    pub exit: Exit,
}

impl SageMakerReport {
    /// Collects the report from the execution's jobs and their outputs. Outputs that cannot be read
    /// are left out; jobs that cannot be described are reported on standard error.
    pub fn of(cloud: &Cloud, execution: &SageMakerExecution) -> Self {
        let steps: Vec<_> =
            execution.steps.iter().map(|step| DescribedStep::of(cloud, step)).collect();
        let find = |step: &str, file: &str| {
            let described = steps.iter().find(|described| described.step.name == step)?;
            let mut outputs = described.job.outputs.values();
            outputs.find_map(|uri| cloud.object(&format!("{uri}/{file}")))
        };
        let evaluation = find(EVALUATE, EVALUATION_JSON);
        let report = ExecutionReport {
            status: execution.status.clone(),
            execution_id: execution.id().to_owned(),
            execution_arn: Some(execution.arn.clone()),
            directory: None,
            failure_reason: failure_reason(execution, &steps),
            seconds: execution.duration().as_secs_f64(),
            rows: find(PREPROCESS, SUMMARY_JSON).and_then(|text| report::rows(&text)),
            metrics: find(EVALUATE, METRICS_JSON)
                .map(|text| report::metrics(&text))
                .unwrap_or_default(),
            gates: evaluation.as_deref().map(gates).unwrap_or_default(),
            evaluation: evaluation.and_then(|text| common::json::from_slice(&text).ok()),
            model_package: find(REGISTER, REGISTRATION_JSON)
                .and_then(|text| ModelPackage::from_json(&text).ok()),
            model: None,
            steps: steps.iter().map(DescribedStep::report).collect(),
        };
        Self { report, exit: exit(execution, &steps) }
    }

    /// Returns the report with the cost, for programs.
    pub fn to_json(&self, settings: &Settings) -> Value {
        let mut json = json!(self.report);
        json["cost"] = json!(BilledCost::of(&self.report, &settings.prices));
        json["estimated_cost"] = json!(ExecutionCost::of(settings));
        json
    }

    /// Prints the table, the cost beside the estimate, and the reason of a failure.
    pub fn print(&self, settings: &Settings) -> Result<(), CommandError> {
        let metrics = &settings.evaluation.metrics;
        let shown: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
        let cost = BilledCost::of(&self.report, &settings.prices);
        let estimate = ExecutionCost::of(settings);
        print_text(&format!("{}Billed: {cost}.\n{estimate}\n", self.report.to_table(&shown)))?;
        if let (Some(reason), true) = (&self.report.failure_reason, self.exit != Exit::Done) {
            say(&format!("error: {reason}"));
            if reason.contains("ResourceLimitExceeded") {
                say(&aws::raise_quota(reason));
            }
        }
        Ok(())
    }
}

/// A step with the description of its job, which is empty if the step has no job.
struct DescribedStep<'a> {
    step: &'a SageMakerStep,
    job: JobDescription,
}

impl<'a> DescribedStep<'a> {
    fn of(cloud: &Cloud, step: &'a SageMakerStep) -> Self {
        let job = match &step.job {
            Some(job) => cloud.job(job).unwrap_or_else(|error| {
                say(&format!("{} cannot be looked at: {}", step.name, chain(&error)));
                JobDescription::default()
            }),
            None => JobDescription::default(),
        };
        Self { step, job }
    }

    fn has_failed(&self) -> bool {
        self.step.status == "Failed"
    }

    /// Returns the reason of a failure. A program's own message comes before the service's.
    fn failure_reason(&self) -> Option<String> {
        let of_job = self.job.reason.clone().filter(|_| self.has_failed());
        of_job.or_else(|| self.step.failure_reason.clone())
    }

    fn report(&self) -> StepReport {
        let step = self.step;
        StepReport {
            name: step.name.clone(),
            kind: step.kind.to_owned(),
            status: step.status.clone(),
            seconds: step.duration().as_secs_f64(),
            cached: step.cached,
            job_arn: step.job.as_ref().map(|job| job.arn().to_owned()),
            image: self.job.image.clone(),
            inputs: self.job.inputs.clone(),
            attempts: Some(step.attempts).filter(|attempts| *attempts > 1),
            billed: self.job.billed.iter().filter(|_| !step.cached).map(billed).collect(),
            outputs: self.job.outputs.clone(),
            failure_reason: self.failure_reason(),
        }
    }

    /// Returns the exit code of the failed step. A step that fails here has the same one.
    fn exit(&self) -> Exit {
        if self.step.kind == "Fail" || self.step.name == QUALITY_GATE_FAILED {
            return Exit::Gate;
        }
        // A program's own message may contain anything, so only the service's reason counts.
        let reason = self.job.service_reason.as_deref().or(self.step.failure_reason.as_deref());
        exit_of_reason(reason.unwrap_or_default())
    }
}

fn billed(instances: &BilledInstances) -> Billed {
    Billed {
        instance_type: instances.instance_type.clone(),
        instances: instances.count,
        seconds: instances.time.as_secs_f64(),
    }
}

/// Returns the reason of the execution's failure. The execution's own reason only says that a step
/// failed, so the reasons of the failed steps take its place.
fn failure_reason(execution: &SageMakerExecution, steps: &[DescribedStep<'_>]) -> Option<String> {
    let failed = steps.iter().filter(|described| described.has_failed());
    let reasons: Vec<_> = failed
        .filter_map(|described| {
            Some(format!("{}: {}", described.step.name, described.failure_reason()?))
        })
        .collect();
    if HAS_FAILED.contains(&execution.status.as_str()) && !reasons.is_empty() {
        Some(reasons.join("; "))
    } else {
        execution.failure_reason.clone()
    }
}

/// Returns the exit code of the execution: the first failed step's that says more than "failed".
fn exit(execution: &SageMakerExecution, steps: &[DescribedStep<'_>]) -> Exit {
    match execution.status.as_str() {
        status if HAS_FAILED.contains(&status) => {
            let failed = steps.iter().filter(|described| described.has_failed());
            let mut exits = failed.map(DescribedStep::exit);
            let reason = execution.failure_reason.as_deref().unwrap_or_default();
            exits.find(|exit| *exit != Exit::Failed).unwrap_or_else(|| exit_of_reason(reason))
        }
        "Stopped" => Exit::Failed,
        // The execution is still running, or it succeeded.
        _ => Exit::Done,
    }
}

/// Returns the exit code that a failure reason of the service means.
fn exit_of_reason(reason: &str) -> Exit {
    // The service writes "AlgorithmError: ..., exit code: 3"
    let code = reason.to_lowercase().split_once("exit code: ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    // With these reasons the service did not run the job.
    const REFUSALS: [&str; 7] = [
        "ResourceLimitExceeded",
        "CapacityError",
        "ClientError",
        "InternalServerError",
        "AccessDenied",
        "nable to assume role",
        "is not authorized to perform",
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
        gates: Vec<GateVerdict>,
    }
    #[derive(Deserialize)]
    struct GateVerdict {
        metric: String,
        value: Value,
        minimum: Value,
        met: bool,
    }
    let evaluation = common::json::from_slice::<Evaluation>(evaluation);
    let gates = evaluation.map(|evaluation| evaluation.gates).unwrap_or_default();
    let gate = |GateVerdict { metric, value, minimum, met }| GateReport {
        metric,
        value,
        operator: ">=".to_owned(),
        threshold: minimum,
        passed: met,
    };
    gates.into_iter().map(gate).collect()
}
