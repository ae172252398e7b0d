//! A model that is loaded and has proved that it scores.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use axum::http::HeaderValue;
use camino::Utf8Path;
use config::steps::{Explain, Serve};
use container::wire;
use fs_err::File;
use inference::{AnswerNames, AnswerOptions, BundleFile, Explanation, Model, RecordsReader};

use crate::attributes;
use crate::error::LoadError;

/// The number of digits of a digest that stands for a version.
const VERSION_DIGITS: usize = 12;
/// The length of the checksum at the end of a file of numbers.
const CHECKSUM_BYTES: u64 = 4;

/// A model with what reading its requests and writing its answers takes.
#[derive(Debug)]
pub struct ServedModel {
    /// The model.
    pub model: Model,
    /// Reads the records of requests.
    pub records: RecordsReader,
    /// The names in answers.
    pub names: AnswerNames,
    /// The version of the model, or the beginning of the digest of its files.
    pub version: String,
    /// What answers say unless a request wants something else.
    pub options: AnswerOptions,
    /// The custom attributes of answers without interventional explanations.
    pub attributes: Option<HeaderValue>,
}

impl ServedModel {
    /// Loads the model of a directory: its files, or else a `model.tar.gz` with them.
    pub fn load(directory: &Utf8Path, settings: &Serve) -> Result<Self, LoadError> {
        let entries = directory.read_dir_utf8().map_err(|source| {
            LoadError::Unreadable(std::io::Error::new(
                source.kind(),
                format!("{directory}: {source}"),
            ))
        })?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(LoadError::Unreadable)?.file_name().to_owned());
        }
        names.sort();
        let (path, model, digest) = if names.iter().any(|name| Model::has_file(name)) {
            let mut files = BTreeMap::new();
            let mut digested = Vec::new();
            for name in names.into_iter().filter(|name| Model::has_file(name)) {
                let file = part(directory, &name, &mut digested)?;
                files.insert(name, file);
            }
            let digest = common::sha256_hex(&digested);
            (directory.to_owned(), Model::from_readers(files), digest)
        } else if names.iter().any(|name| name == wire::MODEL_ARCHIVE) {
            let path = directory.join(wire::MODEL_ARCHIVE);
            let archive = read(&path)?;
            let length = archive.len() as u64;
            let digest = common::sha256_hex(&archive);
            let model =
                Model::from_archive_within(archive.as_slice(), length, settings.max_model_mb << 20);
            (path, model, digest)
        } else {
            let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            return Err(LoadError::Nothing { directory: directory.to_owned(), found });
        };
        let model = model.map_err(|source| LoadError::Bundle { path, source })?;
        let mut model = model.with_threshold(settings.threshold);
        let explanation = match settings.explain {
            Explain::Never => None,
            Explain::PathDependent => Some(Explanation::PathDependent),
            Explain::Interventional => Some(Explanation::Interventional),
        };
        if let Some(kind) = explanation {
            model = model.with_explanations_of(kind).map_err(LoadError::Explain)?;
        }
        let mut version = digest;
        version.truncate(VERSION_DIGITS);
        let version = settings.model_version.clone().unwrap_or(version);
        let columns = settings.csv_columns.as_deref();
        let served = Self {
            records: RecordsReader::new(&model, columns).map_err(LoadError::Columns)?,
            names: AnswerNames::new(&model, &version),
            options: model.options(),
            attributes: attributes::of_answer(&version, None),
            model,
            version,
        };
        served.probe()?;
        Ok(served)
    }

    /// Scores a row without readings.
    fn probe(&self) -> Result<(), LoadError> {
        let mut readings = vec![f64::NAN; self.model.schema().columns().len()];
        let answers = self.model.answer_with(self.options, &mut readings);
        let answers = answers.map_err(|error| LoadError::Probe(error.to_string()))?;
        match answers[..] {
            [ref answer] if (0.0..=1.0).contains(&answer.probability) => Ok(()),
            [ref answer] => Err(LoadError::Probe(format!(
                "its probability is {}, expected one from 0 to 1",
                answer.probability
            ))),
            _ => Err(LoadError::Probe(format!("it has {} answers", answers.len()))),
        }
    }
}

/// Opens a file and returns its length. Reading anything else, such as a pipe, may never end.
fn open(path: &Utf8Path) -> Result<(File, u64), LoadError> {
    let kind = fs_err::metadata(path).map_err(LoadError::Unreadable)?;
    if !kind.is_file() {
        return Err(LoadError::NoFile { path: path.to_owned() });
    }
    Ok((File::open(path).map_err(LoadError::Unreadable)?, kind.len()))
}

fn read(path: &Utf8Path) -> Result<Vec<u8>, LoadError> {
    let (mut file, length) = open(path)?;
    let mut contents = Vec::with_capacity(length as usize);
    file.read_to_end(&mut contents).map_err(LoadError::Unreadable)?;
    Ok(contents)
}

/// Opens a part of a model, and appends to `digested` what the digest of the model takes of it: a document, or
/// the checksum at the end of any other file, because hashing millions of nodes takes longer than reading them.
fn part(
    directory: &Utf8Path,
    name: &str,
    digested: &mut Vec<u8>,
) -> Result<BundleFile<'static>, LoadError> {
    let path = directory.join(name);
    digested.extend_from_slice(name.as_bytes());
    if name.ends_with(".json") {
        let contents = read(&path)?;
        digested.extend_from_slice(&contents);
        return Ok(contents.into());
    }
    let (mut file, length) = open(&path)?;
    let mut end = || {
        file.seek(SeekFrom::Start(length.saturating_sub(CHECKSUM_BYTES)))?;
        file.by_ref().take(CHECKSUM_BYTES).read_to_end(digested)?;
        file.rewind()
    };
    end().map_err(LoadError::Unreadable)?;
    Ok(BundleFile::new(file, length))
}
