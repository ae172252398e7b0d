//! The nearest name to a mistyped one.

/// The length in bytes of the longest name that is compared. The time of a comparison grows with
/// the square of the length.
const MAX_LENGTH: usize = 256;

/// The number of candidates that are compared. It exceeds the 200 parameters that a SageMaker
/// definition may have; thousands of unknown names among thousands of steps would take minutes.
const MAX_CANDIDATES: usize = 256;

/// The length in bytes of the shortest name that suggests every candidate containing it.
const MIN_PART: usize = 3;

/// Returns the candidate that `name` was probably meant to be: the one at the least edit distance
/// (insertions, deletions, substitutions and swaps of neighbours, in any letter case) among those
/// whose distance is at most a third of their length, or 1, and the single words that contain the whole
/// name, such as `train:accuracy` for `train:acc`.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_LENGTH {
        return None;
    }
    let name = name.to_lowercase();
    let is_word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c));
    let is_part =
        |candidate: &str| name.len() >= MIN_PART && candidate.contains(&name) && is_word(candidate);
    let (_, candidate) = candidates
        .into_iter()
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.len() <= MAX_LENGTH)
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::osa_distance(&name, &lower);
            let is_near = distance <= (candidate.chars().count() / 3).max(1);
            (is_near || is_part(&lower)).then_some((distance, candidate))
        })
        .min()?;
    Some(candidate)
}

/// Returns the end of a message about an unknown name, `; did you mean MinRecall?`, or an empty text
/// where there is no suggestion.
pub fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_near_and_another_word_is_not() {
        let names = ["MinAccuracy", "MinF1", "MinRecall"];
        assert_eq!(nearest("MinRecal", names), Some("MinRecall"));
        assert_eq!(nearest("minrecall", names), Some("MinRecall"));
        assert_eq!(nearest("MinReclal", names), Some("MinRecall"));
        assert_eq!(nearest("Recall", names), Some("MinRecall"));
        assert_eq!(nearest("Bucket", names), None);
        assert_eq!(nearest("in", names), None);
        assert_eq!(nearest("Torque", ["Speed;Torque;Downtime"]), None);
        assert_eq!(nearest(&"M".repeat(300), names), None);
        assert_eq!(nearest("MinRecall", []), None);
    }

    #[test]
    fn only_the_first_candidates_are_compared() {
        let others: Vec<_> = (0..MAX_CANDIDATES).map(|number| format!("{number}")).collect();
        let others = others.iter().map(String::as_str);
        let first = ["MinRecall"].into_iter().chain(others.clone());
        assert_eq!(nearest("MinRecal", first), Some("MinRecall"));
        assert_eq!(nearest("MinRecal", others.chain(["MinRecall"])), None);
    }

    #[test]
    fn a_suggestion_ends_a_message() {
        assert_eq!(did_you_mean(Some("MinRecall")), "; did you mean MinRecall?");
        assert_eq!(did_you_mean(None), "");
    }
}
