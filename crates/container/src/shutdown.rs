//! The request to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The request to stop, which SageMaker makes by a SIGTERM. A step polls it; a server waits for it.
/// Clones share the request.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The same as `notified`, for polling without a lock.
    requested: AtomicBool,
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Returns whether the program was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::Relaxed)
    }

    /// Blocks until the program is asked to stop.
    pub fn wait(&self) {
        let guard = self.0.notified.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.changed.wait_while(guard, |notified| !*notified));
    }

    /// Blocks until the program is asked to stop, or until `timeout` has passed. Returns whether the
    /// program was asked to stop.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let guard = self.0.notified.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.changed.wait_timeout_while(guard, timeout, |notified| !*notified));
        self.is_requested()
    }

    pub(crate) fn request(&self) {
        self.0.requested.store(true, Ordering::Relaxed);
        *self.0.notified.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clone_sees_the_request() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.is_requested());
        assert!(!shutdown.wait_timeout(Duration::from_millis(1)));
        let waiting = std::thread::spawn({
            let shutdown = shutdown.clone();
            move || shutdown.wait()
        });
        shutdown.request();
        waiting.join().unwrap();
        assert!(shutdown.is_requested() && shutdown.wait_timeout(Duration::from_secs(60)));
    }
}
