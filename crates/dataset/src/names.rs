//! The names that columns get in the settings: those of their headers, as far as settings allow.

use std::collections::{BTreeMap, BTreeSet};

use crate::header::name_and_unit;
use crate::schema::{LABEL, fold_name};

/// The maximum length of a name in characters.
const MAX_NAME: usize = 100;

/// A column of files, whose headers need not be the same.
#[derive(Clone, Copy, Debug)]
pub struct ColumnHeaders<'a> {
    /// The header without a known unit.
    pub name: &'a str,
    /// The headers in the files, the first one first.
    pub headers: &'a [String],
}

/// The name of a column in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsName {
    /// The name: letters, digits and `_`, no digit first.
    pub name: String,
    /// The headers that the name alone does not find.
    pub spellings: Vec<String>,
}

/// Names all columns of a table, in order. Names are unambiguous, among each other and among the
/// headers.
pub fn settings_names(columns: &[ColumnHeaders<'_>]) -> Vec<SettingsName> {
    let bare = |header: &String| fold_name(&name_and_unit(header).0);
    // What each header is found by: its whole text, and its text without parentheses.
    let found_by = |column: &ColumnHeaders<'_>| -> BTreeSet<String> {
        column.headers.iter().flat_map(|header| [fold_name(header), bare(header)]).collect()
    };
    let own: Vec<BTreeSet<String>> = columns.iter().map(found_by).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    own.iter().flatten().for_each(|folded| *counts.entry(folded).or_default() += 1);
    // The table of features ends in a column of this name.
    let mut given: BTreeSet<String> = BTreeSet::from([LABEL.to_owned()]);
    let mut names = Vec::new();
    for (index, (column, own)) in columns.iter().zip(&own).enumerate() {
        let is_free = |name: &str| {
            let folded = fold_name(name);
            let columns = counts.get(folded.as_str()).copied().unwrap_or_default();
            let is_shared = columns > usize::from(own.contains(&folded));
            !folded.is_empty() && !given.contains(&folded) && !is_shared
        };
        let header = column.headers.first().map_or("", String::as_str);
        let plain = [allowed(column.name), allowed(header)];
        // A header of signs alone has no name.
        let base = match plain[0].as_str() {
            "" => format!("column_{}", index + 1),
            name => name.to_owned(),
        };
        let numbered = (2..).map(|number| {
            let end = format!("_{number}");
            base.chars().take(MAX_NAME - end.len()).collect::<String>() + &end
        });
        let mut candidates = plain.into_iter().chain([base.clone()]).chain(numbered);
        let name = candidates.find(|name| is_free(name)).unwrap_or_default();
        let folded = fold_name(&name);
        // A header is found by the name if it is the same without its unit, and no other one is.
        let is_found = |header: &&String| bare(header) != folded && fold_name(header) != folded;
        let spellings = column.headers.iter().filter(is_found).cloned().collect();
        given.insert(folded);
        names.push(SettingsName { name, spellings });
    }
    names
}

/// Returns a header with the signs that settings allow in a name, or nothing if it has neither letters
/// nor digits.
fn allowed(header: &str) -> String {
    let mut name = String::new();
    for letter in header.trim().chars() {
        if letter.is_alphabetic() || letter.is_numeric() {
            name.push(letter);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    let begin = if name.starts_with(char::is_numeric) { "_" } else { "" };
    format!("{begin}{name}").chars().take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_headers_as_far_as_settings_allow() {
        let long = |end: &str| format!("{} {end}", "a".repeat(MAX_NAME));
        let [pressure, force] = ["Druck", "Kraft"].map(long);
        let columns = [
            ("Air temperature", "Air temperature [K]"),
            ("Temp (in)", "Temp (in)"),
            ("Temp (out)", "Temp (out)"),
            ("Speed", "Speed [rpm]"),
            ("Speed", "Speed [rad/s]"),
            ("1st stage", "1st stage"),
            ("Vib. X-Achse", "Vib. X-Achse"),
            ("Druck", "Druck"),
            ("Kraft ges.", "Kraft ges."),
            ("Kraft_ges", "Kraft_ges"),
            (&pressure, &pressure),
            (&force, &force),
        ];
        let headers = columns.map(|(_, header)| [header.to_owned()]);
        let columns = columns.iter().zip(&headers);
        let columns: Vec<_> =
            columns.map(|((name, _), headers)| ColumnHeaders { name, headers }).collect();
        let names: Vec<_> = settings_names(&columns)
            .into_iter()
            .map(|SettingsName { name, spellings }| format!("{name} {}", spellings.join("|")))
            .collect();
        assert_eq!(
            names,
            [
                "Air_temperature ",
                "Temp_in Temp (in)",
                "Temp_out Temp (out)",
                "Speed_rpm Speed [rpm]",
                "Speed_rad_s Speed [rad/s]",
                "_1st_stage ",
                "Vib_X_Achse Vib. X-Achse",
                "Druck ",
                "Kraft_ges_2 Kraft ges.",
                "Kraft_ges ",
                &format!("{} {pressure}", "a".repeat(MAX_NAME)),
                &format!("{}_2 {force}", "a".repeat(MAX_NAME - 2)),
            ]
        );
    }
}
