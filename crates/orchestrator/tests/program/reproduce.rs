//! `orchestrator reproduce --local`: models of local runs are made again. And what a version tells of its making.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::{CONFIG, Place};

const GROUP: &str = "version 1 of group machine-downtime-model-group";

fn reproduce(place: &Place, code: i32, more: &[&str]) -> testkit::Outcome {
    place.orchestrator(&[&["reproduce", "latest", "--local"], more].concat()).expect(code)
}

fn shown(place: &Place) -> Value {
    let shown = place.orchestrator(&["models", "show", "latest", "--local", "--json"]).expect(0);
    serde_json::from_str(&shown.stdout).unwrap()
}

#[test]
fn a_model_is_made_again_byte_by_byte() {
    let place = Place::new();
    // The second one takes the rows from the cache, and is made again from the table.
    place.json(0, &["-p", "NEstimators=10"]);
    place.json(0, &["-p", "NEstimators=20", "-p", "RandomState=42"]);
    let model = place.stored(&shown(&place)["model_package"]["model_data_url"]);
    let digest = common::sha256_hex(fs_err::read(model).unwrap());
    let again = reproduce(&place, 0, &[]);
    assert_eq!(
        again.stdout,
        format!(
            "version 2 of group machine-downtime-model-group: the same bytes, SHA-256 {digest}\n"
        )
    );
    // It ran up to the training, and nothing of it is left here.
    assert!(
        again.stderr.contains("Train") && !again.stderr.contains("Evaluate"),
        "{}",
        again.stderr
    );
    assert_eq!(fs_err::read_dir(place.path("runs/executions")).unwrap().count(), 2);
    let json: Value = serde_json::from_str(&reproduce(&place, 0, &["--json"]).stdout).unwrap();
    assert_eq!((&json["same"], &json["version"]), (&true.into(), &2.into()));
    assert_eq!(json["sha256_made_again"], digest);
}

#[test]
fn other_rows_make_another_model_which_says_in_what() {
    let place = Place::new();
    place.json(0, &["-p", "NEstimators=10"]);
    place.orchestrator(&["sample", "--rows", "300", "--output", "other.csv"]).expect(0);
    let other = reproduce(&place, 1, &["--input", "other.csv"]).stdout;
    let digest = regex::Regex::new(r#""[0-9a-f]{58,}\.\.\.|\d{4,}"#).unwrap();
    let other = digest.replace_all(&other, "<n>");
    let lines: Vec<&str> = other.lines().collect();
    assert_eq!(lines[0], format!("{GROUP}: not the same bytes"));
    assert!(lines[1].starts_with("  metadata.json data_digest is "), "{other}");
    assert!(lines.iter().any(|line| line.starts_with("  forest.bin has ")), "{other}");
    let json: Value =
        serde_json::from_str(&reproduce(&place, 1, &["--input", "other.csv", "--json"]).stdout)
            .unwrap();
    assert_eq!(
        (&json["same"], &json["differences"][0]["file"]),
        (&false.into(), &"metadata.json".into())
    );
}

#[test]
fn what_is_missing_is_said_with_how_to_give_it() {
    let place = Place::new();
    place.orchestrator(&["sample", "--rows", "300", "--output", "table.csv"]).expect(0);
    place.json(0, &["--input", "table.csv", "-p", "NEstimators=10"]);
    let refused = |code: i32, more: &[&str]| place.neutral(&reproduce(&place, code, more).stderr);
    let url = shown(&place)["model_package"]["metadata"]["input_data_url"].clone();
    fs_err::remove_dir_all(place.stored(&url)).unwrap();
    insta::assert_snapshot!(refused(2, &[]), @"error: nothing is stored at s3://machine-downtime-2/raw/d92f62f1f4657114efc62bdb03f71cbb4ed9c37a798251faefa62abdaee510e3 (here: runs/s3/machine-downtime-2/raw/d92f62f1f4657114efc62bdb03f71cbb4ed9c37a798251faefa62abdaee510e3); --input gives the table from elsewhere");
    // The same rows from elsewhere make the same model.
    let again = reproduce(&place, 0, &["--input", "table.csv"]).stdout;
    assert!(again.starts_with(&format!("{GROUP}: the same bytes, SHA-256 ")), "{again}");
    insta::assert_snapshot!(refused(3, &["--input", "none.csv"]), @"error: --input none.csv: there is no such file or directory");

    let file = place.path("runs/registry/machine-downtime-model-group/1/model_package.json");
    let package = crate::without_seal(&fs_err::read_to_string(&file).unwrap());
    fs_err::write(&file, package.replace(r#""program_version": ""#, r#""program_version": "9."#))
        .unwrap();
    let said = refused(0, &["--input", "table.csv"]);
    assert!(said.contains("Version 9.0.1.0 of the program"), "{said}");
    fs_err::write(&file, &package).unwrap();

    let record = place.record();
    let id = record["execution_id"].as_str().unwrap();
    let definition = place.path(&format!("runs/executions/{id}/definition.json"));
    let text = fs_err::read_to_string(&definition).unwrap();
    fs_err::write(&definition, text.replace("\"InstanceCount\": 1", "\"InstanceCount\": 2"))
        .unwrap();
    let said = refused(2, &[]);
    assert!(said.contains("definition.json: it has changed since it was recorded: "), "{said}");
    fs_err::remove_file(&definition).unwrap();
    insta::assert_snapshot!(refused(2, &[]), @"error: execution <id> made it, and what that ran cannot be read: failed to open file `runs/executions/<id>/definition.json`: No such file or directory (os error 2); --runs names another directory");
    let without =
        package.replace("\"pipeline_execution\"", "\"other\"").replace("generated_by", "x");
    fs_err::write(&file, without).unwrap();
    insta::assert_snapshot!(refused(2, &[]), @"error: version 1 of group machine-downtime-model-group does not tell which execution made it");
    let shown = place.orchestrator(&["models", "show", "1", "--local"]).expect(0).stdout;
    assert!(shown.ends_with("so it cannot be made again.\n"), "{shown}");
}

#[test]
fn a_version_tells_what_made_it() {
    let place = Place::new();
    place.orchestrator(&["sample", "--rows", "300", "--output", "table.csv"]).expect(0);
    let arguments = ["--input", "table.csv", "-p", "NEstimators=10", "-p", "SourceCommit=1f0c3a"];
    place.json(0, &arguments);
    let shown = place.orchestrator(&["models", "show", "1", "--local"]).expect(0).stdout;
    let (_, made_by) = shown.split_once("\nWhat made it:\n").unwrap();
    let number = regex::Regex::new(r"[0-9a-f]{40,}").unwrap();
    let account = regex::Regex::new(r"\d{12}\.dkr").unwrap();
    let made_by = place.neutral(&number.replace_all(made_by, "<n>"));
    let made_by = account.replace_all(&made_by, "<account>.dkr");
    insta::assert_snapshot!(made_by.replace(env!("CARGO_PKG_VERSION"), "<version>"));
}

/// In a large repository it takes seconds, and in a broken one it may not end.
#[test]
fn git_is_asked_only_for_a_commit_that_nobody_has_given() {
    let place = Place::new();
    let git = place.file("bin/git", "#!/bin/sh\necho asked >>$ASKED\nexec sleep 300\n");
    fs_err::set_permissions(git, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", place.path("bin"), std::env::var("PATH").unwrap());
    let asked = place.path("asked");
    let run = |more: &[&str]| {
        let mut command = place.command(&[&["run", "--config", CONFIG], more].concat());
        testkit::Outcome::from(command.env("PATH", &path).env("ASKED", &asked).output().unwrap())
    };
    run(&["-p", "SourceCommit=1f0c3a", "-p", "NEstimators=10"]).expect(0);
    assert!(!asked.exists());
    // Nobody waits for it where the run does not begin.
    run(&["-p", "Unheard=1"]).expect(2);
}

/// Git knows the commit of the settings; a workflow whose checkout is without git does.
#[test]
fn the_commit_of_the_settings_is_kept() {
    let place = Place::new();
    let settings = fs_err::read_to_string(CONFIG).unwrap();
    place.file("plant/settings.yaml", &settings);
    let commit = || shown(&place)["model_package"]["commit_id"].clone();
    let run = |workflow: &str, more: &[&str]| {
        let arguments = ["run", "--config", "plant/settings.yaml", "-p", "NEstimators=10"];
        let mut command = place.command(&[&arguments[..], more].concat());
        testkit::Outcome::from(command.env("GITHUB_SHA", workflow).output().unwrap()).expect(0);
    };
    run("", &[]);
    assert_eq!(commit(), Value::Null);
    run("1f0c3a", &[]);
    assert_eq!(commit(), "1f0c3a");
    run("1f0c3a", &["-p", "SourceCommit=release"]);
    assert_eq!(commit(), "release");

    let git = |arguments: &[&str]| {
        let author = ["-c", "user.name=ada", "-c", "user.email=ada@example.com"];
        let mut command = Command::new("git");
        command.args(author).args(arguments).current_dir(place.path("plant"));
        let output = command.output().ok()?;
        assert!(output.status.success(), "{output:?}");
        Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if git(&["init", "--quiet"]).is_none() {
        testkit::skipped("there is no git");
        return;
    }
    git(&["add", "settings.yaml"]);
    git(&["commit", "--quiet", "--message", "settings"]);
    let head = git(&["rev-parse", "HEAD"]).unwrap();
    run("1f0c3a", &[]);
    assert_eq!(commit(), head.as_str());
    place.file("plant/settings.yaml", format!("{settings}\n# tried\n"));
    // Another commit, or none, trains nothing again.
    run("1f0c3a", &[]);
    assert_eq!(commit(), format!("{head}-dirty"));
    let record = place.record();
    for step in ["Preprocess", "Train", "Evaluate"] {
        assert_eq!(crate::step(&record, step)["cached"], true, "{step}");
    }
}
