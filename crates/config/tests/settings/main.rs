//! Reading settings: the shipped file, violations, variables and the schema.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod schema;
mod variables;
mod violations;

use config::Settings;

const SHIPPED: &str = include_str!("../../../testkit/pipeline_config.yaml");

fn nothing(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<Settings, String> {
    Settings::from_yaml("config.yaml", text, nothing).map_err(|error| error.to_string())
}

/// Returns the shipped file with one piece of text replaced.
fn with(old: &str, new: &str) -> String {
    assert!(SHIPPED.contains(old), "{old}");
    SHIPPED.replacen(old, new, 1)
}

fn message(old: &str, new: &str) -> String {
    read(&with(old, new)).unwrap_err()
}

#[test]
fn the_shipped_file_contains_the_defaults() {
    let shipped = read(SHIPPED).unwrap();
    let least = "s3_paths: {bucket: machine-downtime-2}\n\
                 aws: {account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole'}\n";
    assert_eq!(shipped, read(least).unwrap());
    assert_eq!(shipped.preprocess(), config::steps::Preprocess::default());
    assert_eq!(shipped.table(), config::steps::TableSettings::default());
    assert_eq!(shipped.evaluate(), config::steps::Evaluate::default());
}
