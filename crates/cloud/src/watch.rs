//! Watching an execution, an endpoint or a job until it ends.

use std::thread;
use std::time::{Duration, Instant};

use aws::CallError;

use crate::{Cloud, CloudError, SageMakerExecution};

/// The time without an answer from AWS after which watching fails.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// The longest wait between two attempts to reach AWS.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The precision of the timeout.
const TICK: Duration = Duration::from_millis(50);

/// Options of watching.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The time between two calls.
    pub interval: Duration,
    /// The time after which watching fails. What is watched continues.
    pub timeout: Option<Duration>,
}

/// An event of watching.
#[derive(Debug)]
pub enum WatchEvent<'a, T = SageMakerExecution> {
    /// SageMaker described what is watched.
    Described(&'a T),
    /// AWS did not answer and is called again after a wait.
    Unreachable {
        /// The error.
        error: &'a CallError,
        /// The wait.
        wait: Duration,
    },
}

impl Cloud {
    /// Polls an execution until it has ended, and passes each event to `on_event`. It tolerates that
    /// AWS cannot be reached for up to 15 minutes.
    ///
    /// # Errors
    ///
    /// Fails if the timeout passes, or if AWS refuses or cannot be reached for longer.
    pub fn watch(
        &self,
        arn: &str,
        watch: Watch,
        on_event: &mut dyn FnMut(WatchEvent<'_>),
    ) -> Result<SageMakerExecution, CloudError> {
        let id = SageMakerExecution::id_of(arn);
        let id = format!("execution {id}");
        until_over(&id, watch, || self.execution(arn), SageMakerExecution::is_over, on_event)
    }
}

/// Calls `describe` as [`Cloud::watch`] does, until `is_over`. `id` names what is watched.
pub(crate) fn until_over<T>(
    id: &str,
    watch: Watch,
    mut describe: impl FnMut() -> Result<T, CallError>,
    is_over: impl Fn(&T) -> bool,
    on_event: &mut dyn FnMut(WatchEvent<'_, T>),
) -> Result<T, CloudError> {
    let deadline = watch.timeout.map(|timeout| Instant::now() + timeout);
    let mut last_answer = Instant::now();
    let mut wait = watch.interval;
    loop {
        match describe() {
            Ok(described) => {
                on_event(WatchEvent::Described(&described));
                if is_over(&described) {
                    return Ok(described);
                }
                last_answer = Instant::now();
                wait = watch.interval;
            }
            Err(error) if error.is_transient() && last_answer.elapsed() < PATIENCE => {
                wait = (wait * 2).min(MAX_WAIT.max(watch.interval));
                on_event(WatchEvent::Unreachable { error: &error, wait });
            }
            Err(error) => return Err(error.into()),
        }
        let next = Instant::now() + wait;
        loop {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(CloudError::Timeout(id.to_owned()));
            }
            let left = next.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(TICK));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> CallError {
        CallError::Refused {
            action: "sagemaker:DescribePipelineExecution",
            code: code.to_owned(),
            message: "no".to_owned(),
            resource: None,
            request_id: None,
        }
    }

    fn watch(script: Vec<Result<&str, CallError>>) -> Result<String, String> {
        let mut script = script.into_iter();
        let watch =
            Watch { interval: Duration::from_millis(1), timeout: Some(Duration::from_secs(20)) };
        let describe = || {
            let status = script.next().unwrap()?.to_owned();
            Ok(SageMakerExecution { status, ..SageMakerExecution::default() })
        };
        let end = until_over("x1", watch, describe, SageMakerExecution::is_over, &mut |_| {});
        end.map(|execution| execution.status).map_err(|error| error.to_string())
    }

    #[test]
    fn transient_errors_are_survived() {
        let unanswered = CallError::Unanswered { action: "a", source: "no route".into() };
        let script = vec![
            Ok("Executing"),
            Err(refused("ThrottlingException")),
            Err(unanswered),
            Err(refused("HTTP 503")),
            Ok("Stopping"),
            Ok("Succeeded"),
        ];
        assert_eq!(watch(script), Ok("Succeeded".to_owned()));
    }

    #[test]
    fn an_unknown_status_does_not_end_the_watch() {
        assert_eq!(watch(vec![Ok("Hibernating"), Ok("Failed")]), Ok("Failed".to_owned()));
    }

    #[test]
    fn a_refusal_ends_the_watch() {
        let error = watch(vec![Ok("Executing"), Err(refused("ExpiredToken"))]).unwrap_err();
        insta::assert_snapshot!(error, @"sagemaker:DescribePipelineExecution was refused with ExpiredToken: no; renew the credentials, those of a profile with `aws sso login` or `aws login`");
    }
}
