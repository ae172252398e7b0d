//! The arguments that name the settings, and the settings that they name.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::json::LARGEST_JSON;
use config::{ExplainedValue, LOCAL_ACCOUNT, Layer, Settings, Variables};
use dataset::{Recipe, RecipeError, Schema, SchemaError};
use pipeline::Definition;

use crate::default_config::DEFAULT_CONFIG;
use crate::error::CommandError;
use crate::output::say;

/// The region in the settings of a local run, where the environment names none.
const LOCAL_REGION: &str = "us-east-1";

/// The arguments that name the settings.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// The settings; of several files a later one overrides an earlier one, key by key
    /// [default: config/pipeline_config.yaml]
    #[arg(long, value_name = "FILE")]
    pub config: Vec<Utf8PathBuf>,
    /// The images by digest, as scripts/push-images wrote them down
    #[arg(long, value_name = "FILE")]
    pub images: Option<Utf8PathBuf>,
}

impl SettingsArgs {
    /// Returns whether the arguments name settings.
    pub fn are_named(&self) -> bool {
        !self.config.is_empty()
    }

    /// Returns the files of the settings: those that are named, or the one that is read by default.
    pub fn files(&self) -> Vec<&Utf8Path> {
        let named: Vec<_> = self.config.iter().map(Utf8PathBuf::as_path).collect();
        if named.is_empty() { vec![Utf8Path::new(DEFAULT_CONFIG)] } else { named }
    }

    /// Returns the files of the settings for messages.
    pub fn name(&self) -> String {
        self.files().iter().map(|file| file.as_str()).collect::<Vec<_>>().join(" + ")
    }

    /// Reads and checks the settings, for a command that can do without. Returns none if the command
    /// names no file and there is none where it is by default.
    pub fn settings_if_any(&self) -> Result<Option<Settings>, CommandError> {
        if !self.are_named() && !Utf8Path::new(DEFAULT_CONFIG).exists() {
            return Ok(None);
        }
        self.settings().map(Some)
    }

    /// Reads and checks the settings. Where they and the environment name no account, they are of
    /// [`LOCAL_ACCOUNT`].
    pub fn settings(&self) -> Result<Settings, CommandError> {
        self.settings_of(local_account)
    }

    /// Reads and checks the settings. `caller` tells what neither they nor the environment name: the account
    /// and the region of the credentials, by the names of environment variables.
    pub fn settings_of(
        &self,
        caller: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, CommandError> {
        self.settings_without(&[], caller)
    }

    /// Reads and checks the settings as [`SettingsArgs::settings_of`] does, as if the environment did not have the
    /// `hidden` variables.
    pub fn settings_without(
        &self,
        hidden: &[&str],
        caller: impl Fn(&str) -> Option<String>,
    ) -> Result<Settings, CommandError> {
        let texts = self.texts()?;
        let mut settings = checked_settings(&layers(&texts), hidden, caller)?;
        if let Some(images) = &self.images {
            settings.use_images(images.as_str(), &read(images)?)?;
        }
        Ok(settings)
    }

    /// Reads and checks the settings, for a command whose outcome leaves this machine: they or the environment
    /// must name resources of the user's own.
    pub fn settings_of_account(&self) -> Result<Settings, CommandError> {
        let settings = self.settings_of(|_| None)?;
        self.require_own(&settings)?;
        Ok(settings)
    }

    /// Refuses settings that only stand for resources of the user's own.
    pub fn require_own(&self, settings: &Settings) -> Result<(), CommandError> {
        match settings.placeholder() {
            None => Ok(()),
            Some(fault) => Err(CommandError::Usage(format!("{}: {fault}", self.name()))),
        }
    }

    /// Says of which account settings are shown that a command on SageMaker would read with another one, or
    /// refuse.
    pub fn remark_on_account(&self, settings: &Settings) {
        let name = self.name();
        match settings.placeholder() {
            _ if self.settings_of(|_| None).is_err() => say(&format!(
                "{name}: AWS_ACCOUNT_ID or AWS_REGION is not set: shown with account {} and {}; commands on \
                 SageMaker take those of the credentials",
                settings.aws.account_id, settings.aws.region
            )),
            None => {}
            Some(fault) => say(&format!("{name}: warning: {fault} before anything is deployed")),
        }
    }

    /// Returns where each value of these settings, which the files are read as, comes from.
    pub fn explain(&self, settings: &Settings) -> Result<Vec<ExplainedValue>, CommandError> {
        let texts = self.texts()?;
        let images = self.images.as_deref();
        let images = images.map(|file| Ok::<_, CommandError>((file, read(file)?))).transpose()?;
        let images = images.as_ref().map(|(file, text)| Layer { file: file.as_str(), text });
        Ok(settings.explain(&layers(&texts), images)?)
    }

    /// Reads the files.
    fn texts(&self) -> Result<Vec<(&Utf8Path, String)>, CommandError> {
        let texts = self.files().into_iter().map(|file| {
            let text = read(file).map_err(|error| {
                CommandError::Usage(format!(
                    "{}; --config names the settings, which `orchestrator init` writes for a table",
                    common::chain(&error)
                ))
            })?;
            Ok((file, text))
        });
        texts.collect()
    }
}

fn layers<'a>(texts: &'a [(&Utf8Path, String)]) -> Vec<Layer<'a>> {
    texts.iter().map(|(file, text)| Layer { file: file.as_str(), text }).collect()
}

/// Tells the account and the region of a local run, in which nothing belongs to an account.
pub fn local_account(variable: &str) -> Option<String> {
    match variable {
        "AWS_ACCOUNT_ID" => Some(LOCAL_ACCOUNT.to_owned()),
        "AWS_REGION" => Some(LOCAL_REGION.to_owned()),
        _ => None,
    }
}

/// Reads and checks settings. `caller` tells what neither they nor the environment name.
pub fn checked_settings(
    layers: &[Layer<'_>],
    hidden: &[&str],
    caller: impl Fn(&str) -> Option<String>,
) -> Result<Settings, CommandError> {
    let environment = |name: &str| std::env::var(name).ok().filter(|_| !hidden.contains(&name));
    let variables = Variables { environment: &environment, otherwise: &caller };
    Ok(Settings::from_layers(layers, variables, table_faults)?)
}

/// Reads the text of settings or of a definition.
pub fn read(path: &Utf8Path) -> Result<String, CommandError> {
    common::read_text_at_most(path, LARGEST_JSON).map_err(CommandError::Read)
}

/// Reads a definition.
pub fn read_definition(path: &Utf8Path) -> Result<Definition, CommandError> {
    let text = read(path)?;
    Definition::from_json(&text)
        .map_err(|source| CommandError::Definition { file: path.to_owned(), source })
}

/// Checks columns, label and features with the code that Preprocess runs. Returns the path of each
/// setting that Preprocess would refuse, with a message.
fn table_faults(settings: &Settings) -> Vec<(String, String)> {
    let table = settings.table();
    let are_known = table.all_columns_except.is_none();
    let schema = if are_known {
        table_settings::schema(&table)
    } else {
        Schema::of_label(table_settings::label(&table))
    };
    let schema = match schema {
        Ok(schema) => schema,
        Err(fault) => {
            let part = match fault {
                SchemaError::BothClasses(_) | SchemaError::NoWord(_) => "label",
                SchemaError::NoColumns
                | SchemaError::Blank(_)
                | SchemaError::Ambiguous(_)
                | SchemaError::UnitOfWords(_)
                | SchemaError::OrderOfNumbers(_)
                | SchemaError::Order { .. } => "columns",
            };
            return vec![(format!("preprocessing.{part}"), fault.to_string())];
        }
    };
    if !are_known {
        // Preprocess checks the features once it has the columns.
        return Vec::new();
    }
    let features = table_settings::features(&table);
    let faults = Recipe::faults(&schema, &features).into_iter();
    faults
        .map(|(name, fault)| {
            let message = match fault {
                RecipeError::Expression { source, .. } => source.to_string(),
                other => other.to_string(),
            };
            (format!("preprocessing.engineered_features.{name}"), message)
        })
        .collect()
}
