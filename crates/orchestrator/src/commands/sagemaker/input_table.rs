//! The table in S3 that an execution reads: where one is uploaded to, which was uploaded last, and which
//! contents it has when an execution starts.

use camino::Utf8Path;
use cloud::{Cloud, CloudError, NewestTable, NewestUpload, Upload, version_of};
use config::Settings;
use indicatif::{ProgressBar, ProgressStyle};
use infrastructure::jobs_may_read;
use jiff::Timestamp;
use pipeline::Definition;

use crate::definition::names::{GROUP_PARAMETER, INPUT_PARAMETER, INPUT_VERSION_PARAMETER};
use crate::error::CommandError;
use crate::output::say;
use crate::sagemaker_error::SageMakerError;

/// The characters of a digest in a key.
const DIGEST: usize = 16;

/// A table of this machine that becomes the input of the pipeline. It is stored under the digest of its
/// contents, so that it replaces no other table, and SageMaker's cache, which compares addresses, does not
/// take it for one.
pub struct TableUpload {
    upload: Upload,
    /// The rows of the table, and those that Preprocess would keep.
    rows: (usize, usize),
    key: String,
    /// The key in whose place it is read, unless it is one of several tables below a prefix.
    instead_of: Option<String>,
    bucket: String,
}

impl TableUpload {
    /// Reads a table as Preprocess would with these settings, and refuses what it would.
    pub fn of(upload: Upload, settings: &Settings) -> Result<Self, CommandError> {
        let path = upload.path().to_owned();
        let (read, kept) = rows_of(&path, settings)?;
        let name = path.file_name().unwrap_or("table.csv");
        let paths = &settings.s3_paths;
        let digest = &upload.sha256()[..DIGEST];
        let (key, instead_of) = match paths.input_dataset.strip_suffix('/') {
            Some(prefix) => (format!("{prefix}/{digest}/{name}"), None),
            None => {
                let raw = paths.raw_data.trim_end_matches('/');
                (format!("{raw}/{digest}/{name}"), Some(paths.input_dataset.clone()))
            }
        };
        let bucket = paths.bucket.clone();
        Ok(Self { upload, rows: (read, kept), key, instead_of, bucket })
    }

    /// Returns the table's address.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// Makes the settings name the table as the input.
    pub fn become_input(&self, settings: &mut Settings) {
        if self.instead_of.is_some() {
            settings.s3_paths.input_dataset.clone_from(&self.key);
        }
    }

    /// Formats what is uploaded, whereto, and what becomes of the table that was read before.
    pub fn to_text(&self) -> String {
        let (read, kept) = self.rows;
        let instead = match &self.instead_of {
            Some(key) => format!("in place of s3://{}/{key}", self.bucket),
            None => "beside the other tables there".to_owned(),
        };
        format!(
            "{} ({read} rows, {kept} of them usable) goes to {}, which the pipeline reads {instead}. Nothing is \
             overwritten.\n",
            self.upload.path(),
            self.uri()
        )
    }

    /// Uploads the table unless it is there. Shows the progress. Returns its address, and the note that makes it the
    /// newest one.
    pub fn send(self, cloud: &Cloud) -> Result<(String, Option<NewestUpload>), CommandError> {
        let uri = self.uri();
        let newest = self.instead_of.map(|instead_of| NewestUpload {
            instead_of,
            key: self.key.clone(),
            file: self.upload.path().file_name().unwrap_or_default().to_owned(),
            bytes: self.upload.length(),
            sha256: self.upload.sha256().to_owned(),
            uploaded_at: Timestamp::now().to_string(),
        });
        // Whoever may not look may still write; the same contents are written then.
        match cloud.holds(&self.key, &self.upload).unwrap_or(None) {
            Some(true) => say(&format!("{} is at {uri} already", self.upload.path())),
            Some(false) => {
                let path = self.upload.path();
                say(&format!("Something else than {path} is at {uri}; it is uploaded again"));
                send(cloud, self.upload, &self.key)?;
            }
            None => send(cloud, self.upload, &self.key)?,
        }
        Ok((uri, newest))
    }
}

/// Uploads a file and shows the progress.
fn send(cloud: &Cloud, upload: Upload, key: &str) -> Result<(), CommandError> {
    let bar = ProgressBar::new(upload.length()).with_message(upload.path().to_string());
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    let result = cloud.upload(upload, key, &|sent| bar.inc(sent));
    bar.finish_and_clear();
    result?;
    Ok(())
}

/// Returns the number of rows of a table, and of those that Preprocess would keep.
fn rows_of(path: &Utf8Path, settings: &Settings) -> Result<(usize, usize), CommandError> {
    let refused = |error| SageMakerError::Table(Box::new(error));
    let table = settings.table();
    let mut reader = table_settings::reader(&table)
        .map_err(|error| CommandError::Usage(common::chain(&error)))?;
    let file = fs_err::File::open(path).map_err(CommandError::Read)?;
    reader.read_file(path.as_str(), file).map_err(refused)?;
    let (_, counts) = reader.finish().map_err(refused)?;
    Ok((counts.read.rows, counts.kept.rows))
}

/// Makes the settings name the newest table as the input: the one that was uploaded last in place of theirs,
/// unless theirs is newer. Says which it is, and why.
pub fn use_newest(settings: &mut Settings, cloud: &Cloud) -> Result<(), CommandError> {
    let paths = &mut settings.s3_paths;
    let own = paths.url(&paths.input_dataset);
    match cloud.newest_table(&paths.input_dataset)? {
        NewestTable::Own => {}
        NewestTable::OwnIsNewer(uploaded) => {
            say(&format!("The input is {own}, which is newer than {uploaded}"));
        }
        NewestTable::UploadIsGone(uploaded) => {
            say(&format!("{uploaded}, which was uploaded last, is gone; the input is {own}"));
        }
        NewestTable::Unknown(error) => return Err(unknown(cloud, error)),
        NewestTable::Uploaded(NewestUpload { key, file, uploaded_at, .. }) => {
            let uploaded = paths.url(&key);
            say(&format!(
                "The input is {uploaded}: {file}, uploaded at {uploaded_at} in place of {own}"
            ));
            paths.input_dataset = key;
        }
    }
    Ok(())
}

/// Adds the newest table to the parameters of an execution, where the deployed pipeline reads an earlier one of the
/// settings, and says so. An input that the settings do not know stays.
pub fn with_newest(
    settings: &Settings,
    cloud: &Cloud,
    definition: &Definition,
    mut parameters: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, CommandError> {
    let is_assigned = parameters.iter().any(|(name, _)| name == INPUT_PARAMETER);
    let deployed = definition.parameters.iter().find(|one| one.name == INPUT_PARAMETER);
    let deployed = deployed.and_then(|parameter| parameter.default.as_ref()?.as_str());
    let Some(deployed) = deployed.filter(|_| !is_assigned) else { return Ok(parameters) };
    let paths = &settings.s3_paths;
    let own = paths.url(&paths.input_dataset);
    if deployed != own && !is_upload(settings, deployed) {
        return Ok(parameters);
    }
    let newest = match cloud.newest_table(&paths.input_dataset)? {
        NewestTable::Uploaded(NewestUpload { key, .. }) => paths.url(&key),
        NewestTable::Own | NewestTable::OwnIsNewer(_) | NewestTable::UploadIsGone(_) => own,
        NewestTable::Unknown(error) => return Err(unknown(cloud, error)),
    };
    if newest != deployed {
        say(&format!(
            "The execution reads {newest}, which is newer than {deployed}, the input of the deployed pipeline"
        ));
        parameters.push((INPUT_PARAMETER.to_owned(), newest));
    }
    Ok(parameters)
}

/// Says that nobody knows which table is the newest: then neither may be taken for it.
fn unknown(cloud: &Cloud, error: CloudError) -> CommandError {
    say(&format!(
        "Which table was uploaded last is told by {}, which cannot be read",
        cloud.newest_upload_uri()
    ));
    error.into()
}

/// Returns whether an address is one that [`TableUpload`] gives.
fn is_upload(settings: &Settings, uri: &str) -> bool {
    let raw = settings.s3_paths.url(&settings.s3_paths.raw_data);
    let below = uri.strip_prefix(raw.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    let digest = below.and_then(|below| below.split_once('/')).map(|(digest, _)| digest);
    digest.is_some_and(|it| it.len() == DIGEST && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Adds the version of the input to the parameters of an execution, so that Preprocess runs again where the
/// contents of an address have changed. Says what the jobs' role would be refused.
pub fn with_version(
    settings: &Settings,
    cloud: &Cloud,
    definition: &Definition,
    mut parameters: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, CommandError> {
    let default = |name: &str| {
        let parameter = definition.parameters.iter().find(|parameter| parameter.name == name)?;
        Some(parameter.default.as_ref().and_then(|value| value.as_str()).unwrap_or_default())
    };
    let value = |name: &str| -> Option<String> {
        let assigned = parameters.iter().find(|(assigned, _)| assigned == name);
        assigned.map(|(_, value)| value.clone()).or_else(|| default(name).map(str::to_owned))
    };
    say_refusals(settings, definition, &value);
    let is_assigned = parameters.iter().any(|(name, _)| name == INPUT_VERSION_PARAMETER);
    let Some(uri) = value(INPUT_PARAMETER).filter(|_| !is_assigned) else { return Ok(parameters) };
    if default(INPUT_VERSION_PARAMETER).is_none() {
        say(&format!(
            "The deployed pipeline has no parameter {INPUT_VERSION_PARAMETER}: rows of an earlier table at {uri} \
             may be used again. `orchestrator deploy` adds it."
        ));
        return Ok(parameters);
    }
    let version = match cloud.objects(&uri) {
        Ok(objects) if objects.is_empty() => return Err(SageMakerError::NoInput(uri).into()),
        Ok(objects) => version_of(&objects),
        Err(error) if !error.is_denied() => return Err(error.into()),
        Err(error) => {
            say(&format!(
                "Whether {uri} has changed is unknown, so Preprocess runs again: {error}"
            ));
            format!("unknown-{}", Timestamp::now().as_millisecond())
        }
    };
    parameters.push((INPUT_VERSION_PARAMETER.to_owned(), version));
    Ok(parameters)
}

/// Says which parameters lead to where the jobs' role may do nothing, by the policy that the settings come
/// to. The role may have another policy.
fn say_refusals(
    settings: &Settings,
    definition: &Definition,
    value: &impl Fn(&str) -> Option<String>,
) {
    let policy = "the policy that `orchestrator iam-policy execution` prints";
    if let Some(uri) = value(INPUT_PARAMETER)
        && !jobs_may_read(settings, definition, &uri)
    {
        let raw = settings.s3_paths.url(&settings.s3_paths.raw_data);
        say(&format!(
            "{INPUT_PARAMETER}: {policy} does not let the jobs read {uri}, as it lets them read what is below {raw}"
        ));
    }
    let own = &settings.model_registry.model_package_group_name;
    if let Some(group) = value(GROUP_PARAMETER).filter(|group| group != own) {
        say(&format!(
            "{GROUP_PARAMETER}: {policy} does not let the jobs register models in {group}, as it does in {own}"
        ));
    }
}
