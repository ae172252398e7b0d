//! A registry in a directory.
//!
//! ```text
//! <directory>/<group>/group.json
//! <directory>/<group>/<version>/model_package.json
//! ```
//!
//! There are no locks. A version is prepared in a directory beside, reaches the disk and takes its
//! number by a rename, which fails if the number is taken; so what carries a number is always
//! whole, and of two processes that want the same number one gets the next. A process that is
//! killed in between leaves at most a `.registering-*` that nothing ever reads. An approval replaces
//! the document the same way; of two at once the later one holds.

use std::fs::Permissions;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use tempfile::{Builder, NamedTempFile};

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
/// What is being prepared; no number, so no version.
const PREPARED: &str = ".registering-";

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
        place_file(&path, format!("{document:#}\n").as_bytes()).map_err(self.unusable())
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
            if place_directory(&path, PACKAGE_JSON, &json).map_err(self.unusable())? {
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
        replace_file(&path, &json).map_err(self.unusable())?;
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

/// Writes a file whole or not at all, and leaves one that is there alone.
fn place_file(path: &Utf8Path, contents: &[u8]) -> io::Result<()> {
    match prepare_file(path, contents)?.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all, in the place of the one that is there.
fn replace_file(path: &Utf8Path, contents: &[u8]) -> io::Result<()> {
    prepare_file(path, contents)?.persist(path).map(drop).map_err(|error| error.error)
}

fn prepare_file(path: &Utf8Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = Builder::new()
        .prefix(PREPARED)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(path.parent().unwrap_or(path))?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes a directory with one file in it, both or neither; says whether the name was free.
fn place_directory(path: &Utf8Path, name: &str, contents: &[u8]) -> io::Result<bool> {
    // Modes are cut by the umask, as for any other file; tempfile alone would make them private.
    let prepared = Builder::new()
        .prefix(PREPARED)
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(path.parent().unwrap_or(path))?;
    let mut file = fs_err::File::create_new(prepared.path().join(name))?;
    file.write_all(contents)?;
    file.sync_all()?;
    match fs_err::rename(prepared.path(), path) {
        Ok(()) => {
            // It has another name now; there is nothing left to remove.
            let _ = prepared.keep();
            Ok(true)
        }
        // A directory is only ever renamed onto nothing or onto an empty directory.
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}
