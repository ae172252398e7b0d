//! Unusable input: the reason, the exit code, and no partial files.

use crate::{Place, step};

#[test]
fn a_data_error_is_reported_with_its_reason_and_log() {
    let place = Place::new();
    let header = "Hydraulic_Pressure,Coolant_Pressure,Air_System_Pressure,Coolant_Temperature,\
        Hydraulic_Oil_Temperature,Spindle_Bearing_Temperature,Spindle_Vibration,Tool_Vibration,\
        Spindle_Speed,Voltage,Torque,Cutting,Downtime\n";
    let bad = place.file("bad.csv", format!("{header}1,2,3,4,5,6,7,8,9,10,11,broken,yes\n"));
    let outcome = place.run(&["--input", bad.as_str()]).expect(3);
    let steps = |text: &str| {
        let levels = regex::Regex::new(r"\| \S+ +").unwrap();
        levels.replace_all(&place.neutral(text), "| ").replace(place.0.path().to_str().unwrap(), "")
    };
    insta::assert_snapshot!(steps(&outcome.stderr), @r#"
    Preprocess         Failed <time>
      the end of its log:
      | INFO container::run: preprocess starts version="0.1.0"
      | ERROR container::run: preprocess failed: <here>/runs/executions/<id>/Preprocess/algo-1/processing/input/bad.csv, line 2, column `Cutting`: found `broken`, expected a number
    error: Preprocess: <here>/bad.csv, line 2, column `Cutting`: found `broken`, expected a number
    "#);
    let record = place.record();
    assert_eq!(record["status"], "Failed");
    assert_eq!(step(&record, "Preprocess")["exit_code"], 3);
    assert!(!place.path("runs/s3/machine-downtime-2/processed").exists());
    assert!(!place.path("runs/registry").exists());
}

#[test]
fn missing_and_empty_input() {
    let place = Place::new();
    fs_err::create_dir(place.path("empty")).unwrap();
    place.file("texts/readme.txt", "nothing");
    let refused = |input: &str| {
        let outcome = place.run(&["--input", input]).expect(3);
        place.neutral(outcome.stderr.lines().last().unwrap())
    };
    insta::assert_snapshot!(refused("nowhere.csv"), @"error: --input nowhere.csv: there is no such file or directory");
    insta::assert_snapshot!(refused("empty"), @"error: --input empty: the directory is empty");
    std::os::unix::fs::symlink("/", place.path("texts/link")).unwrap();
    insta::assert_snapshot!(refused("texts"), @"error: texts/link is neither a file nor a directory of its own");
    fs_err::remove_file(place.path("texts/link")).unwrap();
    insta::assert_snapshot!(refused("/dev/null"), @"error: --input /dev/null: expected a file or a directory; a pipe's text must be written to a file first");
    insta::assert_snapshot!(refused("texts"), @"error: Preprocess: texts/readme.txt lacks column `Downtime`, column `Hydraulic_Pressure`, column `Coolant_Pressure`, column `Air_System_Pressure`, column `Coolant_Temperature`, column `Hydraulic_Oil_Temperature`, column `Spindle_Bearing_Temperature`, column `Spindle_Vibration`, column `Tool_Vibration`, column `Spindle_Speed`, column `Voltage`, column `Torque`, column `Cutting`; columns found: nothing");
}

#[test]
fn a_directory_of_tables_is_one_table() {
    let place = Place::new();
    let sample = place.orchestrator(&["sample", "--rows", "600", "--output", "-"]).expect(0).stdout;
    let rows: Vec<_> = sample.lines().collect();
    place.file("whole/all.csv", &sample);
    place.file("parts/a.csv", rows[..300].join("\n"));
    place.file("parts/b.csv", [&rows[..1], &rows[300..]].concat().join("\r\n"));
    let model = |input: &str| {
        let result = place.json(0, &["--input", input]);
        fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap()
    };
    assert!(model("whole") == model("parts"));
}

#[test]
fn a_runs_directory_that_cannot_be_written() {
    let place = Place::new();
    place.file("occupied", "a file");
    let outcome = place.run(&["--runs", "occupied"]).expect(1);
    insta::assert_snapshot!(place.neutral(outcome.stderr.lines().last().unwrap()), @"error: cannot begin an execution: failed to create directory `<here>/occupied`: File exists (os error 17)");
    assert_eq!(fs_err::read_to_string(place.path("occupied")).unwrap(), "a file");
}

#[test]
fn a_full_disk() {
    let place = Place::new();
    fs_err::create_dir(place.path("small")).unwrap();
    let mounts = std::process::Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none"])
        .arg(place.path("small"))
        .output();
    if !mounts.is_ok_and(|output| output.status.success()) {
        return testkit::skipped("cannot mount a tmpfs");
    }
    let orchestrator = testkit::executable("orchestrator");
    // There is room for the table and the logs of the first steps, but not for their outputs.
    for size in [100, 300, 500, 700] {
        let script = format!(
            "mount -t tmpfs -o size={size}k none small && {orchestrator} run --config {} --runs small/runs; \
             code=$?; find small -name '.partial-*' | sed 's/^/left: /' >&2; exit $code",
            crate::CONFIG
        );
        let mut command = std::process::Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script]).current_dir(place.path(""));
        let outcome: testkit::Outcome = command.output().unwrap().into();
        assert_eq!(outcome.code, Some(1), "{size}k: {}", outcome.stderr);
        assert!(outcome.stderr.contains("No space left on device"), "{size}k: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("left: "), "{size}k: {}", outcome.stderr);
    }
}
