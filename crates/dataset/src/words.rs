//! The words that have a meaning in every table: those for a missing value, and for yes and no.

/// Cells that stand for a missing value, as pandas reads them, in lower case.
const MISSING: [&str; 10] =
    ["", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none", "missing"];

/// Words for yes in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech,
/// Swedish, Turkish, Russian, Chinese and Japanese, in lower case.
const YES: [&str; 33] = [
    "1",
    "yes",
    "y",
    "true",
    "t",
    "on",
    "ja",
    "j",
    "wahr",
    "w",
    "ein",
    "an",
    "oui",
    "o",
    "vrai",
    "sí",
    "si",
    "s",
    "verdadero",
    "sì",
    "vero",
    "sim",
    "verdadeiro",
    "waar",
    "tak",
    "prawda",
    "ano",
    "sann",
    "evet",
    "да",
    "истина",
    "是",
    "はい",
];

/// Words for no in the same languages, in lower case.
const NO: [&str; 26] = [
    "0",
    "no",
    "n",
    "false",
    "f",
    "off",
    "nein",
    "falsch",
    "aus",
    "non",
    "faux",
    "falso",
    "não",
    "nao",
    "nee",
    "onwaar",
    "nie",
    "fałsz",
    "ne",
    "nej",
    "falskt",
    "hayır",
    "нет",
    "ложь",
    "否",
    "いいえ",
];

/// Returns whether a trimmed cell stands for a missing value in every table.
pub fn is_missing(text: &str) -> bool {
    // None of them has a digit, and most cells have one.
    !text.bytes().any(|byte| byte.is_ascii_digit())
        && MISSING.contains(&text.to_lowercase().as_str())
}

/// Returns whether a folded word means yes or no, or `None` if it means neither.
pub fn yes_or_no(word: &str) -> Option<bool> {
    if YES.contains(&word) { Some(true) } else { NO.contains(&word).then_some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::fold_word;

    #[test]
    fn yes_and_no_are_read_in_any_case_and_number_form() {
        for word in ["Yes", " TRUE ", "1.0", "01", "WAHR", "oui", "Sí", "ДА"] {
            assert_eq!(yes_or_no(&fold_word(word)), Some(true), "{word}");
        }
        for word in ["no", "FALSE", "0.0", "Nein", "NON", "falso"] {
            assert_eq!(yes_or_no(&fold_word(word)), Some(false), "{word}");
        }
        for word in ["", "2", "maybe", "-1"] {
            assert_eq!(yes_or_no(&fold_word(word)), None, "{word}");
        }
    }

    #[test]
    fn no_word_has_two_meanings() {
        for word in YES {
            assert!(!NO.contains(&word) && !is_missing(word), "{word}");
        }
        assert!(!NO.iter().any(|word| is_missing(word)));
        // Words are compared as they are folded.
        for word in YES.iter().chain(&NO) {
            assert_eq!(fold_word(word), **word);
        }
    }
}
