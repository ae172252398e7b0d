//! The roles: what the jobs run as, and what GitHub Actions take on.

use serde_yaml::Value;

use super::Parts;
use super::value::{POLICY_VERSION, arn, filled, is, list, of, reference};
use crate::needs::Needs;
use crate::policy::{PolicyKind, SAGEMAKER, policy};

const REPOSITORY: &str = "GitHubRepository";
const BRANCH: &str = "GitHubBranch";
const CREATE_PROVIDER: &str = "CreateGitHubProvider";
const HAS_GITHUB: &str = "HasGitHub";

/// Who signs the tokens of GitHub Actions.
const ISSUER: &str = "token.actions.githubusercontent.com";

pub(super) fn add(needs: &Needs<'_>, parts: &mut Parts) {
    execution(needs, parts);
    github(needs, parts);
}

fn execution(needs: &Needs<'_>, parts: &mut Parts) {
    let (path, name) = path_and_name(&needs.settings.aws.role_arn);
    parts.resource(
        "ExecutionRole",
        object! {
            "Type": "AWS::IAM::Role",
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
                        // SageMaker may take the role on for this account's jobs alone
                        "Condition": object! {
                            "StringEquals": object! {
                                "aws:SourceAccount": reference("AWS::AccountId"),
                            },
                        },
                    }]),
                },
                "Policies": inline(needs, "Execution", PolicyKind::Execution),
            },
        },
    );
    parts.output(
        "ExecutionRoleArn",
        object! {
            "Description": "aws.role_arn of the settings",
            "Value": arn("ExecutionRole"),
        },
    );
}

/// `arn:aws:iam::123456789012:role/service-role/Name` is `/service-role/` and `Name`.
fn path_and_name(arn: &str) -> (String, String) {
    let role = arn.split_once(":role/").map_or(arn, |(_, role)| role);
    match role.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), role.to_owned()),
    }
}

fn github(needs: &Needs<'_>, parts: &mut Parts) {
    parts.parameter(
        REPOSITORY,
        object! {
            "Description": "OWNER/NAME of the repository whose workflows push images and deploy; empty for none",
            "Type": "String",
            "AllowedPattern": "^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$",
            "Default": "",
        },
    );
    parts.parameter(
        BRANCH,
        object! {
            "Description": "The branch whose workflows may",
            "Type": "String",
            "AllowedPattern": "^[A-Za-z0-9._/-]+$",
            "Default": "main",
        },
    );
    parts.parameter(
        CREATE_PROVIDER,
        object! {
            "Description": "An account can have GitHub's identity provider only once: false where it is there",
            "Type": "String",
            "AllowedValues": list(["true", "false"]),
            "Default": "true",
        },
    );
    parts.condition(HAS_GITHUB, object! { "Fn::Not": list([is(REPOSITORY, "")]) });
    parts.condition(
        CREATE_PROVIDER,
        object! {
            "Fn::And": list([
                object! { "Condition": HAS_GITHUB },
                is(CREATE_PROVIDER, "true"),
            ]),
        },
    );
    let audience = match needs.account.partition() {
        "aws-cn" => "sts.amazonaws.com.cn",
        _ => "sts.amazonaws.com",
    };
    parts.resource(
        "GitHubProvider",
        object! {
            "Type": "AWS::IAM::OIDCProvider",
            "Condition": CREATE_PROVIDER,
            // other stacks may rely on it
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": object! {
                "Url": format!("https://{ISSUER}"),
                "ClientIdList": list([audience]),
            },
        },
    );
    let told = |claim: &str, value: Value| {
        Value::Mapping([(format!("{ISSUER}:{claim}").into(), value)].into_iter().collect())
    };
    // the branch is deployed from, and releases are pushed from their tags
    let subjects = [format!("heads/${{{BRANCH}}}"), "tags/v*".to_owned()]
        .map(|place| filled(&format!("repo:${{{REPOSITORY}}}:ref:refs/{place}")));
    let there = format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}");
    let provider = object! {
        "Fn::If": list([CREATE_PROVIDER.into(), reference("GitHubProvider"), filled(&there)]),
    };
    parts.resource(
        "GitHubRole",
        object! {
            "Type": "AWS::IAM::Role",
            "Condition": HAS_GITHUB,
            "Properties": object! {
                "Description": "What the workflows of the repository run as",
                "AssumeRolePolicyDocument": object! {
                    "Version": POLICY_VERSION,
                    "Statement": list([object! {
                        "Effect": "Allow",
                        "Principal": object! { "Federated": provider },
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": object! {
                            "StringEquals": told("aud", audience.into()),
                            "StringLike": told("sub", list(subjects)),
                        },
                    }]),
                },
                "Policies": inline(needs, "Github", PolicyKind::Github),
            },
        },
    );
    parts.output(
        "GitHubRoleArn",
        object! {
            "Condition": HAS_GITHUB,
            "Description": "role-to-assume of the workflows",
            "Value": arn("GitHubRole"),
        },
    );
}

fn inline(needs: &Needs<'_>, name: &str, kind: PolicyKind) -> Value {
    list([object! {
        "PolicyName": name,
        "PolicyDocument": of(&policy(kind, needs.settings, needs.definition)),
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
