//! The checks of the role that the pipeline and its jobs run as.

use aws::CallError;
use aws::iam::operation::get_role::GetRoleOutput;
use aws::iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType,
};
use futures_util::future::join_all;
use infrastructure::{Policy, Statement};

use super::check::{Doctor, Remedy, Verdict};
use super::trust::{Distrust, distrust};
use crate::Cloud;

const GET_ROLE: &str = "iam:GetRole";

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
        let role = match self.cloud.aws.call(GET_ROLE, call.send()) {
            Ok(GetRoleOutput { role: Some(role), .. }) if !role.arn().is_empty() => role,
            Ok(_) => {
                self.unchecked("role", &Cloud::missing(GET_ROLE, "Role"));
                return false;
            }
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
        let found = role.arn();
        if found != arn {
            let remedy = Remedy::UseRole { arn: Some(found.to_owned()) };
            self.error("role", &format!("{arn} is not there, but {found}"), remedy);
            return false;
        }
        let Some(trust) = role.assume_role_policy_document() else {
            self.unchecked("role", &Cloud::missing(GET_ROLE, "AssumeRolePolicyDocument"));
            return true;
        };
        match distrust(&percent_decoded(trust), &self.cloud.target.account_id) {
            None => self.ok("role", arn),
            Some(Distrust::Certain(why)) => {
                self.error("role", &format!("{arn} {why}"), Remedy::CreateRole);
            }
            Some(Distrust::Possible(why)) => {
                self.add(Verdict::Warning, "role", &format!("{arn} {why}"), None);
            }
        }
        true
    }

    /// Returns what is wrong with an ARN that is of another account than the target.
    fn fault_of_role_arn(&self, arn: &str) -> Option<String> {
        let account = arn.split(':').nth(4).unwrap_or_default();
        let wanted = &self.cloud.target.account_id;
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
            let is_answered =
                |action: &String| decisions.iter().any(|decision| decision.action == *action);
            if !statement.action.iter().all(is_answered) {
                let error = Cloud::missing(ACTION, "decision about each action");
                return self.unchecked("permissions", &error);
            }
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
        let of_action: Vec<_> = decisions.iter().filter(|one| one.action == *action).collect();
        let denied = of_action.iter().find_map(|decision| match &decision.refusal {
            Some(Refusal::Denied { policy }) => Some((&decision.resource, policy)),
            _ => None,
        });
        if let Some((resource, policy)) = denied {
            let found = format!("{policy} denies {action} on {resource}, whatever others allow");
            faults.push((found, Remedy::ChangeDenial));
            continue;
        }
        let is_about = |one: &&&Decision| is_type_of(action, &one.resource);
        let is_any = !of_action.iter().any(|one| is_about(&one));
        let lacking = of_action.iter().filter(|one| is_any || is_about(one)).find_map(|one| {
            // A name in the letter case of the settings and in lower case is one name.
            let is_other_case = |other: &&Decision| {
                other.refusal.is_none() && other.resource.eq_ignore_ascii_case(&one.resource)
            };
            match one.refusal {
                Some(Refusal::NotAllowed { limited_by_boundary })
                    if !of_action.iter().any(is_other_case) =>
                {
                    Some((&one.resource, limited_by_boundary))
                }
                _ => None,
            }
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

/// Returns whether a resource is of the type that an action of SageMaker creates, describes or stops. A statement
/// names several types, of which such an action has one: `sagemaker:CreateTrainingJob` has `training-job`.
fn is_type_of(action: &str, resource: &str) -> bool {
    let Some(name) = action.strip_prefix("sagemaker:") else { return true };
    let verbs = ["Create", "Describe", "Stop"];
    let Some(noun) = verbs.iter().find_map(|verb| name.strip_prefix(verb)) else { return true };
    let mut kind = String::new();
    for letter in noun.chars() {
        if letter.is_ascii_uppercase() && !kind.is_empty() {
            kind.push('-');
        }
        kind.push(letter.to_ascii_lowercase());
    }
    let own = resource.split(':').nth(5).and_then(|rest| rest.split('/').next());
    own.is_some_and(|own| own == kind || own.strip_prefix("experiment-") == Some(kind.as_str()))
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
}
