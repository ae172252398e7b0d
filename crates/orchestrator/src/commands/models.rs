//! `orchestrator models`: lists, shows, compares, approves and rejects registered models.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use common::{Exit, chain};
use registry::{ApprovalStatus, DirectoryRegistry, ModelPackage, Registry, RegistryError};
use serde_json::{Value, json};

use super::sagemaker;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// Arguments of the models command.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the versions of the group, latest first
    #[command(after_help = "Example: orchestrator models list --local")]
    List {
        #[command(flatten)]
        place: ModelsPlace,
        /// How many
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        most: usize,
    },
    /// Show a version whole
    #[command(after_help = "Example: orchestrator models show 3 --json")]
    Show {
        /// The version's number, or `latest` or `approved`
        version: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Show two versions side by side: metrics, origin, serving
    #[command(after_help = "Example: orchestrator models compare approved latest")]
    Compare {
        /// A version's number, or `latest` or `approved`
        a: String,
        /// Another
        b: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Let a version be deployed
    #[command(
        after_help = "Example: orchestrator models approve 3 --reason 'recall 0.98 on line 2'"
    )]
    Approve {
        /// The version's number, or `latest`
        version: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Forbid that a version is deployed
    #[command(
        after_help = "Example: orchestrator models reject 3 --reason 'trained on a bad export'"
    )]
    Reject {
        /// The version's number, or `latest`
        version: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
}

/// The arguments that name a registry.
#[derive(Debug, Args)]
pub struct ModelsPlace {
    #[command(flatten)]
    pub config: SettingsArgs,
    /// The model package group [default: model_registry.model_package_group_name]
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// The registry of the runs on this machine, not SageMaker's
    #[arg(long)]
    local: bool,
    /// Where those runs are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: Utf8PathBuf,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &ModelsArgs) -> Result<Exit, CommandError> {
    use RegistryError::{Limit, NoGroup, NoVersion};
    match execute(&arguments.command) {
        // nobody refused: what was typed names nothing that is here
        Err(CommandError::Registry(error @ (NoGroup { .. } | NoVersion { .. } | Limit { .. })))
            if arguments.command.place().local =>
        {
            Err(CommandError::Usage(error.to_string()))
        }
        result => result,
    }
}

impl ModelsCommand {
    fn place(&self) -> &ModelsPlace {
        match self {
            Self::List { place, .. }
            | Self::Show { place, .. }
            | Self::Compare { place, .. }
            | Self::Approve { place, .. }
            | Self::Reject { place, .. } => place,
        }
    }
}

fn execute(command: &ModelsCommand) -> Result<Exit, CommandError> {
    match command {
        ModelsCommand::List { place, most } => list(&place.open()?, *most, place.json),
        ModelsCommand::Show { version, place } => show(&place.open()?, version, place.json),
        ModelsCommand::Compare { a, b, place } => compare(&place.open()?, [a, b], place.json),
        ModelsCommand::Approve { version, reason, place } => {
            let status = ApprovalStatus::Approved;
            decide(&place.open()?, version, status, reason.as_deref(), place.json)
        }
        ModelsCommand::Reject { version, reason, place } => {
            let status = ApprovalStatus::Rejected;
            decide(&place.open()?, version, status, Some(reason), place.json)
        }
    }
}

/// A model package group of a registry.
pub struct Group {
    /// The registry.
    pub registry: Box<dyn Registry>,
    /// The group's name.
    pub name: String,
    /// Reads the objects that versions point at.
    pub read: ReadObject,
}

/// A function that reads an object that a version points at, or returns `None`.
pub type ReadObject = Box<dyn Fn(&str) -> Option<Vec<u8>>>;

impl ModelsPlace {
    fn open(&self) -> Result<Group, CommandError> {
        if !self.local {
            return sagemaker::open_registry(self);
        }
        let settings = self.config.settings()?;
        let name = self.group.clone().unwrap_or(settings.model_registry.model_package_group_name);
        let store = local::store(&self.runs);
        let registry = Box::new(DirectoryRegistry::new(local::registry(&self.runs)));
        let read = move |uri: &str| fs_err::read(store.path(uri).ok()?).ok();
        Ok(Group { registry, name, read: Box::new(read) })
    }
}

impl Group {
    /// The version of a number or a word.
    fn find(&self, named: &str) -> Result<ModelPackage, CommandError> {
        let versions = self.registry.versions(&self.name)?;
        let none = |what: &str| {
            let numbers: Vec<_> =
                versions.iter().take(10).map(|(number, _)| number.to_string()).collect();
            let there = if numbers.is_empty() { "none".to_owned() } else { numbers.join(", ") };
            CommandError::Registry(RegistryError::NoVersion {
                arn: format!("group {}, {what} (versions there: {there}),", self.name),
            })
        };
        let arn = match named {
            "latest" => versions.first().map(|(_, arn)| arn),
            "approved" => {
                for (version, arn) in &versions {
                    let package = self.describe(*version, arn)?;
                    let approved = |p: &ModelPackage| p.approval_status == ApprovalStatus::Approved;
                    if let Some(package) = package.filter(approved) {
                        return Ok(package);
                    }
                }
                return Err(none("any approved version"));
            }
            number => {
                let number: u32 = number.parse().map_err(|_| {
                    CommandError::Usage(format!(
                        "version `{named}`: expected a number, `latest` or `approved`"
                    ))
                })?;
                versions.iter().find(|(found, _)| *found == number).map(|(_, arn)| arn)
            }
        };
        let arn = arn.ok_or_else(|| none(&format!("version {named}")))?;
        Ok(self.registry.describe(arn)?)
    }

    /// One of several versions. What others registered may be of a kind that is not known here, and
    /// does not stand in the way of the rest.
    fn describe(&self, version: u32, arn: &str) -> Result<Option<ModelPackage>, CommandError> {
        match self.registry.describe(arn) {
            Ok(package) => Ok(Some(package)),
            // deleted since it was listed
            Err(RegistryError::NoVersion { .. }) => Ok(None),
            Err(error) if error.is_of_aws() => Err(error.into()),
            Err(error) => {
                say(&format!("version {version} is passed over: {}", chain(&error)));
                Ok(None)
            }
        }
    }

    /// The metrics of a version: all that its report holds, or else what it is remembered by.
    fn metrics(&self, package: &ModelPackage) -> BTreeMap<String, f64> {
        let told = package.metadata.iter();
        let mut metrics: BTreeMap<String, f64> = told
            .filter(|(name, _)| config::Metric::ALL.iter().any(|metric| metric.name() == *name))
            .filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?)))
            .collect();
        let report = (self.read)(&package.metrics_url);
        let report = report.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        for metric in config::Metric::ALL {
            let path = pipeline::Path::parse(&metric.report_path()).ok();
            let value = report.as_ref().and_then(|report| path?.find(report)?.as_f64());
            metrics.extend(value.map(|value| (metric.name().to_owned(), value)));
        }
        metrics
    }
}

fn list(group: &Group, most: usize, as_json: bool) -> Result<Exit, CommandError> {
    let versions = group.registry.versions(&group.name)?;
    let mut packages = Vec::new();
    for (version, arn) in versions.iter().take(most) {
        packages.extend(group.describe(*version, arn)?);
    }
    if as_json {
        return print_json(&json!({ "group": group.name, "versions": packages }));
    }
    let shown = config::Metric::REGISTERED.map(config::Metric::name);
    let mut text = format!("{:<9} {:<11} {:<22}", "Version", "Status", "Approval");
    shown.iter().for_each(|name| text.push_str(&format!(" {name:>9}")));
    text.push('\n');
    for package in &packages {
        let ModelPackage { version, status, approval_status, .. } = package;
        let status = format!("{status:?}");
        text.push_str(&format!("{version:<9} {status:<11} {approval_status:<22}"));
        for name in shown {
            let value = package.metadata.get(name).and_then(|value| value.parse::<f64>().ok());
            let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
            text.push_str(&format!(" {value:>9}"));
        }
        if let Some(reason) = &package.approval_description {
            text.push_str(&format!("  {reason}"));
        }
        text.push('\n');
    }
    print_text(&text)
}

fn show(group: &Group, version: &str, as_json: bool) -> Result<Exit, CommandError> {
    let package = group.find(version)?;
    let metrics = group.metrics(&package);
    if as_json {
        return print_json(&json!({ "model_package": package, "metrics": metrics }));
    }
    let facts = facts(&package, &metrics);
    print_text(
        &facts.iter().map(|(name, value)| format!("{name:<20} {value}\n")).collect::<String>(),
    )
}

/// What is known of a version, in the order in which it is asked for.
fn facts(package: &ModelPackage, metrics: &BTreeMap<String, f64>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("version".to_owned(), package.version.to_string()),
        ("arn".to_owned(), package.arn.clone()),
        ("status".to_owned(), format!("{:?}", package.status)),
        ("approval".to_owned(), package.approval_status.to_string()),
    ];
    let mut tell = |name: &str, value: Option<&String>| {
        facts.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    tell("reason", package.approval_description.as_ref());
    tell("failure", package.failure_reason.as_ref());
    for (name, value) in metrics {
        tell(name, Some(&format!("{value:.4}")));
    }
    for (name, value) in package.metadata.iter().filter(|(name, _)| !metrics.contains_key(*name)) {
        tell(name, Some(value));
    }
    tell("model", Some(&package.serving.model_data_url));
    tell("report", Some(&package.metrics_url));
    tell("image", Some(&package.serving.inference_image));
    facts
}

fn compare(group: &Group, named: [&String; 2], as_json: bool) -> Result<Exit, CommandError> {
    let [a, b] = [group.find(named[0])?, group.find(named[1])?];
    let [a_metrics, b_metrics] = [group.metrics(&a), group.metrics(&b)];
    let differences: BTreeMap<_, _> = a_metrics
        .iter()
        .filter_map(|(name, before)| Some((name.clone(), b_metrics.get(name)? - before)))
        .collect();
    if as_json {
        return print_json(&json!({
            "a": { "model_package": a, "metrics": a_metrics },
            "b": { "model_package": b, "metrics": b_metrics },
            "differences": differences,
        }));
    }
    let left: Vec<_> = facts(&a, &a_metrics);
    let right: BTreeMap<_, _> = facts(&b, &b_metrics).into_iter().collect();
    let mut names: Vec<&String> = left.iter().map(|(name, _)| name).collect();
    names.extend(right.keys().filter(|name| !left.iter().any(|(known, _)| known == *name)));
    let left: BTreeMap<_, _> = left.iter().cloned().collect();
    let value = |of: &BTreeMap<String, String>, name: &str| {
        of.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    let mut text = String::new();
    for name in names {
        let (a, b) = (value(&left, name), value(&right, name));
        match differences.get(name) {
            Some(difference) => {
                text.push_str(&format!("{name:<20} {a:<24} {b:<24} {difference:+.4}\n"));
            }
            None if a == b => text.push_str(&format!("{name:<20} {a}\n")),
            // addresses are too long for two columns
            None if a.len() > 24 => text.push_str(&format!("{name:<20} {a}\n{:<20} {b}\n", "")),
            None => text.push_str(&format!("{name:<20} {a:<24} {b}\n")),
        }
    }
    print_text(&text)
}

fn decide(
    group: &Group,
    version: &str,
    status: ApprovalStatus,
    reason: Option<&str>,
    as_json: bool,
) -> Result<Exit, CommandError> {
    if version == "approved" {
        let message = "version `approved`: expected a number or `latest`".to_owned();
        return Err(CommandError::Usage(message));
    }
    let package = group.find(version)?;
    let package = group.registry.set_approval(&package.arn, status, reason)?;
    if as_json {
        return print_json(&json!({ "model_package": package }));
    }
    print_text(&format!("{}: {}\n", package.arn, package.approval_status))
}
