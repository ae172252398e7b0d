//! Times of the SDK, and the time between two of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::sagemaker::primitives::DateTime;

/// Returns the time between two times, the second of which is now unless given.
pub(crate) fn between(start: Option<SystemTime>, end: Option<SystemTime>) -> Duration {
    let Some(start) = start else { return Duration::ZERO };
    end.unwrap_or_else(SystemTime::now).duration_since(start).unwrap_or_default()
}

/// Converts a time of the SDK. A time outside the operating system's range becomes `None`.
pub(crate) fn time(at: Option<DateTime>) -> Option<SystemTime> {
    let seconds = at?.as_secs_f64();
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}
