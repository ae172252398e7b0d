//! The paths of the language: into a job's Describe answer and into a property file.

use serde_json::Value;

/// `a.b['c'][0]`: members by name, list entries by position or by name.
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

/// Text that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("path {path:?}: {problem}")]
pub struct PathError {
    /// The whole path.
    pub path: String,
    /// What is wrong with it, and where.
    pub problem: String,
}

impl Path {
    /// Reads names parted by dots, each followed by any number of `['name']`, `["name"]` or `[0]`.
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
                // A dot belongs between names, never before the first.
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

    /// Follows the path through `document`.
    ///
    /// A name on a list picks the entry that carries this name in one of its `...Name` members,
    /// as `Outputs['train']` picks the output whose `OutputName` is `train`.
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

    /// The names from the start of the path up to its first position.
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

/// Reads what stands between brackets; gives it and the text after the closing one.
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

/// What a list's entry is called: the texts of its `...Name` members.
pub(crate) fn own_names(entry: &Value) -> impl Iterator<Item = &str> {
    let members = entry.as_object().into_iter().flatten();
    members.filter(|(member, _)| member.ends_with("Name")).filter_map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_members_positions_and_named_entries() {
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
    fn what_is_no_path_says_where() {
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
