//! The checks of the role that the pipeline and its jobs run as.

use aws::CallError;
use aws::iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
};
use futures_util::future::join_all;
use infrastructure::{Policy, Statement, partition};
use serde_json::Value;

use super::check::{Doctor, Remedy};

/// What IAM decides about an action on a resource, if it does not allow it.
enum Refusal {
    /// No policy allows it.
    NotAllowed { limited_by_boundary: bool },
    /// The policy of this id denies it, which no other policy can allow.
    Denied { policy: String },
}

/// The decision about an action on a resource: none if it is allowed.
struct Decision {
    action: String,
    resource: String,
    refusal: Option<Refusal>,
}

impl Doctor<'_> {
    /// Checks that the role is the target's own and trusts SageMaker. Returns whether it is there.
    pub(super) fn role(&mut self) -> bool {
        let arn = &self.cloud.target.role_arn;
        if let Some(found) = self.fault_of_role_arn(arn) {
            self.error("role", &found, Remedy::UseRole { arn: None });
            return false;
        }
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let call = self.cloud.aws.iam().get_role().role_name(name);
        let role = match self.cloud.aws.call("iam:GetRole", call.send()) {
            Ok(answer) => answer.role,
            Err(error) if error.is_absent() => {
                self.error("role", &format!("{arn} is not there"), Remedy::CreateRole);
                return false;
            }
            Err(error) => {
                self.unchecked("role", &error);
                return false;
            }
        };
        // IAM finds a role by its name alone, whatever path the settings name.
        if let Some(found) = role.as_ref().map(|role| role.arn()).filter(|found| found != arn) {
            let remedy = Remedy::UseRole { arn: Some(found.to_owned()) };
            self.error("role", &format!("{arn} is not there, but {found}"), remedy);
            return false;
        }
        let trust = role.and_then(|role| role.assume_role_policy_document).unwrap_or_default();
        if trusts_sagemaker(&percent_decoded(&trust)) {
            self.ok("role", arn);
        } else {
            let found = format!("{arn} does not trust sagemaker.amazonaws.com");
            self.error("role", &found, Remedy::CreateRole);
        }
        true
    }

    /// Returns what is wrong with an ARN that is of another account or partition than the target.
    fn fault_of_role_arn(&self, arn: &str) -> Option<String> {
        let target = &self.cloud.target;
        let mut parts = arn.split(':').skip(1);
        let (own, account) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
        let wanted = partition(&target.region);
        if own != wanted {
            let region = &target.region;
            return Some(format!("{arn} is of the partition {own}, and {region} is of {wanted}"));
        }
        let wanted = &target.account_id;
        (account != wanted)
            .then(|| format!("{arn} is of account {account}, and aws.account_id is {wanted}"))
    }

    /// Checks that the role's policies allow what `needed` does. IAM simulates them, with the role's
    /// permissions boundary and what its organization denies.
    pub(super) fn permissions(&mut self, needed: &Policy) {
        const ACTION: &str = "iam:SimulatePrincipalPolicy";
        let iam = self.cloud.aws.iam();
        let simulations = needed.statement.iter().flat_map(|statement| {
            contexts(statement).into_iter().map(move |context| (statement, context))
        });
        let calls = simulations.map(|(statement, context)| {
            let call = iam
                .simulate_principal_policy()
                .policy_source_arn(&self.cloud.target.role_arn)
                .set_action_names(Some(statement.action.clone()))
                .set_resource_arns(Some(statement.resource.clone()))
                .set_context_entries(Some(context));
            async move {
                let mut pages = call.into_paginator().items().send();
                let mut decisions = Vec::new();
                while let Some(result) = pages.next().await {
                    let result = result.map_err(|error| CallError::of(ACTION, error))?;
                    decisions.extend(decisions_of(result));
                }
                Ok((statement, decisions))
            }
        });
        let mut faults: Vec<(String, Remedy)> = Vec::new();
        for answer in self.cloud.aws.wait(join_all(calls)) {
            let (statement, decisions) = match answer {
                Ok(answer) => answer,
                Err(error) => return self.unchecked("permissions", &error),
            };
            for fault in faults_of(statement, &decisions) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() {
            let number = needed.actions().count();
            self.ok("permissions", &format!("the role's policies allow all {number} calls"));
        }
        for (found, remedy) in faults {
            self.error("permissions", &found, remedy);
        }
    }
}

/// Returns the values of condition keys under which a statement is simulated: under each of the values
/// that it names, one after the other.
fn contexts(statement: &Statement) -> Vec<Vec<ContextEntry>> {
    let keys = || {
        statement.condition.iter().flat_map(|(operator, keys)| {
            keys.iter().map(move |(key, values)| (operator.as_str(), key, values))
        })
    };
    let most = keys().map(|(_, _, values)| values.len()).max().unwrap_or(1);
    let context = |at: usize| {
        let entries = keys().map(|(operator, key, values)| {
            let kind = match operator {
                "Bool" => ContextKeyTypeEnum::Boolean,
                "ForAnyValue:StringEquals" => ContextKeyTypeEnum::StringList,
                _ => ContextKeyTypeEnum::String,
            };
            let value = values.get(at).or(values.last()).cloned().unwrap_or_default();
            let entry = ContextEntry::builder().context_key_name(key.as_str());
            entry.context_key_type(kind).context_key_values(value).build()
        });
        entries.collect()
    };
    (0..most).map(context).collect()
}

/// Returns the decisions of a result, which holds one for each resource if there are several.
fn decisions_of(result: EvaluationResult) -> Vec<Decision> {
    let refusal =
        |decision: &PolicyEvaluationDecisionType, policy: Option<&str>, boundary| match decision {
            PolicyEvaluationDecisionType::Allowed => None,
            PolicyEvaluationDecisionType::ExplicitDeny => {
                let policy = policy.unwrap_or("a policy of the organization").to_owned();
                Some(Refusal::Denied { policy })
            }
            _ => Some(Refusal::NotAllowed { limited_by_boundary: boundary }),
        };
    let action = result.eval_action_name();
    if result.resource_specific_results().is_empty() {
        let policy = result.matched_statements().first().and_then(|s| s.source_policy_id());
        let boundary = result.permissions_boundary_decision_detail();
        let boundary = boundary.is_some_and(|it| !it.allowed_by_permissions_boundary());
        return vec![Decision {
            action: action.to_owned(),
            resource: result.eval_resource_name().unwrap_or("*").to_owned(),
            refusal: refusal(result.eval_decision(), policy, boundary),
        }];
    }
    let of_resources = result.resource_specific_results().iter().map(|one| {
        let policy = one.matched_statements().first().and_then(|s| s.source_policy_id());
        let boundary = one.permissions_boundary_decision_detail();
        let boundary = boundary.is_some_and(|it| !it.allowed_by_permissions_boundary());
        Decision {
            action: action.to_owned(),
            resource: one.eval_resource_name().to_owned(),
            refusal: refusal(one.eval_resource_decision(), policy, boundary),
        }
    });
    of_resources.collect()
}

/// Returns what the decisions about a statement's actions lack, each with its remedy.
fn faults_of(statement: &Statement, decisions: &[Decision]) -> Vec<(String, Remedy)> {
    let mut faults = Vec::new();
    for action in &statement.action {
        let of_action = || decisions.iter().filter(|decision| decision.action == *action);
        let denied = of_action().find_map(|decision| match &decision.refusal {
            Some(Refusal::Denied { policy }) => Some((&decision.resource, policy)),
            _ => None,
        });
        if let Some((resource, policy)) = denied {
            let found = format!("{policy} denies {action} on {resource}, whatever others allow");
            faults.push((found, Remedy::ChangeDenial));
            continue;
        }
        // A statement about SageMaker names several types of resource, of which an action has one, and
        // names in the letter case of the settings and in lower case.
        let needs_one = action.starts_with("sagemaker:");
        if needs_one && of_action().any(|decision| decision.refusal.is_none()) {
            continue;
        }
        let lacking = of_action().find_map(|decision| match decision.refusal {
            Some(Refusal::NotAllowed { limited_by_boundary }) => {
                Some((&decision.resource, limited_by_boundary))
            }
            _ => None,
        });
        match lacking {
            Some((resource, true)) => {
                let found =
                    format!("the permissions boundary does not allow {action} on {resource}");
                faults.push((found, Remedy::ChangeDenial));
            }
            Some((resource, false)) => {
                let found = format!("no policy of the role allows {action} on {resource}");
                faults.push((found, Remedy::GrantToRole));
            }
            None => {}
        }
    }
    faults
}

/// Returns whether a trust policy lets SageMaker assume the role.
fn trusts_sagemaker(policy: &str) -> bool {
    const SAGEMAKER: &str = "sagemaker.amazonaws.com";
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        other => vec![other.clone()],
    };
    let policy: Value = common::json::from_slice(policy.as_bytes()).unwrap_or_default();
    list(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Allow"
            && list(&statement["Action"]).iter().any(|action| action == "sts:AssumeRole")
            && list(&statement["Principal"]["Service"]).iter().any(|service| service == SAGEMAKER)
    })
}

/// Decodes the percent encoding in which IAM returns policies: `%7B%22Version%22...`.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_decoded_and_anything_else_stays() {
        assert_eq!(percent_decoded("%7B%22a%22%3a+1%7D"), r#"{"a":+1}"#);
        assert_eq!(percent_decoded("%C3%A4%2525"), "\u{e4}%25");
        for text in ["100%", "%2", "%zz", "%\u{e4}", ""] {
            assert_eq!(percent_decoded(text), text);
        }
        // A byte that is not UTF-8 is replaced.
        assert_eq!(percent_decoded("%FF"), "\u{fffd}");
    }

    #[test]
    fn a_percent_encoded_trust_policy_is_understood() {
        let policy = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B\
                      %22Service%22%3A%22sagemaker.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
        assert!(trusts_sagemaker(&percent_decoded(policy)));
        assert!(!trusts_sagemaker(&percent_decoded(policy).replace("sagemaker.", "ec2.")));
        assert!(!trusts_sagemaker(&percent_decoded(policy).replace("Allow", "Deny")));
        assert!(!trusts_sagemaker("no JSON"));
    }
}
