//! How registered models may be served: content types and instance types.

/// Comma-separated values.
pub const CSV: &str = "text/csv";
/// One JSON document.
pub const JSON: &str = "application/json";
/// One JSON document a line.
pub const JSON_LINES: &str = "application/jsonlines";

/// The content types that a served model accepts.
pub const CONTENT_TYPES: [&str; 3] = [CSV, JSON, JSON_LINES];
/// The content types that a served model answers with.
pub const RESPONSE_TYPES: [&str; 3] = [CSV, JSON, JSON_LINES];
/// The instance types of endpoints.
pub const REALTIME_INSTANCE_TYPES: [&str; 3] = ["ml.t2.medium", "ml.m5.large", "ml.c5.large"];
/// The instance types of batch transform jobs.
pub const TRANSFORM_INSTANCE_TYPES: [&str; 1] = ["ml.m5.large"];
