//! A registry in a directory.
//!
//! ```text
//! <directory>/<group>/group.json
//! <directory>/<group>/<version>/model_package.json
//! ```
//!
//! There are no locks. A version is written to a temporary directory, synced to the disk and then
//! renamed to its number, which fails if the number is taken; then the name is synced. A numbered
//! directory is therefore always complete and outlasts a power cut, and if two processes want the same
//! number, one of them gets the next. A process that is killed in between leaves at most a `.partial-*`
//! directory, which is never read. An approval replaces the document in the same way; the later of two
//! concurrent approvals wins. A document begins with its digest, so that one that has changed is noticed.
//!
//! A version that something else has damaged keeps its number and is an error of whoever describes it.
//! Whatever else has a number for a name, such as a directory of the day `20261130`, is no version if it
//! is not [within reach](REACH). `group.json` keeps the highest number that was registered, so that a version
//! stays within reach, and a number is not given again, when those before it or it itself are removed.
//!
//! What else is in the directory, such as `.Trash-0`, is no group if a group cannot have its name.

use std::io;
use std::ops::RangeInclusive;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Directory, kind_of};
use serde_json::{Map, Value, json};

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
/// By how much the number of a version that cannot be read may exceed that of the version before, or the last one
/// that was registered.
const REACH: u32 = 100;
/// The member of `group.json` with the highest number that was registered. Groups of earlier programs lack it.
const LAST_VERSION: &str = "last_version";
/// The highest [`LAST_VERSION`] that is taken without a directory within reach of it.
const MOST: u32 = 1_000_000;

/// The numbers of a group.
struct Numbers {
    /// Those of its versions, ascending, with those that cannot be read.
    versions: Vec<u32>,
    /// The highest that a version has or had; 0 if there was none.
    last: u32,
}

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
        let entries = match self.directory.read_dir() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(self.unusable())?,
        };
        let mut groups = Vec::new();
        for entry in entries {
            let name = entry.map_err(self.unusable())?.file_name();
            let Some(name) = name.to_str().filter(|name| group_name(name).is_ok()) else {
                continue;
            };
            if self.is_group(name) {
                groups.push(name.to_owned());
            }
        }
        groups.sort_unstable();
        Ok(groups)
    }

    /// Returns whether a directory is a group. One whose description is lost is one if it has versions, and one that
    /// cannot be read is one, so that whoever lists its versions learns why they cannot be.
    fn is_group(&self, name: &str) -> bool {
        if self.group_directory(name).join(GROUP_JSON).is_file() {
            return true;
        }
        match self.numbers(name) {
            Ok(numbers) => !numbers.versions.is_empty(),
            Err(RegistryError::Directory { source, .. }) => {
                source.kind() != io::ErrorKind::NotADirectory
            }
            Err(_) => false,
        }
    }

    /// Returns the directory of a group.
    fn group_directory(&self, group: &str) -> Utf8PathBuf {
        self.directory.join(group)
    }

    /// Returns a function that makes an I/O error one of this registry.
    fn unusable(&self) -> impl Fn(io::Error) -> RegistryError {
        |source| RegistryError::Directory { path: self.directory.clone(), source }
    }

    /// Returns the numbers of a group. A directory is a version if it can be read as one, or if its number is
    /// [within reach](REACH) of the version before, or not beyond what is within reach of the last registration.
    fn numbers(&self, group: &str) -> Result<Numbers, RegistryError> {
        let listing = match fs_err::read_dir(self.group_directory(group)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RegistryError::NoGroup { group: group.to_owned() });
            }
            listing => listing.map_err(self.unusable())?,
        };
        let names = listing.map(|entry| Ok(entry?.file_name()));
        let names = names.collect::<io::Result<Vec<_>>>().map_err(self.unusable())?;
        let mut versions: Vec<_> = names.iter().filter_map(|name| number(name.to_str()?)).collect();
        versions.sort_unstable();
        // A description that cannot be read says nothing of the last version.
        let description = common::json::read(&self.group_directory(group).join(GROUP_JSON)).ok();
        let description = description.and_then(|json| common::json::from_slice(&json).ok());
        let registered =
            description.map_or(0, |description| last_registered(&description, &versions));
        let mut last = 0;
        versions.retain(|&number| {
            let is_near = number - last <= REACH || number <= registered + REACH;
            let is_version = is_near || self.read(group, number).is_ok();
            if is_version {
                last = number;
            }
            is_version
        });
        Ok(Numbers { versions, last: last.max(registered) })
    }

    /// Writes the number of a version that was registered just now into the group's description, unless there is a
    /// higher one. It is not synced, and of two processes at once the lower number may remain: it then lags by a few,
    /// which are [within reach](REACH).
    fn keep_last(&self, group: &str, version: u32) -> io::Result<()> {
        let place = Directory::make(&self.directory, group)?;
        let json = place.read(GROUP_JSON, common::json::LARGEST_JSON)?;
        let mut description: Map<String, Value> = common::json::from_slice(&json)?;
        if last_registered(&description, &[version]) >= version {
            return Ok(());
        }
        description.insert(LAST_VERSION.to_owned(), version.into());
        let json = serde_json::to_string_pretty(&description)?;
        place.write(GROUP_JSON, |out| writeln!(out, "{json}"))
    }

    /// Reads the document of a version.
    fn read(&self, group: &str, version: u32) -> Result<Document, RegistryError> {
        let directory = self.group_directory(group).join(version.to_string());
        let path = directory.join(PACKAGE_JSON);
        let json = contents(&directory, &path).map_err(self.unusable())?;
        let unchanged = common::json::require_unchanged(&json).map_err(DocumentError::Changed);
        let document = unchanged.and_then(|_| Document::from_json(&json)).and_then(|document| {
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

    /// Returns the version if it was registered with this token. One that cannot be read was not, as far as
    /// anybody can tell, and is no reason to refuse another one.
    fn registered_with(&self, token: &str, group: &str, version: u32) -> Option<ModelPackage> {
        let document = self.read(group, version).ok()?;
        (document.client_token.as_deref() == Some(token)).then_some(document.package)
    }
}

impl Registry for DirectoryRegistry {
    fn ensure_group(&self, group: &Group) -> Result<(), RegistryError> {
        group.check()?;
        if self.group_directory(&group.name).join(GROUP_JSON).exists() {
            return Ok(());
        }
        let document = json!({
            "format_version": 1,
            "name": group.name,
            "description": group.description,
        });
        Directory::make(&self.directory, &group.name)
            .and_then(|place| place.create_file(GROUP_JSON, format!("{document:#}\n").as_bytes()))
            .map(drop)
            .map_err(self.unusable())
    }

    fn create_version(&self, new: &NewVersion) -> Result<ModelPackage, RegistryError> {
        new.check_given()?;
        let group = &new.group;
        let registered_before = |version| self.registered_with(&new.client_token, group, version);
        let Numbers { versions, last } = self.numbers(group)?;
        if let Some(package) = versions.iter().rev().find_map(|&version| registered_before(version))
        {
            return Ok(package);
        }
        let mut version = last + 1;
        while VERSIONS.contains(&version) {
            let package = registered(new, version);
            let document = Document::new(package.clone(), Some(new.client_token.clone()));
            let number = version.to_string();
            let json = common::json::seal(&document).map_err(|source| RegistryError::Document {
                path: self.group_directory(&new.group).join(&number).join(PACKAGE_JSON),
                source: DocumentError::Json(source),
            })?;
            let place = Directory::make(&self.directory, group);
            let created = place.and_then(|it| it.create_directory(&number, PACKAGE_JSON, &json));
            if created.map_err(self.unusable())? {
                // The version is there, whether its number could be kept or not.
                let _ = self.keep_last(group, version);
                return Ok(package);
            }
            // Another process has taken the number since, possibly for the same job.
            if let Some(package) = registered_before(version) {
                return Ok(package);
            }
            version += 1;
        }
        Err(RegistryError::Limit {
            field: format!("the next version of group {group}"),
            found: version.to_string(),
            expected: "a number from 1 to 999999999",
        })
    }

    fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError> {
        let absent = || RegistryError::NoVersion { arn: arn.to_owned() };
        let name = arn.strip_prefix(ARN).ok_or_else(absent)?;
        let (group, version) = name.split_once('/').ok_or_else(absent)?;
        let version = number(version).ok_or_else(absent)?;
        group_name(group).map_err(|_| absent())?;
        let directory = self.group_directory(group).join(version.to_string());
        match fs_err::symlink_metadata(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(absent()),
            Err(error) => Err(self.unusable()(error)),
            Ok(_) => Ok(self.read(group, version)?.package),
        }
    }

    fn versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError> {
        group_name(group)?;
        let numbers = self.numbers(group)?.versions.into_iter().rev();
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
        let json = common::json::seal(&document).map_err(DocumentError::Json);
        let json = json.map_err(|source| RegistryError::Document { path, source })?;
        let place = Directory::make(&self.directory, format!("{group}/{version}"));
        let replaced = place.and_then(|place| place.replace_file(PACKAGE_JSON, &json));
        replaced.map_err(self.unusable())?;
        Ok(document.package)
    }
}

/// Reads the document of a version's directory.
fn contents(directory: &Utf8Path, document: &Utf8Path) -> io::Result<Vec<u8>> {
    if let Ok(about) = directory.metadata()
        && !about.is_dir()
    {
        let found = kind_of(about.file_type());
        return Err(io::Error::other(format!("{directory} is {found}, expected a directory")));
    }
    common::json::read(document)
}

/// Returns the highest number that was registered in a group by its description, or 0. `entries` are the numbers for
/// which there is a directory, of whatever kind.
///
/// What is no number of a version counts as absent, and so does one beyond [`MOST`] that no directory is within
/// reach of: nobody has registered a million versions and removed the last hundred, and if a number such as 999999999
/// counted that damage or somebody's hand has put there, the group could have no further version.
fn last_registered(description: &Map<String, Value>, entries: &[u32]) -> u32 {
    let last = description.get(LAST_VERSION).and_then(Value::as_u64);
    let last =
        last.and_then(|last| u32::try_from(last).ok()).filter(|last| VERSIONS.contains(last));
    let is_likely =
        |last: &u32| *last <= MOST || entries.iter().any(|&number| number.abs_diff(*last) <= REACH);
    last.filter(is_likely).unwrap_or(0)
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
        other_members: Vec::new(),
    }
}
