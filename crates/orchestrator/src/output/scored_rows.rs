//! The output of the commands that score rows: a file or standard output, and what became of the rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use camino::Utf8Path;
use inference::{InferenceError, ScoredRows};

use crate::error::CommandError;

/// Returns whether the reader of the output has gone.
pub fn is_closed_pipe(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Inference(InferenceError::Output(error))
            if error.kind() == io::ErrorKind::BrokenPipe
    )
}

/// Writes scored rows to a file, which is there whole or not at all.
pub fn to_file(
    output: &Utf8Path,
    write: impl FnOnce(&mut dyn Write) -> Result<ScoredRows, CommandError>,
) -> Result<ScoredRows, CommandError> {
    let mut scored = None;
    let mut failed = None;
    let written = common::write_with(output, |out| match write(out) {
        Ok(rows) => {
            scored = Some(rows);
            Ok(())
        }
        Err(error) => {
            failed = Some(error);
            Err(io::Error::other("the rows are not scored"))
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    written?;
    Ok(scored.unwrap_or_default())
}

/// Returns what became of the rows, for people. The threshold is known unless another program has it.
pub fn summary(scored: &ScoredRows, model: &str, threshold: Option<f64>) -> String {
    let ScoredRows { rows, failures, .. } = scored;
    let threshold = threshold.map(|threshold| format!(" (probability above {threshold})"));
    let threshold = threshold.unwrap_or_default();
    let mut text =
        format!("{rows} rows scored by {model}: {failures} predicted to fail{threshold}\n");
    for (what, counts) in [
        ("missing readings", &scored.imputed),
        ("values that are in no training row", &scored.unseen),
        ("numbers outside of the training rows' range", &scored.out_of_range),
    ] {
        if !counts.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{what}: {}", by_column(counts));
        }
    }
    for (what, count) in [
        ("rows of totals", scored.totals_rows),
        ("rows that repeat the header", scored.header_rows),
        ("rows without any value", scored.blank_rows),
    ] {
        if count > 0 {
            let _ = writeln!(text, "left out: {what}: {count}");
        }
    }
    if let Some(first) = &scored.first_unreadable {
        let count = scored.unreadable_rows;
        let _ = writeln!(text, "left out: rows that cannot be read: {count}, the first: {first}");
    }
    for warning in &scored.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    for note in &scored.notes {
        let _ = writeln!(text, "read as: {note}");
    }
    for file in &scored.left_out {
        let _ = writeln!(text, "left out: {file}");
    }
    text
}

/// Returns the counts of columns, the greatest first.
fn by_column(counts: &BTreeMap<String, u64>) -> String {
    const SHOWN: usize = 10;
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1));
    let mut shown: Vec<String> =
        counts.iter().take(SHOWN).map(|(column, count)| format!("{column} {count}")).collect();
    if counts.len() > SHOWN {
        shown.push(format!("and {} more columns", counts.len() - SHOWN));
    }
    shown.join(", ")
}
