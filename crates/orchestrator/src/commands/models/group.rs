//! A model package group, here or on SageMaker.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::Args;
use common::json::LARGEST_JSON;
use common::{LARGEST_FILE, chain};
use registry::{ApprovalStatus, DirectoryRegistry, ModelPackage, Registry, RegistryError, Status};
use serde_json::Value;

use super::digests::{check_model, check_model_or_say, check_report};
use super::report_metrics::report_metrics;
use super::table_change::table_change;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::say;

/// The arguments that name a registry.
#[derive(Debug, Args)]
pub struct RegistryArgs {
    #[command(flatten)]
    pub config: SettingsArgs,
    /// The model package group [default: that of the settings; with --local that of --config, or the only one]
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// The registry of the runs on this machine, not SageMaker's
    #[arg(long)]
    pub local: bool,
    /// Where those runs are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: Utf8PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A model package group of a registry.
pub struct ModelGroup {
    /// The registry.
    pub registry: Box<dyn Registry>,
    /// The group's name.
    pub name: String,
    /// Reads the objects that versions refer to.
    pub read: ReadObject,
    /// Finds the endpoint that answers with one of the versions.
    pub find_endpoint: FindEndpoint,
}

/// An endpoint that answers with a version.
pub struct ServedVersion {
    /// The endpoint's name.
    pub endpoint: String,
    /// The version.
    pub version: u32,
    /// Whether a version is deployed as soon as it is approved.
    pub follows_approvals: bool,
}

/// A function that returns the endpoint that answers with one of a group's versions, or `None` if there is
/// none, or none that these credentials may look at.
pub type FindEndpoint = Box<dyn Fn() -> Option<ServedVersion>>;

/// A function that returns the contents of the object at an address. On this machine an object of more bytes than
/// the number given is an error.
pub type ReadObject = Box<dyn Fn(&str, u64) -> Result<Vec<u8>, CommandError>>;

/// A group about whose versions somebody decides.
pub struct DecidedGroup {
    /// The group.
    pub group: ModelGroup,
    /// Tells of an endpoint by its name whether it has an earlier configuration to go back to, as far as these
    /// credentials may look at it.
    pub can_go_back: Box<dyn Fn(&str) -> bool>,
    /// The name of whoever decides, where the registry is somebody's account.
    pub decider: Option<String>,
}

/// Refuses a version whose registration has failed or is not over.
pub fn require_complete(package: &ModelPackage) -> Result<(), CommandError> {
    let ModelPackage { version, group, status, failure_reason, .. } = package;
    if *status == Status::Completed {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "version {version} of group {group} is {status}, expected Completed{}",
        failure_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
    )))
}

impl ModelGroup {
    /// Returns the version with a number, or the `latest` or the latest `approved` one.
    pub fn find(&self, name: &str) -> Result<ModelPackage, CommandError> {
        let versions = self.registry.versions(&self.name)?;
        let none = |what: &str| {
            const SHOWN: usize = 10;
            let numbers = versions.iter().take(SHOWN).map(|(number, _)| number.to_string());
            let mut there = numbers.collect::<Vec<_>>().join(", ");
            if there.is_empty() {
                there.push_str("none");
            }
            if versions.len() > SHOWN {
                there.push_str(&format!(" and {} more", versions.len() - SHOWN));
            }
            RegistryError::NoVersion {
                arn: format!("{what} in group {} (versions there: {there})", self.name),
            }
        };
        let arn = match name {
            "latest" => versions.first().map(|(_, arn)| arn),
            "approved" => {
                for (version, arn) in &self.registry.approved_versions(&self.name)? {
                    let package = self.describe(*version, arn)?;
                    let approved = |p: &ModelPackage| p.approval_status == ApprovalStatus::Approved;
                    if let Some(package) = package.filter(approved) {
                        return Ok(package);
                    }
                }
                let error = none("with status Approved");
                let Some((_, arn)) = versions.first() else { return Err(error.into()) };
                let local = if DirectoryRegistry::is_own(arn) { " --local" } else { "" };
                return Err(CommandError::Usage(format!(
                    "{error}; `orchestrator models approve VERSION{local}` approves one"
                )));
            }
            number => {
                let number: u32 = number.parse().map_err(|_| {
                    CommandError::Usage(format!(
                        "version `{name}`: expected a number, `latest` or `approved`"
                    ))
                })?;
                versions.iter().find(|(found, _)| *found == number).map(|(_, arn)| arn)
            }
        };
        let arn = arn.ok_or_else(|| none(&format!("of version {name}")))?;
        Ok(self.registry.describe(arn)?)
    }

    /// Describes one of several versions. A version that this program cannot read, because something
    /// else registered it, is reported and left out.
    pub fn describe(&self, version: u32, arn: &str) -> Result<Option<ModelPackage>, CommandError> {
        match self.registry.describe(arn) {
            Ok(package) => Ok(Some(package)),
            // It was deleted after it was listed.
            Err(RegistryError::NoVersion { .. }) => Ok(None),
            Err(error) if error.is_of_aws() => Err(error.into()),
            Err(error) => {
                say(&format!("version {version} is left out: {}", chain(&error)));
                Ok(None)
            }
        }
    }

    /// Returns in what the table of a later version differs from that of an earlier one, as far as their models can
    /// be read.
    pub fn table_change(&self, before: &ModelPackage, after: &ModelPackage) -> Option<String> {
        let read = |package: &ModelPackage| {
            let archive = self.archive(package).ok()?;
            // What was put in place of a model tells nothing of its table.
            match check_model(package, &archive) {
                Ok(_) => Some(archive),
                Err(error) => {
                    say(&chain(&error));
                    None
                }
            }
        };
        table_change(&read(before)?, &read(after)?)
    }

    /// Reads what is at the address of a version's model.
    pub fn archive(&self, package: &ModelPackage) -> Result<Vec<u8>, CommandError> {
        (self.read)(&package.serving.model_data_url, LARGEST_FILE)
    }

    /// Reads the model of a version. One that was replaced is refused, and a version that cannot tell is named.
    pub fn model(&self, package: &ModelPackage) -> Result<Vec<u8>, CommandError> {
        let archive = self.archive(package).map_err(|source| CommandError::UnreadableModel {
            version: format!("version {} of group {}", package.version, package.group),
            uri: package.serving.model_data_url.clone(),
            source: Box::new(source),
        })?;
        check_model_or_say(package, &archive)?;
        Ok(archive)
    }

    /// Returns the metrics of a version, those of its metadata and of its evaluation report, and why the report was not
    /// used if it was replaced or cannot be read.
    pub fn metrics(&self, package: &ModelPackage) -> (BTreeMap<String, f64>, Option<String>) {
        let metadata = package.metadata.iter();
        let mut metrics: BTreeMap<String, f64> = metadata
            .filter(|(name, _)| config::Metric::ALL.iter().any(|metric| metric.name() == *name))
            .filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)))
            .collect();
        if package.metrics_url.is_empty() {
            return (metrics, None);
        }
        let trouble = match self.report(package) {
            Ok(report) => {
                // Nothing but what was registered itself is known not to have changed since.
                for (name, value) in report_metrics(&report) {
                    metrics.entry(name).or_insert(value);
                }
                None
            }
            Err(trouble) => Some(trouble),
        };
        (metrics, trouble)
    }

    /// Reads the report of a version, or returns why it cannot be used.
    fn report(&self, package: &ModelPackage) -> Result<Value, String> {
        let wrong = |why: &dyn std::error::Error| {
            let ModelPackage { version, metrics_url, .. } = package;
            format!(
                "The report of version {version}, {metrics_url}, cannot be read: {}",
                chain(why)
            )
        };
        let text =
            (self.read)(&package.metrics_url, LARGEST_JSON).map_err(|error| wrong(&error))?;
        check_report(package, &text).map_err(|error| chain(&error))?;
        common::json::from_slice(&text).map_err(|error| wrong(&error))
    }
}
