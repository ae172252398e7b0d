//! `orchestrator definition`: the JSON, its schema, and settings that change it.

use crate::{CONFIG, Place};

/// Returns the digest of a definition, which is in its text.
fn digest(definition: &str) -> String {
    let digest = regex::Regex::new(r#""DEFINITION_DIGEST": "([0-9a-f]{64})""#).unwrap();
    digest.captures(definition).unwrap()[1].to_owned()
}

#[test]
fn the_shipped_settings_definition() {
    let place = Place::new();
    let text = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    insta::assert_snapshot!("definition", text.replace(&digest(&text), "<digest>"));
    let again = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    assert_eq!(text, again);
}

/// The address in the definition contains the digest of the printed document.
#[test]
fn the_settings_of_the_table() {
    let place = Place::new();
    let print = |config: &str, arguments: &[&str]| {
        place.orchestrator(&[&["definition", "--config", config], arguments].concat()).expect(0)
    };
    let table = print(CONFIG, &["--table-settings"]);
    assert_eq!(table.stdout, config::steps::TableSettings::default().to_json());
    insta::assert_snapshot!(table.stderr, @"The definition reads this file from s3://machine-downtime-2/pipeline-definitions/MachineDowntimePipeline/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json");
    assert_eq!(print(CONFIG, &["--table-settings"]).stdout, table.stdout);
    let address = |definition: &str| {
        let definition: serde_json::Value = serde_json::from_str(definition).unwrap();
        let input = &definition["Steps"][0]["Arguments"]["ProcessingInputs"][1];
        assert_eq!(input["InputName"], "settings");
        input["S3Input"]["S3Uri"].as_str().unwrap().to_owned()
    };
    let expected = format!(
        "s3://machine-downtime-2/pipeline-definitions/MachineDowntimePipeline/{}/table.json",
        common::sha256_hex(&table.stdout)
    );
    assert_eq!(address(&print(CONFIG, &[]).stdout), expected);
    // Parameters are not part of it, columns are.
    let text = fs_err::read_to_string(CONFIG).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.file("config.yaml", text.replacen(from, to, 1));
        address(&print("config.yaml", &[]).stdout)
    };
    assert_eq!(edited("test_size: 0.2", "test_size: 0.3"), expected);
    assert_ne!(edited("spellings: [Cutting_Force]", "spellings: [Force]"), expected);
}

/// Register stores it with the model: any setting of the pipeline makes another one.
#[test]
fn the_digest_of_the_definition_is_that_of_everything_else_in_it() {
    let place = Place::new();
    let text = fs_err::read_to_string(CONFIG).unwrap();
    let definition = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.file("config.yaml", text.replacen(from, to, 1));
        place.orchestrator(&["definition", "--config", "config.yaml"]).expect(0).stdout
    };
    let first = definition("max_depth: 10", "max_depth: 10");
    let line = format!(r#""DEFINITION_DIGEST": "{}","#, digest(&first));
    let without: Vec<&str> = first.lines().filter(|it| it.trim() != line).collect();
    assert_eq!(common::sha256_hex(format!("{}\n", without.join("\n"))), digest(&first));
    assert_ne!(digest(&definition("max_depth: 10", "max_depth: 11")), digest(&first));
    assert_ne!(digest(&definition("test_size: 0.2", "test_size: 0.3")), digest(&first));
}

/// The definition validates against the schema of the `pipeline` crate, from the shipped settings
/// and from settings with every optional part.
#[test]
fn the_definition_validates_against_the_schema() {
    const SCHEMA: &str = include_str!("../../../pipeline/definition.schema.json");
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let place = Place::new();
    for config in [fs_err::read_to_string(CONFIG).unwrap(), everything()] {
        let file = place.file("config.yaml", config);
        let text = place.orchestrator(&["definition", "--config", file.as_str()]).expect(0).stdout;
        let definition = serde_json::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&definition)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

/// Returns the shipped settings with every optional part.
fn everything() -> String {
    fs_err::read_to_string(CONFIG).unwrap() + "\nnotifications:\n  email: someone@example.com\n"
}

/// A parameter cannot be an object, so the weights are its JSON text.
#[test]
fn class_weights_are_json_text() {
    let place = Place::new();
    let config = fs_err::read_to_string(CONFIG).unwrap();
    let config =
        config.replace("class_weight: balanced", "class_weight: {negative: 1, positive: 5}");
    let file = place.file("config.yaml", config);
    let text = place.orchestrator(&["definition", "--config", file.as_str()]).expect(0).stdout;
    let definition: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parameters = definition["Parameters"].as_array().unwrap();
    let weight = parameters.iter().find(|parameter| parameter["Name"] == "ClassWeight");
    insta::assert_json_snapshot!(weight, @r#"
    {
      "DefaultValue": "{\"negative\":1,\"positive\":5}",
      "Name": "ClassWeight",
      "Type": "String"
    }
    "#);
    place.orchestrator(&["validate", "--config", file.as_str()]).expect(0);
}

/// The definition names the images of `--images`, the file that `scripts/push-images` writes.
#[test]
fn images_by_digest() {
    let place = Place::new();
    let image =
        |step: &str| format!("127.0.0.1:5000/machine-downtime/{step}@sha256:{}", "0".repeat(64));
    let lines = ["preprocess", "train", "evaluate", "register"]
        .map(|step| format!("  {step}: {}\n", image(step)));
    place.file("digests.yaml", format!("images:\n{}", lines.concat()));
    let arguments = ["--config", CONFIG, "--images", "digests.yaml"];
    let text = place.orchestrator(&[&["definition"], &arguments[..]].concat()).expect(0).stdout;
    for step in ["preprocess", "train", "evaluate", "register"] {
        assert!(
            text.contains(&format!("Image\": \"{}\"", image(step)))
                || text.contains(&format!("ImageUri\": \"{}\"", image(step))),
            "{step}"
        );
    }
    place.orchestrator(&[&["validate"], &arguments[..]].concat()).expect(0);
    place.file("digests.yaml", "images: {train: machine-downtime/train:latest}");
    place.orchestrator(&[&["definition"], &arguments[..]].concat()).expect(2);
}
