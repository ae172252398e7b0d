//! The commands on SageMaker. Each calls operations of the `cloud` crate and prints their results.

mod answered_rows;
mod approval;
mod connect;
mod deploy;
mod destroy;
mod doctor;
mod earlier_results;
mod endpoint;
mod executions;
mod follow;
mod gates;
mod hosted_table;
mod input_table;
mod logs;
mod past_execution;
mod pipeline;
mod plan;
mod promote;
mod records;
mod retry;
mod start;
mod status;
mod stop;
mod transform;
mod watch;

use clap::Subcommand;
use cloud::Cloud;
use common::Exit;
use config::Settings;

use super::models::group::{DecidedGroup, ModelGroup, RegistryArgs};
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

pub use doctor::check_account;
pub use past_execution::past_execution;

/// The commands on SageMaker.
#[derive(Debug, Subcommand)]
pub enum SageMakerCommand {
    /// Make the pipeline on SageMaker what the settings say
    #[command(
        after_help = "Example: orchestrator deploy --upload machine_downtime.csv --watch -p MaxDepth=12"
    )]
    Deploy(deploy::DeployArgs),
    /// Print what `deploy` would change and what an execution costs; exit code 10 if there is a change
    #[command(after_help = "Example: orchestrator plan --json")]
    Plan(plan::PlanArgs),
    /// Look at everything that a deployment needs, and name the remedy for what is missing
    #[command(after_help = "Example: orchestrator doctor")]
    Doctor(doctor::DoctorArgs),
    /// Start an execution of the deployed pipeline
    #[command(after_help = "Example: orchestrator start -p MinRecall=0.9 --watch")]
    Start(start::StartArgs),
    /// Stop an execution
    #[command(after_help = "Example: orchestrator stop k3f9x2m1q8zt")]
    Stop(stop::StopArgs),
    /// Run the failed steps of an execution again
    #[command(after_help = "Example: orchestrator retry --watch")]
    Retry(retry::RetryArgs),
    /// List executions, latest first
    #[command(after_help = "Example: orchestrator executions --most 5")]
    Executions(executions::ExecutionsArgs),
    /// Tell how an execution stands: steps, metrics, gates, the registered model
    #[command(after_help = "Example: orchestrator status k3f9x2m1q8zt --json")]
    Status(status::StatusArgs),
    /// Watch an execution to its end, with the log of what failed; exits as the execution ends
    #[command(after_help = "Example: orchestrator watch --timeout 60")]
    Watch(watch::WatchArgs),
    /// Print the log of a step's job
    #[command(after_help = "Example: orchestrator logs Train --follow")]
    Logs(logs::LogsArgs),
    /// Deploy an approved version as an endpoint, look at it, ask it, and delete it
    #[command(after_help = "Example: orchestrator endpoint deploy")]
    Endpoint(endpoint::EndpointArgs),
    /// List the versions of the deployed pipeline, go back to one, or delete it
    #[command(after_help = "Example: orchestrator pipeline versions")]
    Pipeline(pipeline::PipelineArgs),
    /// Register an approved version in another stage, with the same bytes
    #[command(
        after_help = "Example: orchestrator promote 7 --to config/pipeline_config.yaml --to prod.yaml\n\nThe other \
                      stage's quality gates are judged, its registry must have the image, and it approves for itself."
    )]
    Promote(promote::PromoteArgs),
    /// Delete what the pipeline has left in the account: endpoint, pipeline and models, and if asked for data and images
    #[command(after_help = "Example: orchestrator destroy --dry-run")]
    Destroy(destroy::DestroyArgs),
    /// Answer the rows of a table, or of objects in S3, by a batch transform of an approved version
    #[command(
        after_help = "Example: orchestrator transform --input shift.parquet --output scored.csv"
    )]
    Transform(transform::TransformArgs),
}

/// The arguments of the program when it is called without a command: those of `deploy`.
pub type DefaultArgs = deploy::DeployArgs;

impl From<DefaultArgs> for SageMakerCommand {
    fn from(arguments: DefaultArgs) -> Self {
        Self::Deploy(arguments)
    }
}

impl SageMakerCommand {
    /// Runs the command.
    pub fn run(&self) -> Result<Exit, CommandError> {
        match self {
            Self::Deploy(arguments) => deploy::run(arguments),
            Self::Plan(arguments) => plan::run(arguments),
            Self::Doctor(arguments) => doctor::run(arguments),
            Self::Start(arguments) => start::run(arguments),
            Self::Stop(arguments) => stop::run(arguments),
            Self::Retry(arguments) => retry::run(arguments),
            Self::Executions(arguments) => executions::run(arguments),
            Self::Status(arguments) => status::run(arguments),
            Self::Watch(arguments) => watch::run(arguments),
            Self::Logs(arguments) => logs::run(arguments),
            Self::Endpoint(arguments) => endpoint::run(arguments),
            Self::Pipeline(arguments) => pipeline::run(arguments),
            Self::Promote(arguments) => promote::run(arguments),
            Self::Destroy(arguments) => destroy::run(arguments),
            Self::Transform(arguments) => transform::run(arguments),
        }
    }
}

/// Opens a group of SageMaker's registry.
pub fn open_registry(arguments: &RegistryArgs) -> Result<ModelGroup, CommandError> {
    let (settings, cloud) = connect::connect(&arguments.config)?;
    Ok(named_group(arguments, &settings, &cloud))
}

/// Opens a group of SageMaker's registry to decide about its versions. Refuses credentials of another account
/// than the settings', where a group of this name may be another one.
pub fn open_to_decide(arguments: &RegistryArgs) -> Result<DecidedGroup, CommandError> {
    let (settings, cloud) = connect::connect(&arguments.config)?;
    cloud.check_credentials()?;
    let group = named_group(arguments, &settings, &cloud);
    let caller = cloud::caller_of(cloud.aws()).map_err(SageMakerError::Call)?;
    // Of a user the name, of a role that and the session's.
    let name = caller.rsplit(':').next().and_then(|resource| resource.split_once('/'));
    let decider = Some(name.map_or(caller.clone(), |(_, name)| name.to_owned()));
    // Who decides need not be allowed to look at endpoints.
    let can_go_back = move |endpoint: &str| {
        cloud.earlier_configuration(endpoint).is_ok_and(|earlier| earlier.is_some())
    };
    Ok(DecidedGroup { group, can_go_back: Box::new(can_go_back), decider })
}

/// Returns the group that the arguments name, or that of the settings.
fn named_group(arguments: &RegistryArgs, settings: &Settings, cloud: &Cloud) -> ModelGroup {
    let group = connect::group_of(settings, cloud);
    match &arguments.group {
        // The endpoint of the settings answers with versions of the settings' group.
        Some(name) if *name != group.name => {
            ModelGroup { name: name.clone(), find_endpoint: Box::new(|| None), ..group }
        }
        _ => group,
    }
}
