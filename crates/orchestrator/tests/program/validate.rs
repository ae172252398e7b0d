//! `orchestrator validate`.

use serde_json::{Value, json};

use crate::{CONFIG, Place};

/// Writes the shipped settings with these replacements to a file, and returns its path.
fn edited(place: &Place, edits: &[(&str, &str)]) -> String {
    let mut text = fs_err::read_to_string(CONFIG).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    place.file("config.yaml", text).into_string()
}

#[test]
fn the_shipped_settings_are_valid() {
    let place = Place::new();
    let outcome = place.orchestrator(&["validate", "--config", CONFIG]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"<config>: valid: 6 steps, 23 parameters");
}

/// The live settings in `config/`, which people edit, are valid.
#[test]
fn the_settings_in_config_are_valid() {
    let live = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/pipeline_config.yaml");
    Place::new().orchestrator(&["validate", "--config", live]).expect(0);
}

#[test]
fn every_fault_of_the_settings_at_once() {
    let place = Place::new();
    let config = edited(
        &place,
        &[
            ("n_estimators: 200", "n_estimators: 0"),
            ("max_depth: 10", "max_dept: 10"),
            ("test_size: 0.2", "test_size: 1"),
            ("recall: 0.85", "recall: 1.85"),
            ("  bucket: machine-downtime-2 ", "  bucket: ${BUCKET_OF_NOBODY} "),
        ],
    );
    for command in ["validate", "definition", "run"] {
        let outcome = place.orchestrator(&[command, "--config", &config]).expect(2);
        assert_eq!(outcome.stdout, "");
        insta::allow_duplicates! {
            insta::assert_snapshot!(place.neutral(&outcome.stderr), @"
            error: <here>/config.yaml:13:3: s3_paths.bucket: environment variable BUCKET_OF_NOBODY is not set; set it, or write `${BUCKET_OF_NOBODY:-default}`
            <here>/config.yaml:46:3: hyperparameters.n_estimators: found `0`, expected at least 1
            <here>/config.yaml:47:3: hyperparameters.max_dept: unknown key, expected one of n_estimators, max_depth, min_samples_split, min_samples_leaf, max_features, class_weight, random_state, criterion, max_leaf_nodes, max_bins, bootstrap, max_samples, oob_score, permutation_importances; did you mean `max_depth`?
            <here>/config.yaml:56:3: preprocessing.test_size: found `1`, expected a number between 0 and 1, both excluded
            <here>/config.yaml:110:3: quality_gates.recall: found `1.85`, expected a number from 0 to 1
            ");
        }
    }
}

#[test]
fn a_typo_in_a_feature_points_at_its_character() {
    let place = Place::new();
    let config = edited(
        &place,
        &[("Hydraulic_Pressure - median(Hydraulic_Pressure)", "Hydraulic_Presure - 1")],
    );
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
    insta::assert_snapshot!(place.neutral(&outcome.stderr), @"error: <here>/config.yaml:86:5: preprocessing.engineered_features.Pressure_Differential: `Hydraulic_Presure - 1`, character 1: no column `Hydraulic_Presure`; did you mean `Hydraulic_Pressure`?");
}

#[test]
fn the_services_limits() {
    let place = Place::new();
    let repository = format!("machine-downtime/train-{}", "x".repeat(200));
    let config = edited(&place, &[("machine-downtime/train", &repository)]);
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"
    <here>/config.yaml: Steps.Train.Arguments.AlgorithmSpecification.TrainingImage: error: 275 characters; at most 255 are allowed
    <here>/config.yaml: Steps.QualityGate.IfSteps.Register.Arguments.Environment.TRAIN_IMAGE: error: 275 characters; at most 256 are allowed
    ");
}

#[test]
fn the_findings_as_json() {
    let place = Place::new();
    let json = |code, config: &str| {
        let outcome = place.orchestrator(&["validate", "--config", config, "--json"]).expect(code);
        serde_json::from_str::<Value>(&outcome.stdout).unwrap()
    };
    let valid = json!({ "valid": true, "steps": 6, "parameters": 23, "findings": [] });
    assert_eq!(json(0, CONFIG), valid);
    let repository = format!("machine-downtime/train-{}", "x".repeat(200));
    let config = edited(&place, &[("machine-downtime/train", &repository)]);
    let finding = json!({
        "place": "Steps.Train.Arguments.AlgorithmSpecification.TrainingImage",
        "severity": "error",
        "message": "275 characters; at most 255 are allowed",
    });
    // A version is registered with it.
    let variable = json!({
        "place": "Steps.QualityGate.IfSteps.Register.Arguments.Environment.TRAIN_IMAGE",
        "severity": "error",
        "message": "275 characters; at most 256 are allowed",
    });
    let invalid =
        json!({ "valid": false, "steps": 6, "parameters": 23, "findings": [finding, variable] });
    assert_eq!(json(2, &config), invalid);
}

/// A container argument may have 256 characters and a job 100 of them, but the settings of the table
/// are a file.
#[test]
fn the_settings_of_the_table_may_be_large() {
    let place = Place::new();
    let feature = format!("{} + 1", "Hydraulic_Pressure + ".repeat(46) + "Cutting");
    assert!((900..=1_000).contains(&feature.len()), "{}", feature.len());
    let mut columns = String::from("  columns:\n");
    for number in 0..10_000 {
        columns
            .push_str(&format!("    Sensor_{number}: {{ unit: bar, spellings: [S{number}] }}\n"));
    }
    let config = edited(
        &place,
        &[("Tool_Vibration / (Spindle_Vibration + 1e-6)", &feature), ("  columns:\n", &columns)],
    );
    place.orchestrator(&["validate", "--config", &config]).expect(0);
    let definition = place.orchestrator(&["definition", "--config", &config]).expect(0).stdout;
    let shipped = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    assert_eq!(definition.len(), shipped.len(), "they differ in a digest only");
}

#[test]
fn a_definition_from_a_file() {
    let place = Place::new();
    let validate = |text: &str, code| {
        let file = place.file("other.json", text);
        let outcome =
            place.orchestrator(&["validate", "--definition", file.as_str(), "--config", CONFIG]);
        let outcome = outcome.expect(code);
        place.neutral(&format!("{}{}", outcome.stdout, outcome.stderr))
    };
    insta::assert_snapshot!(validate("{", 2), @"error: <here>/other.json: definition (line 1, column 1): EOF while parsing an object");
    insta::assert_snapshot!(validate(r#"{"Version":"2020-12-01","Steps":[{"Name":"a b","Type":"Fail","Arguments":{"ErrorMessage":{"Get":"Parameters.Nobody"}},"DependsOn":["Nothing"]}]}"#, 2), @r#"
    <here>/other.json: Steps.a b: error: "a b" is no name; 1 to 64 of letters, digits, - and _ are allowed
    <here>/other.json: Steps.a b.DependsOn[0]: error: there is no step "Nothing"
    <here>/other.json: Steps.a b.Arguments.ErrorMessage: error: there is no parameter "Nobody"
    "#);
    let own = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    insta::assert_snapshot!(validate(&own, 0), @"<here>/other.json: valid: 6 steps, 23 parameters");
}

/// Faults that Preprocess would report are found before it runs, together with all others.
#[test]
fn faults_of_columns_label_and_features_are_reported_with_the_others() {
    let place = Place::new();
    let refused = |edits: &[(&str, &str)]| {
        let config = edited(&place, edits);
        let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
        assert_eq!(
            place.orchestrator(&["run", "--config", &config]).expect(2).stderr,
            outcome.stderr
        );
        place.neutral(&outcome.stderr)
    };
    insta::assert_snapshot!(refused(&[
        ("n_estimators: 200", "n_estimators: 0"),
        ("    Vibration_Ratio: Tool", "    torque: Tool"),
        ("Hydraulic_Pressure * Cutting", "Hydraulic_Pressure * Cuting"),
    ]), @"
    error: <here>/config.yaml:46:3: hyperparameters.n_estimators: found `0`, expected at least 1
    <here>/config.yaml:87:5: preprocessing.engineered_features.torque: feature `torque` has the name of another column
    <here>/config.yaml:88:5: preprocessing.engineered_features.Pressure_Force_Interaction: `Hydraulic_Pressure * Cuting`, character 22: no column `Cuting`; did you mean `Cutting`?
    ");
    insta::assert_snapshot!(refused(&[("negative: [No_Machine_Failure", "negative: [machine_failure")]), @"error: <here>/config.yaml:60:3: preprocessing.label: the label value `machine_failure` means both classes");
    insta::assert_snapshot!(refused(&[("spellings: [Cutting_Force]", "spellings: [TORQUE]")]), @"error: <here>/config.yaml:68:3: preprocessing.columns: the name `torque` stands for two columns");
}

/// The address of a model has the name of the training job in it, which nobody knows before.
#[test]
fn an_address_that_would_be_too_long_in_an_execution() {
    let place = Place::new();
    let prefix = |length: usize| format!("model_artifacts: {}", "m".repeat(length));
    // s3://machine-downtime-2/, the prefix, /, 12 characters of the execution, /, 39 of the job,
    // /output/model.tar.gz: 24 + prefix + 1 + 12 + 1 + 39 + 20 = 256 with a prefix of 159.
    let config = edited(&place, &[("model_artifacts: model-artifacts", &prefix(159))]);
    place.orchestrator(&["validate", "--config", &config]).expect(0);
    let config = edited(&place, &[("model_artifacts: model-artifacts", &prefix(160))]);
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"<here>/config.yaml: Steps.QualityGate.IfSteps.Register.Arguments.Environment.MODEL_DATA_URL: error: up to 257 characters in an execution, by Execution.PipelineExecutionId, Steps.Train.ModelArtifacts.S3ModelArtifacts; at most 256 are allowed; a shorter s3_paths.model_artifacts of the settings makes it shorter");
    // 24 + prefix + 1 + 12 + /evaluation.json of 16.
    let report = format!("evaluation: {}", "e".repeat(204));
    let config = edited(&place, &[("evaluation: evaluation ", &format!("{report} "))]);
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"<here>/config.yaml: Steps.QualityGate.IfSteps.Register.Arguments.Environment.MODEL_METRICS_URL: error: up to 257 characters in an execution, by Execution.PipelineExecutionId; at most 256 are allowed; a shorter s3_paths.evaluation of the settings makes it shorter");
}

#[test]
fn an_instance_type_that_the_list_does_not_have() {
    let place = Place::new();
    let edits = [
        ("  processing: ml.m5.large", "  processing: ml.m5.huge"),
        ("  training: ml.m5.large", "  training: ml.z9.large"),
    ];
    let config = edited(&place, &edits);
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"
    <here>/config.yaml: instance_types.processing: warning: `ml.m5.huge`, which SageMaker did not have for processing on 2026-11-30, only ml.m5.12xlarge, ml.m5.24xlarge, ml.m5.2xlarge, ml.m5.4xlarge, ml.m5.large, ml.m5.xlarge; it may be newer than this list
    <here>/config.yaml: instance_types.training: warning: `ml.z9.large`, which SageMaker did not have for training on 2026-11-30; it may be newer than this list
    <here>/config.yaml: valid: 6 steps, 23 parameters
    ");
    let config = edited(&place, &[("  processing: ml.m5.large", "  processing: ml.M5.large")]);
    let outcome = place.orchestrator(&["validate", "--config", &config]).expect(2);
    assert!(
        outcome.stderr.contains("expected an instance type such as ml.m5.large"),
        "{outcome:?}"
    );
}

#[test]
fn an_instance_type_of_a_definition_that_the_list_does_not_have() {
    let place = Place::new();
    let own = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    let mut own: Value = serde_json::from_str(&own).unwrap();
    for parameter in own["Parameters"].as_array_mut().unwrap() {
        if parameter["Name"] == "TrainingInstanceType" {
            parameter["DefaultValue"] = "ml.m5.huge".into();
        }
    }
    let cluster = "/Steps/0/Arguments/ProcessingResources/ClusterConfig";
    own.pointer_mut(cluster).unwrap()["InstanceType"] = "ml.z9.large".into();
    let file = place.file("own.json", own.to_string());
    let outcome = place.orchestrator(&["validate", "--definition", file.as_str()]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"
    <here>/own.json: Steps.Preprocess.Arguments.ProcessingResources.ClusterConfig.InstanceType: warning: `ml.z9.large`, which SageMaker did not have for processing on 2026-11-30; it may be newer than this list
    <here>/own.json: Steps.Train.Arguments.ResourceConfig.InstanceType: warning: `ml.m5.huge`, which SageMaker did not have for training on 2026-11-30, only ml.m5.12xlarge, ml.m5.24xlarge, ml.m5.2xlarge, ml.m5.4xlarge, ml.m5.large, ml.m5.xlarge; it may be newer than this list
    <here>/own.json: valid: 6 steps, 23 parameters
    ");
}
