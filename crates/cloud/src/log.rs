//! The logs of jobs and endpoints, in CloudWatch.

use std::collections::BTreeMap;

use aws::CallError;
use infrastructure::endpoint_log_group;

use crate::{Cloud, SageMakerJob};

/// The number of lines in the tail of a log.
const TAIL: i32 = 20;

/// A log and the position up to which it was read.
#[derive(Debug)]
pub struct Log {
    /// The log group.
    group: String,
    /// The beginning of the names of its streams. Every host has a stream.
    prefix: String,
    /// The time of the first line that is read, in milliseconds since 1970.
    since: Option<i64>,
    /// The token of the next page of each stream.
    tokens: BTreeMap<String, Option<String>>,
}

impl Log {
    /// Makes a job's log, which is read from its beginning.
    pub fn of_job(job: &SageMakerJob) -> Self {
        Self::new(job.log_group().to_owned(), format!("{}/", job.name()), None)
    }

    /// Makes an endpoint's log, which is read from a time on, in milliseconds since 1970.
    pub fn of_endpoint(name: &str, since: i64) -> Self {
        Self::new(endpoint_log_group(name), String::new(), Some(since))
    }

    fn new(group: String, prefix: String, since: Option<i64>) -> Self {
        Self { group, prefix, since, tokens: BTreeMap::new() }
    }

    /// Returns whether this is the log of a job.
    pub fn is_of(&self, job: &SageMakerJob) -> bool {
        self.group == job.log_group() && self.prefix == format!("{}/", job.name())
    }
}

impl Cloud {
    /// Returns the last 20 lines of each host's log.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch Logs refuses.
    pub fn log_tail(&self, log: &Log) -> Result<Vec<String>, CallError> {
        let streams = self.log_streams(log)?;
        let mut lines = Vec::new();
        for stream in &streams {
            let call = self
                .aws
                .logs()
                .get_log_events()
                .log_group_name(&log.group)
                .log_stream_name(stream)
                .start_from_head(false)
                .limit(TAIL);
            let answer = self.aws.call("logs:GetLogEvents", call.send())?;
            let events = answer.events.unwrap_or_default().into_iter();
            lines.extend(
                events.filter_map(|event| Some(with_host(stream, streams.len(), event.message?))),
            );
        }
        Ok(lines)
    }

    /// Passes the lines that were logged since the last call to `on_line`, until it returns false.
    /// Returns whether all lines were passed.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch Logs refuses.
    pub fn read_log(
        &self,
        log: &mut Log,
        on_line: &mut dyn FnMut(&str) -> bool,
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
                let call = self
                    .aws
                    .logs()
                    .get_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .start_from_head(true)
                    .set_start_time(log.since)
                    .set_next_token(token.clone());
                let answer = self.aws.call("logs:GetLogEvents", call.send())?;
                let events = answer.events.unwrap_or_default();
                empty = if events.is_empty() { empty + 1 } else { 0 };
                for message in events.into_iter().filter_map(|event| event.message) {
                    if !on_line(&with_host(stream, hosts, message)) {
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

/// Formats a line of a log, with its host's name in front if there are several hosts.
fn with_host(stream: &str, hosts: usize, message: String) -> String {
    let message = message.trim_end();
    match stream.rsplit('/').next() {
        Some(host) if hosts > 1 => format!("{host}: {message}"),
        _ => message.to_owned(),
    }
}
