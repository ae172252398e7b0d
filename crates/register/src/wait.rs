//! Waiting for a version to become complete.

use std::thread;
use std::time::{Duration, Instant};

use registry::{ModelPackage, Registry, Status};

use crate::RegisterError;

/// The intervals between requests for the status of a version, and the timeout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PollingPolicy {
    /// The interval before the first request. It doubles after each one.
    initial_interval: Duration,
    /// The longest interval.
    max_interval: Duration,
    /// The time after which waiting ends with an error.
    timeout: Duration,
}

/// A version without validation profiles is complete within seconds. If it takes ten minutes, the
/// service has a problem, and the job's instance costs money in the meantime.
impl Default for PollingPolicy {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            timeout: Duration::from_secs(600),
        }
    }
}

/// The interval between checks whether the job is stopped.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Polls the registry until a version is complete, and returns it.
///
/// # Errors
/// Returns an error if the version fails, the timeout expires, the job is stopped, or a call fails.
pub(crate) fn until_completed(
    registry: &dyn Registry,
    mut package: ModelPackage,
    policy: PollingPolicy,
    stopping: impl Fn() -> bool,
) -> Result<ModelPackage, RegisterError> {
    let begin = Instant::now();
    let mut interval = policy.initial_interval;
    loop {
        let arn = package.arn.clone();
        let status = format!("{:?}", package.status);
        match package.status {
            Status::Completed => return Ok(package),
            Status::Failed | Status::Deleting => {
                let reason = package.failure_reason.unwrap_or_else(|| format!("it is {status}"));
                return Err(RegisterError::Failed { arn, reason });
            }
            Status::Pending | Status::InProgress => {}
        }
        if begin.elapsed() >= policy.timeout {
            return Err(RegisterError::Unfinished { arn, status, waited: begin.elapsed() });
        }
        let next = Instant::now() + interval;
        while Instant::now() < next {
            if stopping() {
                return Err(RegisterError::Stopped { arn, status });
            }
            thread::sleep(STOP_CHECK_INTERVAL.min(interval));
        }
        interval = (interval * 2).min(policy.max_interval);
        package = registry.describe(&arn)?;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use registry::{ApprovalStatus, Group, NewVersion, RegistryError, Serving, Source};

    use super::*;

    /// A registry whose version has the given statuses one after the other, and then the last one.
    struct Script(RefCell<Vec<Status>>);

    impl Registry for Script {
        fn ensure_group(&self, _: &Group) -> Result<(), RegistryError> {
            Ok(())
        }

        fn create_version(&self, _: &NewVersion) -> Result<ModelPackage, RegistryError> {
            self.describe("arn")
        }

        fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError> {
            let mut statuses = self.0.borrow_mut();
            let status = if statuses.len() > 1 { statuses.remove(0) } else { statuses[0] };
            Ok(ModelPackage {
                arn: arn.to_owned(),
                group: "group".to_owned(),
                version: 1,
                status,
                failure_reason: (status == Status::Failed).then(|| "no such image".to_owned()),
                approval_status: ApprovalStatus::Approved,
                approval_description: None,
                serving: Serving::default(),
                metrics_url: String::new(),
                source: Source::default(),
                registered_at: None,
                registered_by: None,
                metadata: [].into(),
                other_members: Vec::new(),
            })
        }

        fn versions(&self, _: &str) -> Result<Vec<(u32, String)>, RegistryError> {
            Ok(Vec::new())
        }

        fn approved_versions(&self, _: &str) -> Result<Vec<(u32, String)>, RegistryError> {
            Ok(Vec::new())
        }

        fn set_approval(
            &self,
            arn: &str,
            _: ApprovalStatus,
            _: Option<&str>,
        ) -> Result<ModelPackage, RegistryError> {
            self.describe(arn)
        }
    }

    fn wait(statuses: &[Status], stopping: bool) -> Result<Status, String> {
        let ms = Duration::from_millis;
        let policy =
            PollingPolicy { initial_interval: ms(1), max_interval: ms(4), timeout: ms(50) };
        let script = Script(RefCell::new(statuses.to_vec()));
        let package = script.describe("arn").unwrap();
        until_completed(&script, package, policy, || stopping)
            .map(|package| package.status)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_complete_version_is_not_waited_for() {
        assert_eq!(wait(&[Status::Completed], true), Ok(Status::Completed));
    }

    #[test]
    fn a_version_is_waited_for() {
        let statuses = [Status::Pending, Status::InProgress, Status::Completed];
        assert_eq!(wait(&statuses, false), Ok(Status::Completed));
    }

    #[test]
    fn a_failed_version_gives_its_reason() {
        let error = wait(&[Status::InProgress, Status::Failed], false).unwrap_err();
        insta::assert_snapshot!(error, @"model package arn failed: no such image");
        let error = wait(&[Status::Deleting], false).unwrap_err();
        insta::assert_snapshot!(error, @"model package arn failed: it is Deleting");
    }

    #[test]
    fn waiting_ends_at_the_timeout() {
        let error = wait(&[Status::Pending], false).unwrap_err();
        insta::assert_snapshot!(error, @"model package arn is still Pending after 0 s, expected Completed");
    }

    #[test]
    fn a_stopped_job_says_that_the_version_exists() {
        let error = wait(&[Status::InProgress], true).unwrap_err();
        insta::assert_snapshot!(error, @"stopped while waiting for model package arn, which is registered and is InProgress");
    }
}
