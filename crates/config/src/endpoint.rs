//! The settings of the endpoint on which an approved model answers requests.

use std::fmt;

use garde::Validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::rules::{is_alarm, is_object_key};
use crate::steps::Explain;
use crate::words::words;

words! {
    /// How an endpoint takes and answers requests.
    EndpointKind {
        /// Instances that run all the time answer at once.
        RealTime = "real_time",
        /// Memory is there while requests are, and billed by use.
        Serverless = "serverless",
        /// Instances answer requests from a queue, whose bodies and answers are objects in S3.
        Asynchronous = "asynchronous",
    }
}

words! {
    /// A part of an invocation that is captured.
    Captured {
        /// The request.
        Input = "input",
        /// The answer.
        Output = "output",
    }
}

words! {
    /// How traffic moves from the instances of the old version to those of the new one.
    Shift {
        /// All at once.
        AllAtOnce = "all_at_once",
        /// A part first, then the rest.
        Canary = "canary",
        /// In equal steps.
        Linear = "linear",
    }
}

/// The instance type of an endpoint that names none.
const DEFAULT_INSTANCE_TYPE: &str = "ml.m5.large";

/// The endpoint on which an approved model answers requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    /// The endpoint's name: letters, digits and hyphens, at most 63. The model package group's name if
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(max = 63), pattern(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")))]
    pub name: Option<String>,
    /// How it takes and answers requests: `real_time`, `serverless` or `asynchronous`.
    #[garde(skip)]
    pub kind: EndpointKind,
    /// The type of its instances; ml.m5.large if absent. A serverless endpoint has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)] // see faults
    pub instance_type: Option<String>,
    /// The number of its instances, 1 if absent; with autoscaling the number to begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 1000)))]
    pub instance_count: Option<u32>,
    /// How the number of instances follows the traffic. It stays as it is if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub autoscaling: Option<Autoscaling>,
    /// The memory and concurrency of a serverless endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub serverless: Option<Serverless>,
    /// The queue of an asynchronous endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub asynchronous: Option<Asynchronous>,
    /// The requests and answers that are stored in S3. None if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub capture: Option<Capture>,
    /// How an update replaces the version that answers.
    #[garde(dive)]
    pub update: EndpointUpdate,
    /// The time within which a container must answer the first health check, in seconds: 60 to 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 60, max = 3600)))]
    pub startup_timeout_seconds: Option<u32>,
    /// The time within which an instance must download the model, in seconds: 60 to 3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 60, max = 3600)))]
    pub download_timeout_seconds: Option<u32>,
    /// Whether containers have no network. That of the jobs, `aws.network_isolation`, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)] // see faults
    pub network_isolation: Option<bool>,
    /// Whether containers are in the network `aws.vpc`. They are if absent and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)] // see faults
    pub vpc: Option<bool>,
    /// The probability above which a failure is predicted, unless a request names one; 0.5 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 0.0, max = 1.0), custom(crate::rules::is_not_nan)))]
    pub threshold: Option<f64>,
    /// How answers are explained, unless a request says: `true`, `interventional` or `false`.
    #[serde(deserialize_with = "explain", skip_serializing_if = "Explain::is_never")]
    #[schemars(schema_with = "explain_schema")]
    #[garde(skip)]
    pub explain: Explain,
    /// Whether each request is logged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[garde(skip)]
    pub log_requests: bool,
    /// Whether a version is deployed as soon as somebody approves it: the template of `orchestrator
    /// infrastructure` then starts the workflow of GitHub Actions that deploys.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[garde(skip)]
    pub on_approval: bool,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            name: None,
            kind: EndpointKind::RealTime,
            instance_type: None,
            instance_count: None,
            autoscaling: None,
            serverless: None,
            asynchronous: None,
            capture: None,
            update: EndpointUpdate::default(),
            startup_timeout_seconds: None,
            download_timeout_seconds: None,
            network_isolation: None,
            vpc: None,
            threshold: None,
            explain: Explain::Never,
            log_requests: false,
            on_approval: false,
        }
    }
}

/// How the number of instances follows the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Autoscaling {
    /// The least number of instances.
    #[garde(range(min = 1, max = 1000))]
    pub min: u32,
    /// The greatest number of instances.
    #[garde(range(min = 1, max = 1000))]
    pub max: u32,
    /// The number of invocations a minute that one instance should have; of an asynchronous endpoint the
    /// number of requests that wait for each instance.
    #[garde(range(min = 0.1, max = 100_000_000.0), custom(crate::rules::is_not_nan))]
    pub target: f64,
    /// The time after an instance was added before another one is, in seconds.
    #[serde(default = "scale_out_cooldown")]
    #[garde(range(max = 86_400))]
    pub scale_out_cooldown_seconds: u32,
    /// The time after an instance was removed before another one is, in seconds.
    #[serde(default = "scale_in_cooldown")]
    #[garde(range(max = 86_400))]
    pub scale_in_cooldown_seconds: u32,
}

/// The memory and concurrency of a serverless endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Serverless {
    /// The memory in MB: 1024, 2048, 3072, 4096, 5120 or 6144.
    #[garde(skip)] // see faults
    pub memory_mb: u32,
    /// The number of requests that are answered at the same time, 1 to 200.
    #[garde(range(min = 1, max = 200))]
    pub max_concurrency: u32,
    /// How many of them find a container that is there already, 1 to `max_concurrency`. None if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 200)))]
    pub provisioned_concurrency: Option<u32>,
}

impl Default for Serverless {
    fn default() -> Self {
        Self { memory_mb: 1024, max_concurrency: 20, provisioned_concurrency: None }
    }
}

/// The queue of an asynchronous endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Asynchronous {
    /// The prefix in the bucket of requests, answers and failures.
    #[garde(custom(is_object_key))]
    pub prefix: String,
    /// The number of requests that one instance answers at the same time, 1 to 1000. SageMaker chooses if
    /// absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 1000)))]
    pub max_concurrent_invocations: Option<u32>,
}

impl Default for Asynchronous {
    fn default() -> Self {
        Self { prefix: "asynchronous".to_owned(), max_concurrent_invocations: None }
    }
}

/// The requests and answers that are stored in S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// The share of the invocations that is stored, in percent.
    #[garde(range(min = 1, max = 100))]
    pub percent: u32,
    /// What is stored of them: `input`, `output` or both.
    #[garde(length(min = 1, max = 2))]
    pub of: Vec<Captured>,
    /// The prefix in the bucket.
    #[garde(custom(is_object_key))]
    pub prefix: String,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            percent: 100,
            of: vec![Captured::Input, Captured::Output],
            prefix: "capture".to_owned(),
        }
    }
}

/// How an update replaces the version that answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointUpdate {
    /// How traffic moves to the instances of the new version: `all_at_once`, `canary` or `linear`.
    #[garde(skip)]
    pub shift: Shift,
    /// The share of the instances that a canary or a linear step moves, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)] // see faults
    pub percent: Option<u32>,
    /// The time after each step in which an alarm rolls the update back, in seconds.
    #[garde(range(max = 3600))]
    pub wait_seconds: u32,
    /// The time that the old instances stay behind the last step, in seconds.
    #[garde(range(max = 3600))]
    pub terminate_after_seconds: u32,
    /// The time after which an update is rolled back, in seconds: 600 to 28800.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 600, max = 28_800)))]
    pub timeout_seconds: Option<u32>,
    /// The alarms of CloudWatch that roll an update back, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 10), inner(length(chars, min = 1, max = 255), custom(is_alarm)))]
    pub rollback_alarms: Vec<String>,
}

impl Default for EndpointUpdate {
    fn default() -> Self {
        Self {
            shift: Shift::AllAtOnce,
            percent: None,
            wait_seconds: 0,
            terminate_after_seconds: 0,
            timeout_seconds: None,
            rollback_alarms: Vec::new(),
        }
    }
}

/// Reads a word, of which YAML takes two for truth values.
fn explain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Explain, D::Error> {
    struct ExplainVisitor;

    impl Visitor<'_> for ExplainVisitor {
        type Value = Explain;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true, interventional or false")
        }

        fn visit_bool<E: de::Error>(self, is_set: bool) -> Result<Explain, E> {
            Ok(if is_set { Explain::PathDependent } else { Explain::Never })
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Explain, E> {
            word.parse().map_err(|()| E::invalid_value(de::Unexpected::Str(word), &self))
        }
    }

    deserializer.deserialize_any(ExplainVisitor)
}

fn explain_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": [true, false, "interventional"] })
}

fn scale_out_cooldown() -> u32 {
    60
}

fn scale_in_cooldown() -> u32 {
    300
}

impl Endpoint {
    /// Returns the type of the instances.
    pub fn instance_type(&self) -> &str {
        self.instance_type.as_deref().unwrap_or(DEFAULT_INSTANCE_TYPE)
    }

    /// Returns the number of instances to begin with.
    pub fn instance_count(&self) -> u32 {
        self.instance_count.unwrap_or(1)
    }
}
