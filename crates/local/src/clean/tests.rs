//! Tests of what goes from a directory of runs, and what stays.

use serde_json::{Value, json};

use super::*;

/// A directory of runs with executions that never ran.
struct Runs {
    _directory: tempfile::TempDir,
    path: Utf8PathBuf,
}

/// The present of these tests: the last second of November 2026.
const NOW: &str = "2026-11-30T23:59:59Z";
const OLD: &str = "20261001-080000-001";
const YOUNG: &str = "20261130-080000-002";

/// Returns the digest below which a table of one file is stored.
fn digest(table: &str) -> String {
    common::sha256_hex(format!("{}\ntable.csv\n", common::sha256_hex(table)))
}

impl Runs {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(directory.path().join("runs")).unwrap();
        Self { _directory: directory, path }
    }

    fn file(&self, path: &str, contents: &str) {
        common::write_file(&self.path.join(path), contents.as_bytes()).unwrap();
    }

    /// Makes an execution of one step with this description, that has written an object of its own.
    fn execution(&self, id: &str, pipeline: &str, status: &str, description: &Value) {
        let date = format!("{}-{}-{}T{}:00:00Z", &id[..4], &id[4..6], &id[6..8], &id[9..11]);
        let record = json!({
            "format_version": 1, "execution_id": id, "pipeline_name": pipeline, "status": status,
            "started_at": date, "seconds": 1.0, "failure_reason": null, "parameters": {},
            "steps": [{
                "name": "Only", "type": "Processing", "status": status, "seconds": 1.0, "cached": false,
                "attempts": 1, "outputs": { "rows": format!("s3://b/processed/{id}/rows") },
                "failure_reason": null, "description": description,
            }],
        });
        self.file(&format!("executions/{id}/execution.json"), &record.to_string());
        self.file(
            &format!("executions/{id}/definition.json"),
            r#"{"Version":"2020-12-01","Steps":[]}"#,
        );
        self.file(&format!("executions/{id}/Only/algo-1.log"), "log");
        self.file(&format!("s3/b/processed/{id}/rows/rows.csv"), "1,2");
    }

    fn cached(&self, key: &str, outputs: &Value) {
        let step = json!({
            "name": "Only", "type": "Processing", "status": "Succeeded", "seconds": 1.0, "cached": false,
            "attempts": 1, "outputs": outputs, "failure_reason": null,
        });
        let key = common::sha256_hex(key);
        let entry = json!({ "format_version": 4, "key": key, "finished_at": 0, "step": step });
        let text = String::from_utf8(common::json::seal(&entry).unwrap()).unwrap();
        self.file(&format!("cache/{key}.json"), &text);
    }

    fn cleaning(&self, keep: usize) -> Cleaning<'_> {
        let policy =
            Policy { keep, older_than: None, now: NOW.parse().unwrap(), registered: Vec::new() };
        Cleaning { runs: &self.path, policy, cautious: false }
    }

    /// Returns the paths that go, each with what it is part of.
    fn plan(&self, cleaning: &Cleaning<'_>) -> Vec<String> {
        let parts = cleaning.plan().unwrap();
        let line = |part: &Removable, path: &Utf8PathBuf| {
            let what = match &part.what {
                What::CachedResults => "cached".to_owned(),
                What::Input(address) => address.clone(),
                What::Execution(id) => id[16..].to_owned(),
                What::Unfinished => "unfinished".to_owned(),
            };
            format!("{what}: {}", path.strip_prefix(&self.path).unwrap())
        };
        parts.iter().flat_map(|part| part.paths.iter().map(|path| line(part, path))).collect()
    }

    fn remaining(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut open = vec![self.path.clone()];
        while let Some(directory) = open.pop() {
            for entry in entries(&directory).unwrap() {
                if entry.is_directory() {
                    open.push(entry.path.clone());
                }
                names.push(entry.path.strip_prefix(&self.path).unwrap().to_string());
            }
        }
        names.sort();
        names
    }
}

#[test]
fn an_execution_goes_with_all_that_it_made_and_nothing_that_another_uses() {
    let runs = Runs::new();
    let reads = |uri: &str| json!({ "ProcessingInputs": [{ "S3Input": { "S3Uri": uri } }] });
    let [old, young] = ["1", "2"].map(digest);
    runs.execution(OLD, "p", "Succeeded", &reads(&format!("s3://b/raw/{old}")));
    runs.execution(YOUNG, "p", "Succeeded", &reads(&format!("s3://b/raw/{young}")));
    runs.file(&format!("s3/b/raw/{old}/table.csv"), "1");
    runs.file(&format!("s3/b/raw/{young}/table.csv"), "2");
    // Earlier versions cut digests, and documents are below the digest of their contents.
    runs.file(&format!("s3/b/raw/{}/table.csv", &digest("3")[..12]), "3");
    runs.file(&format!("s3/b/raw/{}/table.json", common::sha256_hex("4")), "4");
    // These are somebody's: nothing has that digest.
    runs.file("s3/b/raw/0242ac110002/table.csv", "1");
    runs.file(&format!("s3/b/raw/{}/table.csv", digest("5")), "1");
    runs.cached("one", &json!({ "rows": format!("s3://b/processed/{OLD}/rows") }));
    runs.cached("two", &json!({ "rows": format!("s3://b/processed/{YOUNG}/rows") }));
    let broken = format!("cache/{}.json", common::sha256_hex("broken"));
    runs.file(&broken, "{");
    runs.file("cache/README", "somebody's");
    let exchanged = format!("cache/{}.json", common::sha256_hex("exchanged"));
    let two = runs.path.join(format!("cache/{}.json", common::sha256_hex("two")));
    fs_err::copy(two, runs.path.join(&exchanged)).unwrap();
    let cleaning = runs.cleaning(1);
    let one = format!("cache/{}.json", common::sha256_hex("one"));
    let cut = &digest("3")[..12];
    let document = common::sha256_hex("4");
    let mut expected = vec![
        format!("cached: {broken}"),
        format!("cached: {exchanged}"),
        format!("cached: {one}"),
        format!("s3://b/raw/{old}: s3/b/raw/{old}/table.csv"),
        format!("s3://b/raw/{cut}: s3/b/raw/{cut}/table.csv"),
        format!("s3://b/raw/{document}: s3/b/raw/{document}/table.json"),
        format!("001: s3/b/processed/{OLD}/rows/rows.csv"),
        format!("001: executions/{OLD}"),
    ];
    let mut planned = runs.plan(&cleaning);
    expected.sort();
    planned.sort();
    assert_eq!(planned, expected);
    remove(&runs.path, &cleaning.plan().unwrap()).unwrap();
    assert_eq!(runs.plan(&cleaning), [""; 0]);
    let remaining = runs.remaining();
    assert!(!remaining.iter().any(|path| path.contains(OLD)), "{remaining:?}");
    assert!(!remaining.contains(&format!("s3/b/raw/{old}")), "{remaining:?}");
    assert!(remaining.contains(&"cache/README".to_owned()), "{remaining:?}");

    // What an execution that stays has used is that of another, and of two pipelines each has its latest.
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    let reused = reads(&format!("s3://b/processed/{OLD}/rows"));
    runs.execution(YOUNG, "p", "Succeeded", &reused);
    runs.execution("20260101-080000-003", "q", "Failed", &Value::Null);
    assert_eq!(runs.plan(&runs.cleaning(1)), [format!("001: executions/{OLD}")]);
    assert_eq!(runs.plan(&runs.cleaning(2)), [""; 0]);
}

#[test]
fn the_prefix_of_many_jobs_keeps_nobodys_outputs() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    let training = json!({ "OutputDataConfig": { "S3OutputPath": "s3://b/processed" } });
    runs.execution(YOUNG, "p", "Succeeded", &training);
    assert_eq!(runs.plan(&runs.cleaning(1)).len(), 2);
}

#[test]
fn what_a_version_refers_to_stays() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    runs.file(&format!("s3/b/models/{OLD}/model.tar.gz"), "model");
    runs.file(&format!("s3/b/models/{OLD}/output.tar.gz"), "other");
    let mut cleaning = runs.cleaning(0);
    cleaning.policy.registered = vec![RegisteredVersion {
        addresses: vec![format!("s3://b/models/{OLD}/model.tar.gz")],
        execution: Some(OLD.to_owned()),
        ..RegisteredVersion::default()
    }];
    assert_eq!(
        runs.plan(&cleaning),
        [
            format!("001: s3/b/models/{OLD}/output.tar.gz"),
            format!("001: s3/b/processed/{OLD}/rows/rows.csv"),
            format!("001: executions/{OLD}/Only"),
        ]
    );
    assert!(cleaning.plan().unwrap()[0].keeps_record);
    remove(&runs.path, &cleaning.plan().unwrap()).unwrap();
    assert_eq!(runs.plan(&cleaning), [""; 0]);
}

/// Somebody has removed the execution's directory by hand.
#[test]
fn what_a_version_without_an_execution_tells_stays() {
    let runs = Runs::new();
    let digest = common::sha256_hex("{}");
    let table = format!("s3/b/definitions/p/{digest}/table.json");
    runs.file(&table, "{}");
    runs.file(&format!("s3/b/processed/{OLD}/rows/rows.csv"), "1,2");
    let mut cleaning = runs.cleaning(0);
    assert!(!runs.plan(&cleaning).is_empty());
    cleaning.policy.registered = vec![RegisteredVersion {
        execution: Some(OLD.to_owned()),
        digests: [digest].into(),
        ..RegisteredVersion::default()
    }];
    assert_eq!(runs.plan(&cleaning), [""; 0]);
}

#[test]
fn the_young_stays() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    runs.execution(YOUNG, "p", "Succeeded", &Value::Null);
    // Their directories are gone, but not their objects.
    runs.file("s3/b/processed/20261002-080000-004/x", "");
    runs.file("s3/b/processed/20261130-080000-005/x", "");
    let days = |number: u64| Some(std::time::Duration::from_secs(number * 24 * 60 * 60));
    let mut cleaning = runs.cleaning(0);
    cleaning.policy.older_than = days(30);
    let orphan = "004: s3/b/processed/20261002-080000-004/x".to_owned();
    let mut expected =
        vec![format!("001: s3/b/processed/{OLD}/rows/rows.csv"), format!("001: executions/{OLD}")];
    assert_eq!(runs.plan(&cleaning), expected, "the object is younger than its name");
    let object = runs.path.join("s3/b/processed/20261002-080000-004/x");
    let time = std::time::SystemTime::UNIX_EPOCH;
    fs_err::OpenOptions::new().write(true).open(object).unwrap().file().set_modified(time).unwrap();
    expected.push(orphan);
    assert_eq!(runs.plan(&cleaning), expected);
    cleaning.policy.older_than = days(61);
    assert_eq!(runs.plan(&cleaning), [""; 0]);
}

#[test]
fn what_somebody_else_has_stored_stays() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    for object in ["s3/b/raw/line_2.csv", "s3/c/20261130/a.csv", "cache.txt", "executions/notes/x"]
    {
        runs.file(object, "");
    }
    let elsewhere = runs.path.with_file_name("elsewhere");
    common::write_file(&elsewhere.join(YOUNG).join("a.csv"), b"1").unwrap();
    std::os::unix::fs::symlink(&elsewhere, runs.path.join("s3/b/linked")).unwrap();
    let cleaning = runs.cleaning(0);
    remove(&runs.path, &cleaning.plan().unwrap()).unwrap();
    assert_eq!(
        runs.remaining(),
        [
            "cache.txt",
            "executions",
            "executions/notes",
            "executions/notes/x",
            "s3",
            "s3/b",
            "s3/b/linked",
            "s3/b/raw",
            "s3/b/raw/line_2.csv",
            "s3/c",
            "s3/c/20261130",
            "s3/c/20261130/a.csv",
        ]
    );
    assert!(elsewhere.join(YOUNG).join("a.csv").is_file());
}

#[test]
fn nothing_beyond_a_link_goes() {
    for name in ["s3", "executions", "cache", "registry"] {
        let runs = Runs::new();
        runs.execution(OLD, "p", "Succeeded", &Value::Null);
        runs.cached("one", &json!({}));
        runs.file("registry/g/group.json", "{}");
        let outside = runs.path.with_file_name("outside");
        fs_err::rename(runs.path.join(name), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, runs.path.join(name)).unwrap();
        let error = runs.cleaning(0).plan().unwrap_err().to_string();
        let path = runs.path.join(name);
        let expected = "is a symbolic link, which is not followed; expected a directory";
        assert_eq!(error, format!("{path} {expected}"));
        let removed = remove_path(&runs.path, &path.join("x"));
        assert!(removed.unwrap_err().to_string().contains("symbolic link"));
    }
}

#[test]
fn what_a_record_that_cannot_be_read_refers_to_is_not_known() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    runs.execution(YOUNG, "p", "Succeeded", &Value::Null);
    fs_err::create_dir(runs.path.join("executions/20261130-080000-007")).unwrap();
    assert!(unreadable(&runs.path).unwrap().is_empty(), "without a record it was killed early");
    for text in ["", "{", "null", r#"{"format_version": 2}"#] {
        runs.file(&format!("executions/{OLD}/execution.json"), text);
        let found = unreadable(&runs.path).unwrap();
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].0, runs.path.join("executions").join(OLD));
    }
    // The record of another execution in its place is no better.
    let other = runs.path.join(format!("executions/{YOUNG}/execution.json"));
    fs_err::copy(other, runs.path.join(format!("executions/{OLD}/execution.json"))).unwrap();
    let error = unreadable(&runs.path).unwrap()[0].1.to_string();
    assert!(error.ends_with(&format!("it is of execution {YOUNG}, expected {OLD}")), "{error}");
}

#[test]
fn what_a_changed_definition_reads_is_not_known() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    assert!(unreadable(&runs.path).unwrap().is_empty(), "earlier versions recorded no digest");
    let record = format!("executions/{OLD}/execution.json");
    let text = fs_err::read_to_string(runs.path.join(&record)).unwrap();
    let digest = common::sha256_hex("{}");
    let text =
        text.replace("\"status\"", &format!("\"definition_sha256\":\"{digest}\",\"status\""));
    runs.file(&record, &text);
    let error = unreadable(&runs.path).unwrap()[0].1.to_string();
    assert!(error.contains("definition.json: it has changed since it was recorded: "), "{error}");
    runs.file(&format!("executions/{OLD}/definition.json"), "{}");
    assert!(unreadable(&runs.path).unwrap().is_empty());
    fs_err::remove_file(runs.path.join(format!("executions/{OLD}/definition.json"))).unwrap();
    assert!(unreadable(&runs.path).unwrap().is_empty(), "a `clean` that was killed has removed it");
}

#[test]
fn what_a_killed_process_has_left_goes() {
    let runs = Runs::new();
    runs.execution(YOUNG, "p", "Executing", &Value::Null);
    runs.file(&format!("executions/{YOUNG}/Only/algo-1/input/table.csv"), "1");
    runs.file(&format!("executions/{YOUNG}/.partial-1"), "{");
    runs.file("s3/b/raw/aaaaaaaaaaa1/.partial-2", "1");
    runs.file("registry/g/.partial-3/model_package.json", "{");
    assert_eq!(
        runs.plan(&runs.cleaning(9)),
        [
            format!("unfinished: executions/{YOUNG}/.partial-1"),
            "unfinished: registry/g/.partial-3".to_owned(),
            "unfinished: s3/b/raw/aaaaaaaaaaa1/.partial-2".to_owned(),
            format!("unfinished: executions/{YOUNG}/Only/algo-1"),
        ]
    );
    // The tree of a job that failed is there to look at.
    runs.execution(YOUNG, "p", "Failed", &Value::Null);
    assert_eq!(runs.plan(&runs.cleaning(9)).len(), 3);
}

#[test]
fn with_caution_only_logs_and_trees_go_and_nothing_of_a_run_that_is_at_work() {
    let runs = Runs::new();
    for (id, status) in [(OLD, "Failed"), (YOUNG, "Executing")] {
        runs.execution(id, "p", status, &Value::Null);
        runs.file(&format!("executions/{id}/Only/algo-1/input/table.csv"), "1");
    }
    fs_err::create_dir(runs.path.join("executions/20261130-235959-006")).unwrap();
    runs.file("s3/b/raw/aaaaaaaaaaa1/.partial-2", "1");
    runs.file(&format!("cache/{}.json", common::sha256_hex("broken")), "{");
    let _mark = crate::occupancy::Mark::set(&runs.path, YOUNG).unwrap();
    let cautious = Cleaning { cautious: true, ..runs.cleaning(0) };
    assert_eq!(runs.plan(&cautious), [format!("001: executions/{OLD}/Only")]);
    assert!(cautious.plan().unwrap()[0].keeps_record);
}

#[test]
fn only_what_was_agreed_to_goes() {
    let runs = Runs::new();
    runs.execution(OLD, "p", "Succeeded", &Value::Null);
    let agreed = runs.cleaning(0).plan().unwrap();
    runs.execution(YOUNG, "p", "Succeeded", &Value::Null);
    let parts = restricted(runs.cleaning(0).plan().unwrap(), &agreed).unwrap();
    assert_eq!(parts, agreed);
    // A run has begun since: the log is part of the directory that was to go.
    let cautious = Cleaning { cautious: true, ..runs.cleaning(0) };
    let parts = restricted(cautious.plan().unwrap(), &agreed).unwrap();
    assert_eq!(parts[0].paths, [runs.path.join(format!("executions/{OLD}/Only"))]);
    assert_eq!((parts.len(), parts[0].bytes), (1, "log".len() as u64));
}
