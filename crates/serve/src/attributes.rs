//! The custom attributes of a request: what SageMaker passes from the client to the container and back.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use inference::{AnswerOptions, Explanation};

use crate::refusal::Refusal;

/// The header of custom attributes, in requests and in answers.
pub const CUSTOM_ATTRIBUTES: HeaderName =
    HeaderName::from_static("x-amzn-sagemaker-custom-attributes");

/// The value of `explain` for the kind of explanation that is not the usual one.
const INTERVENTIONAL: &str = "interventional";

/// Returns what a request wants of its answer: `explain=true` or `explain=interventional` and `threshold=0.3`,
/// between commas or semicolons. Attributes by other names are the client's own.
pub fn options(headers: &HeaderMap, usual: AnswerOptions) -> Result<AnswerOptions, Refusal> {
    let mut options = usual;
    let (mut explain, mut threshold) = (None, None);
    for given in headers.get_all(CUSTOM_ATTRIBUTES) {
        let given = String::from_utf8_lossy(given.as_bytes());
        for attribute in given.split([',', ';']) {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let refused = |expected: &str| {
                let value = common::one_line(value);
                Refusal::bad_request(format!(
                    "custom attribute {name} is `{value}`, expected {expected}"
                ))
            };
            let begins_as_number = name.starts_with(|first: char| "+-.0123456789".contains(first));
            if value.is_empty() && begins_as_number && name.parse::<f64>().is_ok() {
                return Err(Refusal::bad_request(format!(
                    "custom attribute `{name}` is a number; does a decimal comma divide it?"
                )));
            }
            match name.as_str() {
                "explain" => {
                    options.explain = match value.to_ascii_lowercase().as_str() {
                        "true" => Some(Explanation::PathDependent),
                        INTERVENTIONAL => Some(Explanation::Interventional),
                        "false" => None,
                        _ => return Err(refused("true, interventional or false")),
                    };
                    once(&name, &mut explain, value)?;
                }
                "threshold" => {
                    let number = value.parse().ok();
                    let number = number.filter(|number| (0.0..=1.0).contains(number));
                    options.threshold =
                        number.ok_or_else(|| refused("a probability from 0 to 1"))?;
                    once(&name, &mut threshold, value)?;
                }
                _ => {}
            }
        }
    }
    Ok(options)
}

/// Refuses an attribute that has another value as well.
fn once(name: &str, before: &mut Option<String>, value: &str) -> Result<(), Refusal> {
    let other = before.get_or_insert_with(|| value.to_owned());
    if other.eq_ignore_ascii_case(value) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "custom attribute {name} is `{other}` and `{value}`, expected one of them"
    )))
}

/// Returns the custom attributes of an answer: the version of the model, and the kind of its explanations
/// unless that is the usual one.
pub fn of_answer(version: &str, explain: Option<Explanation>) -> Option<HeaderValue> {
    let kind = match explain {
        Some(Explanation::Interventional) => format!(",explain={INTERVENTIONAL}"),
        Some(Explanation::PathDependent) | None => String::new(),
    };
    HeaderValue::from_str(&format!("model_version={version}{kind}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<AnswerOptions, Refusal> {
        let headers = HeaderMap::from_iter([(CUSTOM_ATTRIBUTES, text.parse().unwrap())]);
        options(&headers, AnswerOptions::default())
    }

    #[test]
    fn known_attributes_are_read_and_others_are_the_clients_own() {
        let usual = AnswerOptions::default();
        assert_eq!(options(&HeaderMap::new(), usual), Ok(usual));
        assert_eq!(of("trace_id=7f, ,x"), Ok(usual));
        let explained = |kind| Ok(AnswerOptions { explain: Some(kind), ..usual });
        assert_eq!(of("explain=true"), explained(Explanation::PathDependent));
        assert_eq!(of("explain=Interventional"), explained(Explanation::Interventional));
        assert_eq!(of("explain=true;explain=TRUE"), explained(Explanation::PathDependent));
        let both = AnswerOptions { explain: Some(Explanation::PathDependent), threshold: 0.25 };
        assert_eq!(of("trace=1; Explain = TRUE ;threshold=0.25"), Ok(both));
    }

    #[test]
    fn a_known_attribute_with_another_value_is_refused() {
        for (text, reason) in [
            ("threshold=0,3", "custom attribute `3` is a number; does a decimal comma divide it?"),
            (
                "threshold=0;5e-1",
                "custom attribute `5e-1` is a number; does a decimal comma divide it?",
            ),
            (
                "threshold=0.5;threshold=0.9",
                "custom attribute threshold is `0.5` and `0.9`, expected one of them",
            ),
            (
                "explain=true,explain=false",
                "custom attribute explain is `true` and `false`, expected one of them",
            ),
            (
                "explain=yes",
                "custom attribute explain is `yes`, expected true, interventional or false",
            ),
            (
                "threshold=1.5",
                "custom attribute threshold is `1.5`, expected a probability from 0 to 1",
            ),
            (
                "threshold=NaN",
                "custom attribute threshold is `NaN`, expected a probability from 0 to 1",
            ),
        ] {
            assert_eq!(of(text), Err(Refusal::bad_request(reason)));
        }
    }
}
