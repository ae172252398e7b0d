//! The settings of the server of a model. All of them are environment variables, which an endpoint, a batch
//! transform and a container alike can set.

use std::str::FromStr;

use super::arguments::{StepError, fault};
use super::evaluate::DEFAULT_MODEL_MB;
use crate::words::words;

words! {
    /// How answers are explained.
    Explain {
        /// Not at all.
        Never = "false",
        /// By exact path-dependent Shapley values.
        PathDependent = "true",
        /// By exact Shapley values beside training rows.
        Interventional = "interventional",
    }
}

impl Explain {
    /// Returns whether answers are not explained.
    pub fn is_never(&self) -> bool {
        *self == Self::Never
    }
}

/// The settings of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Serve {
    /// `SERVE_THRESHOLD`: the probability above which a failure is predicted, unless a request names one.
    pub threshold: f64,
    /// `SERVE_EXPLAIN`: how answers are explained, unless a request says.
    pub explain: Explain,
    /// `SERVE_CSV_COLUMNS`: the names of the fields of CSV without a line of names, as such a line.
    pub csv_columns: Option<String>,
    /// `SERVE_LOG_REQUESTS`: whether each request is logged.
    pub log_requests: bool,
    /// `SERVE_ADDRESS`: the address to listen on.
    pub address: std::net::IpAddr,
    /// `SERVE_WORKERS`: the number of threads that answer requests; one for each processor unless it is set.
    pub workers: Option<usize>,
    /// `SERVE_MODEL_MEMORY_MB`: the memory for the models of a multi-model endpoint, in MB of 2^20 bytes.
    pub model_memory_mb: Option<u64>,
    /// `SERVE_MAX_MODEL_MB`: the most that a `model.tar.gz` may unpack to, in MB of 2^20 bytes.
    pub max_model_mb: u64,
    /// `MODEL_VERSION`: the version that answers name.
    pub model_version: Option<String>,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            explain: Explain::Never,
            csv_columns: None,
            log_requests: false,
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            workers: None,
            model_memory_mb: None,
            max_model_mb: DEFAULT_MODEL_MB,
            model_version: None,
        }
    }
}

impl Serve {
    /// The variable of [`Self::threshold`].
    pub const THRESHOLD: &str = "SERVE_THRESHOLD";
    /// The variable of [`Self::explain`].
    pub const EXPLAIN: &str = "SERVE_EXPLAIN";
    /// The variable of [`Self::csv_columns`].
    pub const CSV_COLUMNS: &str = "SERVE_CSV_COLUMNS";
    /// The variable of [`Self::log_requests`].
    pub const LOG_REQUESTS: &str = "SERVE_LOG_REQUESTS";
    /// The variable of [`Self::address`].
    pub const ADDRESS: &str = "SERVE_ADDRESS";
    /// The variable of [`Self::workers`].
    pub const WORKERS: &str = "SERVE_WORKERS";
    /// The variable of [`Self::model_memory_mb`].
    pub const MODEL_MEMORY_MB: &str = "SERVE_MODEL_MEMORY_MB";
    /// The variable of [`Self::max_model_mb`].
    pub const MAX_MODEL_MB: &str = "SERVE_MAX_MODEL_MB";
    /// The variable of [`Self::model_version`].
    pub const MODEL_VERSION: &str = "MODEL_VERSION";

    /// Parses environment variables. A setting whose variable is absent or empty keeps its default.
    ///
    /// # Errors
    /// All invalid values.
    pub fn parse<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Result<Self, StepError> {
        let variable = |name: &str| variable(name).map(str::trim).filter(|value| !value.is_empty());
        let mut settings = Self::default();
        let mut faults = Vec::new();
        fn read<T: FromStr>(
            (name, value): (&str, Option<&str>),
            expected: &str,
            accept: impl Fn(&T) -> bool,
            faults: &mut Vec<String>,
        ) -> Option<T> {
            let value = value?;
            let parsed = value.parse().ok().filter(accept);
            if parsed.is_none() {
                faults.push(fault("environment variable", name, value, expected));
            }
            parsed
        }
        let value = |name: &'static str| (name, variable(name));
        let probability = |number: &f64| (0.0..=1.0).contains(number);
        let expected = "a probability from 0 to 1";
        let threshold = read(value(Self::THRESHOLD), expected, probability, &mut faults);
        settings.threshold = threshold.unwrap_or(settings.threshold);
        match variable(Self::EXPLAIN).map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("1") => settings.explain = Explain::PathDependent,
            Some("0") => settings.explain = Explain::Never,
            Some(word) => match word.parse() {
                Ok(explain) => settings.explain = explain,
                Err(()) => {
                    let expected = "true, interventional or false";
                    faults.push(fault("environment variable", Self::EXPLAIN, word, expected));
                }
            },
        }
        match variable(Self::LOG_REQUESTS).map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("true" | "1") => settings.log_requests = true,
            Some("false" | "0") => settings.log_requests = false,
            Some(other) => {
                let name = Self::LOG_REQUESTS;
                faults.push(fault("environment variable", name, other, "true or false"));
            }
        }
        let address = read(value(Self::ADDRESS), "an IP address", |_| true, &mut faults);
        settings.address = address.unwrap_or(settings.address);
        let count = |number: &usize| (1..=1024).contains(number);
        settings.workers =
            read(value(Self::WORKERS), "a number from 1 to 1024", count, &mut faults);
        let megabytes = |number: &u64| (1..=1 << 24).contains(number);
        let expected = "a number of MB from 1 to 16777216";
        settings.model_memory_mb =
            read(value(Self::MODEL_MEMORY_MB), expected, megabytes, &mut faults);
        let most = read(value(Self::MAX_MODEL_MB), expected, megabytes, &mut faults);
        settings.max_model_mb = most.unwrap_or(settings.max_model_mb);
        settings.csv_columns = variable(Self::CSV_COLUMNS).map(str::to_owned);
        let is_version = |version: &String| {
            version.len() <= 256 && version.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let expected = "at most 256 visible characters of ASCII";
        settings.model_version =
            read(value(Self::MODEL_VERSION), expected, is_version, &mut faults);
        if faults.is_empty() { Ok(settings) } else { Err(StepError { faults }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(variables: &[(&str, &'static str)]) -> Result<Serve, StepError> {
        Serve::parse(|name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn absent_and_empty_variables_are_defaults() {
        assert_eq!(parse(&[]), Ok(Serve::default()));
        assert_eq!(parse(&[("SERVE_THRESHOLD", " "), ("SERVE_WORKERS", "")]), Ok(Serve::default()));
    }

    #[test]
    fn each_variable_sets_one_thing() {
        let settings = parse(&[
            ("SERVE_THRESHOLD", "0.25"),
            ("SERVE_EXPLAIN", "true"),
            ("SERVE_CSV_COLUMNS", "a,b"),
            ("SERVE_LOG_REQUESTS", "1"),
            ("SERVE_ADDRESS", "127.0.0.1"),
            ("SERVE_WORKERS", "3"),
            ("SERVE_MODEL_MEMORY_MB", "512"),
            ("SERVE_MAX_MODEL_MB", "64"),
            ("MODEL_VERSION", "7"),
        ]);
        let expected = Serve {
            threshold: 0.25,
            explain: Explain::PathDependent,
            csv_columns: Some("a,b".to_owned()),
            log_requests: true,
            address: [127, 0, 0, 1].into(),
            workers: Some(3),
            model_memory_mb: Some(512),
            max_model_mb: 64,
            model_version: Some("7".to_owned()),
        };
        assert_eq!(settings, Ok(expected));
    }

    #[test]
    fn all_invalid_values_are_listed() {
        let error = parse(&[
            ("SERVE_THRESHOLD", "1.5"),
            ("SERVE_EXPLAIN", "yes"),
            ("SERVE_ADDRESS", "localhost"),
            ("SERVE_WORKERS", "0"),
            ("SERVE_MAX_MODEL_MB", "0"),
            ("MODEL_VERSION", "a b"),
        ]);
        insta::assert_snapshot!(error.unwrap_err().faults.join("\n"), @r"
        environment variable SERVE_THRESHOLD is `1.5`, expected a probability from 0 to 1
        environment variable SERVE_EXPLAIN is `yes`, expected true, interventional or false
        environment variable SERVE_ADDRESS is `localhost`, expected an IP address
        environment variable SERVE_WORKERS is `0`, expected a number from 1 to 1024
        environment variable SERVE_MAX_MODEL_MB is `0`, expected a number of MB from 1 to 16777216
        environment variable MODEL_VERSION is `a b`, expected at most 256 visible characters of ASCII
        ");
    }
}
