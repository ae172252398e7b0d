//! `orchestrator endpoint invoke`: writes the rows of a table with the answers of the endpoint.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, EndpointConfiguration};
use common::Exit;
use inference::{Model, ScoredRows};
use serde_json::json;

use crate::arguments::answers::{ExplainArgs, check_threshold};
use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::answered_rows::AnsweredRows;
use crate::commands::sagemaker::connect::{connect, group_of};
use crate::commands::sagemaker::hosted_table::HostedTable;
use crate::commands::sagemaker::watch::parse_positive;
use crate::error::CommandError;
use crate::output::scored_rows::{is_closed_pipe, summary, to_file};
use crate::output::{print_json, print_text, say};
use crate::sagemaker_error::SageMakerError;

/// What requests and their answers may have, in bytes: below the limits of SageMaker and the server, for an
/// answer whose columns are all listed.
#[derive(Clone, Copy)]
struct Limits {
    request: usize,
    answer: usize,
}

/// A real-time endpoint takes 25 MB, but has 60 s for its answer.
const REAL_TIME: Limits = Limits { request: 5 << 20, answer: 20 << 20 };
/// A serverless endpoint takes and answers 4 MB.
const SERVERLESS: Limits = Limits { request: 3 << 20, answer: 3 << 20 };
/// The server of an asynchronous endpoint takes 100 MB and answers 25 MB.
const ASYNCHRONOUS: Limits = Limits { request: 64 << 20, answer: 20 << 20 };
/// The most bytes of an answer beside the columns that it lists: a word, a probability and a version.
const PREDICTION: usize = 256;
/// The most bytes of a number and the separator behind it.
const NUMBER: usize = 26;

/// What a configuration says of the version that answers give, and of explanations.
const VERSION: &str = "environment.MODEL_VERSION";
const EXPLAIN: &str = "environment.SERVE_EXPLAIN";

/// Arguments of the invoke command.
#[derive(Debug, Args)]
pub struct InvokeArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The table, in any format, with or without the label: a file, or a directory of them
    #[arg(long, value_name = "FILE-OR-DIRECTORY")]
    input: Utf8PathBuf,
    /// Where the rows are written with their answers; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: Utf8PathBuf,
    #[command(flatten)]
    explain: ExplainArgs,
    /// The probability above which a failure is predicted [default: that of the endpoint]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// How long to wait for each answer of an asynchronous endpoint
    #[arg(long, value_name = "MINUTES", default_value = "60", value_parser = parse_positive)]
    timeout: f64,
    /// Print what became of the rows as one JSON object; needs --output
    #[arg(long)]
    json: bool,
}

/// Sends the table.
pub fn run(arguments: &InvokeArgs) -> Result<Exit, CommandError> {
    let InvokeArgs { threshold, output, .. } = arguments;
    if let Some(threshold) = threshold {
        check_threshold(*threshold)?;
    }
    if arguments.json && output == "-" {
        let message =
            "--json prints what became of the rows, so --output must name a file for them";
        return Err(CommandError::Usage(message.to_owned()));
    }
    let (settings, cloud) = connect(&arguments.config)?;
    let name = settings.endpoint_name();
    let endpoint = cloud.require_endpoint(name)?;
    let current = cloud.endpoint_configuration(&endpoint.config_name);
    let current = current.map_err(SageMakerError::Call)?.unwrap_or_default();
    let package = current.package_arn.as_deref().filter(|_| current.version.is_some());
    let package = package.ok_or_else(|| {
        CommandError::Usage(format!(
            "the endpoint {name} has no registered version (configuration {}), whose columns the rows are sent in",
            endpoint.config_name
        ))
    })?;
    let package = group_of(&settings, &cloud).registry.describe(package)?;
    let file = Some(output.as_path()).filter(|output| *output != "-");
    let input = &arguments.input;
    let table = HostedTable::of((&settings, &arguments.config), &cloud, &package, input, file)?;
    let limits = match (&current.queue_output, current.is_serverless()) {
        (Some(_), _) => ASYNCHRONOUS,
        (None, true) => SERVERLESS,
        (None, false) => REAL_TIME,
    };
    let mut sender = Sender { arguments, cloud: &cloud, name, current: &current };
    let mut ask = |out: &mut dyn Write| sender.send(&table, limits, out);
    let rows = if output == "-" {
        match ask(&mut io::stdout().lock()) {
            Err(error) if is_closed_pipe(&error) => return Ok(Exit::Done),
            rows => rows?,
        }
    } else {
        to_file(output, ask)?
    };
    if arguments.json {
        return print_json(
            &json!({ "endpoint": name, "version": current.version, "output": output, "rows": rows }),
        );
    }
    let version = current.version.unwrap_or_default();
    let model = format!("version {version} on endpoint {name}");
    let summary = summary(&rows, &model, *threshold);
    if output == "-" {
        say(&common::printable(summary.trim_end()));
        return Ok(Exit::Done);
    }
    print_text(&format!("{summary}{output}\n"))
}

/// Sends records to the endpoint.
struct Sender<'a> {
    arguments: &'a InvokeArgs,
    cloud: &'a Cloud,
    name: &'a str,
    current: &'a EndpointConfiguration,
}

impl Sender<'_> {
    /// Sends the rows of a table in requests within the limits, and writes them with their answers.
    fn send(
        &mut self,
        table: &HostedTable,
        limits: Limits,
        output: &mut dyn Write,
    ) -> Result<ScoredRows, CommandError> {
        let most = self.most_rows(&table.model, limits);
        let version = self.current.settings.get(VERSION).cloned();
        let mut answered = AnsweredRows::new(table, output, version);
        let (mut records, mut rows) = (Vec::new(), Vec::new());
        let mut failed = None;
        let mut ask =
            |records: &mut Vec<u8>, rows: &mut Vec<Vec<u8>>| -> Result<(), CommandError> {
                let answers = self.ask(table.content_type(), std::mem::take(records))?;
                answered.add_named(&std::mem::take(rows), &answers)
            };
        let read = table.read(|block| {
            let mut begin = 0;
            for (row, end) in block.rows.into_iter().zip(block.ends) {
                let record = &block.records[begin..end];
                begin = end;
                let is_full = records.len() + record.len() > limits.request || rows.len() == most;
                if is_full
                    && !rows.is_empty()
                    && let Err(error) = ask(&mut records, &mut rows)
                {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                records.extend_from_slice(record);
                rows.push(row);
            }
            ControlFlow::Continue(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let read = read?;
        if !rows.is_empty() {
            ask(&mut records, &mut rows)?;
        }
        answered.finish(read)
    }

    /// Returns the number of rows whose answers are within the limits, whatever they say.
    fn most_rows(&self, model: &Model, limits: Limits) -> usize {
        let columns = model.schema().columns();
        let listed: usize = columns.iter().map(|column| column.name.len() + "; ".len()).sum();
        let explains =
            self.arguments.explain.kind().is_some() || self.current.settings.contains_key(EXPLAIN);
        let explained = if explains { (model.contributors().len() + 1) * NUMBER } else { 0 };
        (limits.answer / (PREDICTION + listed + explained)).max(1)
    }

    fn ask(&self, content_type: &str, records: Vec<u8>) -> Result<Vec<u8>, CommandError> {
        let attributes = self.attributes();
        let attributes = attributes.as_deref();
        let Some(answers) = &self.current.queue_output else {
            return Ok(self.cloud.invoke(self.name, (content_type, records), attributes)?);
        };
        // `s3://bucket/prefix/output` has `s3://bucket/prefix/input` beside it.
        let answers = answers.trim_end_matches('/');
        let prefix = answers.rsplit_once('/').map_or(answers, |(prefix, _)| prefix);
        let digest = common::sha256_hex(&records);
        let input = format!("{prefix}/input/{digest:.32}.csv");
        self.cloud.store(&input, content_type, records)?;
        let request = (content_type, input.as_str());
        let answer = self.cloud.invoke_asynchronously(self.name, request, attributes)?;
        say(&format!("Waiting for {}", answer.output));
        let timeout = Duration::from_secs_f64(self.arguments.timeout * 60.0);
        Ok(self.cloud.await_answer(&answer, timeout)?)
    }

    /// Returns the custom attributes, which the server reads.
    fn attributes(&self) -> Option<String> {
        let explain = self.arguments.explain.word().map(|word| format!("explain={word}"));
        let threshold = self.arguments.threshold.map(|threshold| format!("threshold={threshold}"));
        let attributes: Vec<String> = explain.into_iter().chain(threshold).collect();
        Some(attributes.join(",")).filter(|attributes| !attributes.is_empty())
    }
}
