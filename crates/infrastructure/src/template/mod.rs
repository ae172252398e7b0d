//! The CloudFormation template.

#[macro_use]
mod value;
mod notifications;
mod repositories;
mod roles;
mod storage;

use config::Settings;
use pipeline::Definition;
use serde_yaml::{Mapping, Value};

use crate::needs::Needs;

/// How long logs are kept, in days.
const LOG_DAYS: u64 = 90;

/// Whether the account's log groups are made here.
const CREATE_LOG_GROUPS: &str = "CreateLogGroups";

/// Everything in an account that the pipeline of these settings needs, as YAML with comments.
pub fn template(settings: &Settings, definition: &Definition) -> String {
    let needs = Needs::of(settings, definition);
    let mut parts = Parts::default();
    log_groups(&needs, &mut parts);
    storage::add(&needs, &mut parts);
    repositories::add(&needs, &mut parts);
    roles::add(&needs, &mut parts);
    notifications::add(&needs, &mut parts);
    let document = object! {
        "AWSTemplateFormatVersion": value::TEMPLATE_VERSION,
        "Description": format!("What the pipeline {} needs of an account", settings.pipeline.name),
        "Parameters": parts.parameters,
        "Conditions": parts.conditions,
        "Resources": parts.resources,
        "Outputs": parts.outputs,
    };
    format!("{}\n{}", head(settings), spaced(&value::text(&document)))
}

/// What the sections of a template are gathered in.
#[derive(Default)]
struct Parts {
    parameters: Mapping,
    conditions: Mapping,
    resources: Mapping,
    outputs: Mapping,
}

impl Parts {
    fn parameter(&mut self, name: &str, parameter: Value) {
        self.parameters.insert(name.into(), parameter);
    }

    fn condition(&mut self, name: &str, condition: Value) {
        self.conditions.insert(name.into(), condition);
    }

    fn resource(&mut self, name: &str, resource: Value) {
        self.resources.insert(name.into(), resource);
    }

    fn output(&mut self, name: &str, output: Value) {
        self.outputs.insert(name.into(), output);
    }
}

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

/// A blank line before each section and each of its entries but the first.
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

/// SageMaker would make the groups itself, and keep what is in them for ever.
fn log_groups(needs: &Needs<'_>, parts: &mut Parts) {
    parts.parameter(
        CREATE_LOG_GROUPS,
        object! {
            "Description": "An account has these log groups once, from its first SageMaker job on: false where they are there",
            "Type": "String",
            "AllowedValues": value::list(["true", "false"]),
            "Default": "true",
        },
    );
    parts.condition(CREATE_LOG_GROUPS, value::is(CREATE_LOG_GROUPS, "true"));
    for job in &needs.jobs {
        parts.resource(
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
