//! What an execution reports while it runs.

use std::time::Duration;

use crate::record::StepRecord;

/// Receives the events of an execution, from any of its threads.
pub trait Progress: Sync {
    /// A step started `since` ago.
    fn began(&self, step: &str, since: Duration);
    /// Attempt number `attempts` failed for `reason`, and another one follows.
    fn retried(&self, step: &str, reason: &str, attempts: u32);
    /// A step ended. `tail` holds the last lines of a failed job's log.
    fn ended(&self, step: &StepRecord, tail: &[String]);
    /// Any other information for the user.
    fn note(&self, text: &str);
}
