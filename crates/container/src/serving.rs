//! What SageMaker tells a container that serves a model.

use crate::opt_ml::{Container, ContainerError};

/// The port unless SageMaker names one.
const DEFAULT_PORT: u16 = 8080;
/// The size of a MB in the limits of payloads.
const MEGABYTE: usize = 1 << 20;
/// The maximum payload of a real-time endpoint in MB.
const REAL_TIME_PAYLOAD: usize = 25;
/// The maximum payload of a batch transform in MB.
const BATCH_PAYLOAD: usize = 100;

/// How a model is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// `SAGEMAKER_BIND_TO_PORT`: the port.
    pub port: u16,
    /// `SAGEMAKER_BATCH`: whether a batch transform sends the requests, which are pieces of files.
    pub is_batch: bool,
    /// `SAGEMAKER_MULTI_MODEL`: whether the container has many models, which requests load and name.
    pub is_multi_model: bool,
    /// The maximum size of a request in bytes: `SAGEMAKER_MAX_PAYLOAD_IN_MB`, or what the service allows.
    pub max_payload: usize,
}

impl Container {
    /// Returns how a model is to be served.
    ///
    /// # Errors
    /// Returns an error if a variable of the platform has an unexpected value.
    pub fn serving(&self) -> Result<Serving, ContainerError> {
        let is_batch = self.flag("SAGEMAKER_BATCH")?;
        let usual = if is_batch { BATCH_PAYLOAD } else { REAL_TIME_PAYLOAD };
        let megabytes = self.number("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0, 1024)?;
        // 0 means no limit of the job's own.
        let megabytes = megabytes.filter(|megabytes| *megabytes > 0).unwrap_or(usual);
        let port = self.number("SAGEMAKER_BIND_TO_PORT", 1, usize::from(u16::MAX))?;
        Ok(Serving {
            port: port.map_or(DEFAULT_PORT, |port| port as u16),
            is_batch,
            is_multi_model: self.flag("SAGEMAKER_MULTI_MODEL")?,
            max_payload: megabytes * MEGABYTE,
        })
    }

    fn flag(&self, name: &'static str) -> Result<bool, ContainerError> {
        match self.set(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(self.unexpected(name, "true or false")),
        }
    }

    fn number(
        &self,
        name: &'static str,
        least: usize,
        most: usize,
    ) -> Result<Option<usize>, ContainerError> {
        let Some(text) = self.set(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.unexpected(name, &format!("a number from {least} to {most}")))
    }

    /// Returns a variable that is not empty.
    fn set(&self, name: &str) -> Option<&str> {
        self.variable(name).map(str::trim).filter(|value| !value.is_empty())
    }

    fn unexpected(&self, name: &'static str, expected: &str) -> ContainerError {
        let value = self.set(name).unwrap_or_default().to_owned();
        ContainerError::Variable { name, value, expected: expected.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serving(variables: &[(&str, &str)]) -> Result<Serving, String> {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let container = Container::new("/opt/ml", Vec::new(), variables.collect());
        container.serving().map_err(|error| error.to_string())
    }

    #[test]
    fn an_endpoint_and_a_batch_have_the_limits_of_the_service() {
        let expected =
            Serving { port: 8080, is_batch: false, is_multi_model: false, max_payload: 26_214_400 };
        assert_eq!(serving(&[]), Ok(expected));
        assert_eq!(serving(&[("SAGEMAKER_BATCH", "true")]).unwrap().max_payload, 104_857_600);
        let own = [("SAGEMAKER_BATCH", "True"), ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "6")];
        assert_eq!(serving(&own).unwrap().max_payload, 6 << 20);
        assert_eq!(serving(&[("SAGEMAKER_BIND_TO_PORT", "9001")]).unwrap().port, 9001);
        assert!(serving(&[("SAGEMAKER_MULTI_MODEL", "true")]).unwrap().is_multi_model);
    }

    #[test]
    fn an_unexpected_value_is_an_error() {
        assert_eq!(
            serving(&[("SAGEMAKER_BIND_TO_PORT", "http")]),
            Err("environment variable SAGEMAKER_BIND_TO_PORT is `http`, expected a number from 1 to 65535"
                .to_owned())
        );
        assert_eq!(
            serving(&[("SAGEMAKER_BATCH", "perhaps")]),
            Err("environment variable SAGEMAKER_BATCH is `perhaps`, expected true or false"
                .to_owned())
        );
    }
}
