//! Writes rows with the answers that a hosted version gave to their records.

use std::collections::BTreeMap;
use std::io::Write;

use dataset::{CsvRecords, push_field};
use inference::{InferenceError, ScoredRows};

use super::hosted_table::HostedTable;
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

/// The most characters of a wrong answer that are shown.
const LONGEST_SHOWN: usize = 200;
/// The column of an answer with what is predicted.
const PREDICTED: &str = "predicted";
/// The column of an answer with the version of the model.
const VERSION: &str = "model_version";
/// The columns of an answer that list columns of the model.
const LISTS: [&str; 3] = ["imputed", "unseen", "out_of_range"];

/// Writes rows with their answers, each a line of CSV.
pub struct AnsweredRows<'a> {
    table: &'a HostedTable,
    output: &'a mut dyn Write,
    /// The columns of the answers, once they are known.
    names: Option<Vec<String>>,
    /// The version that answers, if it is known by the name that answers give it.
    version: Option<String>,
    rows: u64,
    failures: u64,
    /// How often each column is in each list.
    listed: [BTreeMap<String, u64>; 3],
}

impl<'a> AnsweredRows<'a> {
    /// Makes a writer of a table's rows. The first line of each text of answers names their columns.
    pub fn new(table: &'a HostedTable, output: &'a mut dyn Write, version: Option<String>) -> Self {
        let (names, listed) = (None, Default::default());
        Self { table, output, names, version, rows: 0, failures: 0, listed }
    }

    /// Makes a writer of a table's rows, whose answers have these columns and no line that names them.
    pub fn with_names(
        table: &'a HostedTable,
        output: &'a mut dyn Write,
        version: String,
        names: Vec<String>,
    ) -> Result<Self, CommandError> {
        let mut written = Self::new(table, output, Some(version));
        written.write_header(names)?;
        Ok(written)
    }

    fn write_header(&mut self, names: Vec<String>) -> Result<(), CommandError> {
        let line = self.table.columns.header_with(names.iter().cloned());
        self.names = Some(names);
        self.write(&line)
    }

    fn write(&mut self, text: &[u8]) -> Result<(), CommandError> {
        let written = self.output.write_all(text);
        written.map_err(|error| CommandError::Inference(InferenceError::Output(error)))
    }

    /// Writes rows with the answers to them, of which the first line is that of the names.
    pub fn add_named(&mut self, rows: &[Vec<u8>], answers: &[u8]) -> Result<(), CommandError> {
        let mut records = CsvRecords::new("the answer", answers, 1, b',');
        let first = records.next().map_err(answers_of)?;
        let found: Vec<String> =
            first.into_iter().flat_map(|first| first.fields()).map(text).collect();
        match &self.names {
            None if !found.iter().any(|name| name == PREDICTED) => {
                let begin: String = text(answers).chars().take(LONGEST_SHOWN).collect();
                return Err(wrong(format!(
                    "the endpoint has answered `{}`, expected a line of names with {PREDICTED}",
                    common::printable(&begin)
                )));
            }
            None => self.write_header(found)?,
            Some(names) if *names == found => {}
            Some(names) => {
                return Err(wrong(format!(
                    "the answers changed their columns from {} to {}: was the endpoint updated meanwhile?",
                    names.join(","),
                    found.join(",")
                )));
            }
        }
        self.add_records(rows, records)
    }

    /// Writes rows with the answers to them.
    pub fn add(&mut self, rows: &[Vec<u8>], answers: &[u8]) -> Result<(), CommandError> {
        self.add_records(rows, CsvRecords::new("the answer", answers, 1, b','))
    }

    fn add_records(
        &mut self,
        rows: &[Vec<u8>],
        mut answers: CsvRecords<'_>,
    ) -> Result<(), CommandError> {
        let names = self.names.clone().unwrap_or_default();
        let column = |name: &str| names.iter().position(|own| own == name);
        let (predicted, lists) = (column(PREDICTED), LISTS.map(column));
        let version = self.version.as_deref().and_then(|version| Some((column(VERSION)?, version)));
        let first = self.rows + 1;
        let last = self.rows + rows.len() as u64;
        let place = format!("rows {first} to {last}");
        let failure = self.table.model.word(true).as_bytes();
        let mut lines = Vec::new();
        let mut answered = 0;
        while let Some(answer) = answers.next().map_err(answers_of)? {
            if answer.len() != names.len() {
                return Err(wrong(format!(
                    "{place}: an answer has {} fields, expected the {} of {}",
                    answer.len(),
                    names.len(),
                    names.join(",")
                )));
            }
            let Some(row) = rows.get(answered) else {
                let count = rows.len();
                return Err(wrong(format!(
                    "{place}: there are more than {count} answers, expected one for each"
                )));
            };
            answered += 1;
            if let Some((column, version)) =
                version.filter(|(it, own)| answer.field(*it) != own.as_bytes())
            {
                return Err(wrong(format!(
                    "{place}: version {} has answered, expected version {version}; was the endpoint updated \
                     meanwhile?",
                    text(answer.field(column))
                )));
            }
            lines.extend_from_slice(row);
            for field in answer.fields() {
                lines.push(b',');
                push_field(field, &mut lines);
            }
            lines.push(b'\n');
            self.failures += u64::from(predicted.is_some_and(|it| answer.field(it) == failure));
            for (counts, list) in self.listed.iter_mut().zip(lists) {
                let listed = list.map(|list| text(answer.field(list))).unwrap_or_default();
                for column in listed.split("; ").filter(|column| !column.is_empty()) {
                    *counts.entry(column.to_owned()).or_default() += 1;
                }
            }
        }
        if answered != rows.len() {
            let count = rows.len();
            return Err(wrong(format!(
                "{place}: there are {answered} answers, expected {count}, one for each"
            )));
        }
        self.rows += rows.len() as u64;
        self.write(&lines)
    }

    /// Returns what became of the rows, of which `read` has what is known without their answers.
    pub fn finish(self, read: ScoredRows) -> Result<ScoredRows, CommandError> {
        let flushed = self.output.flush();
        flushed.map_err(|error| CommandError::Inference(InferenceError::Output(error)))?;
        let [imputed, unseen, out_of_range] = self.listed;
        let (rows, failures) = (self.rows, self.failures);
        let mut scored = ScoredRows { rows, failures, imputed, unseen, out_of_range, ..read };
        scored.warn(&self.table.model);
        Ok(scored)
    }
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

fn wrong(message: String) -> CommandError {
    SageMakerError::Answers(message).into()
}

fn answers_of(error: dataset::CsvError) -> CommandError {
    wrong(error.to_string())
}
