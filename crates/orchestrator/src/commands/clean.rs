//! `orchestrator clean`: removes what nobody needs any more from the runs on this machine.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::{Exit, chain};
use local::Occupancy;
use local::clean::{self, Cleaning, Policy, RegisteredVersion, Removable, What};
use registry::{DirectoryRegistry, ModelPackage, Registry, RegistryError};
use serde_json::{Value, json};

use super::confirm::{ConfirmArgs, Decision};
use super::models::execution;
use crate::error::CommandError;
use crate::output::{bytes, print_json, print_text, say};

/// Arguments of the clean command.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// How many of the latest executions of each pipeline stay
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    keep: usize,
    /// Remove only what is older than this, such as 30d, 2w or 12h
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Where the runs are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: Utf8PathBuf,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Parses an age, as the settings write `expire_after`, or a number of hours, minutes or seconds.
fn age(text: &str) -> Result<Duration, String> {
    let known = pipeline::duration(text).or_else(|| pipeline::duration(&format!("T{text}")));
    known.ok_or_else(|| "expected a number with its unit, such as 30d, 2w or 12h".to_owned())
}

/// Lists what goes, asks, and removes it.
pub fn run(arguments: &CleanArgs) -> Result<Exit, CommandError> {
    let runs = &arguments.runs;
    if !local::is_runs_directory(runs) {
        return Err(CommandError::Usage(format!(
            "{runs} is no directory of runs, which has `executions` and `s3` in it; --runs names another"
        )));
    }
    let Finding { parts, cautions, versions, lock } = Finding::of(arguments)?;
    // Runs may begin while the user thinks.
    drop(lock);
    cautions.iter().for_each(|caution| say(caution));
    let is_cautious = !cautions.is_empty();
    let report = |parts: &[Removable], deleted| report(arguments, parts, is_cautious, deleted);
    if parts.is_empty() {
        return match arguments.json {
            true => print_json(&report(&parts, false)?),
            false => {
                print_text(&format!("There is nothing to remove.\n{}", stays(arguments, versions)))
            }
        };
    }
    let question = "Remove all of this? It cannot be brought back.";
    let proposal = format!("{}{}", list(runs, &parts)?, stays(arguments, versions));
    match arguments.confirm.decide(&proposal, question, arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(&parts, false)?),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    let again = Finding::of(arguments)?;
    let parts = clean::restricted(again.parts, &parts).map_err(cannot_clean(runs))?;
    clean::remove(runs, &parts).map_err(cannot_clean(runs))?;
    if arguments.json {
        return print_json(&report(&parts, true)?);
    }
    let rest = clean::size(runs).map_err(cannot_clean(runs))?;
    print_text(&format!("Removed {}; {runs} holds {}.\n", bytes(sum(&parts)), bytes(rest)))
}

/// What can go.
struct Finding {
    parts: Vec<Removable>,
    /// What is said first: why something stays that would go otherwise.
    cautions: Vec<String>,
    /// The number of registered versions.
    versions: usize,
    /// Keeps runs from beginning; none where one is at work.
    lock: Option<Occupancy>,
}

impl Finding {
    fn of(arguments: &CleanArgs) -> Result<Self, CommandError> {
        let runs = &arguments.runs;
        let lock = Occupancy::alone(runs).map_err(cannot_clean(runs))?;
        let (registered, mut cautions) = registered(runs)?;
        for (directory, error) in clean::unreadable(runs).map_err(cannot_clean(runs))? {
            cautions.push(format!(
                "{error}. What this execution refers to is not known; if nobody needs it, remove {directory}."
            ));
        }
        if lock.is_none() {
            let running = local::running(runs).map_err(cannot_clean(runs))?;
            let who = if running.is_empty() { "a run".to_owned() } else { running.join(", ") };
            cautions.push(format!("{who} is at work in {runs} and may use earlier results."));
        }
        let cautious = !cautions.is_empty();
        if cautious {
            cautions.push("So only logs and the trees of jobs can go.".to_owned());
        }
        let versions = registered.len();
        let policy = Policy {
            keep: arguments.keep,
            older_than: arguments.older_than,
            now: jiff::Timestamp::now(),
            registered,
        };
        let parts = Cleaning { runs, policy, cautious }.plan().map_err(cannot_clean(runs))?;
        Ok(Self { parts, cautions, versions, lock })
    }
}

/// Returns the registered versions of all groups, and of each that cannot be read why.
fn registered(runs: &Utf8Path) -> Result<(Vec<RegisteredVersion>, Vec<String>), CommandError> {
    let registry = DirectoryRegistry::new(local::registry(runs));
    let (mut registered, mut damaged) = (Vec::new(), Vec::new());
    for group in registry.groups()? {
        for (version, arn) in registry.versions(&group)? {
            match registry.describe(&arn) {
                Ok(package) => registered.push(references(&package)),
                // It was removed after it was listed.
                Err(RegistryError::NoVersion { .. }) => {}
                Err(error) => damaged.push(format!(
                    "Version {version} of group {group} cannot be read, so what it refers to is not known: {}.",
                    chain(&error)
                )),
            }
        }
    }
    Ok((registered, damaged))
}

/// Returns what a version refers to.
fn references(package: &ModelPackage) -> RegisteredVersion {
    let execution = execution(package);
    let execution = execution.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    let mut addresses = vec![package.serving.model_data_url.clone(), package.metrics_url.clone()];
    // Its execution, which read the table, may have no record any more.
    addresses.extend(package.metadata.get("input_data_url").cloned());
    addresses.retain(|address| !address.is_empty());
    // A name in an address may have characters that a version cannot tell; the digest before it tells the table.
    let is_digest = |part: &&str| common::is_sha256_hex(part);
    let mut digests: BTreeSet<String> = addresses
        .iter()
        .flat_map(|address| address.split('/').filter(is_digest).map(str::to_owned))
        .collect();
    digests.extend(package.metadata.get("table_settings_digest").cloned());
    RegisteredVersion { addresses, execution, digests }
}

fn cannot_clean(runs: &Utf8Path) -> impl Fn(io::Error) -> CommandError {
    |source| CommandError::Clean { runs: runs.to_owned(), source }
}

fn sum(parts: &[Removable]) -> u64 {
    parts.iter().map(|part| part.bytes).sum()
}

/// Returns the name of a part for people.
fn name(part: &Removable) -> String {
    let counted = |what: &str| {
        let number = part.paths.len();
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    match &part.what {
        What::CachedResults => counted("cached result"),
        What::Unfinished => counted("leftover") + " of killed runs",
        What::Input(address) => format!("input {address}"),
        What::Execution(id) => format!("execution {id}"),
    }
}

/// Lists what goes.
fn list(runs: &Utf8Path, parts: &[Removable]) -> Result<String, CommandError> {
    let mut text = format!("What goes from {runs}:\n");
    for part in parts {
        let record = if part.keeps_record { ", but for its record" } else { "" };
        text.push_str(&format!("{:>12}  {}{record}\n", bytes(part.bytes), name(part)));
    }
    let whole = clean::size(runs).map_err(cannot_clean(runs))?;
    text.push_str(&format!("{:>12}  of {}\n\n", bytes(sum(parts)), bytes(whole)));
    Ok(text)
}

/// Says what stays.
fn stays(arguments: &CleanArgs, versions: usize) -> String {
    let mut staying = Vec::new();
    match arguments.keep {
        0 => {}
        1 => staying.push("the latest execution of each pipeline".to_owned()),
        keep => staying.push(format!("the latest {keep} executions of each pipeline")),
    }
    if arguments.older_than.is_some() {
        staying.push("executions that are younger".to_owned());
    }
    let s = if versions == 1 { "" } else { "s" };
    staying.push(format!("{versions} registered version{s}"));
    format!("What stays: {}, and what is referred to from there.\n", staying.join(", "))
}

/// Returns the result as a JSON object.
fn report(
    arguments: &CleanArgs,
    parts: &[Removable],
    is_cautious: bool,
    deleted: bool,
) -> Result<Value, CommandError> {
    let runs = &arguments.runs;
    let listed = parts.iter().map(|part| {
        let (kind, name) = match &part.what {
            What::CachedResults => ("cached_results", None),
            What::Unfinished => ("leftovers", None),
            What::Input(address) => ("input", Some(address)),
            What::Execution(id) => ("execution", Some(id)),
        };
        let Removable { bytes, keeps_record, paths, .. } = part;
        json!({
            "kind": kind, "name": name, "bytes": bytes, "paths": paths, "keeps_record": keeps_record,
        })
    });
    let parts_in_json: Vec<Value> = listed.collect();
    Ok(json!({
        "runs": runs,
        "parts": parts_in_json,
        "bytes": sum(parts),
        "holds": clean::size(runs).map_err(cannot_clean(runs))?,
        "cautious": is_cautious,
        "deleted": deleted,
        "dry_run": arguments.confirm.dry_run,
    }))
}
