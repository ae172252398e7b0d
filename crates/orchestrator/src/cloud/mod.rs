//! The pipeline on SageMaker: deployed, compared, started, watched.
//!
//! Every call goes through [`Cloud`]; what AWS answers is sorted into words by `aws::CallError`.

mod cost;
mod deploy;
mod deployed;
mod doctor;
mod execution;
mod images;
mod job;
mod plan;
mod report;
mod start;
mod status;
mod upload;
mod watch;

use aws::Aws;
use config::Settings;

use crate::command::{CommandError, Config};

pub use deploy::{Arguments as Deploy, run as deploy};
pub use doctor::{Arguments as Doctor, run as doctor};
pub use job::{Arguments as Logs, run as logs};
pub use plan::{Arguments as PlanArguments, run as plan};
pub use start::{Retry, Start, Stop, retry, run as start, stop};
pub use status::{Executions, Status, executions, run as status};
pub use watch::{Arguments as Watch, run as watch};

/// The settings, and AWS with whom they are to be made true.
pub struct Cloud {
    /// What is wanted.
    pub settings: Settings,
    /// The way there.
    pub aws: Aws,
    /// Pipelines, executions, jobs.
    pub sagemaker: aws::sagemaker::Client,
}

impl Cloud {
    /// Reads the settings and finds AWS as its own tools do: from the environment and the AWS
    /// configuration files.
    pub fn connect(config: &Config) -> Result<Self, CommandError> {
        let settings = config.settings()?;
        let aws = Aws::connect()?;
        let (here, wanted) = (aws.region(), &settings.aws.region);
        if here != wanted {
            return Err(CommandError::Aws(format!(
                "the AWS environment names the region {here}, and aws.region of {} is {wanted}; \
                 AWS_REGION={wanted} makes them the same",
                config.config
            )));
        }
        let sagemaker = aws.sagemaker();
        Ok(Self { settings, aws, sagemaker })
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.settings.pipeline.name
    }

    /// The credentials may be of another account than the settings.
    pub fn check_arn(&self, arn: &str) -> Result<(), CommandError> {
        let (found, wanted) = (arn.split(':').nth(4), &self.settings.aws.account_id);
        match found {
            Some(found) if found != wanted => Err(self.other_account(found)),
            _ => Ok(()),
        }
    }

    fn other_account(&self, found: &str) -> CommandError {
        let wanted = &self.settings.aws.account_id;
        CommandError::Aws(format!(
            "the credentials are of account {found}, and aws.account_id is {wanted}"
        ))
    }

    /// A pipeline made in the wrong account would have to be found again.
    pub fn check_account(&self) -> Result<(), CommandError> {
        let identity =
            self.aws.call("sts:GetCallerIdentity", self.aws.sts().get_caller_identity().send())?;
        match identity.account() {
            Some(found) if found != self.settings.aws.account_id => Err(self.other_account(found)),
            _ => Ok(()),
        }
    }

    /// What a command says that needs a pipeline where there is none.
    pub fn no_pipeline(&self) -> CommandError {
        CommandError::Aws(format!(
            "there is no pipeline {} in {} yet; `orchestrator deploy` makes it",
            self.name(),
            self.settings.aws.region
        ))
    }
}
