//! A job's directories, files, arguments and environment.

use std::collections::BTreeMap;
use std::io;

use camino::Utf8PathBuf;
use common::{Exit, Failure};
use serde::de::DeserializeOwned;

use crate::shutdown::Shutdown;
use crate::wire::{self, ResourceConfig};

/// A file or directory that SageMaker provides is missing or malformed.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// A file cannot be read.
    #[error("cannot read the job's configuration")]
    Unreadable(#[source] io::Error),
    /// A file does not have the expected structure.
    #[error("{path} is not {expected}")]
    Malformed {
        /// The file.
        path: Utf8PathBuf,
        /// The expected structure.
        expected: &'static str,
        /// The place and the reason.
        source: serde_json::Error,
    },
    /// An environment variable of the platform has an unexpected value.
    #[error("environment variable {name} is `{value}`, expected {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// A channel's directory is missing.
    #[error("channel `{name}` is missing: {path} is not a directory; channels here: {}", or_none(.found))]
    NoChannel {
        /// The channel's name.
        name: String,
        /// The directory where it should be.
        path: Utf8PathBuf,
        /// The channels that exist.
        found: Vec<String>,
    },
    /// The current host is not one of the job's hosts.
    #[error("{path} has current_host `{current}`, expected one of its hosts: {}", or_none(.all))]
    NoHost {
        /// The file.
        path: Utf8PathBuf,
        /// The name of the current host.
        current: String,
        /// The names of the job's hosts.
        all: Vec<String>,
    },
}

impl Failure for ContainerError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The hosts of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The index of this host among all hosts, from 0.
    pub index: usize,
    /// The names of all hosts, sorted.
    pub all: Vec<String>,
}

/// A job as its container sees it: the directories and files below the base directory, the arguments
/// and the environment.
#[derive(Clone, Debug)]
pub struct Container {
    base: Utf8PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    shutdown: Shutdown,
}

impl Container {
    /// Makes a job with its directories and files below `base`.
    pub fn new(
        base: impl Into<Utf8PathBuf>,
        arguments: Vec<String>,
        environment: BTreeMap<String, String>,
    ) -> Self {
        Self { base: base.into(), arguments, environment, shutdown: Shutdown::default() }
    }

    /// Returns the container's arguments, without the program's name.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// Returns the value of an environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// Returns the names of the environment variables, in their order.
    pub fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().map(String::as_str)
    }

    /// Returns a directory of a Processing job, `/opt/ml/processing/<relative>`.
    pub fn processing(&self, relative: &str) -> Utf8PathBuf {
        self.base.join(wire::PROCESSING).join(relative)
    }

    /// Returns the directory that SageMaker packs into `model.tar.gz`.
    pub fn model(&self) -> Utf8PathBuf {
        self.base.join(wire::MODEL)
    }

    /// Returns the directory that SageMaker packs into `output.tar.gz`.
    pub fn output_data(&self) -> Utf8PathBuf {
        self.base.join(wire::OUTPUT_DATA)
    }

    /// Returns a file of the contract. `place` is one of the paths in [`wire`].
    pub fn file(&self, place: &str) -> Utf8PathBuf {
        self.base.join(place)
    }

    /// Reads a Training job's hyperparameters; there are none if there is no file. Values that an SDK
    /// encoded as JSON a second time are decoded, and the SDK's own `sagemaker_` keys are left out.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is not an object of strings.
    pub fn hyperparameters(&self) -> Result<BTreeMap<String, String>, ContainerError> {
        let expected = "an object whose values are strings";
        let given: Option<BTreeMap<String, String>> = self.read(wire::HYPERPARAMETERS, expected)?;
        let ours = given
            .unwrap_or_default()
            .into_iter()
            .filter(|(name, _)| !name.starts_with("sagemaker_"));
        Ok(ours.map(|(name, value)| (name, decode(value))).collect())
    }

    /// Returns the directory of a channel.
    ///
    /// # Errors
    ///
    /// Fails if the directory does not exist, and lists the channels that do.
    pub fn channel(&self, name: &str) -> Result<Utf8PathBuf, ContainerError> {
        let channels = self.base.join(wire::CHANNELS);
        let path = channels.join(name);
        if path.is_dir() {
            return Ok(path);
        }
        let entries = channels.read_dir_utf8().into_iter().flatten().flatten();
        let mut found: Vec<_> = entries.map(|entry| entry.file_name().to_owned()).collect();
        found.sort();
        Err(ContainerError::NoChannel { name: name.to_owned(), path, found })
    }

    /// Reads the hosts of the job. Outside SageMaker there may be no file, which means one host.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, is malformed, or does not list the current host.
    pub fn hosts(&self) -> Result<Hosts, ContainerError> {
        for place in [wire::TRAINING_RESOURCES, wire::PROCESSING_RESOURCES] {
            let expected = "a resource configuration with current_host and hosts";
            if let Some(found) = self.read::<ResourceConfig>(place, expected)? {
                let (current, mut all) = (found.current_host, found.hosts);
                // Every host must use the same order.
                all.sort();
                all.dedup();
                return match all.binary_search(&current) {
                    Ok(index) => Ok(Hosts { index, all }),
                    Err(_) => {
                        Err(ContainerError::NoHost { path: self.base.join(place), current, all })
                    }
                };
            }
        }
        Ok(Hosts { index: 0, all: vec!["algo-1".to_owned()] })
    }

    /// Returns whether SageMaker asked the job to stop. Long work polls this, and returns an error
    /// that says how far it came.
    pub fn stopping(&self) -> bool {
        self.shutdown.is_requested()
    }

    /// Returns the request to stop.
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    fn read<T: DeserializeOwned>(
        &self,
        place: &str,
        expected: &'static str,
    ) -> Result<Option<T>, ContainerError> {
        let path = self.base.join(place);
        let text = match common::json::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ContainerError::Unreadable(error)),
        };
        let parsed = common::json::from_slice(&text);
        parsed.map(Some).map_err(|source| ContainerError::Malformed { path, expected, source })
    }
}

/// Decodes a value that was encoded as JSON twice: `"\"sqrt\""` becomes `sqrt`. Any other text,
/// such as `200`, stays unchanged.
fn decode(value: String) -> String {
    match common::json::from_slice(value.as_bytes()) {
        Ok(serde_json::Value::String(inner)) => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(files: &[(&str, &str)]) -> (tempfile::TempDir, Container) {
        let directory = tempfile::tempdir().unwrap();
        let base = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        for (place, text) in files {
            common::write_file(&base.join(place), text.as_bytes()).unwrap();
        }
        (directory, Container::new(base, Vec::new(), BTreeMap::new()))
    }

    #[test]
    fn hyperparameters_are_decoded_and_the_sdks_own_left_out() {
        let text = r#"{"a":"1","b":"\"sqrt\"","c":"not json","sagemaker_program":"x"}"#;
        let (_directory, container) = container(&[(wire::HYPERPARAMETERS, text)]);
        let found = container.hyperparameters().unwrap();
        let expected = [("a", "1"), ("b", "sqrt"), ("c", "not json")];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn files_that_the_platform_may_leave_out_have_defaults() {
        let (_directory, container) = container(&[]);
        assert!(container.hyperparameters().unwrap().is_empty());
        assert_eq!(container.hosts().unwrap().all, ["algo-1"]);
    }

    #[test]
    fn a_hyperparameter_that_is_no_string_names_file_and_place() {
        let (_directory, container) = container(&[(wire::HYPERPARAMETERS, r#"{"a": 1}"#)]);
        let message = common::chain(&container.hyperparameters().unwrap_err());
        let tail = message.split_once("input/config/").unwrap().1;
        assert_eq!(
            tail,
            "hyperparameters.json is not an object whose values are strings: \
             invalid type: integer `1`, expected a string at line 1 column 7"
        );
    }

    #[test]
    fn a_hyperparameter_that_is_there_twice_is_refused() {
        let text = r#"{"max_depth": "3", "max_depth": "9"}"#;
        let (_directory, container) = container(&[(wire::HYPERPARAMETERS, text)]);
        let message = common::chain(&container.hyperparameters().unwrap_err());
        let expected = "member \"max_depth\" is there twice at line 1 column 30";
        assert!(message.ends_with(expected), "{message}");
    }

    #[test]
    fn hosts_of_a_training_and_of_a_processing_job() {
        let text = r#"{"current_host":"algo-2","hosts":["algo-1","algo-2"],"topology":null}"#;
        for place in [wire::TRAINING_RESOURCES, wire::PROCESSING_RESOURCES] {
            let (_directory, container) = container(&[(place, text)]);
            let hosts = container.hosts().unwrap();
            assert_eq!((hosts.index, hosts.all.len()), (1, 2));
        }
    }

    #[test]
    fn every_host_sees_the_same_order_and_is_one_of_them() {
        let hosts = |text| {
            let (_directory, container) = container(&[(wire::TRAINING_RESOURCES, text)]);
            container.hosts()
        };
        let found = hosts(r#"{"current_host":"b","hosts":["c","b","a","b"]}"#).unwrap();
        assert_eq!(found, Hosts { index: 1, all: ["a", "b", "c"].map(str::to_owned).into() });
        let message = hosts(r#"{"current_host":"d","hosts":["a","b"]}"#).unwrap_err().to_string();
        assert!(
            message.ends_with("has current_host `d`, expected one of its hosts: a, b"),
            "{message}"
        );
        let message = hosts(r#"{"current_host":"d","hosts":[]}"#).unwrap_err().to_string();
        assert!(message.ends_with("expected one of its hosts: none"), "{message}");
    }

    #[test]
    fn a_missing_channel_says_which_there_are() {
        let (_directory, container) = container(&[("input/data/train/a.csv", "x")]);
        assert!(container.channel("train").is_ok());
        let message = container.channel("tain").unwrap_err().to_string();
        assert!(message.starts_with("channel `tain` is missing"), "{message}");
        assert!(message.ends_with("channels here: train"), "{message}");
    }
}
