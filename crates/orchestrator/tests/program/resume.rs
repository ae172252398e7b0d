//! Results that are not computed again: the cache, and `--from`.

use crate::{ALL, Place, step};

#[test]
fn unchanged_steps_are_taken_from_the_cache() {
    let place = Place::new();
    let cached = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        ALL.map(|name| step(&result, name)["cached"].as_bool().unwrap())
    };
    assert_eq!(cached(&[]), [false; 5]);
    // Register is never cached, since a registration is an act. QualityGate costs nothing.
    assert_eq!(cached(&[]), [true, true, true, false, false]);
    let other_forest = cached(&["-p", "MaxDepth=4"]);
    assert_eq!([other_forest[0], other_forest[1]], [true, false]);
    let other_split = cached(&["-p", "TestSize=0.3"]);
    assert_eq!([other_split[0], other_split[1]], [false, false]);
    assert_eq!(cached(&["--no-cache"]), [false; 5]);
    // A cached result whose files were changed is computed again.
    for entry in fs_err::read_dir(place.path("runs/s3/machine-downtime-2/processed")).unwrap() {
        fs_err::write(entry.unwrap().path().join("train/train.csv"), "other").unwrap();
    }
    assert!(!cached(&[])[0]);
}

#[test]
fn from_reuses_the_results_of_the_last_execution() {
    let place = Place::new();
    let first = place.json(0, &["-p", "MaxDepth=3"]);
    let result = place.json(0, &["--from", "Evaluate"]);
    assert_eq!(step(&result, "Train")["cached"], true);
    assert_eq!(step(&result, "Train")["outputs"], step(&first, "Train")["outputs"]);
    assert_eq!(step(&result, "Evaluate")["cached"], false);
    assert_eq!(result["metrics"], first["metrics"]);

    // The record has the parameters that the reused results were computed with.
    assert_eq!(place.record()["parameters"]["MaxDepth"], 3);
    let registered = place.json(0, &["--from", "Register"]);
    assert_eq!(step(&registered, "Evaluate")["cached"], true);
    assert_eq!(registered["model_package"]["version"], 3);

    let refused =
        |place: &Place, arguments: &[&str]| place.neutral(&place.run(arguments).expect(2).stderr);
    insta::assert_snapshot!(refused(&place, &["--from", "Evaluat"]), @"error: --from Evaluat: there is no such step to begin at; there are Preprocess, Train, Evaluate, QualityGate, Register");
    insta::assert_snapshot!(refused(&place, &["--from", "QualityGateFailed"]), @"error: --from QualityGateFailed: there is no such step to begin at; there are Preprocess, Train, Evaluate, QualityGate, Register");
    insta::assert_snapshot!(refused(&Place::new(), &["--from", "Evaluate"]), @"error: --from Evaluate: Preprocess comes before it and has not succeeded in <here>/runs yet");
    insta::assert_snapshot!(refused(&place, &["--from", "Evaluate", "-p", "MaxDepth=5"]), @r#"
    InputDataUrl stays "s3://machine-downtime-2/raw/synthetic/2500-rows-seed-42.csv", with which Preprocess ran in execution <id>.
    error: --from Evaluate: Train ran with MaxDepth = 3 in execution <id>, not 5; begin there
    "#);
    let text = fs_err::read_to_string(crate::CONFIG).unwrap();
    let edited = text.replace("stratify: true", "stratify: false");
    assert_ne!(text, edited);
    let config = place.file("edited.yaml", edited);
    let edited = ["run", "--config", config.as_str(), "--from", "Train"];
    insta::assert_snapshot!(place.neutral(&place.orchestrator(&edited).expect(2).stderr), @"error: --from Train: Preprocess has changed since execution <id>; begin there");
}

/// All reused results come from one execution. Otherwise a model could be scored on rows that it was
/// trained on.
#[test]
fn from_never_mixes_two_executions() {
    let place = Place::new();
    let table = |name: &str, seed: &str| {
        let path = place.path(name);
        place
            .orchestrator(&["sample", "--rows", "600", "--seed", seed, "--output", path.as_str()])
            .expect(0);
        path
    };
    let (first, second) = (table("first.csv", "1"), table("second.csv", "2"));
    let whole = place.json(0, &["--input", first.as_str()]);
    // This execution fails after Preprocess.
    for program in ["preprocess", "train"] {
        fs_err::create_dir_all(place.path("bin")).unwrap();
        let program = testkit::executable(program);
        fs_err::copy(&program, place.path("bin").join(program.file_name().unwrap())).unwrap();
    }
    fs_err::write(place.path("bin/train"), "#!/bin/sh\nexit 1\n").unwrap();
    place.json(1, &["--input", second.as_str(), "--programs", "bin"]);
    let outcome = place.run(&["--from", "Evaluate"]).expect(0);
    insta::assert_snapshot!(place.neutral(outcome.stderr.lines().next().unwrap()), @"The results before Evaluate are those of execution <id>.");
    let record = place.record();
    assert_eq!(step(&record, "Preprocess")["outputs"], step(&whole, "Preprocess")["outputs"]);
    assert_eq!(step(&record, "Train")["outputs"], step(&whole, "Train")["outputs"]);

    // The table is that of the last execution, even if no other result is reused.
    let again = place.json(0, &["--from", "Preprocess"]);
    assert_eq!(again["rows"], whole["rows"]);
    assert_eq!(place.record()["parameters"]["InputDataUrl"], record["parameters"]["InputDataUrl"]);

    let model = place.stored(&again["model_package"]["model_data_url"]);
    fs_err::remove_file(model).unwrap();
    let outcome = place.run(&["--from", "Register"]).expect(2);
    let last = place.neutral(outcome.stderr.lines().last().unwrap());
    insta::assert_snapshot!(last, @"error: --from Register: s3://machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz, which Train made in execution <id>, is gone; begin there");
    assert_eq!(place.run(&["--from", "Preprocess", "-p", "MaxDepth=3"]).code, Some(0));
    assert_eq!(Place::new().run(&["--from", "Preprocess"]).code, Some(0));
}
