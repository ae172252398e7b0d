//! Writes answers as text: CSV, JSON or JSON lines.

use std::sync::atomic::{AtomicUsize, Ordering};

use dataset::push_field;
use forest::ExplainError;
use rayon::prelude::*;

use crate::counts::AnswerCounts;
use crate::explanations::Explanation;
use crate::model::{Answer, AnswerOptions, Model};
use crate::record_text::{Format, Records};

/// The columns of an answer: what is predicted, and how probable a failure is; then the lists of columns.
const PREDICTION: [&str; 2] = ["predicted", "probability"];
const LISTS: [&str; 3] = ["imputed", "unseen", "out_of_range"];
/// What names the model.
const VERSION: &str = "model_version";
/// The columns of an explanation: the base value, and what begins the name of each contribution.
const BASE: &str = "base_value";
const SHAP_PREFIX: &str = "shap_";
/// What separates the columns that an answer names.
const NAME_SEPARATOR: &str = "; ";
/// What is in front of a list of answers in JSON, and behind it.
const LIST: [&[u8]; 2] = [b"{\"predictions\": [", b"]}"];
/// The number of records that one thread answers at a time, and that of explained ones.
const RECORDS_AT_A_TIME: usize = 512;
const EXPLAINED_AT_A_TIME: usize = 8;

/// A text of answers.
///
/// An answer has what is predicted, in the words of the training table; the probability of a failure; the
/// columns that were imputed, whose value was never seen, and whose number is out of the range of the training
/// rows; and the version of the model. If it is explained, the base value and the contributions follow, in JSON
/// behind the kind of the explanation unless that is the usual one.
/// In CSV and JSON lines there is one line for each answer, and no line end behind the last one, so that texts
/// can be joined. JSON is one line, too: an object for a single record, and else `{"predictions": [...]}`.
struct AnswerText<'m> {
    names: &'m AnswerNames,
    format: Format,
    is_single: bool,
    count: usize,
    text: Vec<u8>,
    /// What explained answers have in common.
    explanation: Option<ExplanationText>,
}

/// What all explained answers of a model say.
struct ExplanationText {
    kind: Explanation,
    base: f64,
    /// The names of contributors as JSON.
    contributors: Vec<String>,
}

/// What answers to records may take.
pub struct AnswerLimits<'a> {
    /// The maximum length of the text in bytes.
    pub length: usize,
    /// Whether nobody waits for the answers any more.
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// The reason why records have no answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The model cannot explain its answers.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// The text would be too long.
    #[error(
        "the answers are longer than {0} bytes, which is the maximum; send fewer records at a time"
    )]
    TooLong(usize),
    /// Nobody waits for the answers any more.
    #[error("the answers are not wanted any more")]
    Cancelled,
}

/// Returns the answers to records as a text, and what they say in numbers. `header` puts the names of the columns
/// in front of a CSV. Many records are answered by all threads of rayon.
///
/// # Errors
/// Returns an error if answers are to be explained and the model cannot explain them, or at a limit.
pub fn answer_text(
    model: &Model,
    names: &AnswerNames,
    options: AnswerOptions,
    (format, header): (Format, bool),
    records: &mut Records,
    limits: &AnswerLimits<'_>,
) -> Result<(Vec<u8>, AnswerCounts), AnswerError> {
    let width = model.schema().columns().len();
    let at_a_time = if options.explain.is_some() { EXPLAINED_AT_A_TIME } else { RECORDS_AT_A_TIME };
    let mut text = AnswerText::new(model, names, options, format, records.is_single)?;
    if header && format == Format::Csv {
        text.push_header(model, options);
    }
    let mut counts = AnswerCounts::default();
    // What stands between two pieces is counted in front of each, the first of them as well.
    let between = text.separator().len();
    let most = limits.length.saturating_add(between);
    let written = AtomicUsize::new(text.around());
    let answer = |readings: &mut [f64], text: &mut AnswerText<'_>, counts: &mut AnswerCounts| {
        if (limits.is_cancelled)() {
            return Err(AnswerError::Cancelled);
        }
        for answer in model.answer_with(options, readings)? {
            counts.add(&answer);
            text.push(&answer);
        }
        let length = between + text.text.len();
        let before = written.fetch_add(length, Ordering::Relaxed);
        if before + length > most {
            return Err(AnswerError::TooLong(limits.length));
        }
        Ok(())
    };
    if records.count <= at_a_time {
        answer(&mut records.readings, &mut text, &mut counts)?;
        return Ok((text.finish(), counts));
    }
    // The names of the columns are no part of a piece.
    written.fetch_add(text.text.len(), Ordering::Relaxed);
    let pieces = records.readings.par_chunks_mut(width * at_a_time).map(|readings| {
        let mut piece = AnswerText::new(model, names, options, format, records.is_single)?;
        let mut counts = AnswerCounts::default();
        answer(readings, &mut piece, &mut counts)?;
        Ok((piece, counts))
    });
    for (piece, more) in pieces.collect::<Result<Vec<_>, AnswerError>>()? {
        text.append(piece);
        counts.merge(more);
    }
    Ok((text.finish(), counts))
}

/// The names in the answers of a model, as each format writes them.
#[derive(Clone, Debug)]
pub struct AnswerNames {
    columns: Vec<String>,
    /// The words for no failure and for a failure, and the version, as fields of CSV.
    words: [Vec<u8>; 2],
    version: Vec<u8>,
    /// The same as JSON strings.
    json_columns: Vec<String>,
    json_words: [String; 2],
    json_version: String,
}

impl AnswerNames {
    /// Returns the names for a model of this version.
    pub fn new(model: &Model, version: &str) -> Self {
        let field = |text: &str| {
            let mut field = Vec::new();
            push_field(text.as_bytes(), &mut field);
            field
        };
        let columns: Vec<String> = model.schema().names().map(str::to_owned).collect();
        let words = [model.word(false), model.word(true)];
        Self {
            json_columns: columns.iter().map(|name| quoted(name)).collect(),
            columns,
            words: words.map(field),
            json_words: words.map(quoted),
            version: field(version),
            json_version: quoted(version),
        }
    }

    /// Appends what is predicted, the probability and the lists of columns as fields of CSV.
    pub(crate) fn push_prediction(&self, answer: &Answer, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.words[usize::from(answer.is_failure)]);
        text.push(b',');
        push_number(answer.probability, text);
        for list in lists(answer) {
            text.push(b',');
            if !list.is_empty() {
                let names: Vec<&str> =
                    list.iter().map(|column| self.columns[*column].as_str()).collect();
                push_field(names.join(NAME_SEPARATOR).as_bytes(), text);
            }
        }
    }
}

/// Returns a text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'m> AnswerText<'m> {
    /// Begins a text of answers of a model; `is_single` says that there is one record, and that it is in no
    /// list.
    ///
    /// # Errors
    /// Returns an error if answers are to be explained and the model cannot explain them.
    fn new(
        model: &Model,
        names: &'m AnswerNames,
        options: AnswerOptions,
        format: Format,
        is_single: bool,
    ) -> Result<Self, ExplainError> {
        let explanation = options.explain.map(|kind| {
            let contributors = model.contributors().iter().map(|name| quoted(name)).collect();
            model.base(kind).map(|base| ExplanationText { kind, base, contributors })
        });
        let explanation = explanation.transpose()?;
        Ok(Self { names, format, is_single, count: 0, text: Vec::new(), explanation })
    }

    /// Writes the names of the columns in front of a CSV.
    fn push_header(&mut self, model: &Model, options: AnswerOptions) {
        for (index, name) in answer_names(model, options).iter().enumerate() {
            self.text.extend((index > 0).then_some(b','));
            push_field(name.as_bytes(), &mut self.text);
        }
        self.text.push(b'\n');
    }

    /// Appends an answer.
    fn push(&mut self, answer: &Answer) {
        if self.count > 0 {
            self.text.extend_from_slice(self.separator());
        }
        self.count += 1;
        match self.format {
            Format::Csv => self.push_line(answer),
            Format::Json | Format::JsonLines => self.push_object(answer),
        }
    }

    /// Appends other answers of the same kind.
    fn append(&mut self, other: Self) {
        if self.count > 0 && other.count > 0 {
            self.text.extend_from_slice(self.separator());
        }
        self.count += other.count;
        self.text.extend_from_slice(&other.text);
    }

    /// Returns what stands between two answers.
    fn separator(&self) -> &'static [u8] {
        match self.format {
            Format::Csv | Format::JsonLines => b"\n",
            Format::Json => b", ",
        }
    }

    /// Returns whether the answers are in a list.
    fn is_in_list(&self) -> bool {
        self.format == Format::Json && !self.is_single
    }

    /// Returns the number of bytes that are in front of the answers and behind them.
    fn around(&self) -> usize {
        if self.is_in_list() { LIST.map(<[u8]>::len).iter().sum() } else { 0 }
    }

    /// Returns the text.
    fn finish(self) -> Vec<u8> {
        if self.is_in_list() {
            let [begin, end] = LIST;
            return [begin, self.text.as_slice(), end].concat();
        }
        self.text
    }

    fn push_line(&mut self, answer: &Answer) {
        let Self { names, text, explanation, .. } = self;
        names.push_prediction(answer, text);
        text.push(b',');
        text.extend_from_slice(&names.version);
        if let Some(ExplanationText { base, .. }) = explanation {
            push_numbers(*base, answer, text);
        }
    }

    fn push_object(&mut self, answer: &Answer) {
        let Self { names, text, explanation, .. } = self;
        text.extend_from_slice(b"{\"predicted\": ");
        text.extend_from_slice(names.json_words[usize::from(answer.is_failure)].as_bytes());
        text.extend_from_slice(b", \"probability\": ");
        push_number(answer.probability, text);
        for (name, list) in LISTS.iter().zip(lists(answer)) {
            text.extend_from_slice(b", \"");
            text.extend_from_slice(name.as_bytes());
            text.extend_from_slice(b"\": [");
            for (index, column) in list.iter().enumerate() {
                text.extend_from_slice(if index > 0 { b", " } else { b"" });
                text.extend_from_slice(names.json_columns[*column].as_bytes());
            }
            text.push(b']');
        }
        text.extend_from_slice(b", \"model_version\": ");
        text.extend_from_slice(names.json_version.as_bytes());
        if let Some(ExplanationText { kind, base, contributors }) = explanation {
            // Path-dependent values came first, and their answers stay as they were.
            if *kind == Explanation::Interventional {
                text.extend_from_slice(b", \"explanation\": \"interventional\"");
            }
            text.extend_from_slice(b", \"base_value\": ");
            push_number(*base, text);
            text.extend_from_slice(b", \"contributions\": {");
            for (index, (name, number)) in
                contributors.iter().zip(&answer.contributions).enumerate()
            {
                text.extend_from_slice(if index > 0 { b", " } else { b"" });
                text.extend_from_slice(name.as_bytes());
                text.extend_from_slice(b": ");
                push_number(*number, text);
            }
            text.push(b'}');
        }
        text.push(b'}');
    }
}

/// Returns the names of an answer's columns beside a table.
pub(crate) fn answer_columns(model: &Model, options: AnswerOptions) -> Vec<String> {
    let mut names: Vec<String> =
        PREDICTION.iter().chain(&LISTS).map(|name| (*name).to_owned()).collect();
    if options.explain.is_some() {
        names.push(BASE.to_owned());
        names.extend(model.contributors().iter().map(|name| format!("{SHAP_PREFIX}{name}")));
    }
    names
}

/// Returns the columns of an answer to a request: those of a table's, and the version of the model.
pub fn answer_names(model: &Model, options: AnswerOptions) -> Vec<String> {
    let mut names = answer_columns(model, options);
    names.insert(PREDICTION.len() + LISTS.len(), VERSION.to_owned());
    names
}

/// Returns the lists of columns in an answer.
fn lists(answer: &Answer) -> [&[usize]; 3] {
    [&answer.imputed, &answer.unseen, &answer.out_of_range]
}

/// Appends the base value and the contributions, with a comma in front of each.
pub(crate) fn push_numbers(base: f64, answer: &Answer, text: &mut Vec<u8>) {
    for number in [base].iter().chain(&answer.contributions) {
        text.push(b',');
        push_number(*number, text);
    }
}

/// Appends a number in the fewest digits that read back as the same one.
fn push_number(number: f64, text: &mut Vec<u8>) {
    text.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
}
