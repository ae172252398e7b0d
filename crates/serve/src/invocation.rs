//! Answers one request: its records are read, the model answers them, and the answers are written.

use std::time::Duration;

use hyper::StatusCode;
use inference::{AnswerCounts, AnswerOptions, CsvHeader, Format};

use crate::media::Wanted;
use crate::refusal::Refusal;
use crate::served::ServedModel;

/// The work in bytes that is done at once; more would make other requests of the thread wait.
const INLINE_BYTES: usize = 32 << 10;
/// How many times as long a record takes that is explained.
const EXPLAINED_TIMES: usize = 100;

/// What a request asks.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The format of its records.
    pub format: Format,
    /// Whether a CSV begins with a line of names.
    pub header: CsvHeader,
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
    pub fn is_long(&self, length: usize) -> bool {
        let times = if self.options.explain { EXPLAINED_TIMES } else { 1 };
        length.saturating_mul(times) > INLINE_BYTES
    }

    /// Answers the records of a request. All of them are read before the first one is answered, so that a
    /// record that cannot be read leaves no answer.
    pub fn answer(&self, served: &ServedModel, body: &[u8]) -> Result<Answered, Refusal> {
        let records = served.records.read(self.format, self.header, body);
        let mut records = records.map_err(|error| Refusal::bad_request(common::chain(&error)))?;
        for remark in &records.remarks {
            tracing::warn!("{}", common::printable(remark));
        }
        let answered = inference::answer_text(
            &served.model,
            &served.names,
            self.options,
            (self.wanted.format, self.wanted.header),
            &mut records,
        );
        let (text, counts) = answered.map_err(|error| {
            Refusal::bad_request(format!("the model cannot answer this: {error}"))
        })?;
        Ok(Answered { text, counts })
    }
}

/// Returns the refusal of a request for which there is no room among those that wait.
pub fn busy(waiting: usize) -> Refusal {
    let reason = format!("{waiting} long requests wait already");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// The number of long requests that may wait for each thread.
pub const LONG_REQUESTS: usize = 64;

/// The time within which requests that are being answered end after a SIGTERM. SageMaker kills the container
/// after 30 s.
pub const DRAIN_TIME: Duration = Duration::from_secs(24);
