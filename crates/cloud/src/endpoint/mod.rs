//! Endpoints: what is wanted of one, what is there, and the way from one to the other.

mod autoscaling;
mod configuration;
mod deployed;
mod invoke;
mod metrics;
mod plan;
mod remove;
mod update;

use std::collections::BTreeMap;

pub use autoscaling::DeployedScaling;
pub(crate) use configuration::{Properties, named, number};
pub use deployed::{DeployedEndpoint, DeployedVariant, EndpointConfiguration};
pub use invoke::AsynchronousAnswer;
pub use metrics::EndpointMetrics;
pub use plan::{EndpointPlan, Rollback};
pub use remove::{Kept, Removal};
pub use update::StartedUpdate;

/// The name of an endpoint's only variant. An update finds the old variant by its name.
pub const VARIANT: &str = "AllTraffic";

/// The endpoint that is wanted: a version of a model, and how it is hosted.
#[derive(Clone, Debug)]
pub struct DesiredEndpoint {
    /// The endpoint's name.
    pub name: String,
    /// The model that answers.
    pub model: HostedModel,
    /// The instances, or the memory.
    pub hosting: Hosting,
    /// The invocations that are stored.
    pub capture: Option<Capture>,
    /// How the number of instances follows the traffic.
    pub autoscaling: Option<Autoscaling>,
    /// How the version that answers is replaced.
    pub update: UpdatePolicy,
}

/// A version of a model as SageMaker hosts it: on an endpoint, or for a batch transform.
#[derive(Clone, Debug)]
pub struct HostedModel {
    /// The ARN of the model package.
    pub package_arn: String,
    /// Its version.
    pub version: u32,
    /// The image and the model's data that the package has now. Packages can be changed in place.
    pub content: [String; 2],
    /// The environment of the container.
    pub environment: BTreeMap<String, String>,
    /// Whether the container has no network.
    pub network_isolation: bool,
    /// The network that the container is in.
    pub network: Option<Network>,
}

/// A network of the account.
#[derive(Clone, Debug)]
pub struct Network {
    /// The security groups.
    pub security_group_ids: Vec<String>,
    /// The subnets.
    pub subnets: Vec<String>,
}

/// What an endpoint runs on.
#[derive(Clone, Debug)]
pub enum Hosting {
    /// Instances.
    Instances(Instances),
    /// Memory that is allocated on demand.
    Serverless {
        /// The memory in MB.
        memory_mb: u32,
        /// The number of requests at the same time.
        max_concurrency: u32,
        /// How many of them find a container that is there.
        provisioned_concurrency: Option<u32>,
    },
}

/// The instances of an endpoint.
#[derive(Clone, Debug)]
pub struct Instances {
    /// The type of the instances.
    pub instance_type: String,
    /// The number of instances to begin with.
    pub count: u32,
    /// The time for the first health check, in seconds.
    pub startup_timeout: Option<u32>,
    /// The time for the download of the model, in seconds.
    pub download_timeout: Option<u32>,
    /// The KMS key of the disks.
    pub volume_key: Option<String>,
    /// The queue, if the endpoint is asynchronous.
    pub queue: Option<Queue>,
}

/// The queue of an asynchronous endpoint.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The S3 address below which answers are stored.
    pub output: String,
    /// The S3 address below which failures are stored.
    pub failures: String,
    /// The KMS key of both.
    pub key: Option<String>,
    /// The number of requests that one instance answers at the same time.
    pub max_concurrent_invocations: Option<u32>,
}

/// The invocations that are stored in S3.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The share of the invocations, in percent.
    pub percent: u32,
    /// Whether requests are stored.
    pub input: bool,
    /// Whether answers are stored.
    pub output: bool,
    /// The S3 address below which they are.
    pub destination: String,
    /// Their KMS key.
    pub key: Option<String>,
    /// The content types that are stored as CSV. What is of no listed type is stored as Base64.
    pub csv_types: Vec<String>,
    /// The content types that are stored as JSON.
    pub json_types: Vec<String>,
}

/// How the number of instances follows the traffic.
#[derive(Clone, Debug)]
pub struct Autoscaling {
    /// The least number of instances.
    pub min: u32,
    /// The greatest number of instances.
    pub max: u32,
    /// What the number of instances follows.
    pub metric: ScalingMetric,
    /// What the metric should be for each instance.
    pub target: f64,
    /// The cooldown after scaling out, in seconds.
    pub scale_out_cooldown: u32,
    /// The cooldown after scaling in, in seconds.
    pub scale_in_cooldown: u32,
}

/// What the number of instances follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalingMetric {
    /// The invocations a minute.
    Invocations,
    /// The requests that wait in the queue of an asynchronous endpoint.
    Backlog,
}

/// How an update replaces the version that answers.
#[derive(Clone, Debug)]
pub struct UpdatePolicy {
    /// How traffic moves.
    pub shift: TrafficShift,
    /// The time after each step, in seconds.
    pub wait: u32,
    /// The time that the old instances stay, in seconds.
    pub terminate_after: u32,
    /// The time after which the update is rolled back, in seconds.
    pub timeout: Option<u32>,
    /// The names of the alarms that roll the update back.
    pub alarms: Vec<String>,
}

/// How traffic moves to the instances of the new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficShift {
    /// All at once.
    AllAtOnce,
    /// A share of the instances in percent, then the rest.
    Canary(u32),
    /// Steps of a share of the instances in percent.
    Linear(u32),
}
