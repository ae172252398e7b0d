//! The report of a profiled table: a table for people, JSON for programs.

use std::fmt::Write;

use camino::Utf8PathBuf;
use profile::{ColumnProfile, Gates, Kind, TableProfile};
use serde::Serialize;

use crate::initial_settings::percent;

/// The maximum number of columns that the table shows. The JSON object has all of them.
const SHOWN_COLUMNS: usize = 60;
/// The maximum width of a column's name, in letters.
const MAX_NAME: usize = 36;

/// The result of `init`.
#[derive(Debug, Serialize)]
pub struct ProfileReport {
    /// The settings that were written.
    pub config: Utf8PathBuf,
    /// The command that runs them.
    pub next: String,
    /// What was found of the table.
    pub table: TableProfile,
}

impl ProfileReport {
    /// Formats the report as tables.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        let TableProfile { files, left_out, rows, label, .. } = &self.table;
        let columns = self.table.shown().count();
        write!(out, "{:<11} {rows} rows, {columns} columns", "Table")?;
        match files.len() {
            1 => writeln!(out)?,
            count => writeln!(out, ", {count} files")?,
        }
        for file in files.iter().filter(|file| !file.notes.is_empty()) {
            writeln!(out, "{:<11} {}: {}", "Read as", file.file, file.notes.join("; "))?;
        }
        for file in left_out {
            writeln!(out, "{:<11} {file}", "Left out")?;
        }
        for (what, count) in [
            ("rows of totals", self.table.totals_rows),
            ("rows that repeat the header", self.table.header_rows),
            ("rows without any value", self.table.blank_rows),
        ] {
            if count > 0 {
                writeln!(out, "{:<11} {what}: {count}", "Left out")?;
            }
        }
        writeln!(out, "{:<11} {}: {}", "Label", label.column, label.why)?;
        writeln!(
            out,
            "{:<11} {} of {} rows ({}): {} ({}); not: {}",
            "Failures",
            label.failures,
            label.failures + label.sound,
            percent(label.failure_share()),
            words(&label.positive),
            label.why_positive,
            words(&label.negative)
        )?;
        if !self.table.missing_markers.is_empty() {
            writeln!(out, "{:<11} {}", "Missing is", words(&self.table.missing_markers))?;
        }
        write_columns(out, &self.table)?;
        for warning in &self.table.warnings {
            writeln!(out, "{:<11} {warning}", "Warning")?;
        }
        if !self.table.warnings.is_empty() {
            writeln!(out)?;
        }
        write_gates(out, self.table.gates.as_ref())?;
        writeln!(out, "\nWrote       {}", self.config)?;
        writeln!(out, "Next        {}", self.next)
    }
}

fn write_columns(out: &mut String, table: &TableProfile) -> std::fmt::Result {
    let columns = || table.shown().filter(|column| !column.is_label).take(SHOWN_COLUMNS);
    let letters = |column: &ColumnProfile| name(column).chars().count();
    let width = columns().map(letters).max().unwrap_or_default().max("Column".len());
    writeln!(out, "\n{:<width$}  {:<10} {:>8}  Found", "Column", "Kind", "Missing")?;
    for column in columns() {
        let missing = match column.missing_share {
            0.0 => "-".to_owned(),
            share => percent(share),
        };
        write!(
            out,
            "{:<width$}  {:<10} {missing:>8}  {}",
            name(column),
            kind(column.kind),
            column.why
        )?;
        if !column.missing_markers.is_empty() {
            write!(out, "; missing is {}", words(&column.missing_markers))?;
        }
        match &column.left_out {
            Some(reason) => writeln!(out, "; left out: {reason}")?,
            None => writeln!(out)?,
        }
    }
    let all = table.shown().count() - 1;
    if all > SHOWN_COLUMNS {
        let used = table.used().count();
        writeln!(
            out,
            "and {} more; {used} columns are used, see the settings",
            all - SHOWN_COLUMNS
        )?;
    }
    writeln!(out)
}

fn write_gates(out: &mut String, gates: Option<&Gates>) -> std::fmt::Result {
    let Some(Gates { gates, rows, failures, .. }) = gates else {
        return writeln!(
            out,
            "There are too few rows to propose gates: the gate lets every model through."
        );
    };
    writeln!(out, "{:<18} {:<10} Gate", "Proposal", "Out of bag")?;
    for gate in gates {
        let minimum = match gate.minimum {
            0.0 => "none".to_owned(),
            minimum => format!(">= {minimum:.2}"),
        };
        writeln!(out, "{:<18} {:<10.4} {minimum}", gate.metric, gate.out_of_bag)?;
    }
    writeln!(out, "on {rows} rows, {failures} of them failures")
}

/// Returns the header, cut if it is long.
fn name(column: &ColumnProfile) -> String {
    let letters = column.header.chars();
    if letters.clone().count() <= MAX_NAME {
        return column.header.clone();
    }
    letters.take(MAX_NAME - 1).chain(['…']).collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::YesNo => "yes/no",
        Kind::Category => "category",
        Kind::Date => "date",
        Kind::Identifier => "identifier",
        Kind::Constant => "constant",
        Kind::Text => "text",
        Kind::Empty => "empty",
    }
}

/// Joins words for people.
fn words(words: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = words.iter().take(SHOWN).map(|word| match word.as_str() {
        "" => "(empty)".to_owned(),
        word => format!("`{word}`"),
    });
    let more = if words.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}
