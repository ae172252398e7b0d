//! Answers one request: its records are read, the model answers them, and the answers are written.

use inference::{
    AnswerCounts, AnswerLimits, AnswerOptions, CsvFormat, Explanation, Format, RecordsError,
};

use crate::media::Wanted;
use crate::refusal::Refusal;
use crate::served::ServedModel;

/// The work in bytes that is done at once; more would make other requests of the thread wait.
const INLINE_BYTES: usize = 32 << 10;
/// The number of columns of a usual model.
const USUAL_COLUMNS: usize = 64;
/// How many times as long a record takes that is explained by covers, and one that is explained beside rows.
const EXPLAINED_TIMES: usize = 100;
const INTERVENTIONAL_TIMES: usize = 300;

/// What a request asks.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The format of its records.
    pub format: Format,
    /// What it says of a CSV.
    pub csv: CsvFormat,
    /// The format of the answers.
    pub wanted: Wanted,
    /// What the answers are to say.
    pub options: AnswerOptions,
}

/// What a request is answered with.
#[derive(Debug)]
pub struct Answered {
    /// The answers.
    pub text: Vec<u8>,
    /// What the model made of the records.
    pub counts: AnswerCounts,
}

impl Question {
    /// Returns whether answering a request of this length makes other requests of the thread wait.
    pub fn is_long(&self, served: &ServedModel, length: usize) -> bool {
        let times = match self.options.explain {
            None => 1,
            Some(Explanation::PathDependent) => EXPLAINED_TIMES,
            Some(Explanation::Interventional) => INTERVENTIONAL_TIMES,
        };
        // Few bytes may be many readings, of which an object leaves out the most.
        let width = 1 + served.model.schema().columns().len() / USUAL_COLUMNS;
        length.saturating_mul(times * width) > INLINE_BYTES
    }

    /// Answers the records of a request. All of them are read before the first one is answered, so that a
    /// record that cannot be read leaves no answer.
    pub fn answer(
        &self,
        served: &ServedModel,
        body: &[u8],
        limits: &AnswerLimits<'_>,
    ) -> Result<Answered, Refusal> {
        let records = served.records.read(self.format, self.csv, body);
        let mut records = records.map_err(|error| {
            let remedy = match error {
                RecordsError::PieceHeader { .. } => {
                    ": SERVE_CSV_COLUMNS names them, and header=present says it"
                }
                _ => "",
            };
            let reason = common::one_line(&common::chain(&error));
            Refusal::bad_request(format!("{reason}{remedy}"))
        })?;
        for remark in &records.remarks {
            tracing::warn!("{}", common::one_line(remark));
        }
        let answered = inference::answer_text(
            &served.model,
            &served.names,
            self.options,
            (self.wanted.format, self.wanted.header),
            &mut records,
            limits,
        );
        let (text, counts) = answered.map_err(|error| Refusal::bad_request(error.to_string()))?;
        Ok(Answered { text, counts })
    }
}
