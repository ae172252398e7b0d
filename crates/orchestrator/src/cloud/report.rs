//! What an execution came to: its steps, and what they left in the bucket.

use common::{Exit, chain};
use config::steps::paths::{EVALUATION_JSON, METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use registry::ModelPackage;
use serde::Deserialize;
use serde_json::Value;

use super::Cloud;
use super::execution::{Execution, Step};
use super::job::Described;
use crate::command::{CommandError, print_text};
use crate::definition::{EVALUATE, PREPROCESS, QUALITY_GATE_FAILED, REGISTER};
use crate::progress::say;
use crate::report::{self, Gate, Report};

/// How an execution ended, or how it stands.
pub struct Ending {
    /// For people and programs.
    pub report: Report,
    /// What to exit with.
    pub exit: Exit,
}

impl Ending {
    /// Gathers it. What cannot be read any more is left out.
    pub fn of(cloud: &Cloud, execution: &Execution) -> Self {
        let described: Vec<Described> = execution
            .steps
            .iter()
            .map(|step| match &step.job {
                Some(job) => cloud.job(job).unwrap_or_else(|error| {
                    say(&format!("{} cannot be looked at: {}", step.name, chain(&error)));
                    Described::default()
                }),
                None => Described::default(),
            })
            .collect();
        let find = |step: &str, file: &str| {
            let mut steps = execution.steps.iter().zip(&described);
            let (_, described) = steps.find(|(found, _)| found.name == step)?;
            described.outputs.values().find_map(|uri| cloud.object(&format!("{uri}/{file}")))
        };
        let steps = execution.steps.iter().zip(&described);
        let steps: Vec<_> = steps.map(|(step, described)| shown(step, described)).collect();
        let failed = || steps.iter().filter(|step| step.status == "Failed");
        // the execution's own reason is only that a step failed
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
                let steps = execution.steps.iter().zip(&described);
                let mut exits = steps.filter(|(step, _)| step.status == "Failed").map(exit);
                let own = execution.failure_reason.as_deref().unwrap_or_default();
                exits.find(|exit| *exit != Exit::Failed).unwrap_or_else(|| exit_of(own))
            }
            "Stopped" => Exit::Failed,
            // it goes on, or went well
            _ => Exit::Done,
        };
        let report = Report {
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

    /// The table, and what went wrong.
    pub fn print(&self, cloud: &Cloud) -> Result<(), CommandError> {
        let metrics = &cloud.settings.evaluation.metrics;
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

fn shown(step: &Step, described: &Described) -> report::Step {
    let failed = step.status == "Failed";
    report::Step {
        name: step.name.clone(),
        kind: step.kind.to_owned(),
        status: step.status.clone(),
        seconds: step.duration().as_secs_f64(),
        cached: step.cached,
        job_arn: step.job.as_ref().map(|job| job.arn().to_owned()),
        outputs: described.outputs.clone(),
        failure_reason: described
            .reason
            .clone()
            .filter(|_| failed)
            .or_else(|| step.failure_reason.clone()),
    }
}

/// What a failed step means to whoever waits for its exit code: the same as when it runs here.
fn exit((step, described): (&Step, &Described)) -> Exit {
    if step.kind == "Fail" || step.name == QUALITY_GATE_FAILED {
        return Exit::Gate;
    }
    // a program may write anything into its own words
    let service = described.service.as_deref().or(step.failure_reason.as_deref());
    exit_of(service.unwrap_or_default())
}

/// What the service's reason means.
fn exit_of(reason: &str) -> Exit {
    // the service's words: "AlgorithmError: ..., exit code: 3"
    let code = reason.to_lowercase().split_once("exit code: ").and_then(|(_, rest)| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    // the service could not run the job
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

/// What Evaluate's report says of the gates.
fn gates(evaluation: &[u8]) -> Vec<Gate> {
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
    let gate = |Verdict { metric, value, minimum, met }| Gate {
        metric,
        value,
        operator: ">=".to_owned(),
        threshold: minimum,
        passed: met,
    };
    gates.into_iter().map(gate).collect()
}

impl Cloud {
    /// A small object of a bucket, if it can be read.
    pub fn object(&self, uri: &str) -> Option<Vec<u8>> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
        let call = self.aws.s3().get_object().bucket(bucket).key(key);
        let answer = self.aws.call("s3:GetObject", call.send()).ok()?;
        let body = self.aws.wait(answer.body.collect()).ok()?;
        Some(body.into_bytes().to_vec())
    }
}
