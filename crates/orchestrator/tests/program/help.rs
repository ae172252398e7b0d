//! The help texts.

use crate::Place;

/// The commands that a build without AWS does not have.
const ON_SAGEMAKER: [&str; 12] = [
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
];

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
        for command in ON_SAGEMAKER {
            insta::assert_snapshot!(format!("help-{command}"), help(&[command]));
        }
        for command in ["deploy", "status", "invoke", "logs", "rollback", "delete"] {
            let name = format!("help-endpoint-{command}");
            insta::assert_snapshot!(name, help(&["endpoint", command]));
        }
        insta::assert_snapshot!("help-executions-compare", help(&["executions", "compare"]));
    }
    insta::assert_snapshot!("help-models", help(&["models"]));
    insta::assert_snapshot!("help-models-compare", help(&["models", "compare"]));
    insta::assert_snapshot!("help-clean", help(&["clean"]));
    insta::assert_snapshot!("help-completions", help(&["completions"]));
    insta::assert_snapshot!("help-run", help(&["run"]));
    insta::assert_snapshot!("help-definition", help(&["definition"]));
    insta::assert_snapshot!("help-init", help(&["init"]));
    insta::assert_snapshot!("help-predict", help(&["predict"]));
    insta::assert_snapshot!("help-serve", help(&["serve"]));
    insta::assert_snapshot!("help-reproduce", help(&["reproduce"]));
    insta::assert_snapshot!("help-validate", help(&["validate"]));
    insta::assert_snapshot!("help-sample", help(&["sample"]));
    insta::assert_snapshot!("help-iam-policy", help(&["iam-policy"]));
    insta::assert_snapshot!("help-infrastructure", help(&["infrastructure"]));
    insta::assert_snapshot!("help-schema", help(&["schema"]));
}

#[test]
fn every_command_has_an_example() {
    let place = Place::new();
    let help = |arguments: &[&str]| place.orchestrator(arguments).expect(0).stdout;
    let all = help(&["--help"]);
    let listed = all.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // A line that goes on is indented further.
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !["", "help"].contains(name)).collect();
    assert!(names.contains(&"schema") && names.len() >= 12, "{names:?}");
    for name in names {
        let text = help(&[name, "--help"]);
        assert!(text.contains("Example: orchestrator "), "{text}");
    }
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
    insta::assert_snapshot!(stderr(&["watch", "--timeout", "60"]), @"error: watch needs AWS, and this program was built without it; `cargo run -p orchestrator -- watch --timeout 60` builds it with AWS");
    insta::assert_snapshot!(stderr(&["endpoint", "deploy", "3"]), @"error: endpoint needs AWS, and this program was built without it; `cargo run -p orchestrator -- endpoint deploy 3` builds it with AWS");
    insta::assert_snapshot!(stderr(&["models", "approve", "3", "--reason", "good on line 2"]), @"error: SageMaker's registry needs AWS, and this program was built without it; `cargo run -p orchestrator -- models approve 3 --reason 'good on line 2'` builds it with AWS, --local asks the registry of the runs here");
    insta::assert_snapshot!(stderr(&["infrastructure", "--check"]), @"error: infrastructure --check needs AWS, and this program was built without it; `cargo run -p orchestrator -- infrastructure --check` builds it with AWS");
    insta::assert_snapshot!(stderr(&["models", "list"]), @"error: SageMaker's registry needs AWS, and this program was built without it; `cargo run -p orchestrator -- models list` builds it with AWS, --local asks the registry of the runs here");
    let predict = ["predict", "--sagemaker", "--model", "latest", "--input", crate::CONFIG];
    let predict = stderr(&predict).replace(crate::CONFIG, "rows.csv");
    insta::assert_snapshot!(predict, @"error: SageMaker's registry needs AWS, and this program was built without it; `cargo run -p orchestrator -- predict --sagemaker --model latest --input rows.csv` builds it with AWS, without --sagemaker the version is one of the runs here");
    assert!(stderr(&["rum"]).starts_with("error: unrecognized subcommand 'rum'"));
    assert_eq!(stderr(&[]), stderr(&["deploy"]));
}

/// The help says of each command what the program with AWS says of it.
#[cfg(not(feature = "aws"))]
#[test]
fn the_help_of_commands_that_need_aws() {
    let help = |arguments: &[&str]| Place::new().orchestrator(arguments).expect(0).stdout;
    insta::assert_snapshot!(help(&["endpoint", "deploy", "--help"]), @"
    Deploy an approved version as an endpoint, look at it, ask it, and delete it

    Usage: orchestrator endpoint ...

    It needs AWS, and this program was built without it. `cargo run -p orchestrator -- endpoint deploy
    --help` builds it with AWS and prints its arguments.
    ");
    assert!(help(&["deploy", "-h"]).contains("orchestrator -- deploy -h`"));
    assert_eq!(help(&["help", "plan"]), help(&["plan", "--help"]));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let with_aws = words(include_str!("snapshots/program__help__help.snap"));
    for command in ON_SAGEMAKER {
        let text = help(&[command, "--help"]);
        let about = words(text.split_once("\n\n").unwrap().0);
        assert!(with_aws.contains(&format!("{command} {about}")), "{text}");
    }
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
    let told = ["sample", "--rows", "50", "--seed", "1", "--output", "a.csv", "--json"];
    let told = place.orchestrator(&told).expect(0).stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, serde_json::json!({ "output": "a.csv", "rows": 50, "seed": 1 }));
    let mixed = ["sample", "--output", "-", "--json"];
    insta::assert_snapshot!(place.orchestrator(&mixed).expect(2).stderr, @"error: --json prints what was written, so --output must name a file for the table");
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
