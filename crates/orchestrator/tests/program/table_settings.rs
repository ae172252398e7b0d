//! The settings of the table, which Preprocess reads from a file in the object store.

use serde_json::Value;

use crate::{ALL, CONFIG, Place, names, step};

/// Runs the pipeline with the shipped settings in which each text is replaced by another.
fn run(place: &Place, code: i32, edits: &[(&str, &str)], more: &[&str]) -> Value {
    let mut text = fs_err::read_to_string(CONFIG).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let config = place.file("config.yaml", text);
    let arguments = [&["run", "--json", "--config", config.as_str()], more].concat();
    serde_json::from_str(&place.orchestrator(&arguments).expect(code).stdout).unwrap()
}

fn is_cached(result: &Value) -> bool {
    step(result, "Preprocess")["cached"].as_bool().unwrap()
}

/// Returns the paths of the stored settings, relative to their prefix.
fn stored(place: &Place) -> Vec<String> {
    let prefix =
        place.path("runs/s3/machine-downtime-2/pipeline-definitions/MachineDowntimePipeline");
    let mut files = Vec::new();
    for digest in prefix.read_dir_utf8().unwrap() {
        for file in digest.unwrap().path().read_dir_utf8().unwrap() {
            let file = file.unwrap().path().to_owned();
            let digest = common::sha256_hex(fs_err::read(&file).unwrap());
            assert!(file.ends_with(format!("{digest}/table.json")), "{file}");
            files.push(digest);
        }
    }
    files
}

#[test]
fn the_same_settings_reuse_preprocess_and_other_columns_do_not() {
    let place = Place::new();
    assert!(!is_cached(&run(&place, 0, &[], &[])));
    assert!(is_cached(&run(&place, 0, &[], &[])));
    assert_eq!(stored(&place).len(), 1);
    let spelling = ("spellings: [Cutting_Force]", "spellings: [Cutting_Force, Feed_Force]");
    assert!(!is_cached(&run(&place, 0, &[spelling], &[])));
    assert_eq!(stored(&place).len(), 2);
    // The first settings are still there.
    assert!(is_cached(&run(&place, 0, &[], &[])));
}

/// A definition from a file runs with the settings that it was made with.
#[test]
fn a_definition_from_a_file_reads_its_own_settings() {
    let place = Place::new();
    let definition = place.orchestrator(&["definition", "--config", CONFIG]).expect(0).stdout;
    place.file("definition.json", definition);
    let arguments = ["--definition", "definition.json", "--input", "table.csv"];
    place.orchestrator(&["sample", "--output", "table.csv"]).expect(0);
    // Other settings do not have what the definition names, unless an earlier run stored it.
    let spelling = ("spellings: [Cutting_Force]", "spellings: [Cutting_Force, Feed_Force]");
    let result = run(&place, 3, &[spelling], &arguments);
    let reason = result["failure_reason"].as_str().unwrap();
    assert!(reason.contains("nothing is stored at s3://"), "{reason}");
    assert!(reason.contains("/table.json"), "{reason}");
    assert_eq!(names(&run(&place, 0, &[], &arguments)), ALL);
    assert_eq!(names(&run(&place, 0, &[spelling], &arguments)), ALL);
    assert_eq!(stored(&place).len(), 1);
}

/// Returns a table with more columns than fit into container arguments, and its settings.
fn wide(columns: usize, rows: usize) -> (String, String) {
    let mut table = String::from("Downtime");
    let mut list = String::from("  columns:\n");
    for column in 0..columns {
        table.push_str(&format!(",Sensor_{column}(bar)"));
        list.push_str(&format!("    Sensor_{column}: {{ unit: bar }}\n"));
    }
    table.push('\n');
    let mut state = 7_u32;
    for row in 0..rows {
        let failure = row % 2;
        table.push_str(["no", "yes"][failure]);
        for column in 0..columns {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Every tenth column knows the label.
            let known = if column % 10 == 0 { 100 * failure } else { 0 };
            table.push_str(&format!(",{}", state as usize / 65_536 % 50 + known));
        }
        table.push('\n');
    }
    let settings = fs_err::read_to_string(CONFIG).unwrap();
    let (before, rest) = settings.split_once("  columns:\n").unwrap();
    let after = rest.split_once("  engineered_features:\n").unwrap().1;
    let after = &after[after.find("  missing_values:").unwrap()..];
    let feature = "  engineered_features:\n    Mean: (Sensor_0 + Sensor_4999) / 2\n";
    (table, format!("{before}{list}{feature}{after}"))
}

#[test]
fn five_thousand_columns() {
    let place = Place::new();
    let (table, settings) = wide(5_000, 300);
    place.file("table.csv", table);
    place.file("config.yaml", settings);
    place.orchestrator(&["validate", "--config", "config.yaml"]).expect(0);
    let arguments = ["--input", "table.csv", "-p", "NEstimators=20"];
    let arguments = [&["run", "--json", "--config", "config.yaml"], &arguments[..]].concat();
    let result = place.orchestrator(&arguments).expect(0).stdout;
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(names(&result), ALL);
    let train = place.stored(&step(&result, "Preprocess")["outputs"]["train"]).join("train.csv");
    let train = fs_err::read_to_string(train).unwrap();
    let header: Vec<_> = train.lines().next().unwrap().split(',').collect();
    assert_eq!((header.len(), header[0], header[4_999]), (5_002, "Sensor_0", "Sensor_4999"));
    assert_eq!(header[5_000..], ["Mean", "label"]);
    assert_eq!(train.lines().count(), 1 + 240);
}
