//! Checks of single values and of lists that several step types share.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::Linter;
use super::known::{KnownText, ValueType};
use crate::arguments::{Tag, VpcConfig};
use crate::expression::Expression;
use crate::place::cut;

/// The API's maximum length of an S3 URI, in characters.
const MAX_URI: usize = 1024;
/// The API's maximum length of a KMS key id, in characters.
const MAX_KEY_ID: usize = 2048;

/// The API's maximum length of an argument of a container, in characters.
pub const LONGEST_ARGUMENT: usize = 256;

/// Returns the message about a text of more than `most` characters, as far as it is known.
fn too_long(known: &KnownText, most: usize) -> Option<String> {
    let length = known.text.chars().count();
    let longest = length + known.missing_length;
    if longest <= most {
        return None;
    }
    let missing = known.missing.join(", ");
    let mut message = if known.complete() {
        format!("{length} characters; at most {most} are allowed")
    } else if length > most {
        format!("at least {length} characters, {missing} not yet known; at most {most} are allowed")
    } else {
        format!(
            "up to {longest} characters in an execution, by {missing}; at most {most} are allowed"
        )
    };
    if known.defaults {
        message.push_str(" (parameters counted by their defaults)");
    }
    Some(message)
}

/// Whether `name` has the pattern `[A-Za-z0-9\-_]{1,64}`, where the characters of `more` are allowed
/// too.
pub(super) fn is_name(name: &str, more: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || more.contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

impl Linter<'_> {
    /// Checks the name of a step or a parameter.
    pub(super) fn name(&mut self, place: &str, name: &str) {
        if !is_name(name, "") {
            self.error(
                place,
                format!("{name:?} is no name; 1 to 64 of letters, digits, - and _ are allowed"),
            );
        }
    }

    /// Checks the name of an input, an output or a property file. The API sets no pattern for them,
    /// but expressions refer to them by name.
    pub(super) fn reference_name(&mut self, place: &str, name: &str) {
        if name.is_empty() {
            self.error(place, "empty; a name is needed");
        } else if !is_name(name, "") {
            self.warning(
                place,
                format!(
                    "{name:?} is hard to refer to; keep to 1 to 64 of letters, digits, - and _"
                ),
            );
        }
    }

    /// Checks that no two of `names` are equal.
    pub(super) fn unique(&mut self, place: &str, names: &[&str], what: &str) {
        let mut seen = BTreeSet::new();
        for name in names {
            if !seen.insert(name) {
                self.error(place, format!("two {what}s are called {name:?}"));
            }
        }
    }

    pub(super) fn at_most(&mut self, place: &str, count: usize, most: usize, what: &str) {
        if count > most {
            self.error(place, format!("{count} {what}; at most {most} are allowed"));
        }
    }

    /// Checks that the value is a string of at most `most` characters.
    pub(super) fn text(&mut self, place: &str, expression: &Expression, most: usize) {
        let kind = self.kind(expression);
        if !matches!(kind, ValueType::Text | ValueType::Unknown) {
            self.error(
                place,
                format!(
                    "{expression} is {} where the service wants a string; put it in a Std:Join",
                    kind.name()
                ),
            );
            return;
        }
        let known = self.known(expression);
        if let Some(message) = too_long(&known, most) {
            self.error(place, message);
        }
    }

    /// Checks a word of a command line. The message of one that is too long shows how it begins,
    /// because a place such as `ContainerArguments[13]` does not say what it is.
    fn word(&mut self, place: &str, expression: &Expression) {
        let known = self.known(expression);
        match too_long(&known, LONGEST_ARGUMENT) {
            Some(message) => self.error(place, format!("{:?}: {message}", cut(known.text, 50, 0))),
            None => self.text(place, expression, LONGEST_ARGUMENT),
        }
    }

    /// Checks that the value is a string of at most `most` characters and not empty.
    pub(super) fn filled(&mut self, place: &str, expression: &Expression, most: usize) {
        self.text(place, expression, most);
        let known = self.known(expression);
        if known.complete() && known.text.trim().is_empty() {
            self.error(place, "empty; a value is needed");
        }
    }

    pub(super) fn key_id(&mut self, place: &str, expression: Option<&Expression>) {
        if let Some(expression) = expression {
            self.filled(place, expression, MAX_KEY_ID);
        }
    }

    /// Checks that the value is an S3 URI with a valid bucket name.
    pub(super) fn s3_uri(&mut self, place: &str, expression: &Expression) {
        self.text(place, expression, MAX_URI);
        let known = self.known(expression);
        let Some(rest) = ["s3://", "https://"].iter().find_map(|s| known.head.strip_prefix(s))
        else {
            // The scheme may be in the unknown part.
            if known.complete() || known.head.len() >= "s3://".len() {
                self.error(place, format!("{:?} is no S3 URI; s3://bucket/key is", known.head));
            }
            return;
        };
        let (bucket, whole) = match rest.split_once('/') {
            Some((bucket, _)) => (bucket, true),
            None => (rest, known.complete()),
        };
        if whole && !common::is_bucket_name(bucket) {
            self.error(
                place,
                format!(
                    "{bucket:?} is no bucket name; 3 to 63 of lower-case letters, digits, - and . are \
                     allowed, a letter or digit first and last, no .. and no IP address"
                ),
            );
        }
    }

    /// Checks that the value is a directory under `/opt/ml/processing/`.
    pub(super) fn local_path(&mut self, place: &str, expression: &Expression) {
        const ROOT: &str = "/opt/ml/processing/";
        self.text(place, expression, 256);
        let known = self.known(expression);
        let Some(rest) = known.head.strip_prefix(ROOT) else {
            // The root may be in the unknown part.
            if known.complete() || !ROOT.starts_with(&known.head) {
                self.error(place, format!("{:?} is no directory under {ROOT}", known.head));
            }
            return;
        };
        let mut parts: Vec<&str> = rest.split('/').collect();
        // A slash at the end is allowed, and a last part that is not fully known may become any.
        if !known.complete() || (parts.len() > 1 && parts.ends_with(&[""])) {
            parts.pop();
        }
        if parts.contains(&"..") || (known.complete() && parts == [""]) {
            self.error(place, format!("{:?} is no directory under {ROOT}", known.head));
        } else if parts.contains(&"") || parts.contains(&".") {
            self.error(
                place,
                format!("{:?} has an empty part or a dot between its slashes", known.head),
            );
        }
    }

    /// Checks that no two inputs, or no two outputs, have the same directory.
    pub(super) fn unique_paths<'e>(
        &mut self,
        place: &str,
        paths: impl Iterator<Item = (&'e str, &'e Expression)>,
        what: &str,
    ) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (name, path) in paths {
            let known = self.known(path);
            if !known.complete() {
                continue;
            }
            let path = known.text.trim_end_matches('/').to_owned();
            if let Some(first) = seen.get(&path) {
                let message =
                    format!("the {what}s {first:?} and {name:?} have one LocalPath, {path:?}");
                self.error(place, message);
            } else {
                seen.insert(path, name);
            }
        }
    }

    /// Checks that the value is the ARN of an IAM role.
    pub(super) fn role(&mut self, place: &str, expression: &Expression) {
        self.text(place, expression, 2048);
        let known = self.known(expression);
        let shaped = || {
            let mut parts = known.text.splitn(6, ':');
            parts.next() == Some("arn")
                && parts.next().is_some_and(|p| p.starts_with("aws"))
                && parts.next() == Some("iam")
                && parts.next() == Some("")
                && parts
                    .next()
                    .is_some_and(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit()))
                && parts.next().is_some_and(|r| r.len() > "role/".len() && r.starts_with("role/"))
        };
        if known.complete() && !shaped() {
            self.error(
                place,
                format!(
                    "{:?} is no role; arn:aws:iam::<12 digits>:role/<name> is expected",
                    known.text
                ),
            );
        }
    }

    pub(super) fn instance_type(&mut self, place: &str, expression: &Expression) {
        self.text(place, expression, 64);
        let known = self.known(expression);
        if known.complete() && !known.text.starts_with("ml.") {
            self.error(
                place,
                format!("{:?} is no instance type; ml.<family>.<size> is expected", known.text),
            );
        }
    }

    /// Checks that the value is an integer from `least` to `most`.
    pub(super) fn whole(&mut self, place: &str, expression: &Expression, least: i64, most: i64) {
        let kind = self.kind(expression);
        if !matches!(kind, ValueType::Integer | ValueType::Unknown) {
            self.error(
                place,
                format!("{expression} is {} where the service wants a whole number", kind.name()),
            );
            return;
        }
        let Some(value) = self.value(expression) else { return };
        // A number from 2^63 is an integer of JSON, too.
        let Some(number) = value.as_i64().map(i128::from).or(value.as_u64().map(i128::from)) else {
            return;
        };
        if !(i128::from(least)..=i128::from(most)).contains(&number) {
            let expected = match most {
                i64::MAX if number < i128::from(least) => format!("at least {least}"),
                _ => format!("{least} to {most}"),
            };
            let origin = match expression {
                Expression::Literal(_) => String::new(),
                _ if self.given.is_some() => format!(" (the value of {expression})"),
                _ => format!(" (the default of {expression})"),
            };
            self.error(place, format!("{number}{origin}; {expected} is allowed"));
        }
    }

    /// Checks that the value is one of `allowed`.
    pub(super) fn one_of(&mut self, place: &str, expression: &Expression, allowed: &[&str]) {
        let known = self.known(expression);
        if known.complete() && !allowed.contains(&known.text.as_str()) {
            self.error(
                place,
                format!("{:?}; one of {} is allowed", known.text, allowed.join(", ")),
            );
        }
    }

    /// Checks an optional value with [`one_of`](Self::one_of).
    pub(super) fn maybe_one_of(
        &mut self,
        place: &str,
        expression: Option<&Expression>,
        allowed: &[&str],
    ) {
        if let Some(expression) = expression {
            self.one_of(place, expression, allowed);
        }
    }

    /// Checks that there are at most 100 variables, with names that a shell accepts and values of at
    /// most `longest` characters.
    pub(super) fn environment(
        &mut self,
        place: &str,
        environment: &IndexMap<String, Expression>,
        longest: usize,
    ) {
        self.at_most(place, environment.len(), 100, "variables");
        for (name, value) in environment {
            let first = |c: char| c.is_ascii_alphabetic() || c == '_';
            let shaped = name.starts_with(first)
                && name.chars().all(|c| first(c) || c.is_ascii_digit())
                && name.len() <= longest;
            if !shaped {
                self.error(
                    place,
                    format!(
                        "{name:?} is no variable; at most {longest} of letters, digits and _ are allowed, no digit first"
                    ),
                );
            }
            self.text(&format!("{place}.{name}"), value, longest);
        }
    }

    /// Checks `ContainerEntrypoint` and `ContainerArguments` of either type of job.
    pub(super) fn command(
        &mut self,
        place: &str,
        entrypoint: &[Expression],
        arguments: &[Expression],
    ) {
        for (name, words) in
            [("ContainerEntrypoint", entrypoint), ("ContainerArguments", arguments)]
        {
            let place = format!("{place}.{name}");
            self.at_most(&place, words.len(), 100, "arguments");
            for (index, word) in words.iter().enumerate() {
                self.word(&format!("{place}[{index}]"), word);
            }
        }
        if entrypoint.is_empty() && !arguments.is_empty() {
            self.warning(
                format!("{place}.ContainerArguments"),
                "without ContainerEntrypoint; the service uses the image's, but the official SDK's local mode needs both",
            );
        }
    }

    pub(super) fn tags(&mut self, place: &str, tags: &[Tag]) {
        self.at_most(place, tags.len(), 50, "tags");
        let keys: Vec<&str> = tags.iter().filter_map(|tag| tag.key.as_str()).collect();
        self.unique(place, &keys, "tag");
        for (index, tag) in tags.iter().enumerate() {
            let (key, value) = (format!("{place}[{index}].Key"), format!("{place}[{index}].Value"));
            self.filled(&key, &tag.key, 128);
            self.text(&value, &tag.value, 256);
            self.tag_characters(&key, &tag.key);
            self.tag_characters(&value, &tag.value);
        }
    }

    /// Checks that the known text has the API's pattern for tags, `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`.
    fn tag_characters(&mut self, place: &str, expression: &Expression) {
        let known = self.known(expression);
        // The separators Z are the white space that is no control character. Two of them end a line.
        let allowed = |c: char| {
            let is_separator =
                c.is_whitespace() && !c.is_control() && !"\u{2028}\u{2029}".contains(c);
            c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
        };
        if let Some(other) = known.text.chars().find(|c| !allowed(*c)) {
            self.error(
                place,
                format!(
                    "{other:?} in a tag; letters, digits, spaces and _ . : / = + - @ are allowed"
                ),
            );
        }
    }

    pub(super) fn vpc(&mut self, place: &str, vpc: Option<&VpcConfig>) {
        let Some(vpc) = vpc else { return };
        for (name, list, most) in
            [("SecurityGroupIds", &vpc.security_group_ids, 5), ("Subnets", &vpc.subnets, 16)]
        {
            if !(1..=most).contains(&list.len()) {
                self.error(
                    format!("{place}.{name}"),
                    format!("{} entries; 1 to {most} are allowed", list.len()),
                );
            }
        }
    }
}
