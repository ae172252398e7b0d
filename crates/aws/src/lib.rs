//! The one place that builds AWS clients.
