//! `orchestrator transform`: a version's answers to a table, or to objects in S3, by a batch transform.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, Transform, TransformJob, TransformRecords, Upload, WatchEvent};
use common::Exit;
use config::Settings;
use config::serving::CSV;
use config::steps::Serve;
use inference::{AnswerOptions, ScoredRows};
use jiff::Timestamp;
use registry::ModelPackage;
use serde_json::json;

use super::connect::{connect, group_of};
use super::deploy::OWNER;
use super::endpoint::{hosted_model, require_deployable};
use super::follow::announce;
use super::hosted_table::HostedTable;
use super::records::Records;
use super::watch::{WatchingArgs, interruptible, say_unreachable};
use crate::arguments::answers::{ExplainArgs, check_threshold};
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::scored_rows::{summary, to_file};
use crate::output::{print_json, print_text, say};

/// The usual duration of a job on a small table. Most of it is the start of the instance.
const USUAL_MINUTES: f64 = 5.0;

/// Arguments of the transform command.
#[derive(Debug, Args)]
pub struct TransformArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The version's number [default: the latest approved one]
    version: Option<String>,
    /// The table, in any format, which is uploaded; or records in S3, `s3://bucket/prefix`, each a line
    #[arg(long, value_name = "TABLE-OR-S3")]
    input: Utf8PathBuf,
    /// Write the rows of the table here, with their answers [default: the answers stay in S3]
    #[arg(long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
    /// What the records in S3 are; CSV has no line of names
    #[arg(long, value_name = "TYPE", default_value = CSV, value_parser = [CSV, config::serving::JSON_LINES])]
    content_type: String,
    #[command(flatten)]
    explain: ExplainArgs,
    /// The probability above which a failure is predicted [default: endpoint.threshold, or 0.5]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// The type of the instances
    #[arg(long, value_name = "TYPE", default_value = "ml.m5.large")]
    instance_type: String,
    /// The number of instances, each of which takes some of the objects
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    instances: u32,
    /// Do not wait for the job's end
    #[arg(long, conflicts_with = "output")]
    no_wait: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs a batch transform.
pub fn run(arguments: &TransformArgs) -> Result<Exit, CommandError> {
    let TransformArgs { input, output, .. } = arguments;
    if let Some(threshold) = arguments.threshold {
        check_threshold(threshold)?;
    }
    let is_in_s3 = input.as_str().starts_with("s3://");
    let key = input.as_str().strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    if is_in_s3 && key.is_none_or(|(bucket, key)| bucket.is_empty() || key.is_empty()) {
        let message =
            format!("--input {input}: expected s3://bucket/prefix, and not a whole bucket");
        return Err(CommandError::Usage(message));
    }
    if is_in_s3 && output.is_some() {
        let message = "--output has the rows of a table with their answers; those to records in S3 stay there";
        return Err(CommandError::Usage(message.to_owned()));
    }
    if !is_in_s3 && arguments.content_type != CSV {
        let message = "--content-type is of records in S3; a table's records are sent as CSV";
        return Err(CommandError::Usage(message.to_owned()));
    }
    let (settings, cloud) = connect(&arguments.config)?;
    let version = arguments.version.as_deref().unwrap_or("approved");
    let package = group_of(&settings, &cloud).find(version)?;
    require_deployable(&package)?;
    cloud.check_credentials()?;
    let table = if is_in_s3 {
        None
    } else {
        let settings = (&settings, &arguments.config);
        Some(HostedTable::of(settings, &cloud, &package, input, output.as_deref())?)
    };
    let records = table.as_ref().map(Records::of).transpose()?;
    let content_type = match &table {
        Some(table) => table.content_type(),
        None => &arguments.content_type,
    };
    let mut options =
        AnswerOptions { explain: arguments.explain.kind(), ..AnswerOptions::default() };
    if let Some(threshold) = arguments.threshold.or(settings.endpoint.threshold) {
        options.threshold = threshold;
    }
    let source = match &records {
        Some(records) => TransformRecords::Sent(records.digest.clone()),
        None => TransformRecords::Stored(input.to_string()),
    };
    let transform = transform(arguments, &settings, &package, (source, content_type), options);
    // One that was started before costs nothing more.
    let (action, name) = match cloud.running_transform(&transform)? {
        Some(name) => ("taken up", name),
        None => {
            let name = cloud.transform_name(&transform, Timestamp::now().as_second());
            if let Some(records) = &records {
                cloud.send_records(&transform, &name, Upload::open(&records.path)?)?;
            }
            cloud.start_transform(&transform, &name, OWNER)?;
            ("started", name)
        }
    };
    let place = transform.output(&name);
    let report = |job: Option<&TransformJob>, rows: Option<&ScoredRows>| {
        json!({
            "transform_job": name, "action": action, "version": package.version, "output": place,
            "job": job, "rows": rows, "file": output,
        })
    };
    if !arguments.json {
        announce(&match action {
            "started" => {
                format!("transform job {name}: started; {}", cost(&settings, arguments))
            }
            _ => format!(
                "transform job {name}: it answers the same and is in progress, so no other is started"
            ),
        })?;
    }
    if arguments.no_wait {
        return if arguments.json {
            print_json(&report(None, None))
        } else {
            print_text(&format!("Its answers will be below {place}\n"))
        };
    }
    let job = wait(&cloud, &name, &arguments.watching, &place)?;
    let rows = match (&records, &table, output) {
        (Some(records), Some(table), Some(output)) => {
            let written = to_file(output, |out| {
                let answers = cloud.require_object(&transform.answers(&name))?;
                records.write(table, &answers, package.version, options, out)
            });
            // The job was paid for, and its answers are there.
            let written = written.inspect_err(|_| {
                say(&format!("The answers are below {place}"));
            })?;
            Some(written)
        }
        _ => None,
    };
    if arguments.json {
        return print_json(&report(Some(&job), rows.as_ref()));
    }
    let mut text = String::new();
    if let (Some(rows), Some(output)) = (&rows, output) {
        let model = format!("version {} in transform job {name}", package.version);
        text.push_str(&summary(rows, &model, Some(options.threshold)));
        text.push_str(&format!("{output}\n"));
    }
    announce(&format!("{text}transform job {name}: Completed; its answers are below {place}"))
}

fn transform(
    arguments: &TransformArgs,
    settings: &Settings,
    package: &ModelPackage,
    (records, content_type): (TransformRecords, &str),
    options: AnswerOptions,
) -> Transform {
    let mut environment =
        BTreeMap::from([(Serve::THRESHOLD.to_owned(), options.threshold.to_string())]);
    if let Some(word) = arguments.explain.word() {
        environment.insert(Serve::EXPLAIN.to_owned(), word.to_owned());
    }
    Transform {
        endpoint: settings.endpoint_name().to_owned(),
        model: hosted_model(settings, package),
        environment,
        records,
        content_type: content_type.to_owned(),
        accept: arguments.content_type.clone(),
        place: settings.s3_paths.url(&settings.s3_paths.predictions),
        output_key: settings.aws.kms.output_key.clone(),
        instance_type: arguments.instance_type.clone(),
        count: arguments.instances,
        volume_key: settings.aws.kms.volume_key.clone(),
    }
}

fn cost(settings: &Settings, arguments: &TransformArgs) -> String {
    let TransformArgs { instance_type, instances, .. } = arguments;
    match settings.prices.per_hour.get(instance_type) {
        Some(price) => format!(
            "{instances} {instance_type} cost about {:.2} {} if it takes {USUAL_MINUTES} minutes (prices of {})",
            price * f64::from(*instances) * USUAL_MINUTES / 60.0,
            settings.prices.currency,
            settings.prices.date
        ),
        None => format!("its cost is unknown: prices.per_hour does not list {instance_type}"),
    }
}

fn wait(
    cloud: &Cloud,
    name: &str,
    watching: &WatchingArgs,
    output: &str,
) -> Result<TransformJob, CommandError> {
    let goes_on = format!("The transform job {name} goes on; its answers will be below {output}.");
    let mut shown = String::new();
    interruptible(&goes_on, || {
        cloud.watch_transform(name, watching.watch(), &mut |event| match event {
            WatchEvent::Described(job) => {
                if job.status != shown {
                    say(&format!("{name}: {}", job.status));
                    shown.clone_from(&job.status);
                }
            }
            WatchEvent::Unreachable { error, wait } => say_unreachable(error, wait),
        })
    })
}
