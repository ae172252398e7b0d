//! The deployment of a version as soon as it is approved, wherever that is: an event starts the workflow of
//! GitHub Actions that deploys.

use config::ApprovalStatus;

use super::roles::{REPOSITORY, environment, events_role, github_trust, inline};
use super::sections::Sections;
use super::value::{GITHUB_VERSION, arn, list, substitute};
use crate::inventory::Inventory;
use crate::policy::PolicyKind;

/// The parameter for the secret that has the token.
const TOKEN_SECRET: &str = "GitHubTokenSecret";
/// The environment of the workflow's job. It needs no reviewers, since its role approves nothing.
const ENVIRONMENT: &str = "on-approval";
/// The type of the event that the workflow starts at.
const EVENT: &str = "model-approved";

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    if !inventory.settings.endpoint.on_approval {
        return;
    }
    sections.parameter(
        TOKEN_SECRET,
        object! {
            "Description": "The name of the secret in Secrets Manager with a GitHub token that may write the repository's contents, which starts workflows",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9/_+=.@-]+$",
        },
    );
    sections.resource(
        "GitHubEndpointRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Properties": object! {
                "Description": "What deploys a version that was approved, and approves none",
                "AssumeRolePolicyDocument": github_trust(inventory, environment(ENVIRONMENT)),
                "Policies": inline(inventory, "Endpoint", PolicyKind::Endpoint),
            },
        },
    );
    sections.output(
        "GitHubEndpointRoleArn",
        object! {
            "Description": "role-to-assume of the workflow that deploys what is approved",
            "Value": arn("GitHubEndpointRole"),
        },
    );
    destination(sections);
    let group = inventory.settings.model_registry.model_package_group_name.as_str();
    sections.resource(
        "VersionApproved",
        object! {
            "Type": "AWS::Events::Rule",
            "Properties": object! {
                "Description": "A version is approved",
                "EventPattern": object! {
                    "source": list(["aws.sagemaker"]),
                    "detail-type": list(["SageMaker Model Package State Change"]),
                    "detail": object! {
                        "ModelPackageGroupName": list([group]),
                        "ModelApprovalStatus": list([ApprovalStatus::Approved.to_string()]),
                    },
                },
                "Targets": list([object! {
                    "Id": "Workflow",
                    "Arn": arn("Workflow"),
                    "RoleArn": arn("StartWorkflowRole"),
                    "InputTransformer": object! {
                        "InputPathsMap": object! { "version": "$.detail.ModelPackageArn" },
                        "InputTemplate": format!(
                            r#"{{"event_type": "{EVENT}", "client_payload": {{"model_package": "<version>"}}}}"#
                        ),
                    },
                }]),
            },
        },
    );
}

/// Adds the way to the workflow: GitHub's address, the token, and who may use them.
fn destination(sections: &mut Sections) {
    let header = |name: &str, value: &str| object! { "Key": name, "Value": value };
    let token = format!("Bearer {{{{resolve:secretsmanager:${{{TOKEN_SECRET}}}}}}}");
    sections.resource(
        "GitHubConnection",
        object! {
            "Type": "AWS::Events::Connection",
            "Properties": object! {
                "AuthorizationType": "API_KEY",
                "AuthParameters": object! {
                    "ApiKeyAuthParameters": object! {
                        "ApiKeyName": "Authorization",
                        "ApiKeyValue": substitute(&token),
                    },
                    "InvocationHttpParameters": object! {
                        "HeaderParameters": list([
                            header("Accept", "application/vnd.github+json"),
                            header("X-GitHub-Api-Version", GITHUB_VERSION),
                        ]),
                    },
                },
            },
        },
    );
    let address = format!("https://api.github.com/repos/${{{REPOSITORY}}}/dispatches");
    sections.resource(
        "Workflow",
        object! {
            "Type": "AWS::Events::ApiDestination",
            "Properties": object! {
                "Description": "Starts workflows of the repository",
                "ConnectionArn": arn("GitHubConnection"),
                "HttpMethod": "POST",
                "InvocationEndpoint": substitute(&address),
                "InvocationRateLimitPerSecond": 1_u64,
            },
        },
    );
    let role = events_role(
        "What starts the workflow at an event",
        "events:InvokeApiDestination",
        arn("Workflow"),
    );
    sections.resource("StartWorkflowRole", role);
}
