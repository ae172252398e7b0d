//! The IAM roles of the jobs and of GitHub Actions.

use serde_yaml::Value;

use super::sections::Sections;
use super::value::{
    POLICY_VERSION, arn, choose, equals, list, put, reference, serialized, substitute,
};
use crate::inventory::Inventory;
use crate::policy::{PolicyKind, policy};
use crate::statements::SAGEMAKER;

/// The parameter and condition that decide whether the template creates the role of the jobs.
const CREATE_ROLE: &str = "CreateExecutionRole";
/// The parameter and condition for the permissions boundary of every role.
const BOUNDARY: &str = "PermissionsBoundary";
/// The parameter for the GitHub repository.
pub(super) const REPOSITORY: &str = "GitHubRepository";
/// The parameter and condition for the repository's name in the tokens of GitHub, where it is another.
const SUBJECT: &str = "GitHubSubject";
/// The parameter for the branch.
const BRANCH: &str = "GitHubBranch";
/// The parameter and condition that decide whether the template creates the identity provider.
const CREATE_PROVIDER: &str = "CreateGitHubProvider";
/// The parameter for the environment whose jobs approve and deploy versions once reviewers let them start.
const ENVIRONMENT: &str = "GitHubEnvironment";
/// The parameter for the environment whose jobs deploy the pipeline once reviewers let them start.
const PIPELINE_ENVIRONMENT: &str = "GitHubPipelineEnvironment";
/// The condition that a GitHub repository is given.
const HAS_GITHUB: &str = "HasGitHub";

/// The issuer of the tokens of GitHub Actions.
const ISSUER: &str = "token.actions.githubusercontent.com";

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    execution(inventory, sections);
    github(inventory, sections);
}

/// Adds the role of the pipeline and its jobs.
fn execution(inventory: &Inventory<'_>, sections: &mut Sections) {
    let existing = inventory.settings.aws.role_arn.as_str();
    let (path, name) = path_and_name(existing);
    sections.choice(
        CREATE_ROLE,
        "Whether to make the role of the jobs: false where it is there, with the policy `iam-policy execution`",
    );
    sections.resource(
        "ExecutionRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Condition": CREATE_ROLE,
            "Properties": object! {
                "RoleName": name,
                "Path": path,
                "Description": "What the pipeline and its jobs run as",
                "AssumeRolePolicyDocument": object! {
                    "Version": POLICY_VERSION,
                    "Statement": list([object! {
                        "Effect": "Allow",
                        "Principal": object! { "Service": SAGEMAKER },
                        "Action": "sts:AssumeRole",
                        // SageMaker may assume the role only for jobs of this account.
                        "Condition": of_this_account(),
                    }]),
                },
                "Policies": inline(inventory, "Execution", PolicyKind::Execution),
            },
        },
    );
    sections.output(
        "ExecutionRoleArn",
        object! {
            "Description": "aws.role_arn of the settings",
            "Value": choose(CREATE_ROLE, arn("ExecutionRole"), existing.into()),
        },
    );
}

/// Returns the condition that a service acts for this account.
fn of_this_account() -> Value {
    object! {
        "StringEquals": object! { "aws:SourceAccount": reference("AWS::AccountId") },
    }
}

/// Gives every role the permissions boundary of the parameter, if it names one. Some accounts allow no role
/// without.
pub(super) fn bound(sections: &mut Sections) {
    sections.parameter(
        BOUNDARY,
        object! {
            "Description": "The ARN of the policy that bounds every role of the stack; empty for none",
            "Type": "String",
            "AllowedPattern": "^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+)?$",
            "Default": "",
        },
    );
    sections.condition(BOUNDARY, object! { "Fn::Not": list([equals(BOUNDARY, "")]) });
    for resource in sections.resources.values_mut() {
        if resource.get("Type").and_then(Value::as_str) != Some("AWS::IAM::Role") {
            continue;
        }
        let boundary = choose(BOUNDARY, reference(BOUNDARY), reference("AWS::NoValue"));
        if let Some(properties) = resource.get_mut("Properties") {
            put(properties, "PermissionsBoundary", Some(boundary));
        }
    }
}

/// Returns a role that EventBridge assumes to do one thing.
pub(super) fn events_role(description: &str, action: &str, resources: Value) -> Value {
    object! {
        "Type": "AWS::IAM::Role",
        "Properties": object! {
            "Description": description,
            "AssumeRolePolicyDocument": object! {
                "Version": POLICY_VERSION,
                "Statement": list([object! {
                    "Effect": "Allow",
                    "Principal": object! { "Service": "events.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    // Only for rules of this account. Their names are made up with the stack.
                    "Condition": of_this_account(),
                }]),
            },
            "Policies": list([object! {
                "PolicyName": "Start",
                "PolicyDocument": object! {
                    "Version": POLICY_VERSION,
                    "Statement": list([object! {
                        "Effect": "Allow",
                        "Action": action,
                        "Resource": resources,
                    }]),
                },
            }]),
        },
    }
}

/// Returns the path and name of a role: `/service-role/` and `Name` for
/// `arn:aws:iam::123456789012:role/service-role/Name`.
fn path_and_name(arn: &str) -> (String, String) {
    let role = arn.split_once(":role/").map_or(arn, |(_, role)| role);
    match role.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), role.to_owned()),
    }
}

/// Adds the role of GitHub Actions, which exists if a repository is given.
fn github(inventory: &Inventory<'_>, sections: &mut Sections) {
    github_parameters(inventory, sections);
    github_conditions(sections);
    github_provider(inventory, sections);
    sections.resource(
        "GitHubRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Condition": HAS_GITHUB,
            "Properties": object! {
                "Description": "What deploys the pipeline and starts executions, once a reviewer has agreed",
                "AssumeRolePolicyDocument": github_trust(
                    inventory,
                    environment(&format!("${{{PIPELINE_ENVIRONMENT}}}")),
                ),
                "Policies": inline(inventory, "Github", PolicyKind::Github),
            },
        },
    );
    sections.resource(
        "GitHubPushRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Condition": HAS_GITHUB,
            "Properties": object! {
                "Description": "What pushes images, and does nothing else",
                "AssumeRolePolicyDocument": github_trust(inventory, branch_and_release_tags()),
                "Policies": inline(inventory, "Push", PolicyKind::Push),
            },
        },
    );
    sections.resource(
        "GitHubReleaseRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Condition": HAS_GITHUB,
            "Properties": object! {
                "Description": "What approves a version and deploys it, once a reviewer has agreed",
                "AssumeRolePolicyDocument": github_trust(inventory, environment(&format!("${{{ENVIRONMENT}}}"))),
                "Policies": inline(inventory, "Release", PolicyKind::Release),
            },
        },
    );
    sections.output(
        "GitHubReleaseRoleArn",
        object! {
            "Condition": HAS_GITHUB,
            "Description": "role-to-assume of the workflow that approves and deploys",
            "Value": arn("GitHubReleaseRole"),
        },
    );
    sections.output(
        "GitHubRoleArn",
        object! {
            "Condition": HAS_GITHUB,
            "Description": "role-to-assume of the workflow that deploys the pipeline",
            "Value": arn("GitHubRole"),
        },
    );
    sections.output(
        "GitHubPushRoleArn",
        object! {
            "Condition": HAS_GITHUB,
            "Description": "role-to-assume of the workflow that pushes images",
            "Value": arn("GitHubPushRole"),
        },
    );
}

fn github_parameters(inventory: &Inventory<'_>, sections: &mut Sections) {
    let repository = if inventory.settings.endpoint.on_approval {
        // Its workflow deploys what is approved, so there must be one.
        object! {
            "Description": "OWNER/NAME of the repository whose workflows push images and deploy",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$",
        }
    } else {
        object! {
            "Description": "OWNER/NAME of the repository whose workflows push images and deploy; empty for none",
            "Type": "String",
            "AllowedPattern": "^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$",
            "Default": "",
        }
    };
    sections.parameter(REPOSITORY, repository);
    sections.parameter(
        SUBJECT,
        object! {
            "Description": "OWNER@ID/NAME@ID for a repository made, renamed or transferred since 2026-07-15, or that has opted in: GitHub's tokens call it so. Empty for OWNER/NAME",
            "Type": "String",
            "AllowedPattern": "^([A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+)?$",
            "Default": "",
        },
    );
    sections.parameter(
        BRANCH,
        object! {
            "Description": "The branch whose workflows may push images",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9._/-]+$",
            "Default": "main",
        },
    );
    sections.parameter(
        ENVIRONMENT,
        object! {
            "Description": "The environment of the repository whose jobs may approve and deploy; its reviewers decide",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9._-]+$",
            "Default": "production",
        },
    );
    sections.parameter(
        PIPELINE_ENVIRONMENT,
        object! {
            "Description": "The environment of the repository whose jobs may deploy the pipeline; its reviewers decide",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9._-]+$",
            "Default": "pipeline",
        },
    );
    sections.parameter(
        CREATE_PROVIDER,
        object! {
            "Description": "An account can have GitHub's identity provider only once: false where it is there",
            "Type": "String",
            "AllowedValues": list(["true", "false"]),
            "Default": "true",
        },
    );
}

fn github_conditions(sections: &mut Sections) {
    sections.condition(SUBJECT, object! { "Fn::Not": list([equals(SUBJECT, "")]) });
    sections.condition(HAS_GITHUB, object! { "Fn::Not": list([equals(REPOSITORY, "")]) });
    sections.condition(
        CREATE_PROVIDER,
        object! {
            "Fn::And": list([
                object! { "Condition": HAS_GITHUB },
                equals(CREATE_PROVIDER, "true"),
            ]),
        },
    );
}

/// Adds the identity provider that verifies the tokens of GitHub Actions.
fn github_provider(inventory: &Inventory<'_>, sections: &mut Sections) {
    let audience = audience(inventory);
    sections.resource(
        "GitHubProvider",
        object! {
            "Type": "AWS::IAM::OIDCProvider",
            "Condition": CREATE_PROVIDER,
            // Other stacks may use the provider too.
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": object! {
                "Url": format!("https://{ISSUER}"),
                "ClientIdList": list([audience]),
            },
        },
    );
}

/// Returns the audience of the tokens, which is the endpoint of STS in the partition.
fn audience(inventory: &Inventory<'_>) -> &'static str {
    match inventory.account.partition() {
        "aws-cn" => "sts.amazonaws.com.cn",
        _ => "sts.amazonaws.com",
    }
}

/// Returns the subjects of the workflows on the branch and on release tags, which push images.
fn branch_and_release_tags() -> Vec<Value> {
    vec![subject(&format!("ref:refs/heads/${{{BRANCH}}}")), subject("ref:refs/tags/v*")]
}

/// Returns the subject of the jobs of an environment.
pub(super) fn environment(name: &str) -> Vec<Value> {
    vec![subject(&format!("environment:{name}"))]
}

/// Returns the subject of jobs of the repository. Tokens of newer repositories have the ids of owner and
/// repository in it, so that whoever gets a name that became free does not get the role.
fn subject(jobs: &str) -> Value {
    let name = object! {
        "Fn::If": list([SUBJECT.into(), reference(SUBJECT), reference(REPOSITORY)]),
    };
    object! {
        "Fn::Sub": list([format!("repo:${{Name}}:{jobs}").into(), object! { "Name": name }]),
    }
}

/// Returns the trust policy: jobs of the repository with these subjects may assume the role.
pub(super) fn github_trust(inventory: &Inventory<'_>, subjects: Vec<Value>) -> Value {
    let claim = |claim: &str, value: Value| {
        Value::Mapping([(format!("{ISSUER}:{claim}").into(), value)].into_iter().collect())
    };
    let existing =
        format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}");
    let provider = object! {
        "Fn::If": list([
            CREATE_PROVIDER.into(),
            reference("GitHubProvider"),
            substitute(&existing),
        ]),
    };
    object! {
        "Version": POLICY_VERSION,
        "Statement": list([object! {
            "Effect": "Allow",
            "Principal": object! { "Federated": provider },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": object! {
                "StringEquals": claim("aud", audience(inventory).into()),
                "StringLike": claim("sub", list(subjects)),
            },
        }]),
    }
}

/// Returns the policies of a role: one inline policy.
pub(super) fn inline(inventory: &Inventory<'_>, name: &str, kind: PolicyKind) -> Value {
    list([object! {
        "PolicyName": name,
        "PolicyDocument": serialized(&policy(kind, inventory.settings, inventory.definition)),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_a_path_and_a_name() {
        let of = |role: &str| path_and_name(&format!("arn:aws:iam::123456789012:role/{role}"));
        assert_eq!(of("Name"), ("/".to_owned(), "Name".to_owned()));
        assert_eq!(of("a/b/Name"), ("/a/b/".to_owned(), "Name".to_owned()));
    }
}
