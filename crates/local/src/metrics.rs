//! The metrics of a job: what the regular expressions of its `MetricDefinitions` find in its logs.
//!
//! Both the expressions and the logs may be somebody else's, so that the work is bounded: by the size of an
//! expression, by the length of a line that is looked at, and by the number of matches in it. Without that a line of
//! 300,000 letters takes minutes, because the search behind each match may read the rest of the line.

use std::io::{BufRead, BufReader};

use camino::Utf8Path;
use common::Exit;
use indexmap::IndexMap;
use pipeline::LARGEST_EXPRESSION;
use regex::{Regex, RegexBuilder};

use crate::failure::JobFailure;
use crate::job::LocalJob;
use crate::process::Stop;

/// The number of bytes at the begin of a line that are looked at. SageMaker's own logs are cut into events, too.
const LONGEST_LINE: usize = 4 << 10;
/// The number of matches of an expression in a line after which no further one is looked for.
const MOST_MATCHES: usize = 64;

/// Returns the last value of each metric that the metric definitions find in the logs. The last host that logs a
/// metric decides its value.
///
/// # Errors
///
/// Fails where an expression cannot be compiled or a log cannot be read, and when `stop` is requested.
pub fn find(
    job: &LocalJob,
    directory: &Utf8Path,
    stop: &Stop<'_>,
) -> Result<IndexMap<String, f64>, JobFailure> {
    let mut found = IndexMap::new();
    if job.metrics.is_empty() {
        return Ok(found);
    }
    let mut expressions = Vec::new();
    for (name, expression) in &job.metrics {
        expressions.push((name, compiled(name, expression)?));
    }
    let unreadable = |error: std::io::Error| JobFailure::new(error.to_string(), Exit::Failed);
    for host in job.host_names() {
        let log = fs_err::File::open(directory.join(host).with_extension("log"));
        for line in BufReader::new(log.map_err(unreadable)?).split(b'\n') {
            // a bar of progress writes one line again and again
            for line in line.map_err(unreadable)?.split(|byte| *byte == b'\r') {
                for (name, expression) in &expressions {
                    let number = last_number(expression, line, stop)?;
                    found.extend(number.map(|number| ((*name).clone(), number)));
                }
            }
        }
    }
    Ok(found)
}

/// Compiles the expression of a metric.
fn compiled(name: &str, expression: &str) -> Result<Regex, JobFailure> {
    let built = RegexBuilder::new(expression).size_limit(LARGEST_EXPRESSION).build();
    built.map_err(|error| {
        let why = match error {
            regex::Error::CompiledTooBig(_) => format!(
                "its expression takes more than {LARGEST_EXPRESSION} bytes when it is compiled, \
                 expected at most as many; fewer or smaller repetitions make it smaller"
            ),
            error => error.to_string(),
        };
        JobFailure::new(format!("metric {name}: {why}"), Exit::Usage)
    })
}

/// Returns the number that the last match of an expression in a line has in its first group.
fn last_number(
    expression: &Regex,
    line: &[u8],
    stop: &Stop<'_>,
) -> Result<Option<f64>, JobFailure> {
    let seen = &line[..line.len().min(LONGEST_LINE)];
    let is_cut = seen.len() < line.len();
    let text = String::from_utf8_lossy(seen);
    let mut last = None;
    let mut matches = expression.captures_iter(&text).take(MOST_MATCHES);
    loop {
        if stop.is_requested() {
            let reason = "the execution was stopped while metrics were looked for in the log";
            return Err(JobFailure {
                stopped: true,
                ..JobFailure::new(reason.to_owned(), Exit::Failed)
            });
        }
        let Some(captures) = matches.next() else { break };
        let group = captures.get(1);
        // what the cut goes through might be another number
        if is_cut && group.is_some_and(|group| group.end() == text.len()) {
            break;
        }
        last = Some(group);
    }
    let number = last.flatten().and_then(|group| group.as_str().parse().ok());
    // neither CloudWatch nor JSON has a NaN
    Ok(number.filter(|number: &f64| number.is_finite()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn number(expression: &str, line: &str) -> Option<f64> {
        let expression = compiled("loss", expression).unwrap();
        last_number(&expression, line.as_bytes(), &Stop::default()).unwrap()
    }

    #[test]
    fn the_last_match_of_a_line_counts() {
        assert_eq!(number("loss=([0-9.]+)", "loss=0.5 loss=0.25"), Some(0.25));
        assert_eq!(number("loss=(.*)", "loss=NaN"), None);
        assert_eq!(number("loss=([0-9.]+)", "gain=1"), None);
    }

    #[test]
    fn a_line_is_looked_at_to_its_bound() {
        let begin = format!("loss=0.5{}", " ".repeat(LONGEST_LINE - 14));
        // 6 bytes are left, which are `loss=1` of `loss=12`
        assert_eq!(number("loss=([0-9.]+)", &format!("{begin}loss=12")), Some(0.5));
        assert_eq!(number("loss=([0-9.]+)", &format!("{begin}loss=1")), Some(1.0));
        assert_eq!(number("loss=([0-9.]+)", &format!("{begin}      loss=1")), Some(0.5));
    }

    /// Each of these matches looks through the rest of the line for an `x`.
    #[test]
    fn matches_that_read_the_rest_of_a_line_are_few() {
        let line = "a".repeat(300_000);
        let begin = Instant::now();
        assert_eq!(number(".*x|(a)", &line), None);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    }

    #[test]
    fn an_expression_that_is_too_large_is_an_error_that_names_the_metric() {
        let large = compiled("loss", r"(\w{200})").unwrap_err().reason;
        assert_eq!(
            large,
            "metric loss: its expression takes more than 1048576 bytes when it is compiled, expected at most as \
             many; fewer or smaller repetitions make it smaller"
        );
        assert!(compiled("loss", r"loss=(\w{20})").is_ok());
        assert!(compiled("loss", "(").unwrap_err().reason.starts_with("metric loss: regex parse"));
    }

    #[test]
    fn a_stop_ends_the_search() {
        let stop = Stop::default();
        stop.request();
        let expression = compiled("loss", "(.)").unwrap();
        assert!(last_number(&expression, b"1", &stop).unwrap_err().stopped);
    }
}
