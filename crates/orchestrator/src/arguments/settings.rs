//! The arguments that name the settings, and the settings that they name.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use config::Settings;
use dataset::{Recipe, RecipeError, Schema, SchemaError};
use pipeline::Definition;

use crate::default_config::DEFAULT_CONFIG;
use crate::error::CommandError;

/// The arguments that name the settings.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// The settings [default: config/pipeline_config.yaml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<Utf8PathBuf>,
    /// The images by digest, as scripts/push-images wrote them down
    #[arg(long, value_name = "FILE")]
    pub images: Option<Utf8PathBuf>,
}

impl SettingsArgs {
    /// Returns the file of the settings: the one that is named, or the one that is read by default.
    pub fn file(&self) -> &Utf8Path {
        self.config.as_deref().unwrap_or(Utf8Path::new(DEFAULT_CONFIG))
    }

    /// Reads and checks the settings, for a command that can do without. Returns none if the command
    /// names no file and there is none where it is by default.
    pub fn settings_if_any(&self) -> Result<Option<Settings>, CommandError> {
        if self.config.is_none() && !self.file().exists() {
            return Ok(None);
        }
        self.settings().map(Some)
    }

    /// Reads and checks the settings.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        let file = self.file();
        let text = read(file).map_err(|error| {
            CommandError::Usage(format!("{}; --config names the settings", common::chain(&error)))
        })?;
        let mut settings = checked_settings(file, &text)?;
        if let Some(images) = &self.images {
            settings.use_images(images.as_str(), &read(images)?)?;
        }
        Ok(settings)
    }
}

impl SettingsArgs {
    /// Reads and checks the settings, for a command whose outcome leaves this machine: they must name
    /// resources of the user's own.
    pub fn settings_of_account(&self) -> Result<Settings, CommandError> {
        let settings = self.settings()?;
        match settings.s3_paths.bucket_fault() {
            None => Ok(settings),
            Some(fault) => Err(CommandError::Usage(format!("{}: {fault}", self.file()))),
        }
    }
}

/// Reads and checks settings from the text of a file.
pub fn checked_settings(file: &Utf8Path, text: &str) -> Result<Settings, CommandError> {
    let environment = |name: &str| std::env::var(name).ok();
    Ok(Settings::from_yaml_checked(file.as_str(), text, environment, table_faults)?)
}

/// Reads a text file.
pub fn read(path: &Utf8Path) -> Result<String, CommandError> {
    fs_err::read_to_string(path).map_err(CommandError::Read)
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
