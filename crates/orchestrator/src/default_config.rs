//! The settings that commands read by default.

/// The path of the settings of a command that names none.
pub const DEFAULT_CONFIG: &str = "config/pipeline_config.yaml";
