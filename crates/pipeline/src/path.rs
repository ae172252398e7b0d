//! Paths into a job's Describe response or into a property file.

use serde_json::Value;

/// A path such as `a.b['c'][0]`: members by name, list entries by index or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `.name` or `['name']`
    Name(String),
    /// `[0]`
    Index(usize),
}

/// The error of text that is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path {path:?}: {problem}")]
pub struct PathError {
    /// The text.
    pub path: String,
    /// The reason, with its position.
    pub problem: String,
}

impl Path {
    /// Parses names separated by dots, each followed by any number of `['name']`, `["name"]` or
    /// `[0]`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let error = |problem: String| PathError { path: text.to_owned(), problem };
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let at = text.len() - rest.len();
            let character = || text[..at].chars().count() + 1;
            if let Some(inside) = rest.strip_prefix('[') {
                let (segment, after) = bracket(inside).map_err(|problem| {
                    error(format!("the bracket at character {} {problem}", character()))
                })?;
                segments.push(segment);
                rest = after;
            } else {
                // A dot separates names, so there is none before the first.
                let name = match (segments.is_empty(), rest.strip_prefix('.')) {
                    (true, _) => rest,
                    (false, Some(name)) => name,
                    (false, None) => {
                        return Err(error(format!(
                            "expected a dot or a bracket at character {}",
                            character()
                        )));
                    }
                };
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (name, after) = name.split_at(end);
                if name.is_empty() || name.contains([']', '\'', '"']) {
                    return Err(error(format!("expected a name at character {}", character())));
                }
                segments.push(Segment::Name(name.to_owned()));
                rest = after;
            }
            if rest.is_empty() {
                return Ok(Self { segments });
            }
        }
    }

    /// Returns the value at this path in `document`, if there is one.
    ///
    /// A name selects the list entry that has this name in one of its `...Name` members:
    /// `Outputs['train']` is the output whose `OutputName` is `train`.
    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.segments.iter().try_fold(document, |value, segment| match (segment, value) {
            (Segment::Name(name), Value::Object(members)) => members.get(name),
            (Segment::Name(name), Value::Array(entries)) => {
                entries.iter().find(|entry| own_names(entry).any(|own| own == name))
            }
            (Segment::Index(index), Value::Array(entries)) => entries.get(*index),
            _ => None,
        })
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Returns the names from the start of the path up to its first index.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.segments
            .iter()
            .map_while(|segment| match segment {
                Segment::Name(name) => Some(name.as_str()),
                Segment::Index(_) => None,
            })
            .collect()
    }
}

/// Parses the contents of brackets. Returns them and the text after the closing bracket.
fn bracket(inside: &str) -> Result<(Segment, &str), &'static str> {
    const UNCLOSED: &str = "is not closed";
    for quote in ['\'', '"'] {
        if let Some(inside) = inside.strip_prefix(quote) {
            let (name, after) = inside.split_once(quote).ok_or(UNCLOSED)?;
            let after = after.strip_prefix(']').ok_or(UNCLOSED)?;
            return Ok((Segment::Name(name.to_owned()), after));
        }
    }
    let (digits, after) = inside.split_once(']').ok_or(UNCLOSED)?;
    let index = digits.parse().map_err(|_| "holds neither a quoted name nor a position")?;
    Ok((Segment::Index(index), after))
}

/// Returns the names of a list entry: the strings in its `...Name` members.
pub(crate) fn own_names(entry: &Value) -> impl Iterator<Item = &str> {
    let members = entry.as_object().into_iter().flatten();
    members.filter(|(member, _)| member.ends_with("Name")).filter_map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_finds_members_indexes_and_named_entries() {
        let document = json!({
            "metrics": {"f1": {"value": 0.9}, "odd.name": true},
            "rows": [[1, 2], [3]],
            "Outputs": [
                {"OutputName": "test", "S3Output": {"S3Uri": "s3://b/test"}},
                {"OutputName": "train", "S3Output": {"S3Uri": "s3://b/train"}},
            ],
        });
        let find = |path: &str| Path::parse(path).unwrap().find(&document).cloned();
        assert_eq!(find("metrics.f1.value"), Some(json!(0.9)));
        assert_eq!(find("metrics['odd.name']"), Some(json!(true)));
        assert_eq!(find("['metrics'][\"f1\"].value"), Some(json!(0.9)));
        assert_eq!(find("rows[0][1]"), Some(json!(2)));
        assert_eq!(find("Outputs['train'].S3Output.S3Uri"), Some(json!("s3://b/train")));
        assert_eq!(find("Outputs['valid'].S3Output.S3Uri"), None);
        assert_eq!(find("rows[2]"), None);
        assert_eq!(find("metrics[0]"), None);
        assert_eq!(find("metrics.f1.value.more"), None);
    }

    #[test]
    fn an_invalid_path_is_refused_with_the_position() {
        let message = |text: &str| Path::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(message(""), @r#"path "": expected a name at character 1"#);
        insta::assert_snapshot!(message(".a"), @r#"path ".a": expected a name at character 1"#);
        insta::assert_snapshot!(message("a..b"), @r#"path "a..b": expected a name at character 2"#);
        insta::assert_snapshot!(message("a["), @r#"path "a[": the bracket at character 2 is not closed"#);
        insta::assert_snapshot!(message("a[x]"), @r#"path "a[x]": the bracket at character 2 holds neither a quoted name nor a position"#);
        insta::assert_snapshot!(message("a[0]b"), @r#"path "a[0]b": expected a dot or a bracket at character 5"#);
        insta::assert_snapshot!(message("a.b'"), @r#"path "a.b'": expected a name at character 2"#);
    }
}
