//! Logs on standard error: one line for each event, as JSON if `LOG_FORMAT` is `json`.

use std::io;
use std::str::FromStr;

use tracing::Level;

/// Sets up logging for the whole program. The level is `RUST_LOG` (one word, such as `debug`),
/// or SageMaker's numeric `SAGEMAKER_CONTAINER_LOG_LEVEL`, or info.
pub(crate) fn start<'a>(variable: impl Fn(&str) -> Option<&'a str>) {
    let named = variable("RUST_LOG").and_then(|text| Level::from_str(text).ok());
    let level = named.or_else(|| variable("SAGEMAKER_CONTAINER_LOG_LEVEL").and_then(python_level));
    let builder = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(Level::INFO))
        .with_writer(io::stderr)
        .with_ansi(false)
        // It would write the error to standard error, too, and panic.
        .log_internal_errors(false);
    // In a test, a second program in one process keeps the logging of the first.
    let _ = match variable("LOG_FORMAT") {
        Some("json") => builder.json().flatten_event(true).try_init(),
        _ => builder.try_init(),
    };
}

/// Converts one of Python's logging levels, which SageMaker's SDK uses: 10 debug, 20 info, 30 warning,
/// 40 error.
fn python_level(text: &str) -> Option<Level> {
    match text.parse().ok()? {
        ..10 => Some(Level::TRACE),
        10..20 => Some(Level::DEBUG),
        20..30 => Some(Level::INFO),
        30..40 => Some(Level::WARN),
        40.. => Some(Level::ERROR),
    }
}
