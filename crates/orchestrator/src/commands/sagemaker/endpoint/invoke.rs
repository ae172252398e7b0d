//! `orchestrator endpoint invoke`: writes the rows of a table with the answers of the endpoint.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Args;
use cloud::Cloud;
use common::Exit;
use inference::{RecordBlock, ScoredRows};
use serde_json::json;

use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::answered_rows::AnsweredRows;
use crate::commands::sagemaker::connect::connect;
use crate::commands::sagemaker::hosted_table::HostedTable;
use crate::commands::sagemaker::watch::parse_positive;
use crate::error::CommandError;
use crate::output::scored_rows::{is_closed_pipe, summary, to_file};
use crate::output::{print_json, print_text, say};
use crate::sagemaker_error::SageMakerError;

/// The length of a request in bytes. A real-time endpoint takes 25 MB, but has 60 s for its answer.
const REQUEST: usize = 5 << 20;
/// The length of a request to a serverless endpoint, which takes and answers 4 MB.
const SERVERLESS_REQUEST: usize = 2 << 20;
/// The length of a request to an asynchronous endpoint, whose server takes 100 MB and answers 25 MB.
const ASYNCHRONOUS_REQUEST: usize = 16 << 20;
/// How many times as long as its record an explained answer is at most: some 20 digits for each reading.
const EXPLAINED: usize = 16;

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
    /// Ask for what each column contributes to the probability
    #[arg(long)]
    explain: bool,
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
    if let Some(threshold) = threshold.filter(|it| !(0.0..=1.0).contains(it)) {
        let message = format!("--threshold {threshold}: expected a probability from 0 to 1");
        return Err(CommandError::Usage(message));
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
    let table = HostedTable::of(&settings, &cloud, package, &arguments.input, output)?;
    let request = match (&current.queue_output, current.is_serverless()) {
        (Some(_), _) => ASYNCHRONOUS_REQUEST,
        (None, true) => SERVERLESS_REQUEST,
        (None, false) => REQUEST,
    };
    let request = if arguments.explain { request / EXPLAINED } else { request };
    let mut sender =
        Sender { arguments, cloud: &cloud, name, queue: current.queue_output.as_deref() };
    let mut ask = |out: &mut dyn Write| sender.send(&table, request, out);
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
    /// The S3 address of the answers of an asynchronous endpoint.
    queue: Option<&'a str>,
}

impl Sender<'_> {
    /// Sends the rows of a table in requests of about `length` bytes, and writes them with their answers.
    fn send(
        &mut self,
        table: &HostedTable,
        length: usize,
        output: &mut dyn Write,
    ) -> Result<ScoredRows, CommandError> {
        let mut answered = AnsweredRows::new(table, output);
        let mut waiting = RecordBlock::default();
        let mut failed = None;
        let mut ask = |waiting: &mut RecordBlock| -> Result<(), CommandError> {
            let RecordBlock { records, rows } = std::mem::take(waiting);
            let answers = self.ask(records)?;
            answered.add_named(&rows, &answers)
        };
        let read = table.read(|block| {
            waiting.records.extend_from_slice(&block.records);
            waiting.rows.extend(block.rows);
            if waiting.records.len() >= length
                && let Err(error) = ask(&mut waiting)
            {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let read = read?;
        if !waiting.rows.is_empty() {
            ask(&mut waiting)?;
        }
        answered.finish(read)
    }

    fn ask(&self, records: Vec<u8>) -> Result<Vec<u8>, CommandError> {
        let attributes = self.attributes();
        let Some(queue) = self.queue else {
            let answer = self.cloud.invoke(self.name, records, attributes.as_deref())?;
            return Ok(answer.body);
        };
        // Beside the answers: `s3://bucket/prefix/output` has `s3://bucket/prefix/input` beside it.
        let prefix =
            queue.trim_end_matches('/').rsplit_once('/').map_or(queue, |(prefix, _)| prefix);
        let digest = common::sha256_hex(&records);
        let input = format!("{prefix}/input/{digest:.32}.csv");
        self.cloud.store(&input, "text/csv", records)?;
        let answer = self.cloud.invoke_asynchronously(self.name, &input, attributes.as_deref())?;
        say(&format!("Waiting for {}", answer.output));
        let timeout = Duration::from_secs_f64(self.arguments.timeout * 60.0);
        Ok(self.cloud.await_answer(&answer, timeout)?)
    }

    /// Returns the custom attributes, which the server reads.
    fn attributes(&self) -> Option<String> {
        let explain = self.arguments.explain.then(|| "explain=true".to_owned());
        let threshold = self.arguments.threshold.map(|threshold| format!("threshold={threshold}"));
        let attributes: Vec<String> = explain.into_iter().chain(threshold).collect();
        Some(attributes.join(",")).filter(|attributes| !attributes.is_empty())
    }
}
