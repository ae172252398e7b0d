//! A registry in a directory.
//!
//! ```text
//! <directory>/<group>/group.json
//! <directory>/<group>/<version>/model_package.json
//! ```
//!
//! There are no locks. A version is written to a temporary directory, synced to the disk and then
//! renamed to its number, which fails if the number is taken. A numbered directory is therefore
//! always complete, and if two processes want the same number, one of them gets the next. A process
//! that is killed in between leaves at most a `.partial-*` directory, which is never read. An approval
//! replaces the document in the same way; the later of two concurrent approvals wins.

use std::io;
use std::ops::RangeInclusive;

use camino::Utf8PathBuf;
use common::durable;
use serde_json::json;

use crate::limits::{approval_description, group_name};
use crate::package::{
    ApprovalStatus, Document, DocumentError, Group, ModelPackage, NewVersion, Status,
};
use crate::{Registry, RegistryError};

const GROUP_JSON: &str = "group.json";
const PACKAGE_JSON: &str = "model_package.json";
const ARN: &str = "arn:aws:sagemaker:local:000000000000:model-package/";
/// As many as SageMaker's API can name.
const VERSIONS: RangeInclusive<u32> = 1..=999_999_999;

/// Model packages as JSON files in a directory.
#[derive(Clone, Debug)]
pub struct DirectoryRegistry {
    directory: Utf8PathBuf,
}

impl DirectoryRegistry {
    /// The directory need not exist; the first group makes it.
    pub fn new(directory: impl Into<Utf8PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    fn group(&self, group: &str) -> Utf8PathBuf {
        self.directory.join(group)
    }

    fn unusable(&self) -> impl Fn(io::Error) -> RegistryError {
        |source| RegistryError::Directory { path: self.directory.clone(), source }
    }

    /// The numbers taken in a group, ascending.
    fn numbers(&self, group: &str) -> Result<Vec<u32>, RegistryError> {
        let listing = match fs_err::read_dir(self.group(group)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RegistryError::NoGroup { group: group.to_owned() });
            }
            listing => listing.map_err(self.unusable())?,
        };
        let names = listing.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>().map_err(self.unusable())?;
        let mut taken: Vec<_> = names.iter().filter_map(|name| number(name.to_str()?)).collect();
        taken.sort_unstable();
        Ok(taken)
    }

    fn read(&self, group: &str, version: u32) -> Result<Document, RegistryError> {
        let path = self.group(group).join(version.to_string()).join(PACKAGE_JSON);
        let json = fs_err::read(&path).map_err(self.unusable())?;
        let document = Document::from_json(&json).and_then(|document| {
            // it is found again, and written, by what it says of itself
            let ModelPackage { arn: found, group: own, version: number, .. } = &document.package;
            let expected = arn(group, version);
            if *found == expected && own == group && *number == version {
                return Ok(document);
            }
            let found = format!("version {number} of {own}, {found}");
            Err(DocumentError::Misplaced { found, expected })
        });
        document.map_err(|source| RegistryError::Document { path, source })
    }
}

impl Registry for DirectoryRegistry {
    fn ensure_group(&self, group: &Group) -> Result<(), RegistryError> {
        group.check()?;
        let directory = self.group(&group.name);
        let path = directory.join(GROUP_JSON);
        if path.exists() {
            return Ok(());
        }
        fs_err::create_dir_all(&directory).map_err(self.unusable())?;
        let document = json!({
            "format_version": 1,
            "name": group.name,
            "description": group.description,
        });
        durable::create_file(&path, format!("{document:#}\n").as_bytes())
            .map(drop)
            .map_err(self.unusable())
    }

    fn create_version(&self, new: &NewVersion) -> Result<ModelPackage, RegistryError> {
        new.check()?;
        let made_already = |version| -> Result<Option<ModelPackage>, RegistryError> {
            let document = self.read(&new.group, version)?;
            let same = document.client_token.as_deref() == Some(&new.client_token);
            Ok(same.then_some(document.package))
        };
        let taken = self.numbers(&new.group)?;
        for &version in taken.iter().rev() {
            if let Some(package) = made_already(version)? {
                return Ok(package);
            }
        }
        let mut version = taken.last().map_or(1, |last| last + 1);
        loop {
            let package = registered(new, version);
            let document = Document::new(package.clone(), Some(new.client_token.clone()));
            let directory = self.group(&new.group);
            let path = directory.join(version.to_string());
            let json = document.to_json().map_err(|source| RegistryError::Document {
                path: path.join(PACKAGE_JSON),
                source,
            })?;
            if durable::create_directory(&path, PACKAGE_JSON, &json).map_err(self.unusable())? {
                return Ok(package);
            }
            // Another process took the number since; it may have run for the same job.
            if let Some(package) = made_already(version)? {
                return Ok(package);
            }
            version += 1;
        }
    }

    fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError> {
        let absent = || RegistryError::NoVersion { arn: arn.to_owned() };
        let name = arn.strip_prefix(ARN).ok_or_else(absent)?;
        let (group, version) = name.split_once('/').ok_or_else(absent)?;
        let version = number(version).ok_or_else(absent)?;
        group_name(group).map_err(|_| absent())?;
        match self.numbers(group) {
            Ok(numbers) if numbers.contains(&version) => Ok(self.read(group, version)?.package),
            Ok(_) | Err(RegistryError::NoGroup { .. }) => Err(absent()),
            Err(error) => Err(error),
        }
    }

    fn versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError> {
        group_name(group)?;
        let numbers = self.numbers(group)?.into_iter().rev();
        Ok(numbers.map(|number| (number, arn(group, number))).collect())
    }

    fn set_approval(
        &self,
        arn: &str,
        status: ApprovalStatus,
        reason: Option<&str>,
    ) -> Result<ModelPackage, RegistryError> {
        approval_description(reason.unwrap_or_default())?;
        let ModelPackage { group, version, .. } = self.describe(arn)?;
        let mut document = self.read(&group, version)?;
        document.package.approval_status = status;
        document.package.approval_description =
            reason.filter(|text| !text.is_empty()).map(str::to_owned);
        let path = self.group(&group).join(version.to_string()).join(PACKAGE_JSON);
        let json = document.to_json();
        let json = json.map_err(|source| RegistryError::Document { path: path.clone(), source })?;
        durable::replace_file(&path, &json).map_err(self.unusable())?;
        Ok(document.package)
    }
}

fn arn(group: &str, version: u32) -> String {
    format!("{ARN}{group}/{version}")
}

/// The version that a name stands for; `+1` and `01` are other names than `1`.
fn number(name: &str) -> Option<u32> {
    let number = name.parse().ok()?;
    (VERSIONS.contains(&number) && number.to_string() == name).then_some(number)
}

fn registered(new: &NewVersion, version: u32) -> ModelPackage {
    ModelPackage {
        arn: arn(&new.group, version),
        group: new.group.clone(),
        version,
        status: Status::Completed,
        failure_reason: None,
        approval_status: new.approval_status,
        approval_description: None,
        serving: new.serving.clone(),
        metrics_url: new.metrics_url.clone(),
        metadata: new.metadata.clone(),
    }
}
