//! `orchestrator iam-policy`: prints an IAM policy.

use clap::{Args, ValueEnum};
use common::Exit;
use infrastructure::PolicyKind;

use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::error::CommandError;
use crate::output::print;

/// Arguments of the iam-policy command.
#[derive(Debug, Args)]
pub struct IamPolicyArgs {
    /// Who it is for
    kind: Principal,
    #[command(flatten)]
    config: SettingsArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Principal {
    /// The role that the pipeline and its jobs run as
    Execution,
    /// Who types these commands
    Deploy,
    /// GitHub Actions behind reviewers: as deploy, but they upload no tables
    Github,
    /// GitHub Actions on the branch and on release tags: they push images
    Push,
    /// Who approves and rejects versions
    Approver,
    /// Who deploys approved versions as the endpoint, and runs batch transforms
    Endpoint,
    /// GitHub Actions behind reviewers: as endpoint, and they approve versions
    Release,
    /// Who registers approved versions in another stage, for both stages
    Promote,
    /// Who deletes all that the pipeline has left, beside what deploy and endpoint print
    Destroy,
}

/// Prints a policy as JSON.
pub fn run(arguments: &IamPolicyArgs) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings_of_account()?;
    let kind = match arguments.kind {
        Principal::Execution => PolicyKind::Execution,
        Principal::Deploy => PolicyKind::Deploy,
        Principal::Github => PolicyKind::Github,
        Principal::Push => PolicyKind::Push,
        Principal::Approver => PolicyKind::Approver,
        Principal::Endpoint => PolicyKind::Endpoint,
        Principal::Release => PolicyKind::Release,
        Principal::Promote => PolicyKind::Promote,
        Principal::Destroy => PolicyKind::Destroy,
    };
    let definition = definition::build(&settings);
    print(&infrastructure::policy(kind, &settings, &definition).to_json())
}
