//! The CloudFormation template.

#[macro_use]
mod value;
mod notifications;
mod on_approval;
mod repositories;
mod roles;
mod sections;
mod storage;

use config::Settings;
use pipeline::Definition;

use crate::inventory::Inventory;
use sections::Sections;

/// The retention of logs in days.
const LOG_DAYS: u64 = 90;

/// The parameter and condition that decide whether the template creates the log groups.
const CREATE_LOG_GROUPS: &str = "CreateLogGroups";

/// Returns a template of all resources that the pipeline of these settings needs, as YAML with
/// comments.
pub fn template(settings: &Settings, definition: &Definition) -> String {
    let inventory = Inventory::of(settings, definition);
    let mut sections = Sections::default();
    log_groups(&inventory, &mut sections);
    storage::add(&inventory, &mut sections);
    repositories::add(&inventory, &mut sections);
    roles::add(&inventory, &mut sections);
    notifications::add(&inventory, &mut sections);
    on_approval::add(&inventory, &mut sections);
    let document = object! {
        "AWSTemplateFormatVersion": value::TEMPLATE_VERSION,
        "Description": format!("What the pipeline {} needs of an account", settings.pipeline.name),
        "Parameters": sections.parameters,
        "Conditions": sections.conditions,
        "Resources": sections.resources,
        "Outputs": sections.outputs,
    };
    format!("{}\n{}", head(settings), spaced(&value::text(&document)))
}

/// Returns the comment at the start of the template.
fn head(settings: &Settings) -> String {
    format!(
        "\
# Written by `orchestrator infrastructure` from the settings: change those, and write it again.
#
#   aws cloudformation deploy --region {region} --stack-name NAME \\
#     --template-file infrastructure.yaml --capabilities CAPABILITY_NAMED_IAM
#
# Tags in the repositories are immutable, so that a tag names one image for ever. The settings' tag,
# `{tag}`, can be pushed once and never again: push by commit, as scripts/push-images does, and let
# the pipeline name digests (`--images`).
",
        region = settings.aws.region,
        tag = settings.aws.images.tag,
    )
}

/// Adds a blank line before each section and before each of its entries except the first.
fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut after_section = false;
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        let section = depth == 0 && line.ends_with(':');
        if section || (depth == 2 && !after_section && !line.trim_start().starts_with('-')) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        after_section = section;
    }
    out
}

/// Adds the log groups of the jobs. SageMaker would create them without a retention limit.
fn log_groups(inventory: &Inventory<'_>, sections: &mut Sections) {
    sections.parameter(
        CREATE_LOG_GROUPS,
        object! {
            "Description": "An account has these log groups once, from its first SageMaker job on: false where they are there",
            "Type": "String",
            "AllowedValues": value::list(["true", "false"]),
            "Default": "true",
        },
    );
    sections.condition(CREATE_LOG_GROUPS, value::equals(CREATE_LOG_GROUPS, "true"));
    for job in &inventory.jobs {
        sections.resource(
            &format!("{}Logs", job.name()),
            object! {
                "Type": "AWS::Logs::LogGroup",
                "Condition": CREATE_LOG_GROUPS,
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": object! {
                    "LogGroupName": job.log_group(),
                    "RetentionInDays": LOG_DAYS,
                },
            },
        );
    }
}
