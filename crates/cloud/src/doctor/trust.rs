//! What the trust policy of a role says about SageMaker.

use serde_json::Value;

/// The service that assumes the role of jobs and hosts.
const SAGEMAKER: &str = "sagemaker.amazonaws.com";
const ASSUME: &str = "sts:AssumeRole";

/// What a trust policy says about SageMaker, if it does not let it assume the role for the account.
#[derive(Debug, PartialEq)]
pub(super) enum Distrust {
    /// SageMaker may not.
    Certain(String),
    /// It depends on conditions that are not judged here.
    Possible(String),
}

/// Judges a trust policy by what SageMaker does for jobs of `account`; none if it lets SageMaker assume the role.
pub(super) fn distrust(policy: &str, account: &str) -> Option<Distrust> {
    let policy: Value = common::json::from_slice(policy.as_bytes()).unwrap_or_default();
    let statements = list(&policy["Statement"]);
    let about_sagemaker = statements.iter().filter(|statement| concerns_sagemaker(statement));
    let (denials, grants): (Vec<_>, Vec<_>) =
        about_sagemaker.partition(|statement| statement["Effect"] == "Deny");
    let verdicts = |statements: &[&Value]| -> Vec<Option<bool>> {
        statements.iter().map(|one| applies(&one["Condition"], account)).collect()
    };
    let (denied, granted) = (verdicts(&denials), verdicts(&grants));
    if grants.is_empty() {
        return Some(Distrust::Certain(format!("does not trust {SAGEMAKER}")));
    }
    if denied.contains(&Some(true)) {
        return Some(Distrust::Certain(format!("has a Deny for {SAGEMAKER} in its trust policy")));
    }
    if granted.iter().all(|applies| *applies == Some(false)) {
        let found =
            format!("trusts {SAGEMAKER} under conditions that account {account} does not meet");
        return Some(Distrust::Certain(found));
    }
    if denied.contains(&None) {
        let found = format!(
            "has a Deny for {SAGEMAKER} in its trust policy, under conditions that were not judged"
        );
        return Some(Distrust::Possible(found));
    }
    None
}

/// Returns whether a statement is about SageMaker's assuming the role.
fn concerns_sagemaker(statement: &Value) -> bool {
    let is_action = |action: &Value| {
        let action = action.as_str().unwrap_or_default();
        action.eq_ignore_ascii_case(ASSUME) || action == "*" || action.eq_ignore_ascii_case("sts:*")
    };
    let principal = &statement["Principal"];
    let services = list(&principal["Service"]);
    list(&statement["Action"]).iter().any(is_action)
        && (services.iter().any(|service| service == SAGEMAKER || service == "*")
            || (statement["Effect"] == "Deny" && (principal == "*" || principal["AWS"] == "*")))
}

/// Returns whether the conditions of a statement hold for SageMaker's work for the account; none if one of them is
/// not judged here.
fn applies(conditions: &Value, account: &str) -> Option<bool> {
    let operators = conditions.as_object().into_iter().flatten();
    let judged = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| holds(operator, key, &list(values), account))
    });
    let judged: Vec<_> = judged.collect();
    // All conditions of a statement must hold.
    if judged.contains(&Some(false)) {
        Some(false)
    } else if judged.contains(&None) {
        None
    } else {
        Some(true)
    }
}

/// Returns whether a condition on the account, or on what SageMaker does for it, holds.
fn holds(operator: &str, key: &str, values: &[Value], account: &str) -> Option<bool> {
    let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
    let any = |names: fn(&str, &str) -> bool| {
        values.iter().filter_map(Value::as_str).any(|value| names(value, account))
    };
    let is_named = match key.to_lowercase().as_str() {
        "aws:sourceaccount" => any(|value, account| is_like(account, value)),
        // The account is the fifth part; what runs has many names.
        "aws:sourcearn" => any(|value, account| {
            let own = value.split(':').nth(4);
            own.is_none_or(|own| is_like(account, own))
        }),
        _ => return None,
    };
    match operator {
        "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike" | "StringEqualsIgnoreCase" => {
            Some(is_named)
        }
        // That it is not of one of these accounts does not say that it is not this very ARN.
        "StringNotEquals" | "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => {
            (key.eq_ignore_ascii_case("aws:SourceAccount") || !is_named).then_some(!is_named)
        }
        _ => None,
    }
}

/// Returns whether a text matches a pattern, in which `*` stands for any characters and `?` for one.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => (0..=text.len()).any(|at| text.is_char_boundary(at) && is_like(&text[at..], rest)),
        _ => text.chars().next().is_some_and(|character| {
            (first == '?' || first == character) && is_like(&text[character.len_utf8()..], rest)
        }),
    }
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.clone(),
        other => vec![other.clone()],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "123456789012";

    fn judged(statements: &[Value]) -> Option<Distrust> {
        distrust(&json!({ "Statement": statements }).to_string(), ACCOUNT)
    }

    fn statement(effect: &str, condition: Value) -> Value {
        json!({
            "Effect": effect, "Action": "sts:AssumeRole", "Condition": condition,
            "Principal": { "Service": ["ec2.amazonaws.com", SAGEMAKER] },
        })
    }

    fn is_certain(statements: &[Value]) -> bool {
        matches!(judged(statements), Some(Distrust::Certain(_)))
    }

    #[test]
    fn a_trust_policy_without_sagemaker_trusts_it_not() {
        let own = statement("Allow", json!({}));
        assert_eq!(judged(std::slice::from_ref(&own)), None);
        let other = own.to_string().replace("sagemaker.", "glue.");
        assert!(is_certain(&[serde_json::from_str(&other).unwrap()]));
        assert!(matches!(distrust("no JSON", ACCOUNT), Some(Distrust::Certain(_))));
    }

    #[test]
    fn conditions_are_judged_by_the_account() {
        let ours = "arn:aws:sagemaker:us-east-1:123456789012:*";
        let theirs = "arn:aws:sagemaker:us-east-1:999999999999:*";
        for (operator, key, value, trusts) in [
            ("StringEquals", "aws:SourceAccount", json!(ACCOUNT), true),
            ("StringEquals", "aws:sourceaccount", json!(["999999999999", ACCOUNT]), true),
            ("StringEquals", "aws:SourceAccount", json!("999999999999"), false),
            ("StringLike", "aws:SourceAccount", json!("1234*"), true),
            ("ArnLike", "aws:SourceArn", json!(ours), true),
            ("ArnLike", "aws:SourceArn", json!("arn:aws:sagemaker:*:*:*"), true),
            ("ArnLike", "aws:SourceArn", json!(theirs), false),
            // What is not judged here may well hold.
            ("StringEquals", "aws:SourceOrgID", json!("o-1"), true),
        ] {
            let condition = json!({ operator: { key: value } });
            let found = judged(&[statement("Allow", condition.clone())]);
            assert_eq!(found.is_none(), trusts, "{condition}: {found:?}");
        }
    }

    #[test]
    fn a_denial_goes_before_a_grant() {
        let grant = statement("Allow", json!({}));
        let denied = |condition| judged(&[grant.clone(), statement("Deny", condition)]);
        assert!(matches!(denied(json!({})), Some(Distrust::Certain(_))));
        let everybody = json!({ "Effect": "Deny", "Action": "sts:*", "Principal": "*" });
        assert!(is_certain(&[grant.clone(), everybody]));
        // A guard against other accounts is none against this one.
        let not_ours = json!({ "StringNotEquals": { "aws:SourceAccount": ACCOUNT } });
        assert_eq!(denied(not_ours), None);
        let not_theirs = json!({ "StringNotEquals": { "aws:SourceAccount": "999999999999" } });
        assert!(matches!(denied(not_theirs), Some(Distrust::Certain(_))));
        let unknown = json!({ "StringNotEquals": { "aws:SourceOrgID": "o-1" } });
        assert!(matches!(denied(unknown), Some(Distrust::Possible(_))));
    }
}
