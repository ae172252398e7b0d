//! The names that columns get in the settings: those of their headers, as far as settings allow.

use std::collections::BTreeSet;

use dataset::{fold_name, settings_name};

use crate::reading::FoundTables;

/// The name of a column in the settings.
pub(crate) struct SettingsName {
    pub(crate) name: String,
    /// The headers that the name alone does not find.
    pub(crate) spellings: Vec<String>,
}

/// Names all columns. Names are unambiguous, among each other and among the headers.
pub(crate) fn settings_names(tables: &FoundTables) -> Vec<SettingsName> {
    let bare = |header: &String| fold_name(&without_parentheses(header));
    // What each header is found by: its whole text, and its text without parentheses.
    let own: Vec<BTreeSet<String>> = tables
        .columns
        .iter()
        .map(|column| column.headers.iter().flat_map(|h| [fold_name(h), bare(h)]).collect())
        .collect();
    // The table of features ends in a column of this name.
    let mut given: BTreeSet<String> = BTreeSet::from([dataset::LABEL.to_owned()]);
    let mut names = Vec::new();
    for (index, column) in tables.columns.iter().enumerate() {
        let others = || own.iter().enumerate().filter(move |(other, _)| *other != index);
        let is_shared = |name: &String| others().any(|(_, folds)| folds.contains(name));
        let is_free = |name: &str| {
            let folded = fold_name(name);
            !folded.is_empty() && !given.contains(&folded) && !is_shared(&folded)
        };
        let header = column.headers.first().map_or("", String::as_str);
        let plain = [settings_name(&column.name), settings_name(header)];
        // A header of signs alone has no name.
        let base = match plain[0].as_str() {
            "" => format!("column_{}", index + 1),
            name => name.to_owned(),
        };
        let numbered = (2..).map(|number| format!("{base}_{number}"));
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

/// Returns a header without what is in parentheses at its end, as columns are looked for.
fn without_parentheses(header: &str) -> String {
    let begin = header.rfind(['(', '[']).filter(|_| header.ends_with([')', ']']));
    begin.map_or(header, |at| &header[..at]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::tables;

    #[test]
    fn names_are_the_headers_as_far_as_settings_allow() {
        let header = "Air temperature [K];Temp (in);Temp (out);Speed [rpm];Speed [rad/s];1st stage;\
                      Vib. X-Achse;Druck;Kraft ges.;Kraft_ges";
        let tables = tables(&format!("{header}\n1;2;3;4;5;6;7;8;9;10\n2;3;4;5;6;7;8;9;10;11\n"));
        let names: Vec<_> = settings_names(&tables)
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
            ]
        );
    }
}
