//! The CloudFormation template.

#[macro_use]
mod value;
mod keys;
mod notifications;
mod on_approval;
mod repositories;
mod roles;
mod schedule;
mod sections;
mod storage;

use config::Settings;
use indexmap::IndexMap;
use pipeline::Definition;
use serde_yaml::{Mapping, Value};

use crate::hosting::{TRANSFORMS, endpoint_log_group};
use crate::inventory::Inventory;
use sections::Sections;

/// The retention of logs in days.
const LOG_DAYS: u64 = 90;

/// The parameter and condition that decide whether the template creates the log groups of the jobs.
const CREATE_LOG_GROUPS: &str = "CreateLogGroups";
/// The same for the log groups of what hosts a model.
const CREATE_HOSTING_LOG_GROUPS: &str = "CreateHostingLogGroups";

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
    schedule::add(&inventory, &mut sections);
    roles::bound(&mut sections);
    // What every resource carries comes last.
    tag(&mut sections.resources, &settings.tags);
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

/// Gives the settings' tags to every resource of a type that has tags.
fn tag(resources: &mut Mapping, tags: &IndexMap<String, String>) {
    const TAGGED: [&str; 6] = [
        "AWS::ECR::Repository",
        "AWS::IAM::OIDCProvider",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::SNS::Topic",
    ];
    let tag = |(key, value): (&String, &String)| {
        object! { "Key": key.as_str(), "Value": value.as_str() }
    };
    for resource in resources.values_mut() {
        let has_tags = resource["Type"].as_str().is_some_and(|kind| TAGGED.contains(&kind));
        let properties = resource.get_mut("Properties").and_then(Value::as_mapping_mut);
        if let (true, false, Some(properties)) = (has_tags, tags.is_empty(), properties) {
            properties.insert("Tags".into(), value::list(tags.iter().map(tag)));
        }
    }
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

/// Adds the log groups of the jobs and of what hosts a model. SageMaker would create them without a retention
/// limit.
fn log_groups(inventory: &Inventory<'_>, sections: &mut Sections) {
    let jobs = inventory.jobs.iter();
    let jobs = jobs.map(|job| (format!("{}Logs", job.name()), job.log_group().to_owned()));
    let about = "An account has these log groups once, from its first SageMaker job on: false where they are there";
    let key = keys::of_logs(inventory, sections);
    log_groups_of(CREATE_LOG_GROUPS, about, jobs, key.as_ref(), sections);
    let endpoint = endpoint_log_group(inventory.settings.endpoint_name());
    let hosts = [("EndpointLogs", endpoint), ("TransformLogs", TRANSFORMS.to_owned())];
    let hosts = hosts.map(|(name, group)| (name.to_owned(), group));
    let about =
        "The log groups of the endpoint and of batch transforms: false where one has run before";
    log_groups_of(CREATE_HOSTING_LOG_GROUPS, about, hosts, key.as_ref(), sections);
}

/// Adds log groups by their names as resources, and the parameter that decides whether they are created.
fn log_groups_of(
    parameter: &str,
    about: &str,
    groups: impl IntoIterator<Item = (String, String)>,
    key: Option<&Value>,
    sections: &mut Sections,
) {
    sections.choice(parameter, about);
    for (resource, group) in groups {
        let mut properties = object! {
            "LogGroupName": group,
            "RetentionInDays": LOG_DAYS,
        };
        value::put(&mut properties, "KmsKeyId", key.cloned());
        sections.resource(
            &resource,
            object! {
                "Type": "AWS::Logs::LogGroup",
                "Condition": parameter,
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": properties,
            },
        );
    }
}
