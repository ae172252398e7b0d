//! Which model a command uses: a registered version, or an archive.

use std::io::Cursor;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::LARGEST_FILE;
use config::Settings;
use inference::Model;

use super::models::group::{ModelGroup, RegistryArgs};
use super::models::open;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;

/// The arguments that choose a model.
#[derive(Debug, Args)]
pub struct ModelChoice {
    /// The model: a version's number, `latest` or `approved` of the runs on this machine, or a
    /// model.tar.gz
    #[arg(long, value_name = "VERSION-OR-FILE")]
    pub model: String,
    /// Take the version from SageMaker's registry
    #[arg(long)]
    sagemaker: bool,
    /// The settings: the group, and what `preprocessing` says of a table's format and bad cells, if
    /// they are named [default: config/pipeline_config.yaml]
    #[arg(long, value_name = "FILE")]
    config: Vec<Utf8PathBuf>,
    /// The model package group [default: that of the settings if they are named, or the only one]
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Where the runs on this machine are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: Utf8PathBuf,
}

/// A model that was chosen.
pub struct Chosen {
    /// The name for messages.
    pub name: String,
    /// The version, of a registered model.
    pub version: Option<String>,
    /// The `model.tar.gz`.
    pub archive: Vec<u8>,
}

impl ModelChoice {
    /// Returns the model with its name for messages.
    pub fn load(&self) -> Result<(String, Model), CommandError> {
        let Chosen { name, archive, .. } = self.read()?;
        let length = archive.len() as u64;
        let model = Model::from_archive(Cursor::new(archive), length);
        let model = model.map_err(|source| CommandError::Model { path: name.clone(), source })?;
        Ok((name, model))
    }

    /// Reads the archive of the model.
    pub fn read(&self) -> Result<Chosen, CommandError> {
        let path = Utf8Path::new(&self.model);
        let is_version = ["latest", "approved"].contains(&self.model.as_str())
            || self.model.bytes().all(|byte| byte.is_ascii_digit());
        let is_file = !is_version
            && (path.is_file() || self.model.contains('/') || self.model.ends_with(".gz"));
        if is_file {
            let archive = common::read_regular(path, LARGEST_FILE).map_err(CommandError::Read)?;
            return Ok(Chosen { name: self.model.clone(), version: None, archive });
        }
        let group = self.group()?;
        let package = group.find(&self.model)?;
        let archive = group.model(&package)?;
        let version = package.version;
        let name = format!("version {version} of group {}", group.name);
        Ok(Chosen { name, version: Some(version.to_string()), archive })
    }

    /// Returns the settings, if they are named.
    pub fn settings(&self) -> Result<Option<Settings>, CommandError> {
        let arguments = self.settings_args();
        arguments.are_named().then(|| arguments.settings()).transpose()
    }

    /// Returns the files of the settings, which SageMaker's registry needs even if they are not named.
    pub fn settings_files(&self) -> Vec<Utf8PathBuf> {
        self.settings_args().files().into_iter().map(Utf8Path::to_owned).collect()
    }

    fn settings_args(&self) -> SettingsArgs {
        SettingsArgs { config: self.config.clone(), images: None }
    }

    fn group(&self) -> Result<ModelGroup, CommandError> {
        let registry = RegistryArgs {
            config: self.settings_args(),
            group: self.group.clone(),
            local: !self.sagemaker,
            runs: self.runs.clone(),
            json: false,
        };
        open(&registry)
    }
}
