//! `orchestrator doctor`: checks everything that a deployment needs.

use clap::Args;
use cloud::{AccountNeeds, Check, JobMachine, JobQuota, KmsKey, Needs, Network, Remedy, Verdict};
use common::Exit;
use config::{JobKind, Kms, Settings};
use infrastructure::{PolicyKind, log_groups, policy, repositories};
use serde_json::{Value, json};

use super::connect::connect;
use super::input_table::use_newest;
use super::plan::ecr_images;
use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::definition::machines::{JobInstances, job_instances};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

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
    if let Err(error) = use_newest(&mut settings, &cloud) {
        say(&format!("Which table was uploaded last is unknown: {}", common::chain(&error)));
    }
    let checks = cloud.check_everything(needs(&settings));
    let has_errors = checks.iter().any(|check| check.verdict == Verdict::Error);
    if arguments.json {
        let checks: Vec<_> = checks.iter().map(to_json).collect();
        print_json(&json!({ "healthy": !has_errors, "checks": checks }))?;
    } else {
        print_text(&checks.iter().map(to_text).collect::<String>())?;
    }
    Ok(if has_errors { Exit::Aws } else { Exit::Done })
}

/// Returns what a deployment of the settings needs.
fn needs(settings: &Settings) -> Needs {
    Needs {
        account: account_needs(settings),
        images: ecr_images(settings),
        machines: job_machines(settings),
        input_key: settings.s3_paths.input_dataset.clone(),
    }
}

/// Returns what the settings need of the account before anything is deployed.
fn account_needs(settings: &Settings) -> AccountNeeds {
    let definition = definition::build(settings);
    let Kms { volume_key, output_key } = settings.aws.kms.clone();
    let keys = [("aws.kms.volume_key", volume_key), ("aws.kms.output_key", output_key)];
    let keys = keys.into_iter().filter_map(|(setting, key)| Some(KmsKey { setting, key: key? }));
    let network = settings
        .aws
        .vpc
        .clone()
        .map(|vpc| Network { security_group_ids: vpc.security_group_ids, subnets: vpc.subnets });
    AccountNeeds {
        permissions: policy(PolicyKind::Execution, settings, &definition),
        keys: keys.collect(),
        network,
        repositories: repositories(settings, &definition),
        log_groups: log_groups(settings, &definition),
        bucket_sends_events: settings.schedule.as_ref().is_some_and(|it| it.on_new_objects),
    }
}

/// The parameters of the template by which it takes what is there, each with the subject of the checks that
/// find it.
const ADOPTING: [(&str, &str); 6] = [
    ("role", "CreateExecutionRole"),
    ("bucket", "CreateBucket"),
    ("repository", "CreateRepositories"),
    ("job logs", "CreateLogGroups"),
    ("host logs", "CreateHostingLogGroups"),
    ("provider", "CreateGitHubProvider"),
];

/// Compares the account with what the settings need, and prints what is missing, and how the template takes
/// what is there.
pub fn check_account(arguments: &SettingsArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(arguments)?;
    let checks = cloud.check_account(&account_needs(&settings));
    let missing: String =
        checks.iter().filter(|check| check.verdict != Verdict::Ok).map(to_text).collect();
    print_text(if missing.is_empty() { "Nothing is missing.\n" } else { &missing })?;
    let unseen = unseen(&settings);
    if !unseen.is_empty() {
        print_text(&format!(
            "Not looked at: the rules and topics of {}, whose names are the stack's.\n",
            unseen.join(", ")
        ))?;
    }
    if settings.aws.kms.output_key.is_some() {
        print_text(
            "Not looked at: whether what is there is encrypted with aws.kms.output_key, as the template's bucket, \
             repositories, logs and topics are.\n",
        )?;
    }
    let is_there = |check: &&Check| {
        check.verdict == Verdict::Ok || matches!(check.remedy, Some(Remedy::SetRetention { .. }))
    };
    let adopted = ADOPTING.into_iter().filter(|(subject, _)| {
        let of_subject: Vec<_> = checks.iter().filter(|it| it.subject == *subject).collect();
        !of_subject.is_empty() && of_subject.iter().all(is_there)
    });
    let adopted: String = adopted.map(|(_, name)| format!(" {name}=false")).collect();
    if !adopted.is_empty() {
        print_text(&format!(
            "A new stack leaves alone what is there: --parameter-overrides{adopted}\nA stack that has made it itself \
             must not be given these: it would let go of it.\n"
        ))?;
    }
    let has_errors = checks.iter().any(|check| check.verdict == Verdict::Error);
    Ok(if has_errors { Exit::Aws } else { Exit::Done })
}

/// Returns the settings for which the template makes what this program does not find in an account.
fn unseen(settings: &Settings) -> Vec<&'static str> {
    let unseen = [
        ("notifications", settings.notifications.is_some()),
        ("schedule", settings.schedule.is_some()),
        ("endpoint.on_approval", settings.endpoint.on_approval),
    ];
    unseen.into_iter().filter(|(_, is_set)| *is_set).map(|(setting, _)| setting).collect()
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
        Remedy::RenewCredentials => {
            "renew or replace them; `aws sso login` or `aws login` renews those of a profile".to_owned()
        }
        Remedy::UseOtherProfile => "choose another AWS_PROFILE, or set AWS_ACCOUNT_ID".to_owned(),
        Remedy::GrantPermissions => {
            "what these credentials may do: `orchestrator iam-policy deploy`".to_owned()
        }
        Remedy::AskAgain => "AWS itself has a fault or is not reached; ask again".to_owned(),
        Remedy::CreateRole => "`orchestrator infrastructure` prints a template that makes it, \
                               `orchestrator iam-policy execution` what it may do"
            .to_owned(),
        Remedy::UseRole { arn: Some(arn) } => format!("aws.role_arn, or SAGEMAKER_ROLE_ARN, is {arn}"),
        Remedy::UseRole { arn: None } => {
            "aws.role_arn, or SAGEMAKER_ROLE_ARN, names a role of this account".to_owned()
        }
        Remedy::GrantToRole => {
            "what the role must be allowed: `orchestrator iam-policy execution`".to_owned()
        }
        Remedy::ChangeDenial => "change that policy, or detach it from the role".to_owned(),
        Remedy::UseKey => {
            "enable that key, or name another symmetric one of the same region in aws.kms".to_owned()
        }
        Remedy::UseNetwork => {
            "aws.vpc names subnets and security groups of one VPC in this region".to_owned()
        }
        Remedy::CreateBucket => {
            "`orchestrator infrastructure` prints a template that makes it".to_owned()
        }
        Remedy::UseBucketOfRegion { bucket, target } => format!(
            "s3_paths.bucket names a bucket in {target}, or AWS_REGION={bucket} runs the pipeline where this one is"
        ),
        Remedy::UseOwnBucket { account } => format!(
            "s3_paths.bucket names a bucket of account {account}; what these credentials may do: `orchestrator \
             iam-policy deploy`"
        ),
        Remedy::UploadInput => "`orchestrator deploy --upload FILE` puts a table there".to_owned(),
        Remedy::BuildImages { registry } => {
            format!(
                "scripts/build-images, then scripts/push-images {registry}, and the tag that it says as IMAGE_TAG"
            )
        }
        Remedy::CreateRepository => {
            "`orchestrator infrastructure` prints a template that makes the repositories".to_owned()
        }
        Remedy::UseTag { newest, registry } => format!(
            "IMAGE_TAG={newest} names the newest one; scripts/build-images, then scripts/push-images {registry}, \
             makes another"
        ),
        Remedy::CreateLogGroup => {
            "`orchestrator infrastructure` prints a template that makes it; SageMaker makes one that keeps logs for \
             ever"
                .to_owned()
        }
        Remedy::SetRetention { group } => format!(
            "aws logs put-retention-policy --log-group-name {group} --retention-in-days 90"
        ),
        Remedy::SendEvents { bucket } => format!(
            "Amazon EventBridge in the properties of {bucket}, for schedule.on_new_objects"
        ),
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
