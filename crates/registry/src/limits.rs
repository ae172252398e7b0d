//! The limits of SageMaker's API, from its model (2017-07-24), checked before a request is sent.

use crate::error::RegistryError;
use crate::package::{Group, NewVersion, Source};

/// The largest number of entries of the API's `CustomerMetadataMap`.
const METADATA_ENTRIES: usize = 50;
/// The largest number of characters of a value in it.
const METADATA_VALUE: usize = 256;

impl Group {
    pub(crate) fn check(&self) -> Result<(), RegistryError> {
        group_name(&self.name)?;
        remark("group description", &self.description)
    }
}

impl NewVersion {
    /// Checks every field against the API's limits, as registering does. A program that checks first
    /// creates no group for a version that is then refused.
    ///
    /// # Errors
    ///
    /// Fails with the first field that exceeds its limit.
    pub fn check(&self) -> Result<(), RegistryError> {
        if self.metrics_url.is_empty() {
            url("metrics URL", &self.metrics_url)?;
        }
        if self.metadata.is_empty() {
            return Err(metadata_entries(0));
        }
        self.check_given()
    }

    /// Checks as [`check`](Self::check) does, but for report and metadata, which need not be there:
    /// `CreateModelPackage` takes a version without them.
    ///
    /// # Errors
    ///
    /// Fails with the first field that exceeds its limit.
    pub fn check_given(&self) -> Result<(), RegistryError> {
        group_name(&self.group)?;
        url("model data URL", &self.serving.model_data_url)?;
        if !self.metrics_url.is_empty() {
            url("metrics URL", &self.metrics_url)?;
        }
        check(
            "inference image",
            &self.serving.inference_image,
            "1 to 255 characters without blanks",
            |text| within(text, 1, 255) && !text.contains(char::is_whitespace),
        )?;
        for content_type in &self.serving.content_types {
            check("content type", content_type, "at most 256 characters", |t| within(t, 0, 256))?;
        }
        for response_type in &self.serving.response_types {
            check(
                "response type",
                response_type,
                "type/subtype, at most 1024 characters",
                |text| {
                    within(text, 0, 1024)
                        && text.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
                },
            )?;
        }
        check("client token", &self.client_token, "1 to 36 letters, digits and hyphens", |text| {
            within(text, 1, 36) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })?;
        if self.metadata.len() > METADATA_ENTRIES {
            return Err(metadata_entries(self.metadata.len()));
        }
        let Source { commit_id, repository, generated_by } = &self.source;
        for (field, value) in
            [("commit", commit_id), ("repository", repository), ("origin", generated_by)]
        {
            let expected = "1 to 1024 printable characters";
            check(field, value.as_deref().unwrap_or("-"), expected, |text| {
                within(text, 1, 1024) && !text.contains(char::is_control)
            })?;
        }
        for (key, value) in &self.metadata {
            check("metadata key", key, "1 to 128 letters, digits, blanks and _.:/=+-@", |text| {
                within(text, 1, 128) && text.chars().all(is_metadata)
            })?;
            check(
                &format!("metadata `{key}`"),
                value,
                "1 to 256 letters, digits, blanks and _.:/=+-@",
                |text| within(text, 1, METADATA_VALUE) && text.chars().all(is_metadata),
            )?;
        }
        Ok(())
    }
}

/// Returns the error of a number of metadata entries.
fn metadata_entries(found: usize) -> RegistryError {
    RegistryError::Limit {
        field: "number of metadata entries".to_owned(),
        found: found.to_string(),
        expected: "1 to 50",
    }
}

/// Checks the reason of an approval or rejection.
pub(crate) fn approval_description(reason: &str) -> Result<(), RegistryError> {
    remark("reason", reason)
}

/// Checks a description or reason.
fn remark(field: &str, text: &str) -> Result<(), RegistryError> {
    check(field, text, "at most 1024 printable characters", |text| {
        within(text, 0, 1024) && !text.contains(char::is_control)
    })
}

/// Checks the name of a model package group against `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`. A valid name
/// is also a safe directory name.
///
/// # Errors
///
/// Fails if the name does not match.
pub fn group_name(name: &str) -> Result<(), RegistryError> {
    let expected = "1 to 63 letters and digits with hyphens between them";
    check("model package group", name, expected, |name| {
        within(name, 1, 63)
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !name.starts_with('-')
            && !name.ends_with('-')
    })
}

fn url(field: &str, url: &str) -> Result<(), RegistryError> {
    check(field, url, "s3://bucket/key or https://host/path, at most 1024 characters", |url| {
        let rest = url.strip_prefix("s3://").or_else(|| url.strip_prefix("https://"));
        within(url, 1, 1024) && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

/// Returns a text as the value of a metadata entry, which takes fewer characters than tables, settings and names
/// have: `_` stands for each other one, and what is beyond the limit is left out.
pub fn metadata_value(text: &str) -> String {
    text.chars().take(METADATA_VALUE).map(|c| if is_metadata(c) { c } else { '_' }).collect()
}

/// Returns whether the API accepts a character in metadata: `[\p{L}\p{Z}\p{N}_.:\/=+\-@]`.
fn is_metadata(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

fn within(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.chars().count())
}

fn check(
    field: &str,
    found: &str,
    expected: &'static str,
    holds: impl FnOnce(&str) -> bool,
) -> Result<(), RegistryError> {
    if holds(found) {
        return Ok(());
    }
    Err(RegistryError::Limit { field: field.to_owned(), found: found.to_owned(), expected })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{ApprovalStatus, Serving, Source};

    fn version(change: impl FnOnce(&mut NewVersion)) -> String {
        let mut version = NewVersion {
            group: "machine-downtime".to_owned(),
            approval_status: ApprovalStatus::Approved,
            serving: Serving {
                inference_image: "serve:1".to_owned(),
                model_data_url: "s3://bucket/model.tar.gz".to_owned(),
                content_types: vec!["text/csv; charset=utf-8".to_owned()],
                response_types: vec!["application/json".to_owned()],
                ..Serving::default()
            },
            metrics_url: "https://host/evaluation.json".to_owned(),
            source: Source { commit_id: Some("1f0c3a".to_owned()), ..Source::default() },
            metadata: [("pipeline execution".to_owned(), "a1:b/c=d+e-f@g_h.ü".to_owned())].into(),
            client_token: "a".repeat(36),
        };
        change(&mut version);
        version.check().map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_version_within_the_limits_is_fine() {
        assert_eq!(version(|_| ()), "fine");
        assert_eq!(version(|v| v.group = format!("a{}b", "-".repeat(61))), "fine");
    }

    #[test]
    fn each_limit_names_field_value_and_expectation() {
        insta::assert_snapshot!(version(|v| v.group = "../models".to_owned()), @"model package group is `../models`, expected 1 to 63 letters and digits with hyphens between them");
        insta::assert_snapshot!(version(|v| v.group = String::new()), @"model package group is ``, expected 1 to 63 letters and digits with hyphens between them");
        insta::assert_snapshot!(version(|v| v.serving.inference_image = "a b".to_owned()), @"inference image is `a b`, expected 1 to 255 characters without blanks");
        insta::assert_snapshot!(version(|v| v.serving.model_data_url = "/opt/ml/model".to_owned()), @"model data URL is `/opt/ml/model`, expected s3://bucket/key or https://host/path, at most 1024 characters");
        insta::assert_snapshot!(version(|v| v.metrics_url = "s3:///key".to_owned()), @"metrics URL is `s3:///key`, expected s3://bucket/key or https://host/path, at most 1024 characters");
        insta::assert_snapshot!(version(|v| v.serving.content_types = vec!["x".repeat(257)]), @"content type is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...` (257 characters), expected at most 256 characters");
        insta::assert_snapshot!(version(|v| v.serving.response_types = vec!["json".to_owned()]), @"response type is `json`, expected type/subtype, at most 1024 characters");
        insta::assert_snapshot!(version(|v| v.client_token = "a_b".to_owned()), @"client token is `a_b`, expected 1 to 36 letters, digits and hyphens");
        insta::assert_snapshot!(version(|v| v.metadata = BTreeMap::new()), @"number of metadata entries is `0`, expected 1 to 50");
        insta::assert_snapshot!(version(|v| v.metadata = [("a".to_owned(), String::new())].into()), @"metadata `a` is ``, expected 1 to 256 letters, digits, blanks and _.:/=+-@");
        insta::assert_snapshot!(version(|v| v.metadata = [("a(b)".to_owned(), "c".to_owned())].into()), @"metadata key is `a(b)`, expected 1 to 128 letters, digits, blanks and _.:/=+-@");
        insta::assert_snapshot!(version(|v| v.source.commit_id = Some(String::new())), @"commit is ``, expected 1 to 1024 printable characters");
        let two_lines = version(|v| v.source.generated_by = Some("a\nb".to_owned()));
        insta::assert_snapshot!(two_lines.replace('\n', " "), @"origin is `a b`, expected 1 to 1024 printable characters");
    }

    #[test]
    fn any_text_becomes_a_value_that_is_taken() {
        let value = metadata_value(&format!("s3://b/raw, 2.csv{}", "x".repeat(300)));
        assert!(value.starts_with("s3://b/raw_ 2.csvx"), "{value}");
        assert_eq!(value.chars().count(), 256);
        assert_eq!(version(|v| drop(v.metadata.insert("input".to_owned(), value.clone()))), "fine");
    }

    /// A version of another pipeline may have no report and no metadata.
    #[test]
    fn report_and_metadata_may_be_absent() {
        let version = |metrics_url: &str, entries: usize| {
            let metadata = (0..entries).map(|i| (i.to_string(), "x".to_owned())).collect();
            let version = NewVersion {
                group: "g".to_owned(),
                approval_status: ApprovalStatus::Approved,
                serving: Serving {
                    inference_image: "serve:1".to_owned(),
                    model_data_url: "s3://bucket/model.tar.gz".to_owned(),
                    ..Serving::default()
                },
                metrics_url: metrics_url.to_owned(),
                source: Source::default(),
                metadata,
                client_token: "a".to_owned(),
            };
            (version.check_given().is_ok(), version.check().is_ok())
        };
        assert_eq!(version("", 0), (true, false));
        assert_eq!(version("", 1), (true, false));
        assert_eq!(version("s3://b/k", 0), (true, false));
        assert_eq!(version("s3://b/k", 50), (true, true));
        assert_eq!(version("s3://b/k", 51), (false, false));
        assert_eq!(version("report.json", 1), (false, false));
    }

    #[test]
    fn a_group_description_may_be_empty_but_not_long() {
        let group = |description: &str| {
            Group { name: "a".to_owned(), description: description.to_owned() }.check()
        };
        assert!(group("").is_ok());
        assert!(group(&"ä".repeat(1024)).is_ok());
        assert!(group(&"ä".repeat(1025)).is_err());
        assert!(group("two\nlines").is_err());
    }
}
