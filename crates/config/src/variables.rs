//! `${VAR}` and `${VAR:-default}` in the texts of the file.

/// What `${VAR}` stands for.
#[derive(Clone, Copy)]
pub struct Variables<'a> {
    /// Returns the value of an environment variable, if it is set.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Returns the value of a variable that is not set and for which the file has no default.
    pub otherwise: &'a dyn Fn(&str) -> Option<String>,
}

/// The maximum depth of references in the defaults of references.
const MAX_DEPTH: usize = 8;

/// Replaces `${VAR}` and `${VAR:-default}`, whose default may contain references; `$${` stands for `${`.
///
/// # Errors
/// A message about a variable that is not set and has no default, or about a malformed reference.
pub(crate) fn expand(text: &str, variables: Variables<'_>) -> Result<String, String> {
    expand_within(text, text, variables, MAX_DEPTH)
}

/// Expands a part of `text`, the text that messages show.
fn expand_within(
    part: &str,
    text: &str,
    variables: Variables<'_>,
    depth: usize,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = part;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let Some(end) = closing_brace(after) else {
            return Err(format!("`{text}`: `${{` without its `}}`"));
        };
        let (name, default) = match after[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&after[..end], None),
        };
        let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            return Err(format!("`{text}`: `{name}` is not the name of an environment variable"));
        }
        let set = (variables.environment)(name).filter(|value| !value.is_empty());
        match (set, default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(_)) if depth == 0 => {
                return Err(format!("`{text}`: more than {MAX_DEPTH} defaults within defaults"));
            }
            (None, Some(default)) => {
                out.push_str(&expand_within(default, text, variables, depth - 1)?);
            }
            (None, None) => match (variables.otherwise)(name) {
                Some(value) => out.push_str(&value),
                None => {
                    return Err(format!(
                        "environment variable {name} is not set; set it, or write `${{{name}:-default}}`"
                    ));
                }
            },
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Returns the index of the `}` that closes a reference, where `text` begins after its `${`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if text[..index].ends_with('$') => open += 1,
            b'}' if open == 0 => return Some(index),
            b'}' => open -= 1,
            _ => {}
        }
    }
    None
}
