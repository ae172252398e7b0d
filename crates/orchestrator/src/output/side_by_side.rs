//! The facts of two things in columns.

use std::collections::BTreeMap;

/// The width of the column of names, if none is longer.
const NAME: usize = 20;
/// The width of a column of values.
const VALUE: usize = 24;

/// Formats the facts of two things, each a name and a value: a value that both have once, others beside each
/// other with the difference of numbers, or below each other where they are too long.
pub fn side_by_side(
    left: &[(String, String)],
    right: &[(String, String)],
    differences: &BTreeMap<String, f64>,
) -> String {
    let find = |of: &[(String, String)], name: &str| {
        let fact = of.iter().find(|(known, _)| known == name);
        fact.map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
    };
    let only_right = right.iter().filter(|(name, _)| left.iter().all(|(known, _)| known != name));
    let names: Vec<_> = left.iter().chain(only_right).map(|(name, _)| name).collect();
    let width = names.iter().map(|name| name.chars().count()).fold(NAME, usize::max);
    let mut text = String::new();
    for name in names {
        let (a, b) = (find(left, name), find(right, name));
        text.push_str(&match differences.get(name) {
            Some(difference) => {
                format!("{name:<width$} {a:<VALUE$} {b:<VALUE$} {difference:+.4}\n")
            }
            None if a == b => format!("{name:<width$} {a}\n"),
            None if a.chars().count() > VALUE => {
                format!("{name:<width$} {a}\n{:<width$} {b}\n", "")
            }
            None => format!("{name:<width$} {a:<VALUE$} {b}\n"),
        });
    }
    text
}
