//! What is measured of the requests, in Prometheus' text format.

use std::time::Duration;

use hyper::StatusCode;
use inference::AnswerCounts;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry, TextEncoder,
};

use crate::served::ServedModel;

/// The upper bounds of the buckets of latencies in seconds.
const BUCKETS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0,
    15.0, 60.0,
];

/// The metrics of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    seconds: Histogram,
    responses: IntCounterVec,
    /// The counter of the commonest response.
    ok: IntCounter,
    records: IntCounterVec,
    imputed: IntCounterVec,
    unseen: IntCounterVec,
    out_of_range: IntCounterVec,
}

impl Metrics {
    /// Makes the metrics, all 0.
    ///
    /// # Errors
    /// Returns the error of the library, of which these constant names cause none.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let help = "Seconds from the head of an invocation to its answer.";
        let options = HistogramOpts::new("serve_invocation_seconds", help).buckets(BUCKETS.into());
        let seconds = Histogram::with_opts(options)?;
        registry.register(Box::new(seconds.clone()))?;
        let responses = counter(
            "serve_invocations_total",
            "Invocations by the status of the response.",
            "status",
        )?;
        Ok(Self {
            seconds,
            ok: responses.with_label_values(&["200"]),
            responses,
            records: counter(
                "serve_records_total",
                "Answered records by what is predicted.",
                "predicted",
            )?,
            imputed: counter("serve_imputed_total", "Missing readings by column.", "column")?,
            unseen: counter(
                "serve_unseen_total",
                "Categories that are in no training row, by column.",
                "column",
            )?,
            out_of_range: counter(
                "serve_out_of_range_total",
                "Numbers outside of the range of the training rows, by column.",
                "column",
            )?,
            registry,
        })
    }

    /// Counts the response to an invocation.
    pub fn responded(&self, status: StatusCode, elapsed: Duration) {
        self.seconds.observe(elapsed.as_secs_f64());
        if status == StatusCode::OK {
            self.ok.inc();
        } else {
            self.responses.with_label_values(&[status.as_str()]).inc();
        }
    }

    /// Counts what a model made of the records of a request.
    pub fn answered(&self, served: &ServedModel, counts: &AnswerCounts) {
        for (is_failure, records) in
            [(true, counts.failures), (false, counts.rows - counts.failures)]
        {
            if records > 0 {
                self.records.with_label_values(&[served.model.word(is_failure)]).inc_by(records);
            }
        }
        let columns = served.model.schema().columns();
        for (counter, counts) in [
            (&self.imputed, &counts.imputed),
            (&self.unseen, &counts.unseen),
            (&self.out_of_range, &counts.out_of_range),
        ] {
            for (column, count) in counts {
                counter.with_label_values(&[columns[*column].name.as_str()]).inc_by(*count);
            }
        }
    }

    /// Returns the metrics as text.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_in_the_text() {
        let metrics = Metrics::new().unwrap();
        metrics.responded(StatusCode::OK, Duration::from_micros(60));
        metrics.responded(StatusCode::BAD_REQUEST, Duration::from_millis(3));
        let text = String::from_utf8(metrics.text()).unwrap();
        for line in [
            "serve_invocations_total{status=\"200\"} 1",
            "serve_invocations_total{status=\"400\"} 1",
            "serve_invocation_seconds_bucket{le=\"0.0001\"} 1",
            "serve_invocation_seconds_count 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in {text}");
        }
    }
}
