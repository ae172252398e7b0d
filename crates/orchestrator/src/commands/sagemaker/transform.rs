//! `orchestrator transform`: a version's answers to a table, or to objects in S3, by a batch transform.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, CloudError, Transform, TransformJob, TransformRecords, Upload, WatchEvent};
use common::{Exit, chain};
use config::Settings;
use config::serving::CSV;
use config::steps::Serve;
use inference::{AnswerOptions, ScoredRows};
use jiff::Timestamp;
use registry::ModelPackage;
use serde_json::{Value, json};

use super::connect::{connect, group_of};
use super::deploy::OWNER;
use super::endpoint::{hosted_model, require_deployable, require_hostable};
use super::follow::announce;
use super::hosted_table::HostedTable;
use super::records::Records;
use super::watch::{WatchingArgs, interruptible, say_unreachable};
use crate::arguments::answers::{ExplainArgs, check_threshold};
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::error::CommandError;
use crate::output::cost::TransformCost;
use crate::output::scored_rows::{summary, to_file};
use crate::output::{print_json, print_text, say};

/// Arguments of the transform command.
#[derive(Debug, Args)]
pub struct TransformArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The version's number, `latest` or `approved` [default: approved, the latest such one]
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
    #[command(flatten)]
    confirm: ConfirmArgs,
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
    let is_in_s3 = is_in_s3(arguments)?;
    let (settings, cloud) = connect(&arguments.config)?;
    let group = group_of(&settings, &cloud);
    let package = group.find(arguments.version.as_deref().unwrap_or("approved"))?;
    require_deployable(&package)?;
    cloud.check_credentials()?;
    let table = if is_in_s3 {
        None
    } else {
        let (input, output) = (&arguments.input, arguments.output.as_deref());
        let settings = (&settings, &arguments.config);
        let table = HostedTable::of(settings, &cloud, &package, input, output)?;
        let records = Records::of(&table)?;
        Some((table, records))
    };
    let job = Job::of(arguments, &settings, &cloud, &package, table)?;
    if job.is_new {
        require_hostable(&cloud, &package, Some(&arguments.instance_type))?;
        if is_in_s3 {
            require_records(&cloud, arguments.input.as_str())?;
        }
    }
    // A job that was started before costs nothing more.
    let (plan, done) = if job.is_new { ("start", "started") } else { ("take up", "taken up") };
    let (confirm, as_json) = (&arguments.confirm, arguments.json);
    match confirm.decide_if(job.is_new, &job.to_text(), "Start it?", as_json)? {
        Decision::Do => {}
        Decision::Say if as_json => return print_json(&job.report(plan, None, None)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    if job.is_new {
        // It may have been rejected while somebody was asked.
        require_deployable(&group.registry.describe(&package.arn)?)?;
        job.start()?;
    }
    if !arguments.no_wait {
        return job.finish(done);
    }
    if as_json {
        return print_json(&job.report(done, None, None));
    }
    print_text(&format!("Its answers will be below {}\n", job.place()))
}

/// Refuses an address below which there is nothing to answer: the job would fail, and be billed. What these
/// credentials may not list is said, and no reason to refuse.
fn require_records(cloud: &Cloud, address: &str) -> Result<(), CommandError> {
    match cloud.has_records(address) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CloudError::NoRecords(address.to_owned()).into()),
        Err(CloudError::Call(error)) => {
            say(&format!("Not checked: records: {address}: {}", chain(&error)));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses arguments that contradict each other. Returns whether the records are in S3.
fn is_in_s3(arguments: &TransformArgs) -> Result<bool, CommandError> {
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
    Ok(is_in_s3)
}

/// A batch transform, and the job that does it.
struct Job<'a> {
    arguments: &'a TransformArgs,
    cloud: &'a Cloud,
    package: &'a ModelPackage,
    /// The table and its records, unless the records are in S3.
    table: Option<(HostedTable, Records)>,
    options: AnswerOptions,
    transform: Transform,
    cost: TransformCost,
    name: String,
    /// Whether no such job is in progress.
    is_new: bool,
}

impl<'a> Job<'a> {
    /// Finds the job that is in progress, or names a new one.
    fn of(
        arguments: &'a TransformArgs,
        settings: &Settings,
        cloud: &'a Cloud,
        package: &'a ModelPackage,
        table: Option<(HostedTable, Records)>,
    ) -> Result<Self, CommandError> {
        let mut options =
            AnswerOptions { explain: arguments.explain.kind(), ..AnswerOptions::default() };
        if let Some(threshold) = arguments.threshold.or(settings.endpoint.threshold) {
            options.threshold = threshold;
        }
        let records = match &table {
            Some((table, records)) => {
                (TransformRecords::Sent(records.digest.clone()), table.content_type())
            }
            None => {
                let address = arguments.input.to_string();
                (TransformRecords::Stored(address), arguments.content_type.as_str())
            }
        };
        let transform = transform(arguments, settings, package, records, options);
        let running = cloud.running_transform(&transform)?;
        let is_new = running.is_none();
        let new = || cloud.transform_name(&transform, Timestamp::now().as_second());
        let name = running.unwrap_or_else(new);
        let TransformArgs { instance_type, instances, .. } = arguments;
        let cost = TransformCost::of(&settings.prices, instance_type, *instances);
        Ok(Self { arguments, cloud, package, table, options, transform, cost, name, is_new })
    }

    /// Returns the S3 prefix of the answers.
    fn place(&self) -> String {
        self.transform.output(&self.name)
    }

    fn report(&self, action: &str, job: Option<&TransformJob>, rows: Option<&ScoredRows>) -> Value {
        json!({
            "transform_job": self.name, "action": action, "dry_run": self.arguments.confirm.dry_run,
            "version": self.package.version, "input": self.transform.input(&self.name),
            "records": self.table.as_ref().map(|(_, records)| records.count()),
            "output": self.place(), "cost": self.cost, "job": job, "rows": rows,
            "file": self.arguments.output,
        })
    }

    /// Formats what the job would do and cost.
    fn to_text(&self) -> String {
        let Self { name, package, cost, .. } = self;
        if !self.is_new {
            return format!(
                "transform job {name}: it answers the same and is in progress, so no other is started\n"
            );
        }
        let TransformArgs { input, output, .. } = self.arguments;
        let address = self.transform.input(name);
        let records = match &self.table {
            Some((_, records)) => {
                format!("{} rows of {input}, which are sent to {address}", records.count())
            }
            None => address,
        };
        let file = output.as_ref().map(|file| format!("; the rows with them: {file}"));
        format!(
            "Version {} of group {} answers records in transform job {name}.\n  records: {records}\n  answers: {}{}\n\
             It will cost {cost}.\n",
            package.version,
            package.group,
            self.place(),
            file.unwrap_or_default()
        )
    }

    /// Sends the records, if they are of a table, and starts the job.
    fn start(&self) -> Result<(), CommandError> {
        if let Some((_, records)) = &self.table {
            self.cloud.send_records(&self.transform, &self.name, Upload::open(&records.path)?)?;
        }
        self.cloud.start_transform(&self.transform, &self.name, OWNER)?;
        if !self.arguments.json {
            announce(&format!("transform job {}: started", self.name))?;
        }
        Ok(())
    }

    /// Waits for the job's end, writes the rows with its answers, and prints the result.
    fn finish(&self, done: &str) -> Result<Exit, CommandError> {
        let Self { cloud, name, package, options, .. } = self;
        let (output, place) = (&self.arguments.output, self.place());
        let job = wait(cloud, name, &self.arguments.watching, &place)?;
        let rows = match (&self.table, output) {
            (Some((table, records)), Some(output)) => {
                let written = to_file(output, |out| {
                    let answers = cloud.require_object(&self.transform.answers(name))?;
                    records.write(table, &answers, package.version, *options, out)
                });
                // The job was paid for, and its answers are there.
                let written = written.inspect_err(|_| {
                    say(&format!("The answers are below {place}"));
                })?;
                Some(written)
            }
            _ => None,
        };
        if self.arguments.json {
            return print_json(&self.report(done, Some(&job), rows.as_ref()));
        }
        let mut text = String::new();
        if let (Some(rows), Some(output)) = (&rows, output) {
            let model = format!("version {} in transform job {name}", package.version);
            text.push_str(&summary(rows, &model, Some(options.threshold)));
            text.push_str(&format!("{output}\n"));
        }
        announce(&format!("{text}transform job {name}: Completed; its answers are below {place}"))
    }
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
