//! The retry policies of a step: whether another attempt at its job follows a failure, and when.

use std::time::{Duration, Instant};

use pipeline::RetryPolicy;

use crate::failure::JobFailure;

/// The maximum wait between two attempts. Failures on this machine do not recover by waiting.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The number of attempts of a policy that limits neither attempts nor time.
const DEFAULT_MAX_ATTEMPTS: i64 = 20;

/// Counts the attempts at a job.
pub struct Attempts<'a> {
    policies: &'a [RetryPolicy],
    started: Instant,
    count: u32,
}

impl<'a> Attempts<'a> {
    /// Starts with the first attempt, which began at `started`.
    pub fn first(policies: &'a [RetryPolicy], started: Instant) -> Self {
        Self { policies, started, count: 1 }
    }

    /// Returns the number of attempts so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Counts another attempt after a failure and returns the wait before it, or `None` if the
    /// policies allow none.
    pub fn next(&mut self, failure: &JobFailure) -> Option<Duration> {
        let exception = failure.exception?;
        let covers =
            |policy: &&RetryPolicy| policy.exception_type.iter().any(|name| name == exception);
        let policy = self.policies.iter().find(covers)?;
        let minutes = policy.expire_after_min.and_then(|minutes| u64::try_from(minutes).ok());
        if minutes.is_some_and(|max| self.started.elapsed().as_secs() >= max.saturating_mul(60)) {
            return None;
        }
        let unlimited = if minutes.is_some() { i64::MAX } else { DEFAULT_MAX_ATTEMPTS };
        if i64::from(self.count) > policy.max_attempts.unwrap_or(unlimited) {
            return None;
        }
        // the wait grows by the backoff rate with every attempt
        let growth = policy.backoff_rate.unwrap_or(2.0).powf(f64::from(self.count - 1));
        let seconds = policy.interval_seconds.unwrap_or(1) as f64 * growth;
        self.count += 1;
        Some(Duration::try_from_secs_f64(seconds).map_or(MAX_WAIT, |wait| wait.min(MAX_WAIT)))
    }
}
