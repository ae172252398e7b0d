//! `orchestrator doctor`: checks everything that a deployment needs.

use clap::Args;
use cloud::{Check, JobMachine, JobQuota, Remedy, Verdict};
use common::Exit;
use config::{JobKind, Settings};
use serde_json::{Value, json};

use super::connect::connect;
use super::input_table::use_newest;
use super::plan::ecr_images;
use crate::arguments::settings::SettingsArgs;
use crate::definition::machines::{JobInstances, job_instances};
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Arguments of the doctor command.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs every check and prints the results.
pub fn run(arguments: &DoctorArgs) -> Result<Exit, CommandError> {
    let (mut settings, cloud) = connect(&arguments.config)?;
    use_newest(&mut settings, &cloud)?;
    let checks = cloud.check_everything(
        ecr_images(&settings),
        &job_machines(&settings),
        &settings.s3_paths.input_dataset,
    );
    let has_errors = checks.iter().any(|check| check.verdict == Verdict::Error);
    if arguments.json {
        let checks: Vec<_> = checks.iter().map(to_json).collect();
        print_json(&json!({ "healthy": !has_errors, "checks": checks }))?;
    } else {
        print_text(&checks.iter().map(to_text).collect::<String>())?;
    }
    Ok(if has_errors { Exit::Aws } else { Exit::Done })
}

/// Returns the instances of each job with the quota that limits them.
fn job_machines(settings: &Settings) -> Vec<JobMachine> {
    let machine = |job: JobInstances<'_>| JobMachine {
        instance_type: job.instance_type.to_owned(),
        count: job.count,
        quota: match job.kind {
            JobKind::Training => JobQuota::Training,
            JobKind::Processing | JobKind::Evaluation => JobQuota::Processing,
        },
    };
    job_instances(settings).into_iter().map(machine).collect()
}

fn to_text(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Error => "error",
    };
    let mut text = format!("{verdict:<8} {:<12} {}\n", check.subject, check.found);
    if let Some(remedy) = &check.remedy {
        text.push_str(&format!("{:<21} {}\n", "", advice(remedy)));
    }
    text
}

fn to_json(check: &Check) -> Value {
    let mut value =
        json!({ "subject": check.subject, "verdict": check.verdict, "found": check.found });
    if let Some(remedy) = &check.remedy {
        value["remedy"] = advice(remedy).into();
    }
    value
}

/// Returns the command to run or the setting to change.
pub fn advice(remedy: &Remedy) -> String {
    match remedy {
        Remedy::RenewCredentials => "renew or replace them".to_owned(),
        Remedy::UseOtherProfile => "choose another AWS_PROFILE, or set AWS_ACCOUNT_ID".to_owned(),
        Remedy::GrantPermissions => {
            "what these credentials may do: `orchestrator iam-policy deploy`".to_owned()
        }
        Remedy::CreateRole => "`orchestrator infrastructure` prints a template that makes it, \
                               `orchestrator iam-policy execution` what it may do"
            .to_owned(),
        Remedy::CreateBucket => {
            "`orchestrator infrastructure` prints a template that makes it".to_owned()
        }
        Remedy::UseBucketOfRegion => "s3_paths.bucket names one of the same region".to_owned(),
        Remedy::UploadInput => "`orchestrator deploy --upload FILE` puts a table there".to_owned(),
        Remedy::BuildImages { registry } => {
            format!(
                "scripts/build-images, then scripts/push-images {registry}, and the tag that it says as IMAGE_TAG"
            )
        }
        Remedy::BuildImagesFor { architecture, registry } => format!(
            "scripts/build-images --platform linux/{architecture}, then scripts/push-images \
             {registry}, and the tag that it says as IMAGE_TAG"
        ),
        Remedy::RaiseQuota { code, count } => format!(
            "aws service-quotas request-service-quota-increase --service-code sagemaker \
             --quota-code {code} --desired-value {count}"
        ),
        Remedy::Deploy => "`orchestrator deploy` makes it".to_owned(),
    }
}
