//! `orchestrator models show`: prints everything that is known of a version.

use std::collections::BTreeMap;

use common::{Exit, chain};
use registry::{DirectoryRegistry, ModelPackage};
use serde_json::{Value, json};

use super::digests::check_model;
use super::group::ModelGroup;
use super::made_by;
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// Prints the version with a number, or the `latest` or `approved` one.
pub fn show(group: &ModelGroup, version: &str, as_json: bool) -> Result<Exit, CommandError> {
    let package = group.find(version)?;
    let (metrics, trouble) = group.metrics(&package);
    say_without_report(trouble.as_deref());
    let again = made_by::command(&package);
    let file = DirectoryRegistry::is_own(&package.arn).then(|| ModelFile::of(group, &package));
    if as_json {
        return print_json(&json!({
            "model_package": package,
            "metrics": metrics,
            "report_error": trouble,
            "model_file": file.as_ref().map(ModelFile::to_json),
            "reproduce": again,
        }));
    }
    let mut facts = facts(&package, &metrics);
    facts.extend(file.map(|file| ("model file".to_owned(), file.to_text())));
    let mut text = lines(&facts);
    let made_by = made_by::facts(&package, &metrics);
    if !made_by.is_empty() {
        text.push_str(&format!("\nWhat made it:\n{}", lines(&made_by)));
    }
    text.push_str(&match again {
        Some(command) => format!("\n`{command}` makes it again and compares the bytes.\n"),
        None => {
            "\nIt does not tell which execution made it, so it cannot be made again.\n".to_owned()
        }
    });
    print_text(&text)
}

/// Says why the metrics of a version lack those of its report, if they do.
pub fn say_without_report(trouble: Option<&str>) {
    if let Some(trouble) = trouble {
        say(&format!("{trouble}; of its metrics those are shown that were registered"));
    }
}

/// What is at the address of a version's model on this machine.
enum ModelFile {
    /// The model that was registered.
    Intact,
    /// Some file: the version does not record the digest of its model.
    Unrecorded,
    /// Another file.
    Replaced(CommandError),
    /// Nothing that can be read.
    Unreadable(CommandError),
}

impl ModelFile {
    /// Reads what is there.
    fn of(group: &ModelGroup, package: &ModelPackage) -> Self {
        match group.archive(package) {
            Err(error) => Self::Unreadable(error),
            Ok(archive) => match check_model(package, &archive) {
                Err(error) => Self::Replaced(error),
                Ok(_) if package.model_digest().is_none() => Self::Unrecorded,
                Ok(_) => Self::Intact,
            },
        }
    }

    /// Returns the word for it.
    fn state(&self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Unrecorded => "unrecorded",
            Self::Replaced(_) => "replaced",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// Returns why it is not the model.
    fn error(&self) -> Option<String> {
        match self {
            Self::Intact | Self::Unrecorded => None,
            Self::Replaced(error) | Self::Unreadable(error) => Some(chain(error)),
        }
    }

    fn to_json(&self) -> Value {
        json!({ "state": self.state(), "error": self.error() })
    }

    fn to_text(&self) -> String {
        let error = self.error().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{}{error}", self.state())
    }
}

fn lines(facts: &[(String, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).fold(20, usize::max);
    facts.iter().map(|(name, value)| format!("{name:<width$} {value}\n")).collect()
}

/// Returns the names and values of a version's fields, the most important first, without what made it.
pub fn facts(package: &ModelPackage, metrics: &BTreeMap<String, f64>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("version".to_owned(), package.version.to_string()),
        ("arn".to_owned(), package.arn.clone()),
        ("status".to_owned(), format!("{:?}", package.status)),
        ("approval".to_owned(), package.approval_status.to_string()),
    ];
    let mut add = |name: &str, value: Option<&String>| {
        facts.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    add("reason", package.approval_description.as_ref());
    add("failure", package.failure_reason.as_ref());
    for (name, value) in metrics {
        add(name, Some(&format!("{value:.4}")));
    }
    add("model", Some(&package.serving.model_data_url));
    add("model digest", Some(&package.model_digest().unwrap_or("not recorded").to_owned()));
    add("report", Some(&package.metrics_url).filter(|url| !url.is_empty()));
    if !package.metrics_url.is_empty() {
        add("report digest", Some(&package.report_digest().unwrap_or("not recorded").to_owned()));
    }
    add("image", Some(&package.serving.inference_image));
    let others = package.other_members.join(", ");
    add("has also", Some(&others).filter(|others| !others.is_empty()));
    facts
}
