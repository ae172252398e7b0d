//! The nearest name to a mistyped one.

/// As many candidates as are looked at: all parameters a definition may have, and then some.
/// Thousands of unknown names among thousands of steps would take minutes.
const MOST_CANDIDATES: usize = 256;

/// The candidate most like `name`, if any is alike enough to be meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // the time grows with the square of the length
    let short = |name: &str| name.len() <= 256;
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| short(name) && short(candidate))
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        // 0.8 takes a letter missing, doubled or swapped and a changed case at the start of a
        // word, but not two names that only begin alike.
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// The end of a message about an unknown name.
pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_what_was_meant() {
        let names = ["MinAccuracy", "MinF1", "MinRecall"];
        assert_eq!(nearest("MinRecal", names), Some("MinRecall"));
        assert_eq!(nearest("minrecall", names), Some("MinRecall"));
        assert_eq!(nearest("Bucket", names), None);
    }
}
