//! The help texts.

use crate::Place;

#[test]
fn every_command() {
    let place = Place::new();
    let help = |arguments: &[&str]| {
        place.orchestrator(&[arguments, &["--help"]].concat()).expect(0).stdout
    };
    // A build without AWS has fewer commands.
    #[cfg(feature = "aws")]
    {
        insta::assert_snapshot!("help", help(&[]));
        for command in [
            "deploy",
            "plan",
            "doctor",
            "start",
            "stop",
            "retry",
            "executions",
            "status",
            "watch",
            "logs",
            "endpoint",
            "transform",
        ] {
            insta::assert_snapshot!(format!("help-{command}"), help(&[command]));
        }
        for command in ["deploy", "status", "invoke", "logs", "rollback", "delete"] {
            let name = format!("help-endpoint-{command}");
            insta::assert_snapshot!(name, help(&["endpoint", command]));
        }
    }
    insta::assert_snapshot!("help-models", help(&["models"]));
    insta::assert_snapshot!("help-models-compare", help(&["models", "compare"]));
    insta::assert_snapshot!("help-completions", help(&["completions"]));
    insta::assert_snapshot!("help-run", help(&["run"]));
    insta::assert_snapshot!("help-definition", help(&["definition"]));
    insta::assert_snapshot!("help-init", help(&["init"]));
    insta::assert_snapshot!("help-predict", help(&["predict"]));
    insta::assert_snapshot!("help-serve", help(&["serve"]));
    insta::assert_snapshot!("help-validate", help(&["validate"]));
    insta::assert_snapshot!("help-sample", help(&["sample"]));
    insta::assert_snapshot!("help-iam-policy", help(&["iam-policy"]));
    insta::assert_snapshot!("help-infrastructure", help(&["infrastructure"]));
    insta::assert_snapshot!("help-schema", help(&["schema"]));
}

#[test]
fn completions_for_a_shell() {
    let script = Place::new().orchestrator(&["completions", "bash"]).expect(0).stdout;
    assert!(script.contains("complete -F _orchestrator"), "{script}");
    assert!(script.contains("--runs"));
}

#[cfg(not(feature = "aws"))]
#[test]
fn commands_that_need_aws_say_how_to_build_them() {
    let stderr = |arguments: &[&str]| Place::new().orchestrator(arguments).expect(2).stderr;
    insta::assert_snapshot!(stderr(&["watch", "--timeout", "60"]), @"error: watch needs AWS, and this program was built without it; `cargo run -p orchestrator -- watch` builds it with AWS");
    assert!(stderr(&["rum"]).starts_with("error: unrecognized subcommand 'rum'"));
    assert_eq!(stderr(&[]), stderr(&["deploy"]));
}

#[test]
fn wrong_usage_exits_with_2() {
    let place = Place::new();
    place.orchestrator(&[]).expect(2);
    place.orchestrator(&["rum"]).expect(2);
    place.orchestrator(&["run", "--imput", "x"]).expect(2);
}

#[test]
fn a_sample_is_the_same_file_for_the_same_seed() {
    let place = Place::new();
    let sample = |seed: &str, file: &str| {
        let arguments = ["sample", "--rows", "50", "--seed", seed, "--output", file];
        let outcome = place.orchestrator(&arguments).expect(0);
        assert_eq!(outcome.stdout, format!("{file}: 50 synthetic rows, seed {seed}\n"));
        fs_err::read_to_string(place.path(file)).unwrap()
    };
    let first = sample("1", "a.csv");
    assert_eq!(first.lines().count(), 51);
    assert_eq!(first, sample("1", "b.csv"));
    assert_ne!(first, sample("2", "c.csv"));
    let piped = ["sample", "--rows", "50", "--seed", "1", "--output", "-"];
    assert_eq!(place.orchestrator(&piped).expect(0).stdout, first);
    let none = ["sample", "--rows", "0", "--output", "d.csv"];
    insta::assert_snapshot!(place.orchestrator(&none).expect(2).stderr, @"error: --rows is 0, expected at least 1");
    assert!(!place.path("d.csv").exists());
}

#[test]
fn the_schema_is_the_committed_one() {
    let place = Place::new();
    let printed = place.orchestrator(&["schema"]).expect(0).stdout;
    let committed =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/pipeline_config.schema.json");
    assert!(
        printed == fs_err::read_to_string(committed).unwrap(),
        "run `scripts/orchestrator schema > config/pipeline_config.schema.json`"
    );
}
