//! What a definition of others cannot do: start other programs than those of steps, make one run other
//! code, learn of the registry, leave processes and modes of files behind, fill the disk with its log,
//! or write to the terminal what it likes.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::{Value, json};

use super::{definition, processing, property};
use crate::Place;
use crate::processes::{gone, signalled};

/// Returns a Processing step that runs `program` with these environment variables.
fn with_environment(name: &str, program: &str, environment: &Value) -> Value {
    let mut step = processing(name, program, &[], &[]);
    step["Arguments"]["Environment"] = environment.clone();
    step
}

/// The directory of the steps' programs has others, too, such as this one.
#[test]
fn only_the_programs_of_steps_are_started() {
    let place = Place::new();
    let victim = place.file("victim.csv", "mine");
    let arguments = ["sample", "--output", victim.as_str()].map(Value::from);
    let target = testkit::executable("orchestrator");
    let target = target.parent().unwrap();
    for program in ["orchestrator", "serve"] {
        let step = processing("A", program, &arguments, &[]);
        let file = place.file("definition.json", definition(&json!([]), &[step]));
        for directory in [&[][..], &["--programs", target.as_str()]] {
            let result = place.json(2, &[&["--definition", file.as_str()], directory].concat());
            let reason = result["failure_reason"].as_str().unwrap();
            let reason = reason.replace(target.as_str(), "<target>");
            assert_eq!(
                reason,
                format!(
                    "A: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1 runs `{program}`, which is no step's program; of <target> only evaluate, preprocess, register, train may be started"
                )
            );
        }
    }
    assert_eq!(fs_err::read_to_string(victim).unwrap(), "mine");
    // What is made later is not among the programs that were there.
    place.program("first", "cp $0 ../../../../../bin/second");
    let mut second = processing("B", "second", &[], &[]);
    second["DependsOn"] = json!(["A"]);
    let text = definition(&json!([]), &[processing("A", "first", &[], &[]), second]);
    let result = place.foreign(2, &text, &[]);
    insta::assert_snapshot!(place.neutral(result["failure_reason"].as_str().unwrap()), @"B: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1 runs `second`, which is no step's program; of <here>/bin only first may be started");
}

#[test]
fn variables_of_loaders_and_of_the_engine_are_refused_before_anything_starts() {
    let place = Place::new();
    place.program("tell", "true");
    let refused = |variables: &Value| {
        let step = with_environment("Tell", "tell", variables);
        let file = place.file("definition.json", definition(&json!([]), &[step]));
        let outcome = place.run(&["--programs", "bin", "--definition", file.as_str()]).expect(2);
        assert!(!place.path("runs").exists(), "nothing was begun");
        let error = outcome.stderr.find("error: ").unwrap();
        outcome.stderr[error..].to_owned()
    };
    insta::assert_snapshot!(refused(&json!({ "LD_PRELOAD": "/tmp/any.so", "MODE": "fast", "BASH_ENV": "/tmp/any.sh" })), @"
    error: the definition sets variables that it may not
    Steps.Tell.Arguments.Environment.BASH_ENV: a process would run other code by it than its program; --engine docker takes it
    Steps.Tell.Arguments.Environment.LD_PRELOAD: a process would run other code by it than its program; --engine docker takes it
    ");
    insta::assert_snapshot!(refused(&json!({ "AWS_CONFIG_FILE": "/tmp/config", "AWS_REGION": "us-east-1", "PATH": "/tmp" })), @"
    error: the definition sets variables that it may not
    Steps.Tell.Arguments.Environment.AWS_CONFIG_FILE: a process would take credentials by it, or a command that gives them; --engine docker takes it
    Steps.Tell.Arguments.Environment.PATH: a process would run other code by it than its program; --engine docker takes it
    ");
    insta::assert_snapshot!(refused(&json!({ "MODEL_REGISTRY_DIRECTORY": "/tmp", "SAGEMAKER_BASE_DIR": "/" })), @"
    error: the definition sets variables that it may not
    Steps.Tell.Arguments.Environment.MODEL_REGISTRY_DIRECTORY: the engine tells a job by it where its files or the registry are
    Steps.Tell.Arguments.Environment.SAGEMAKER_BASE_DIR: the engine tells a job by it where its files or the registry are
    ");
}

/// A process of this machine is not confined, which is said once for each run.
#[test]
fn what_processes_can_do_is_said_once() {
    let place = Place::new();
    place.program("tell", "true");
    let steps = ["A", "B"].map(|name| processing(name, "tell", &[], &[]));
    let file = place.file("definition.json", definition(&json!([]), &steps));
    let outcome = place.run(&["--programs", "bin", "--definition", file.as_str()]).expect(0);
    let said = outcome.stderr.lines().filter(|line| line.contains("--engine docker"));
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"), @"The definition's programs run as processes, which can read and change all that you can; a definition of others belongs in --engine docker.");
    assert!(!place.run(&[]).expect(0).stderr.contains("--engine docker"), "our own steps are ours");
}

/// The registry is for the step that registers, not for whoever names the group of a model.
#[test]
fn one_step_learns_of_the_registry() {
    let place = Place::new();
    place.program("tell", "env >$SAGEMAKER_BASE_DIR/processing/out/environment");
    let group = json!({ "MODEL_PACKAGE_GROUP_NAME": "pumps" });
    let steps = ["Register", "Keep"].map(|name| with_environment(name, "tell", &group));
    let file = place.file("definition.json", definition(&json!([]), &steps));
    let told = |more: &[&str]| {
        let arguments = ["--programs", "bin", "--definition", file.as_str()];
        let outcome = place.run(&[&arguments, more].concat()).expect(0);
        let told = ["Register", "Keep"].map(|name| {
            let told = place.path(&format!("runs/s3/bucket/{name}/environment"));
            fs_err::read_to_string(told).unwrap().contains("MODEL_REGISTRY_DIRECTORY=/")
        });
        (told, outcome.stderr.lines().filter(|line| line.contains("registry")).count())
    };
    assert_eq!(told(&[]), ([false, false], 2));
    assert_eq!(told(&["--register-step", "Keep"]), ([false, true], 1));
    let arguments = ["--definition", file.as_str(), "--register-step", "Nobody"];
    insta::assert_snapshot!(place.run(&arguments).expect(2).stderr, @"error: --register-step Nobody: there is no such Processing step; there are Register, Keep");
}

/// Our own program would look for SageMaker's registry, with whatever credentials there are.
#[test]
fn a_step_without_the_registry_does_not_register_elsewhere() {
    let place = Place::new();
    let file = |path: &str, text: &str| {
        place.file(&format!("evaluation/{path}"), text);
    };
    file("metrics.json", r#"{"accuracy": 0.984, "f1_score": 0.98425, "recall": 1.0}"#);
    file(
        "evaluation.json",
        r#"{"format_version": 1, "model": {
            "algorithm": "random_forest", "data_digest": "9f86d081", "program_version": "0.1.0"
        }}"#,
    );
    place.program(
        "evaluate",
        &format!("cp {}/* $SAGEMAKER_BASE_DIR/processing/out", place.path("evaluation")),
    );
    let register = testkit::executable("register");
    std::os::unix::fs::symlink(&register, place.path("bin/register")).unwrap();
    let arguments = [
        "--content-type=text/csv",
        "--response-type=application/json",
        "--realtime-instance-type=ml.m5.large",
        "--transform-instance-type=ml.m5.large",
    ]
    .map(Value::from);
    let evaluation = property("Evaluate");
    let mut keep = processing("Keep", "register", &arguments, &[("evaluation", evaluation)]);
    keep["Arguments"]["Environment"] = json!({
        "AWS_REGION": "us-east-1",
        "MODEL_PACKAGE_GROUP_NAME": "pumps",
        "MODEL_APPROVAL_STATUS": "PendingManualApproval",
        "MODEL_DATA_URL": "s3://bucket/job/output/model.tar.gz",
        "MODEL_METRICS_URL": "s3://bucket/Evaluate/evaluation.json",
        "INFERENCE_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
        "PIPELINE_NAME": "Pumps",
        "PIPELINE_EXECUTION_ID": "abc",
    });
    let text = definition(&json!([]), &[processing("Evaluate", "evaluate", &[], &[]), keep]);
    let result = place.foreign(2, &text, &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Keep: this job does not get the model registry: MODEL_REGISTRY_DIRECTORY is empty, expected a directory; `orchestrator run --register-step STEP` gives it to one step");
    place.foreign(0, &text, &["--register-step", "Keep"]);
    assert!(place.path("runs/registry/pumps/1").exists());
}

/// `grep` would take the path as three patterns, of which the empty one is found in every process.
#[test]
fn runs_are_not_below_a_path_of_several_lines() {
    let place = Place::new();
    place.program("tell", "true");
    let steps = [processing("A", "tell", &[], &[])];
    let file = place.file("definition.json", definition(&json!([]), &steps));
    let arguments = ["--programs", "bin", "--definition", file.as_str(), "--runs", "nl/a\n\nb"];
    let refused = place.run(&arguments).expect(2).stderr;
    insta::assert_snapshot!(place.neutral(&refused), @r"error: --runs is <here>/nl/a\n\nb, expected a path without line ends");
    assert!(!place.path("nl").exists());
}

/// Each of these would look like a line of the program's own.
#[test]
fn what_others_have_named_or_said_does_not_begin_a_line() {
    let place = Place::new();
    let run = |steps: &[Value], code: i32| {
        let file = place.file("definition.json", definition(&json!([]), steps));
        place.run(&["--programs", "bin", "--definition", file.as_str()]).expect(code).stderr
    };
    let forged = "A\nerror: everything is fine";
    let fail = json!({ "Name": "Gate", "Type": "Fail", "Arguments": { "ErrorMessage": forged } });
    let said = run(&[fail], 4);
    assert!(said.ends_with("error: Gate: A\n  | error: everything is fine\n"), "{said}");
    let named = json!({ "Name": forged, "Type": "Fail", "Arguments": { "ErrorMessage": "a" } });
    insta::assert_snapshot!(run(&[named], 2), @r#"
    error: the definition is not valid
    Steps.A\nerror: everything is fine: "A\nerror: everything is fine" is no name; 1 to 64 of letters, digits, - and _ are allowed
    "#);
    place.program("tell", "true");
    let mut image = processing("B", "tell", &[], &[]);
    image["Arguments"]["AppSpecification"]["ImageUri"] = json!(forged);
    image["Arguments"]["AppSpecification"]["ContainerEntrypoint"] = json!(["nothing"]);
    let said = run(&[image], 2);
    assert!(!said.lines().any(|line| line.starts_with("error: everything")), "{said}");
    let parameter = format!("{forged}=1");
    let said = place.run(&["-p", &parameter]).expect(2).stderr;
    assert!(!said.lines().any(|line| line.starts_with("error: everything")), "{said}");
}

/// An object of S3 has no mode, no owner and no second name.
#[test]
fn outputs_are_ordinary_files() {
    let place = Place::new();
    let own = place.file("own.txt", "mine");
    fs_err::set_permissions(&own, std::fs::Permissions::from_mode(0o600)).unwrap();
    place.program(
        "leave",
        &format!(
            "cd $SAGEMAKER_BASE_DIR/processing/out; echo 1 >tool; chmod 6755 tool\n\
             echo 2 >closed; chmod 000 closed; ln {own} linked"
        ),
    );
    let text = definition(&json!([]), &[processing("A", "leave", &[], &[])]);
    place.foreign(0, &text, &[]);
    for name in ["tool", "closed", "linked"] {
        let stored = place.path("runs/s3/bucket/A").join(name).metadata().unwrap();
        assert_eq!((stored.mode() & 0o7777, stored.nlink()), (0o644, 1), "{name}");
    }
    assert_eq!(own.metadata().unwrap().mode() & 0o7777, 0o600);
}

/// Of a log that is too long the begin and the end are kept, and the rest is said.
#[test]
fn what_can_be_no_object_fails_the_job_and_stands_in_nobodys_way() {
    let place = Place::new();
    let fails = |script: &str| {
        place.program("put", &format!("cd $SAGEMAKER_BASE_DIR/processing/out; {script}"));
        let text = definition(&json!([]), &[processing("A", "put", &[], &[])]);
        let result = place.foreign(1, &text, &[]);
        place.neutral(result["failure_reason"].as_str().unwrap())
    };
    insta::assert_snapshot!(fails("echo 1 >.partial-1"), @"A: `.partial-1` begins with `.partial-`, as names of unfinished files do; expected another name");
    insta::assert_snapshot!(fails("mkfifo pipe"), @"A: `pipe` is a named pipe, expected a file or a directory");
    // Deeper than a path may be, of a job that fails and of one that succeeds.
    let deep = "i=0; while [ $i -lt 1500 ]; do mkdir ddd; cd -P ddd; i=$((i+1)); done";
    insta::assert_snapshot!(fails(&format!("{deep}; exit 1")), @"A: put exited with code 1");
    let long = fails(deep);
    assert!(long.contains("...` has a name of 1027 bytes, expected at most 1024"), "{long}");
    place.json(0, &["-p", "NEstimators=10"]);
    for _ in 0..2 {
        place.orchestrator(&["clean", "--keep", "0", "--yes"]).expect(0);
    }
    let left = fs_err::read_dir(place.path("runs/executions")).unwrap().count();
    assert_eq!(left, 1, "that of the registered version");
}

#[test]
fn the_results_of_another_execution_stay() {
    let place = Place::new();
    let first = place.json(0, &["-p", "NEstimators=10"]);
    let model = first["model_package"]["model_data_url"].as_str().unwrap();
    let (output, _) = model.rsplit_once('/').unwrap();
    place.program("put", "echo 1 >$SAGEMAKER_BASE_DIR/processing/out/model.tar.gz");
    let mut step = processing("A", "put", &[], &[]);
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = output.into();
    let result = place.foreign(2, &definition(&json!([]), &[step]), &[]);
    insta::assert_snapshot!(place.neutral(result["failure_reason"].as_str().unwrap()), @"A: s3://machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output is an address of execution <id>; expected an output elsewhere");
    assert!(fs_err::metadata(place.stored(&model.into())).unwrap().len() > 1000);
}

#[test]
fn a_log_has_a_bounded_size() {
    let place = Place::new();
    place.program(
        "chat",
        "echo begins; yes 'the same again' | head -c 39999990; echo why it ended; exit 1",
    );
    let file =
        place.file("definition.json", definition(&json!([]), &[processing("A", "chat", &[], &[])]));
    let outcome = place.run(&["--programs", "bin", "--definition", file.as_str()]).expect(1);
    assert!(outcome.stderr.contains("  | why it ended\n"), "{}", outcome.stderr);
    let id = place.record()["execution_id"].as_str().unwrap().to_owned();
    let log = fs_err::read_to_string(place.path(&format!("runs/executions/{id}/A/algo-1.log")));
    let log = log.unwrap();
    assert!(log.len() <= 17 << 20, "{} bytes", log.len());
    assert!(log.starts_with("begins\nthe same again\n"));
    assert!(log.ends_with("the same again\nwhy it ended\n"));
    let cut: Vec<&str> = log.lines().filter(|line| line.contains("are cut out here")).collect();
    let [notice] = cut[..] else { panic!("{cut:?}") };
    let number = notice.trim_start_matches('[').split(' ').next().unwrap();
    // with two line feeds around the notice
    let written = "begins\n".len() + 39_999_990 + "why it ended\n".len();
    assert_eq!(number.parse::<usize>().unwrap() + log.len() - notice.len() - 2, written);
}

/// A daemon leaves the group of its program, but not the job.
#[test]
fn a_process_that_leaves_its_session_ends_with_its_job() {
    let place = Place::new();
    let daemon = "setsid sh -c 'echo $$ >daemon; exec sleep 300' & until test -s daemon; do sleep 0.01; done";
    let daemon = format!("cd $SAGEMAKER_BASE_DIR/../../../..; {daemon}");
    place.program("leave", &daemon);
    let text = definition(&json!([]), &[processing("A", "leave", &[], &[])]);
    place.foreign(0, &text, &[]);
    gone(&place, "runs/daemon");

    // also where the run is killed, so that it cannot end anything itself
    fs_err::remove_file(place.path("runs/daemon")).unwrap();
    place.program("leave", &format!("{daemon}; sleep 300"));
    let file = place.file("definition.json", &text);
    let arguments = ["run", "--programs", "bin", "--definition", file.as_str()];
    let killed = rustix::process::Signal::KILL;
    signalled(&place, &arguments, killed, || place.path("runs/daemon").is_file());
    gone(&place, "runs/daemon");
}

/// Bash ends `read` after `TMOUT` seconds, and a guard that ends kills its job.
#[test]
fn a_timeout_of_the_shell_ends_no_job() {
    let place = Place::new();
    place.program("wait", "sleep 1.5");
    fs_err::create_dir_all(place.path("shells")).unwrap();
    std::os::unix::fs::symlink("/bin/bash", place.path("shells/sh")).unwrap();
    let path = format!("{}:{}", place.path("shells"), std::env::var("PATH").unwrap());
    let text = definition(&json!([]), &[processing("A", "wait", &[], &[])]);
    let file = place.file("definition.json", text);
    let mut command = place.command(&["run", "--programs", "bin", "--definition", file.as_str()]);
    let outcome: testkit::Outcome =
        command.env("PATH", path).env("TMOUT", "1").output().unwrap().into();
    outcome.expect(0);
}

/// U+202E shows what follows from right to left.
#[test]
fn what_a_job_says_does_not_control_the_terminal() {
    let place = Place::new();
    let text = "a\\342\\200\\256b\\033[2Jc\\342\\201\\246d";
    place.program(
        "tell",
        &format!("printf '{text}\\n'; printf '{text}' >$SAGEMAKER_BASE_DIR/output/message; exit 1"),
    );
    let step = processing("A", "tell", &[], &[]);
    let file = place.file("definition.json", definition(&json!([]), &[step]));
    let arguments = ["--programs", "bin", "--definition", file.as_str()];
    let outcome = place.run(&arguments).expect(1);
    let said = "a\\u{202e}b\\u{1b}[2Jc\\u{2066}d";
    assert!(outcome.stderr.contains(&format!("  | {said}\n")), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(&format!("error: A: {said}\n")), "{}", outcome.stderr);
    let outcome = place.run(&[&arguments[..], &["--json"]].concat()).expect(1);
    let raw = |text: &str| text.chars().any(|letter| "\u{202e}\u{1b}\u{2066}".contains(letter));
    assert!(!raw(&outcome.stdout) && !raw(&outcome.stderr), "{outcome:?}");
    let result: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(result["failure_reason"], "A: a\u{202e}b\u{1b}[2Jc\u{2066}d");
    let outcome = place.orchestrator(&["run", "--parallel", "1\u{202e}2"]).expect(2);
    assert!(outcome.stderr.starts_with("error: invalid value '1\\u{202e}2' for "), "{outcome:?}");
    assert!(!raw(&outcome.stderr));
}
