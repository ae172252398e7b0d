//! What `clean` removes, what it keeps, and who waits for whom.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{CONFIG, Place};

/// Writes a table of 500 rows.
fn table(place: &Place, name: &str, seed: &str) -> String {
    place.orchestrator(&["sample", "--rows", "500", "--seed", seed, "--output", name]).expect(0);
    name.to_owned()
}

/// Runs the pipeline on two tables. The first model misses a gate; the second becomes version 1. Returns the
/// ids of both executions.
fn two_runs(place: &Place) -> [String; 2] {
    let (one, two) = (table(place, "one.csv", "1"), table(place, "two.csv", "2"));
    let id = |result: Value| result["execution_id"].as_str().unwrap().to_owned();
    let first = id(place.json(4, &["--input", &one, "-p", "MinRecall=1", "-p", "MinAccuracy=1"]));
    let second = id(place.json(0, &["--input", &two, "-p", "MinRecall=0.5"]));
    [first, second]
}

/// Returns the files below `runs`.
fn files(place: &Place) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![place.path("runs")];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() { open.push(path) } else { found.push(path.to_string()) }
        }
    }
    found.sort();
    found
}

#[test]
fn a_registered_version_can_be_used_and_made_again_afterwards() {
    let place = Place::new();
    let [first, second] = two_runs(&place);
    let outcome = place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0);
    let removed = outcome.stdout;
    assert!(removed.contains(&format!("execution {first}\n")), "{removed}");
    assert!(removed.contains(&format!("execution {second}, but for its record\n")), "{removed}");
    // Of the training whose model stays, the report of the training has gone.
    assert!(removed.contains("6 cached results\n"), "{removed}");
    let left = files(&place);
    assert!(!left.iter().any(|file| file.contains(&first)), "{left:#?}");
    let of_second: Vec<_> = left.iter().filter(|file| file.contains(&second)).collect();
    let names: Vec<_> = of_second.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["definition.json", "execution.json", "evaluation.json", "model.tar.gz"]);
    assert_eq!(left.iter().filter(|file| file.contains("/raw/")).count(), 1, "{left:#?}");

    place.orchestrator(&["models", "show", "1", "--local"]).expect(0);
    place.orchestrator(&["predict", "--model", "1", "--input", "two.csv"]).expect(0);
    let again = place.orchestrator(&["reproduce", "1", "--local"]).expect(0).stdout;
    assert!(again.contains("the same bytes"), "{again}");
    let again = place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0).stdout;
    insta::assert_snapshot!(again, @r"
    There is nothing to remove.
    What stays: 1 registered version, and what is referred to from there.
    ");
    place.run(&["--input", "one.csv", "-p", "MinRecall=0.5"]).expect(0);
}

/// What the kept execution took from one that goes is all that its result consists of.
#[test]
fn a_run_after_a_cleaning_begins_where_the_kept_one_ended() {
    let place = Place::new();
    let table = table(&place, "one.csv", "1");
    for _ in 0..2 {
        place.run(&["--input", &table]).expect(0);
    }
    place.orchestrator(&["clean", "--keep", "1", "--yes"]).expect(0);
    let again = place.run(&["--input", &table, "--json"]).expect(0);
    assert!(!again.stderr.contains("cached"), "{}", again.stderr);
    let result: Value = serde_json::from_str(&again.stdout).unwrap();
    for name in ["Preprocess", "Train", "Evaluate"] {
        assert_eq!(crate::step(&result, name)["cached"], true, "{result}");
    }
    place.orchestrator(&["clean", "--keep", "1", "--yes"]).expect(0);
    place.run(&["--input", &table, "--from", "Evaluate"]).expect(0);
    // Where all goes but the versions, no result is left to be found damaged.
    place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0);
    let again = place.run(&["--input", &table]).expect(0).stderr;
    assert!(!again.contains("cached"), "{again}");
}

#[test]
fn what_would_go_is_listed_first() {
    let place = Place::new();
    let [first, second] = two_runs(&place);
    let before = files(&place);
    let clean = |arguments: &[&str]| place.orchestrator(&[&["clean"], arguments].concat());
    let refused = clean(&["--keep", "1"]).expect(2);
    insta::assert_snapshot!(refused.stderr, @"error: nothing was done: standard input is no terminal to ask at, expected --yes to do it or --dry-run to only say it");
    let sizes = regex::Regex::new(r" +[0-9.]+ (kB|MB|bytes)").unwrap();
    let listed = clean(&["--keep", "1", "--dry-run"]).expect(0).stdout.replace(&first, "<first>");
    let digest = regex::Regex::new("/[0-9a-f]{12,64}").unwrap();
    let listed = digest.replace_all(&listed, "/<digest>").into_owned();
    insta::assert_snapshot!(sizes.replace_all(&listed, " <size>"), @r"
    What goes from runs:
     <size>  3 cached results
     <size>  input s3://machine-downtime-2/raw/<digest>
     <size>  execution <first>
     <size>  of <size>

    What stays: the latest execution of each pipeline, 1 registered version, and what is referred to from there.
    Nothing was done: --dry-run.
    ");
    assert_eq!(
        clean(&["--dry-run"]).expect(0).stdout.lines().next(),
        Some("There is nothing to remove.")
    );
    assert_eq!(files(&place), before);

    let result = clean(&["--keep", "1", "--json", "--yes"]).expect(0).stdout;
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!((&result["deleted"], &result["dry_run"]), (&true.into(), &false.into()));
    let parts = result["parts"].as_array().unwrap();
    let bytes: u64 = parts.iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert_eq!(result["bytes"], bytes);
    let left = files(&place);
    assert!(left.iter().any(|file| file.contains(&second)), "{left:#?}");
    assert!(!left.iter().any(|file| file.contains(&first)), "{left:#?}");
    // The results of the one that stays are still used.
    let again = place.json(0, &["--input", "two.csv", "-p", "MinRecall=0.5"]);
    assert_eq!(crate::step(&again, "Train")["cached"], true);
}

#[test]
fn only_runs_are_cleaned_and_only_by_an_age() {
    let place = Place::new();
    place.file("documents/executions/thesis.tex", "");
    let none = place.orchestrator(&["clean", "--runs", "documents", "--yes"]).expect(2);
    insta::assert_snapshot!(none.stderr, @"error: documents is no directory of runs, which has `executions` and `s3` in it; --runs names another");
    let age = place.orchestrator(&["clean", "--older-than", "30"]).expect(2).stderr;
    assert!(age.contains("expected a number with its unit, such as 30d, 2w or 12h"), "{age}");
}

#[test]
fn what_a_damaged_version_refers_to_stays() {
    let place = Place::new();
    two_runs(&place);
    let group = "runs/registry/machine-downtime-model-group";
    place.file(&format!("{group}/1/model_package.json"), "");
    let outcome = place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0);
    let said = outcome.stderr;
    assert!(
        said.contains("Version 1 of group machine-downtime-model-group cannot be read"),
        "{said}"
    );
    assert!(said.contains(&format!("{group}/1/model_package.json")), "{said}");
    let left = files(&place);
    assert!(!left.iter().any(|file| file.ends_with(".log")), "{left:#?}");
    assert_eq!(left.iter().filter(|file| file.ends_with("model.tar.gz")).count(), 2, "{left:#?}");

    // Nor does it stand in the way of the next one, which is not its successor by number.
    let next = place.run(&["--input", "two.csv", "-p", "MinRecall=0.5"]).expect(0);
    assert!(next.stdout.contains("machine-downtime-model-group/2 (Pending"), "{}", next.stdout);
    assert!(
        next.stderr.contains("version 1 of group machine-downtime-model-group is left out"),
        "{}",
        next.stderr
    );
    let list = place.orchestrator(&["models", "list", "--local"]).expect(0);
    assert!(list.stderr.contains("version 1 is left out"), "{}", list.stderr);
    assert!(list.stdout.contains("\n2 "), "{}", list.stdout);
}

#[test]
fn a_run_and_a_cleaning_do_not_disturb_each_other() {
    let place = Place::new();
    let [first, _] = two_runs(&place);
    let before = files(&place);
    let runs = fs_err::File::open(place.path("runs")).unwrap().into_parts().0;

    // As a run does from before it stores its table.
    runs.lock_shared().unwrap();
    let outcome = place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0);
    assert!(outcome.stderr.contains("a run is at work in runs"), "{}", outcome.stderr);
    let left = files(&place);
    assert_eq!(left, before.into_iter().filter(|file| !file.ends_with(".log")).collect::<Vec<_>>());
    assert!(left.iter().any(|file| file.contains(&first)));
    runs.unlock().unwrap();

    // As a cleaning does while it removes.
    runs.lock().unwrap();
    let mut command = place.command(&["run", "--config", CONFIG, "--input", "two.csv"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for `orchestrator clean`"), "{line}");
    assert_eq!(child.try_wait().unwrap(), None);
    runs.unlock().unwrap();
    said.read_to_string(&mut line).unwrap();
    assert!(child.wait().unwrap().code().is_some_and(|code| [0, 4].contains(&code)), "{line}");
}

#[test]
fn a_run_says_how_much_there_is_if_that_is_much() {
    let place = Place::new();
    let said = place.run(&[]).expect(0).stderr;
    assert!(!said.contains("holds"), "{said}");
    // It takes no space, being empty.
    let big = fs_err::File::create(place.path("runs/s3/big.csv")).unwrap();
    big.set_len(1_300_000_000).unwrap();
    let said = place.run(&[]).expect(0).stderr;
    assert!(said.contains("runs holds 1.3 GB; `orchestrator clean` lists what"), "{said}");
}

#[test]
fn a_group_shares_a_directory_that_it_may_write() {
    let place = Place::new();
    fs_err::create_dir(place.path("runs")).unwrap();
    let shared = std::fs::Permissions::from_mode(0o2775);
    fs_err::set_permissions(place.path("runs"), shared).unwrap();
    let run = place.command(&["run", "--config", CONFIG]);
    let mut arguments =
        vec!["-c", r#"umask 022; exec "$0" "$@""#, run.get_program().to_str().unwrap()];
    arguments.extend(run.get_args().map(|argument| argument.to_str().unwrap()));
    let status =
        Command::new("sh").args(arguments).current_dir(place.path("")).output().unwrap().status;
    assert!(status.success());
    let mut open = vec![place.path("runs")];
    while let Some(directory) = open.pop() {
        let mode = fs_err::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o2070, 0o2070, "{directory}: {mode:o}");
        for entry in directory.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            if path.is_dir() {
                open.push(path);
            }
        }
    }
}

#[test]
fn a_full_disk_can_be_cleaned() {
    let place = Place::new();
    fs_err::create_dir(place.path("small")).unwrap();
    let orchestrator = testkit::executable("orchestrator");
    let script = format!(
        "mount -t tmpfs -o size=3m none small || exit 77; \
         {orchestrator} run --config {CONFIG} --runs small/runs -p MinRecall=1 -p MinAccuracy=1; \
         head -c 9999999 /dev/zero >small/full; {orchestrator} run --config {CONFIG} --runs small/runs --no-cache; \
         {orchestrator} clean --runs small/runs --keep 0 --yes"
    );
    let mut namespace = Command::new("unshare");
    namespace.args(["-rm", "sh", "-c", &script]).current_dir(place.path(""));
    namespace.env_remove("AWS_ACCOUNT_ID").env_remove("AWS_REGION").env("USER", "ada");
    let Ok(output) = namespace.output() else { return testkit::skipped("no unshare") };
    let outcome = testkit::Outcome::from(output);
    if outcome.code == Some(77) || outcome.stderr.contains("unshare:") {
        return testkit::skipped("cannot mount a tmpfs");
    }
    assert!(outcome.stderr.contains("No space left on device"), "{outcome:?}");
    assert!(outcome.stdout.contains("\nRemoved "), "{outcome:?}");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

/// The table of the first version is known from the version itself, but not what else its execution has read.
#[test]
fn what_a_record_that_cannot_be_read_refers_to_stays() {
    let place = Place::new();
    two_runs(&place);
    let id = place.record()["execution_id"].as_str().unwrap().to_owned();
    let record = format!("runs/executions/{id}/execution.json");
    let text = fs_err::read_to_string(place.path(&record)).unwrap();
    place.file(&record, &text[..text.len() / 2]);
    let said = place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0).stderr;
    let line = said.lines().find(|line| line.contains("is not known")).unwrap();
    let line = place.neutral(line);
    assert!(line.contains("execution.json: it has changed since it was written"), "{line}");
    let end = "What this execution refers to is not known; if nobody needs it, remove runs/executions/<id>.";
    assert!(line.ends_with(end), "{line}");
    place.file(&record, text);
    place.orchestrator(&["reproduce", "1", "--local"]).expect(0);
}
