//! Waiting for a version to become complete.

use std::thread;
use std::time::{Duration, Instant};

use registry::{ModelPackage, Registry, Status};

use crate::RegisterError;

/// How often to ask, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before asking the first time; doubled after each answer.
    first: Duration,
    /// At most this between two questions.
    longest: Duration,
    /// In all.
    limit: Duration,
}

/// A version without validation profiles is complete within seconds; ten minutes are a service in
/// trouble, and the job's instance costs money meanwhile.
impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            limit: Duration::from_secs(600),
        }
    }
}

/// How long a request to stop may go unnoticed.
const POLL: Duration = Duration::from_millis(100);

pub(crate) fn until_completed(
    registry: &dyn Registry,
    mut package: ModelPackage,
    patience: Patience,
    stopping: impl Fn() -> bool,
) -> Result<ModelPackage, RegisterError> {
    let begin = Instant::now();
    let mut pause = patience.first;
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
        if begin.elapsed() >= patience.limit {
            return Err(RegisterError::Unfinished { arn, status, waited: begin.elapsed() });
        }
        let next = Instant::now() + pause;
        while Instant::now() < next {
            if stopping() {
                return Err(RegisterError::Stopped { arn, status });
            }
            thread::sleep(POLL.min(pause));
        }
        pause = (pause * 2).min(patience.longest);
        package = registry.describe(&arn)?;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use registry::{ApprovalStatus, Group, NewVersion, RegistryError, Serving};

    use super::*;

    /// Answers with one status after the other, the last one for ever.
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
                metadata: [].into(),
            })
        }

        fn versions(&self, _: &str) -> Result<Vec<(u32, String)>, RegistryError> {
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
        let patience = Patience { first: ms(1), longest: ms(4), limit: ms(50) };
        let script = Script(RefCell::new(statuses.to_vec()));
        let package = script.describe("arn").unwrap();
        until_completed(&script, package, patience, || stopping)
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
    fn waiting_has_an_end() {
        let error = wait(&[Status::Pending], false).unwrap_err();
        insta::assert_snapshot!(error, @"model package arn is still Pending after 0 s, expected Completed");
    }

    #[test]
    fn a_stopped_job_says_that_the_version_exists() {
        let error = wait(&[Status::InProgress], true).unwrap_err();
        insta::assert_snapshot!(error, @"stopped while waiting for model package arn, which is registered and is InProgress");
    }
}
