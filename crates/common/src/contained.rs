//! Panics of libraries that read what comes from outside.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// What fails if this thread panics now.
    static CONTAINED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`, in which a library reads bytes that it may not be prepared for. A panic in it, on
/// this thread, is returned as its message. `what` says what has failed then: `a.xlsx cannot be
/// read`.
///
/// Where the program was built to abort on a panic there is no return. The panic hook, which
/// [`containing`] tells of `what`, then reports that and ends the program.
///
/// # Errors
/// Returns the message of the panic.
pub fn contained<T>(what: impl FnOnce() -> String, work: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CONTAINED.replace(Some(what()));
    let result = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.replace(outer);
    result.map_err(message)
}

/// Returns what fails by a panic of this thread, if it is in [`contained`].
pub fn containing() -> Option<String> {
    CONTAINED.with_borrow(Clone::clone)
}

/// Returns the message of a panic.
fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "the library failed without a reason".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_message() {
        let what = || "a.xlsx cannot be read".to_owned();
        let bytes: &[u8] = std::hint::black_box(&[]);
        let error = contained(what, || bytes[7]).unwrap_err();
        assert_eq!(error, "index out of bounds: the len is 0 but the index is 7");
        assert_eq!(containing(), None);
        assert_eq!(contained(what, containing), Ok(Some("a.xlsx cannot be read".to_owned())));
    }
}
