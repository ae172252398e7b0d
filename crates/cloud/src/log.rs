//! The logs of jobs and endpoints, in CloudWatch.

use std::collections::BTreeMap;
use std::fmt;

use aws::CallError;
use aws::logs::types::OutputLogEvent;
use infrastructure::endpoint_log_group;

use crate::{Cloud, SageMakerJob};

/// A log and the position up to which it was read.
#[derive(Debug)]
pub struct Log {
    /// The log group.
    group: String,
    /// The beginning of the names of its streams. Every host has a stream.
    prefix: String,
    /// The time of the first line that is read, in milliseconds since 1970.
    since: Option<i64>,
    /// The number of lines of each host at which reading begins, counted from the end.
    tail: Option<i32>,
    /// The token of the next page of each stream.
    tokens: BTreeMap<String, Option<String>>,
}

impl Log {
    /// Makes a job's log, which is read from its beginning, or from a time on, in milliseconds since
    /// 1970.
    pub fn of_job(job: &SageMakerJob, since: Option<i64>) -> Self {
        Self::new(job.log_group().to_owned(), format!("{}/", job.name()), since)
    }

    /// Makes an endpoint's log, which is read from a time on, in milliseconds since 1970.
    pub fn of_endpoint(name: &str, since: i64) -> Self {
        Self::new(endpoint_log_group(name), String::new(), Some(since))
    }

    fn new(group: String, prefix: String, since: Option<i64>) -> Self {
        Self { group, prefix, since, tail: None, tokens: BTreeMap::new() }
    }

    /// Reads no more than the last lines of each host that are there already, and what is logged
    /// afterwards.
    #[must_use]
    pub fn tail(self, lines: Option<i32>) -> Self {
        Self { tail: lines, ..self }
    }

    /// Returns whether any host had logged something when the log was last read.
    pub fn has_begun(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Returns whether this is the log of a job.
    pub fn is_of(&self, job: &SageMakerJob) -> bool {
        self.group == job.log_group() && self.prefix == format!("{}/", job.name())
    }
}

/// A line of a log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// The time at which it was logged, in milliseconds since 1970.
    pub time: Option<i64>,
    /// The host that logged it, if several hosts did.
    pub host: Option<String>,
    /// The text.
    pub message: String,
}

/// Writes the host's name in front, if there are several.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl LogLine {
    /// Makes a line of an event in a stream, which is one of as many as there are hosts.
    fn of(event: OutputLogEvent, stream: &str, hosts: usize) -> Option<Self> {
        let host = stream.rsplit('/').next().filter(|_| hosts > 1);
        Some(Self {
            time: event.timestamp,
            host: host.map(str::to_owned),
            message: event.message?.trim_end().to_owned(),
        })
    }
}

impl Cloud {
    /// Passes the lines that were logged since the last call to `on_line`, until it returns false.
    /// Returns whether all lines were passed.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch Logs refuses.
    pub fn read_log(
        &self,
        log: &mut Log,
        on_line: &mut dyn FnMut(&LogLine) -> bool,
    ) -> Result<bool, CallError> {
        /// The number of empty pages in a row after which reading stops. The service may return an
        /// empty page before further events.
        const MAX_EMPTY: u32 = 10;
        for stream in self.log_streams(log)? {
            log.tokens.entry(stream).or_insert(None);
        }
        let (group, hosts) = (&log.group, log.tokens.len());
        for (stream, token) in &mut log.tokens {
            let mut empty = 0;
            while empty < MAX_EMPTY {
                // Only the first page can be counted from the end.
                let tail = log.tail.filter(|_| token.is_none());
                let call = self
                    .aws
                    .logs()
                    .get_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .start_from_head(tail.is_none())
                    .set_limit(tail)
                    .set_start_time(log.since)
                    .set_next_token(token.clone());
                let answer = self.aws.call("logs:GetLogEvents", call.send())?;
                let events = answer.events.unwrap_or_default();
                empty = if events.is_empty() { empty + 1 } else { 0 };
                for line in events.into_iter().filter_map(|e| LogLine::of(e, stream, hosts)) {
                    if !on_line(&line) {
                        return Ok(false);
                    }
                }
                let next = answer.next_forward_token;
                // The service repeats the token at the end of the log.
                if next.is_none() || next == *token {
                    break;
                }
                *token = next;
            }
        }
        Ok(true)
    }

    /// Lists the streams of a log, one for each host that has logged something.
    fn log_streams(&self, log: &Log) -> Result<Vec<String>, CallError> {
        let prefix = Some(&log.prefix).filter(|prefix| !prefix.is_empty()).cloned();
        let call = self.aws.logs().describe_log_streams().log_group_name(&log.group);
        let mut pages = call.set_log_stream_name_prefix(prefix).into_paginator().items().send();
        let mut streams = Vec::new();
        while let Some(stream) = self.aws.wait(pages.next()) {
            match stream.map_err(|error| CallError::of("logs:DescribeLogStreams", error)) {
                Ok(stream) => streams.extend(stream.log_stream_name),
                // nothing has been logged yet
                Err(error) if error.is_absent() => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        }
        Ok(streams)
    }
}
