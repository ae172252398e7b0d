//! The JSON schema of the settings file.

use config::Settings;

use crate::SHIPPED;

const SCHEMA: &str = include_str!("../../../../config/pipeline_config.schema.json");

#[test]
fn the_committed_schema_is_up_to_date() {
    assert!(
        Settings::json_schema() == SCHEMA,
        "run `scripts/orchestrator schema > config/pipeline_config.schema.json`"
    );
}

/// Editors validate the file against its schema without knowing the variables.
#[test]
fn the_schema_accepts_the_shipped_file_and_variables() {
    let schema = serde_json::from_str(&Settings::json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults = |text: &str| {
        let yaml: serde_json::Value = serde_yaml::from_str(text).unwrap();
        let faults = validator.iter_errors(&yaml);
        faults.map(|fault| fault.instance_path().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(faults(SHIPPED), Vec::<String>::new());
    for (from, to) in [
        ("n_estimators: 200", "n_estimators: ${TREES:-200}"),
        ("stratify: true", "stratify: ${STRATIFY}"),
        ("approval_status: PendingManualApproval", "approval_status: ${STATUS}"),
        ("recall: 0.85", "recall: ${RECALL:-0.85}"),
        ("max_features: sqrt", "max_features: ${FEATURES}"),
        ("max_features: sqrt", "max_features: 0.5"),
        ("class_weight: balanced", "class_weight: ${WEIGHT:-none}"),
        ("class_weight: balanced", "class_weight: {negative: 1, positive: \"${POSITIVE}\"}"),
    ] {
        assert!(SHIPPED.contains(from), "{from}");
        assert_eq!(faults(&SHIPPED.replace(from, to)), Vec::<String>::new(), "{to}");
    }
    for (from, to, at) in [
        ("n_estimators: 200", "n_estimators: many", "n_estimators"),
        ("min_samples_leaf: 1", "min_samples_leaf: 0", "min_samples_leaf"),
        ("max_features: sqrt", "max_features: auto", "max_features"),
        ("class_weight: balanced", "class_weight: heavy", "class_weight"),
        ("class_weight: balanced", "class_weight: {negative: 0, positive: 5}", "class_weight"),
        ("class_weight: balanced", "class_weight: {positive: 5}", "class_weight"),
    ] {
        let wrong = SHIPPED.replace(from, to);
        assert_eq!(faults(&wrong), [format!("/hyperparameters/{at}")], "{to}");
    }
}
