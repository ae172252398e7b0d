//! Inputs and results in the runs directory are used only with the bytes that were recorded, and nothing is written
//! through a link in it.

use std::os::unix::fs::symlink;

use camino::Utf8PathBuf;
use serde_json::Value;

use crate::{Place, step, without_digests};

const MODEL: &str = "runs/s3/*/model-artifacts/*/*/output/model.tar.gz";

/// Makes a directory `bin` of the steps' programs, of which one runs `script` first.
fn interfere(place: &Place, program: &str, script: &str) {
    for name in ["preprocess", "train", "evaluate", "register"] {
        let first = if name == program { script } else { "" };
        let here = place.path("");
        let own = testkit::executable(name);
        let text = format!("#!/bin/sh\n(cd {here}; {first} :)\nexec {own} \"$@\"\n");
        let file = place.file(&format!("bin/{name}"), text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs_err::set_permissions(file, mode).unwrap();
    }
}

/// Returns the bytes of the model that a result registered.
fn model(place: &Place, result: &Value) -> Vec<u8> {
    fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap()
}

/// Makes a table of this many rows.
fn table(place: &Place, name: &str, rows: &str) -> Utf8PathBuf {
    let path = place.path(name);
    place.orchestrator(&["sample", "--rows", rows, "--output", path.as_str()]).expect(0);
    path
}

#[test]
fn a_staged_table_is_what_the_user_named() {
    let place = Place::new();
    let input = table(&place, "table.csv", "600");
    let other = fs_err::read(table(&place, "other.csv", "300")).unwrap();
    let run = || place.json(0, &["--no-cache", "--input", input.as_str()]);
    let first = run();
    let prefix = place.stored(&place.record()["parameters"]["InputDataUrl"]);
    assert_eq!(prefix.file_name().unwrap().len(), 64, "{prefix}");
    let staged = prefix.join("table.csv");
    let damage: [&dyn Fn(); 4] = [
        &|| fs_err::write(&staged, "").unwrap(),
        &|| fs_err::write(&staged, &other).unwrap(),
        &|| fs_err::write(prefix.join("second.csv"), &other).unwrap(),
        &|| fs_err::remove_dir_all(&prefix).unwrap(),
    ];
    for damage in damage {
        damage();
        let again = run();
        assert_eq!(again["rows"], first["rows"]);
        assert!(model(&place, &again) == model(&place, &first));
    }
}

/// S3 would give a job both files: that below the table's prefix, and that whose key only begins like it.
#[test]
fn what_is_put_beside_a_table_is_not_read() {
    let place = Place::new();
    let input = table(&place, "table.csv", "600");
    let other = fs_err::read(table(&place, "other.csv", "300")).unwrap();
    let run = || place.run(&["--no-cache", "--json", "--input", input.as_str()]).expect(0);
    let notes = |stderr: &str| -> Vec<String> {
        let lines = stderr.lines().filter(|line| line.contains("not read"));
        lines.map(|line| without_digests(&place.neutral(line))).collect()
    };
    let first = run();
    assert_eq!(notes(&first.stderr), [""; 0]);
    let prefix = place.stored(&place.record()["parameters"]["InputDataUrl"]);
    fs_err::write(prefix.join("second.csv"), &other).unwrap();
    fs_err::write(format!("{prefix}.csv"), &other).unwrap();
    let second = run();
    insta::assert_snapshot!(notes(&second.stderr).join("\n"), @"Preprocess: 2 files, such as <here>/runs/s3/machine-downtime-2/raw/<sha256>/second.csv, are not read: this execution has neither been given nor made them; on SageMaker the input raw would have them");
    let [first, second] =
        [first, second].map(|outcome| serde_json::from_str::<Value>(&outcome.stdout).unwrap());
    assert_eq!(second["rows"], first["rows"]);
    assert!(model(&place, &second) == model(&place, &first));
}

/// The table is exchanged over and over while runs go on. Whichever it is when a run copies it, the model is that of the
/// user's rows, or there is none.
#[test]
fn a_staged_table_that_is_exchanged_during_a_run_makes_no_model() {
    let place = Place::new();
    let input = table(&place, "table.csv", "600");
    let other = table(&place, "other.csv", "500");
    let first = place.json(0, &["--input", input.as_str()]);
    let prefix = place.stored(&place.record()["parameters"]["InputDataUrl"]);
    let staged = prefix.join("table.csv");
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u32;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                number += 1;
                let from = if number.is_multiple_of(2) { &input } else { &other };
                fs_err::copy(from, place.path("next.csv")).unwrap();
                fs_err::rename(place.path("next.csv"), &staged).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        });
        for _ in 0..6 {
            let outcome = place.run(&["--json", "--no-cache", "--input", input.as_str()]);
            match outcome.code {
                Some(0) => {
                    let result = serde_json::from_str(&outcome.stdout).unwrap();
                    assert!(model(&place, &result) == model(&place, &first));
                }
                code => {
                    assert_eq!(code, Some(3), "{}", outcome.stderr);
                    assert!(outcome.stderr.contains("has changed"), "{}", outcome.stderr);
                }
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_result_that_has_changed_is_not_used() {
    let place = Place::new();
    let fails = |program: &str, script: &str| {
        interfere(&place, program, script);
        let result = place.json(3, &["--no-cache", "--programs", "bin"]);
        assert!(result["model_package"].is_null());
        without_digests(&place.neutral(result["failure_reason"].as_str().unwrap()))
    };
    let cut = "for file in runs/s3/*/processed/*/test/test.csv; do echo > $file; done;";
    insta::assert_snapshot!(fails("train", cut), @"Evaluate: <here>/runs/s3/machine-downtime-2/processed/<id>/test/test.csv has changed since it was recorded: its SHA-256 is <sha256>, expected <sha256>");
    let exchanged = format!("for file in {MODEL}; do echo > $file; done;");
    insta::assert_snapshot!(fails("evaluate", &exchanged), @"Register: <here>/runs/s3/machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz has changed since it was recorded: its SHA-256 is <sha256>, expected <sha256>");
    let removed = format!("rm {MODEL};");
    insta::assert_snapshot!(fails("evaluate", &removed), @"Register: <here>/runs/s3/machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz was recorded and is gone");

    // What is put beside a result belongs to nobody.
    interfere(
        &place,
        "train",
        "for it in runs/s3/*/processed/*/test; do echo x > $it/a.csv; done;",
    );
    let result = place.json(0, &["--no-cache", "--programs", "bin"]);
    assert_eq!(result["metrics"], place.json(0, &["--no-cache"])["metrics"]);
}

#[test]
fn a_run_says_which_cached_result_is_damaged() {
    let place = Place::new();
    let first = place.json(0, &[]);
    fs_err::write(place.stored(&first["model_package"]["model_data_url"]), "").unwrap();
    let outcome = place.run(&["--json"]).expect(0);
    let said = outcome.stderr.lines().find(|line| line.contains("cached result")).unwrap();
    insta::assert_snapshot!(without_digests(&place.neutral(said)), @"Train: no cached result is used: <here>/runs/s3/machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz has changed since it was recorded: its SHA-256 is <sha256>, expected <sha256>");
    let again: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(step(&again, "Preprocess")["cached"], true);
    assert_eq!(again["metrics"], first["metrics"]);
    assert!(!place.run(&[]).expect(0).stderr.contains("cached result"));
}

#[test]
fn half_a_cache_entry_is_none_and_a_changed_result_is_no_start() {
    let place = Place::new();
    let first = place.json(0, &[]);
    let entries = fs_err::read_dir(place.path("runs/cache")).unwrap();
    for entry in entries.map(|entry| entry.unwrap().path()) {
        let text = fs_err::read(&entry).unwrap();
        fs_err::write(entry, &text[..text.len() / 2]).unwrap();
    }
    let outcome = place.run(&["--json"]).expect(0);
    let said: Vec<_> = outcome.stderr.lines().filter(|line| line.contains("cached")).collect();
    let said = without_digests(&place.neutral(&said.join("\n")));
    insta::assert_snapshot!(said, @"
    Preprocess: no cached result is used: <here>/runs/cache/<sha256>.json is no entry: it has changed since it was written
    Train: no cached result is used: <here>/runs/cache/<sha256>.json is no entry: it has changed since it was written
    Evaluate: no cached result is used: <here>/runs/cache/<sha256>.json is no entry: it has changed since it was written
    ");
    let again: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(step(&again, "Train")["cached"], false);
    assert!(model(&place, &again) == model(&place, &first));

    let refused = || {
        let outcome = place.run(&["--from", "Evaluate"]).expect(2);
        without_digests(&place.neutral(outcome.stderr.lines().last().unwrap()))
    };
    fs_err::write(place.stored(&again["model_package"]["model_data_url"]), "").unwrap();
    insta::assert_snapshot!(refused(), @"error: --from Evaluate: s3://machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz, which Train made in execution <id>, has changed: its SHA-256 is <sha256>, expected <sha256>; begin there");
    let mut record = place.record();
    let id = record["execution_id"].as_str().unwrap().to_owned();
    let file = format!("runs/executions/{id}/execution.json");
    let text = fs_err::read_to_string(place.path(&file)).unwrap();
    for step in record["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("contents");
    }
    place.file(&file, record.to_string());
    insta::assert_snapshot!(refused(), @"error: --from Evaluate: execution <id>, which an earlier version of this program ran, did not record what s3://machine-downtime-2/processed/<id>/recipe held; begin at Preprocess");

    // A record in which something has changed is none, which is said.
    place.file(&file, text.replacen("Succeeded", "Executing", 1));
    let outcome = place.run(&["--from", "Evaluate"]).expect(0);
    let said = without_digests(&place.neutral(&outcome.stderr));
    let note = said.lines().find(|line| line.contains("is left out")).unwrap();
    insta::assert_snapshot!(note, @"<here>/runs/executions/<id>/execution.json: it has changed since it was written: the SHA-256 of what follows its member `sha256` is <sha256>, expected <sha256>; without that member it counts as it is; this execution is left out");
}

/// Returns the paths of the cache entries of a step.
fn cached(place: &Place, step: &str) -> Vec<Utf8PathBuf> {
    let entries = place.path("runs/cache").read_dir_utf8().unwrap();
    let entries = entries.map(|entry| entry.unwrap().into_path());
    let is_of = |path: &Utf8PathBuf| {
        let entry: Value = serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap();
        entry["step"]["name"] == step
    };
    entries.filter(is_of).collect()
}

#[test]
fn the_entry_of_another_result_is_none() {
    let place = Place::new();
    let run =
        |depth: &str| place.json(0, &["-p", "NEstimators=10", "-p", &format!("MaxDepth={depth}")]);
    let deep = run("9");
    let first = cached(&place, "Train");
    let flat = run("3");
    let mut second = cached(&place, "Train");
    second.retain(|path| !first.contains(path));
    fs_err::copy(&first[0], &second[0]).unwrap();
    let again = run("3");
    assert_eq!(step(&again, "Train")["cached"], false);
    assert!(model(&place, &again) == model(&place, &flat));
    assert!(model(&place, &again) != model(&place, &deep));
}

/// A table that is in the store already is recorded when the run begins, as one that `--input` puts there.
#[test]
fn a_table_of_the_store_is_recorded_and_read_as_it_was() {
    let place = Place::new();
    let own = "runs/s3/own/tables/line.csv";
    table(&place, "table.csv", "400");
    let text = fs_err::read(table(&place, "other.csv", "300")).unwrap();
    place.file(own, fs_err::read(place.path("table.csv")).unwrap());
    let url = "InputDataUrl=s3://own/tables/";
    let first = place.json(0, &["-p", url, "-p", "NEstimators=10"]);
    let record = place.record();
    let digest = record["inputs"]["s3://own/tables/"]["line.csv"].as_str().unwrap();
    assert_eq!(digest, common::sha256_hex(fs_err::read(place.path(own)).unwrap()));
    assert_eq!(place.json(0, &["-p", url, "-p", "NEstimators=10"])["rows"], first["rows"]);

    fs_err::write(place.path(own), text).unwrap();
    let said = place.orchestrator(&["reproduce", "1", "--local"]).expect(2).stderr;
    assert!(said.contains("line.csv has changed since it was recorded"), "{said}");

    // It is exchanged while the run goes on.
    interfere(&place, "preprocess", "cp other.csv runs/s3/own/tables/line.csv;");
    place.file(own, fs_err::read(place.path("table.csv")).unwrap());
    let again = place.json(0, &["-p", url, "-p", "NEstimators=10", "--programs", "bin"]);
    assert_eq!(again["rows"], first["rows"]);
}

/// Links appear in the directory of an execution while it goes on.
#[test]
fn a_link_in_place_of_a_jobs_directory_is_not_followed() {
    let place = Place::new();
    place.file("outside/algo-1/file", "theirs");
    place.file("outside/algo-1.log", "theirs");
    let outside = place.path("outside");
    let script = format!(
        "for it in runs/executions/*; do ln -s {outside} $it/Train; ln -s {outside} $it/Evaluate; done;"
    );
    interfere(&place, "preprocess", &script);
    let result = place.json(0, &["-p", "NEstimators=10", "--no-cache", "--programs", "bin"]);
    assert_eq!(step(&result, "Evaluate")["status"], "Succeeded");
    for name in ["algo-1/file", "algo-1.log"] {
        assert_eq!(fs_err::read_to_string(outside.join(name)).unwrap(), "theirs");
    }
    symlink(&outside, place.path("linked")).unwrap();
    fs_err::remove_dir_all(place.path("runs/running")).unwrap();
    symlink(&outside, place.path("runs/running")).unwrap();
    let said = place.run(&["-p", "NEstimators=10"]).expect(1).stderr;
    assert!(said.contains("runs/running`: it is a symbolic link"), "{said}");
}

#[test]
fn nothing_is_written_through_a_link_in_the_runs_directory() {
    for (linked, expected) in [
        ("s3", "cannot open directory `<here>/runs/s3`: it is a symbolic link"),
        (
            "s3/machine-downtime-2/raw",
            "cannot open directory `<here>/runs/s3/machine-downtime-2/raw`: it is a symbolic link",
        ),
        (
            "s3/machine-downtime-2/processed",
            "Preprocess: cannot make <here>/runs/s3/machine-downtime-2/processed/<id>",
        ),
        (
            "s3/machine-downtime-2/model-artifacts",
            "Train: cannot write <here>/runs/s3/machine-downtime-2/model-artifacts",
        ),
        ("executions", "cannot open directory `<here>/runs/executions`: it is a symbolic link"),
        ("registry", "<here>/runs/registry is a symbolic link, which is not followed"),
        (
            "registry/machine-downtime-model-group",
            "machine-downtime-model-group`: it is a symbolic link",
        ),
    ] {
        let place = Place::new();
        let link = place.path("runs").join(linked);
        for directory in [place.path("outside"), link.parent().unwrap().to_owned()] {
            fs_err::create_dir_all(directory).unwrap();
        }
        symlink(place.path("outside"), &link).unwrap();
        let outcome = place.run(&["-p", "NEstimators=10"]);
        assert_eq!(outcome.code, Some(1), "{linked}: {}", outcome.stderr);
        let said = place.neutral(&outcome.stderr);
        assert!(said.contains(expected), "{linked}: {said}");
        assert_eq!(fs_err::read_dir(place.path("outside")).unwrap().count(), 0, "{linked}");
    }
    // Without a cache the run is as good; and the whole directory may be kept elsewhere.
    let place = Place::new();
    for directory in ["outside", "elsewhere"] {
        fs_err::create_dir(place.path(directory)).unwrap();
    }
    symlink(place.path("elsewhere"), place.path("runs")).unwrap();
    symlink(place.path("outside"), place.path("runs/cache")).unwrap();
    let outcome = place.run(&["-p", "NEstimators=10"]).expect(0);
    let said = place.neutral(&outcome.stderr);
    assert!(said.contains("the result of Train was not cached: cannot open directory"), "{said}");
    assert_eq!(fs_err::read_dir(place.path("outside")).unwrap().count(), 0);
    assert!(place.path("elsewhere/executions").is_dir());
}

#[test]
fn a_run_need_not_wait_for_the_disk() {
    let place = Place::new();
    let synced = place.json(0, &["--no-cache"]);
    let quick = place.run(&["--no-cache", "--no-sync", "--json"]).expect(0);
    assert!(model(&place, &serde_json::from_str(&quick.stdout).unwrap()) == model(&place, &synced));
}
