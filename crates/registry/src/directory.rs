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

use crate::Registry;
use crate::error::{DocumentError, RegistryError};
use crate::limits::{approval_description, group_name};
use crate::package::{ApprovalStatus, Document, Group, ModelPackage, NewVersion, Status};

const GROUP_JSON: &str = "group.json";
const PACKAGE_JSON: &str = "model_package.json";
/// The prefix of the ARNs of a directory registry. No AWS region is called `local`.
const ARN: &str = "arn:aws:sagemaker:local:000000000000:model-package/";
/// The version numbers that SageMaker's API accepts.
const VERSIONS: RangeInclusive<u32> = 1..=999_999_999;

/// A registry that stores model packages as JSON files in a directory.
#[derive(Clone, Debug)]
pub struct DirectoryRegistry {
    directory: Utf8PathBuf,
}

impl DirectoryRegistry {
    /// Makes a registry in `directory`, which need not exist: the first group creates it.
    pub fn new(directory: impl Into<Utf8PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Returns whether an ARN is one of a version in a directory, whether the version exists or not.
    pub fn is_own(arn: &str) -> bool {
        arn.starts_with(ARN)
    }

    /// Returns the names of the groups, in order.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be read. One that does not exist has no groups.
    pub fn groups(&self) -> Result<Vec<String>, RegistryError> {
        let entries = match self.directory.read_dir_utf8() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(self.unusable())?,
        };
        let mut groups = Vec::new();
        for entry in entries {
            let entry = entry.map_err(self.unusable())?;
            if entry.path().join(GROUP_JSON).is_file() {
                groups.push(entry.file_name().to_owned());
            }
        }
        groups.sort_unstable();
        Ok(groups)
    }

    /// Returns the directory of a group.
    fn group_directory(&self, group: &str) -> Utf8PathBuf {
        self.directory.join(group)
    }

    /// Returns a function that makes an I/O error one of this registry.
    fn unusable(&self) -> impl Fn(io::Error) -> RegistryError {
        |source| RegistryError::Directory { path: self.directory.clone(), source }
    }

    /// Returns the numbers of a group's versions, ascending.
    fn numbers(&self, group: &str) -> Result<Vec<u32>, RegistryError> {
        let listing = match fs_err::read_dir(self.group_directory(group)) {
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
        let path = self.group_directory(group).join(version.to_string()).join(PACKAGE_JSON);
        let json = common::json::read(&path).map_err(self.unusable())?;
        let document = Document::from_json(&json).and_then(|document| {
            // Later calls find and write the version by the names in its document.
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
        let directory = self.group_directory(&group.name);
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
        new.check_given()?;
        let registered_before = |version| -> Result<Option<ModelPackage>, RegistryError> {
            let document = self.read(&new.group, version)?;
            let same = document.client_token.as_deref() == Some(&new.client_token);
            Ok(same.then_some(document.package))
        };
        let taken = self.numbers(&new.group)?;
        for &version in taken.iter().rev() {
            if let Some(package) = registered_before(version)? {
                return Ok(package);
            }
        }
        let mut version = taken.last().map_or(1, |last| last + 1);
        loop {
            let package = registered(new, version);
            let document = Document::new(package.clone(), Some(new.client_token.clone()));
            let directory = self.group_directory(&new.group);
            let path = directory.join(version.to_string());
            let json = document.to_json().map_err(|source| RegistryError::Document {
                path: path.join(PACKAGE_JSON),
                source,
            })?;
            if durable::create_directory(&path, PACKAGE_JSON, &json).map_err(self.unusable())? {
                return Ok(package);
            }
            // Another process has taken the number since, possibly for the same job.
            if let Some(package) = registered_before(version)? {
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

    fn approved_versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError> {
        let mut versions = self.versions(group)?;
        // One that cannot be read is left for whoever describes it to say so.
        versions.retain(|(_, arn)| {
            self.describe(arn)
                .map_or(true, |package| package.approval_status == ApprovalStatus::Approved)
        });
        Ok(versions)
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
        let path = self.group_directory(&group).join(version.to_string()).join(PACKAGE_JSON);
        let json = document.to_json();
        let json = json.map_err(|source| RegistryError::Document { path: path.clone(), source })?;
        durable::replace_file(&path, &json).map_err(self.unusable())?;
        Ok(document.package)
    }
}

/// Returns the ARN of a version.
fn arn(group: &str, version: u32) -> String {
    format!("{ARN}{group}/{version}")
}

/// Parses the name of a version's directory. `+1` and `01` are not names of version 1.
fn number(name: &str) -> Option<u32> {
    let number = name.parse().ok()?;
    (VERSIONS.contains(&number) && number.to_string() == name).then_some(number)
}

/// Returns the description of a version that was registered just now.
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
        source: new.source.clone(),
        registered_at: None,
        registered_by: None,
        metadata: new.metadata.clone(),
    }
}
