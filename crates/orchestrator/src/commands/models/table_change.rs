//! Whether two versions were made from tables of the same kind.

use std::collections::BTreeSet;
use std::io::Cursor;

use inference::Model;

/// The number of columns that are named.
const NAMED: usize = 5;

/// Returns in what the table of one model's archive differs from that of another's, or `None` if it has the same
/// columns and label, or if one of them is no model of this program.
pub fn table_change(before: &[u8], after: &[u8]) -> Option<String> {
    let read =
        |archive: &[u8]| Model::from_archive(Cursor::new(archive), archive.len() as u64).ok();
    let (before, after) = (read(before)?, read(after)?);
    let names =
        |model: &Model| -> Vec<String> { model.schema().names().map(str::to_owned).collect() };
    let label = |model: &Model| model.schema().label().column.clone();
    change(&names(&before), &names(&after), &label(&before), &label(&after))
}

/// Formats what one table has and the other has not.
fn change(
    before: &[String],
    after: &[String],
    label_before: &str,
    label_after: &str,
) -> Option<String> {
    let mut parts = Vec::new();
    for (word, of, others) in [("without", before, after), ("with", after, before)] {
        let others: BTreeSet<&String> = others.iter().collect();
        let own: Vec<&String> = of.iter().filter(|name| !others.contains(name)).collect();
        if own.is_empty() {
            continue;
        }
        let named: Vec<String> = own.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = own.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        parts.push(format!("{word} {}{more}", named.join(", ")));
    }
    if label_before != label_after {
        parts.push(format!("with the label `{label_after}` rather than `{label_before}`"));
    }
    Some(parts.join("; ")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_some_columns_and_counts_the_others() {
        let names = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let change = |before: &str, after: &str, label: &str| {
            change(&names(before), &names(after), "Failure", label)
        };
        assert_eq!(change("a b", "b a", "Failure"), None);
        assert_eq!(change("a b", "b", "Failure").unwrap(), "without `a`");
        assert_eq!(
            change("a", "b c d e f g h", "Downtime").unwrap(),
            "without `a`; with `b`, `c`, `d`, `e`, `f` and 2 more; with the label `Downtime` rather than `Failure`"
        );
    }
}
