//! Runs of definitions written by others, with shell scripts as programs.

mod sdk;

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::{Place, names, step};

/// Returns a Processing step that runs `program`, with inputs by name and S3 URI, and with one
/// output `out` to `s3://bucket/<name>`.
fn processing(name: &str, program: &str, arguments: &[Value], inputs: &[(&str, Value)]) -> Value {
    let inputs: Vec<_> = inputs
        .iter()
        .map(|(name, uri)| {
            json!({
                "InputName": name,
                "S3Input": {
                    "S3Uri": uri,
                    "LocalPath": format!("/opt/ml/processing/{name}"),
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            })
        })
        .collect();
    json!({
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": { "ClusterConfig": {
                "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
            } },
            "AppSpecification": {
                "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1",
                "ContainerEntrypoint": [format!("/usr/local/bin/{program}")],
                "ContainerArguments": arguments,
            },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": { "Outputs": [{
                "OutputName": "out",
                "S3Output": {
                    "S3Uri": format!("s3://bucket/{name}"),
                    "LocalPath": "/opt/ml/processing/out",
                    "S3UploadMode": "EndOfJob",
                },
            }] },
        },
    })
}

fn definition(parameters: &Value, steps: &[Value]) -> String {
    json!({
        "Version": "2020-12-01", "Metadata": {}, "Parameters": parameters, "Steps": steps,
    })
    .to_string()
}

impl Place {
    /// Writes a shell script that stands for a program.
    fn program(&self, name: &str, script: &str) {
        let path = self.file(&format!("bin/{name}"), format!("#!/bin/sh\nset -e\n{script}\n"));
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a definition with the programs in `bin`, and returns the result.
    fn foreign(&self, code: i32, definition: &str, more: &[&str]) -> Value {
        let file = self.file("definition.json", definition);
        let arguments = ["--programs", "bin", "--definition", file.as_str()];
        self.json(code, &[&arguments, more].concat())
    }
}

/// A reference to the output `out` of a step.
fn property(step: &str) -> Value {
    json!({ "Get": format!("Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri") })
}

/// A Processing job finds the directories, files, arguments and environment of the contract.
#[test]
fn a_processing_job_finds_the_files_of_the_contract() {
    let place = Place::new();
    place.program(
        "look",
        "cd $SAGEMAKER_BASE_DIR\n\
         files=$(find . -type f | sort); echo \"$files\" > processing/out/files\n\
         cat input/config/resourceconfig.json 2>/dev/null >> processing/out/resources || true\n\
         cat config/resourceconfig.json 2>/dev/null >> processing/out/resources || true\n\
         printf '%s|' \"$@\" > processing/out/arguments\n\
         env | grep -v -e ^PWD -e ^_ -e ^SHLVL -e ^OLDPWD | cut -d= -f1 | sort > processing/out/environment",
    );
    let arguments = [
        json!("--fixed"),
        json!({ "Std:Join": { "On": "=", "Values": ["--size", { "Get": "Parameters.Size" }] } }),
        json!({ "Get": "Execution.PipelineName" }),
    ];
    let mut look = processing("Look", "look", &arguments, &[]);
    look["Arguments"]["Environment"] = json!({ "MODE": "fast" });
    let parameters = json!([{ "Name": "Size", "Type": "Integer", "DefaultValue": 3 }]);
    let text = definition(&parameters, &[look]);
    let result = place.foreign(0, &text, &["-p", "Size=5"]);
    assert_eq!(names(&result), ["Look"]);
    let read =
        |file: &str| fs_err::read_to_string(place.path("runs/s3/bucket/Look").join(file)).unwrap();
    assert_eq!(read("arguments"), "--fixed|--size=5|MachineDowntimePipeline|");
    insta::assert_snapshot!(read("files"), @"
    ./config/processingjobconfig.json
    ./config/resourceconfig.json
    ");
    insta::assert_snapshot!(read("resources"), @r#"{"current_host":"algo-1","current_instance_type":"ml.m5.large","hosts":["algo-1"],"network_interface_name":"lo"}"#);
    insta::assert_snapshot!(read("environment"), @"
    MODE
    MODEL_REGISTRY_DIRECTORY
    SAGEMAKER_BASE_DIR
    ");
}

/// A Training job finds its files, with hyperparameters as strings, and its model is an archive.
#[test]
fn a_training_job_finds_its_files_and_leaves_an_archive() {
    let place = Place::new();
    place.program(
        "trainer",
        "test \"$1\" = train\ncd $SAGEMAKER_BASE_DIR\ncp -r input/config model/config\n\
         cp input/data/rows/* model/\necho 'loss=0.5'\necho 'loss=0.25'",
    );
    place.file("runs/s3/bucket/rows/a.csv", "1,2\n");
    let train = json!({
        "Name": "Fit",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/trainer:7",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{ "Name": "loss", "Regex": "loss=([0-9.]+)" }],
            },
            "OutputDataConfig": { "S3OutputPath": "s3://bucket/models/" },
            "StoppingCondition": { "MaxRuntimeInSeconds": 60 },
            "ResourceConfig": {
                "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
            },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
            "InputDataConfig": [{
                "ChannelName": "rows",
                "ContentType": "text/csv",
                "DataSource": { "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": "s3://bucket/rows",
                    "S3DataDistributionType": "FullyReplicated",
                } },
            }],
            "HyperParameters": {
                "depth": { "Std:Join": { "On": "", "Values": [{ "Get": "Parameters.Depth" }] } },
            },
        },
    });
    let parameters = json!([{ "Name": "Depth", "Type": "Integer", "DefaultValue": 4 }]);
    let result = place.foreign(0, &definition(&parameters, &[train]), &[]);
    let archive = fs_err::read(place.stored(&step(&result, "Fit")["outputs"]["model"])).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
    let mut text = String::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        text.push_str(&format!("{}\n  ", entry.path().unwrap().display()));
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        text.push('\n');
    }
    insta::assert_snapshot!(text, @r#"
    a.csv
      1,2

    config/hyperparameters.json
      {"depth":"4"}
    config/inputdataconfig.json
      {"rows":{"ContentType":"text/csv","RecordWrapperType":"None","S3DistributionType":"FullyReplicated","TrainingInputMode":"File"}}
    config/resourceconfig.json
      {"current_host":"algo-1","current_instance_type":"ml.m5.large","hosts":["algo-1"],"network_interface_name":"lo"}
    "#);
    assert_eq!(step(&place.record(), "Fit")["metrics"]["loss"], 0.25);
}

/// Returns a Training step that runs `program` on this number of hosts.
fn training(program: &str, hosts: u32) -> Value {
    json!({
        "Name": "Fit",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {
                "TrainingImage": format!("123456789012.dkr.ecr.us-east-1.amazonaws.com/{program}:7"),
                "TrainingInputMode": "File",
            },
            "OutputDataConfig": { "S3OutputPath": "s3://bucket/models/" },
            "StoppingCondition": { "MaxRuntimeInSeconds": 60 },
            "ResourceConfig": {
                "InstanceCount": hosts, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
            },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
        },
    })
}

/// The start of a host's script, which reads the host's name from `resourceconfig.json`.
const HOST: &str = "cd $SAGEMAKER_BASE_DIR\n\
    host=$(sed 's/.*\"current_host\":\"\\([^\"]*\\)\".*/\\1/' input/config/resourceconfig.json)\n";

/// Returns the names of the entries of a `tar.gz` archive.
fn entries(path: &camino::Utf8Path) -> Vec<String> {
    let bytes = fs_err::read(path).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

/// The hosts run concurrently, each knows the names of all, and their outputs are merged.
#[test]
fn hosts_of_a_training_leave_one_model() {
    let place = Place::new();
    place.program(
        "trainer",
        &format!(
            "{HOST}echo $host >../here-$host\n\
             for other in $(grep -o 'algo-[0-9]*' input/config/resourceconfig.json); do\n\
             for i in $(seq 200); do test -e ../here-$other && break; sleep 0.05; done\n\
             test -e ../here-$other; done\n\
             echo $host >model/part-$host; echo all >model/shared; echo $host >output/data/log-$host"
        ),
    );
    let result = place.foreign(0, &definition(&json!([]), &[training("trainer", 3)]), &[]);
    let model = place.stored(&step(&result, "Fit")["outputs"]["model"]);
    assert_eq!(entries(&model), ["part-algo-1", "part-algo-2", "part-algo-3", "shared"]);
    let output = model.with_file_name("output.tar.gz");
    assert_eq!(entries(&output), ["log-algo-1", "log-algo-2", "log-algo-3"]);
}

#[test]
fn hosts_that_write_different_files_of_one_name_leave_no_model() {
    let place = Place::new();
    place.program("trainer", &format!("{HOST}echo $host >model/same"));
    let result = place.foreign(1, &definition(&json!([]), &[training("trainer", 2)]), &[]);
    let reason = place.neutral(result["failure_reason"].as_str().unwrap());
    insta::assert_snapshot!(reason, @"Fit: cannot write <here>/runs/s3/bucket/models/pipelines-<id>-Fit/output/model.tar.gz: two hosts wrote `same`, and not the same");
    assert_eq!(step(&place.record(), "Fit")["outputs"], json!({}));
}

/// The other hosts cannot finish the job, so they are stopped. The failure message of the host is
/// that of the job.
#[test]
fn a_host_that_fails_ends_the_others_and_is_named() {
    let place = Place::new();
    place.program(
        "trainer",
        &format!(
            "{HOST}echo begins on $host\n\
             test $host = algo-2 || exec sleep 60\n\
             echo why >output/failure; exit 3"
        ),
    );
    let started = std::time::Instant::now();
    let file = place.file("definition.json", definition(&json!([]), &[training("trainer", 3)]));
    let outcome = place.run(&["--programs", "bin", "--definition", file.as_str()]).expect(3);
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "the others went on");
    insta::assert_snapshot!(place.neutral(&outcome.stderr), @"
    Fit                Failed <time>
      the end of its log:
      | algo-2: begins on algo-2
    error: Fit: algo-2: why
    ");
    let fit = step(&place.record(), "Fit").clone();
    assert_eq!((&fit["exit_code"], &fit["log"]), (&json!(3), &json!("Fit/algo-2.log")));
}

#[test]
fn conditions_of_every_kind_choose_their_branch() {
    let place = Place::new();
    place.program("report", "echo '{\"score\": {\"value\": 0.75}, \"name\": \"b\"}' > $SAGEMAKER_BASE_DIR/processing/out/report.json");
    let mut report = processing("Report", "report", &[], &[]);
    report["PropertyFiles"] = json!([{
        "PropertyFileName": "Numbers", "OutputName": "out", "FilePath": "report.json",
    }]);
    let score = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.Report.PropertyFiles.Numbers" }, "Path": "score.value",
    } });
    let name = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.Report.PropertyFiles.Numbers" }, "Path": "name",
    } });
    let compare =
        |kind: &str, right: Value| json!({ "Type": kind, "LeftValue": score, "RightValue": right });
    let conditions = json!([
        compare("GreaterThanOrEqualTo", json!(0.75)),
        compare("LessThanOrEqualTo", json!({ "Get": "Parameters.Most" })),
        { "Type": "Not", "Condition": compare("GreaterThan", json!(0.75)) },
        { "Type": "Or", "Conditions": [
            compare("LessThan", json!(0.5)),
            { "Type": "And", "Conditions": [
                compare("Equals", json!(0.75)),
                { "Type": "In", "QueryValue": name, "Values": ["a", "b"] },
            ] },
        ] },
    ]);
    let choose = json!({
        "Name": "Choose",
        "Type": "Condition",
        "Arguments": {
            "Conditions": conditions,
            "IfSteps": [processing("Good", "report", &[], &[("in", property("Report"))])],
            "ElseSteps": [{
                "Name": "Bad",
                "Type": "Fail",
                "Arguments": { "ErrorMessage": { "Std:Join": {
                    "On": " ", "Values": ["score was", score],
                } } },
            }],
        },
    });
    let parameters = json!([{ "Name": "Most", "Type": "Float", "DefaultValue": 0.8 }]);
    let text = definition(&parameters, &[report, choose]);
    assert_eq!(names(&place.foreign(0, &text, &[])), ["Report", "Choose", "Good"]);
    let failed = place.foreign(4, &text, &["-p", "Most=0.7"]);
    assert_eq!(names(&failed), ["Report", "Choose", "Bad"]);
    assert_eq!(failed["failure_reason"], "Bad: score was 0.75");
}

#[test]
fn independent_steps_run_side_by_side_and_depends_on_is_kept() {
    let place = Place::new();
    // Each waits until the other has started, so that they time out if they run in sequence.
    place.program(
        "meet",
        "touch $SAGEMAKER_BASE_DIR/../../../../$1\n\
         for i in $(seq 200); do test -e $SAGEMAKER_BASE_DIR/../../../../$2 && exit 0; sleep 0.05; done; exit 1",
    );
    place.program(
        "last",
        "cat $SAGEMAKER_BASE_DIR/../../../../left $SAGEMAKER_BASE_DIR/../../../../right",
    );
    let left = processing("Left", "meet", &[json!("left"), json!("right")], &[]);
    let right = processing("Right", "meet", &[json!("right"), json!("left")], &[]);
    let mut last = processing("Last", "last", &[], &[]);
    last["DependsOn"] = json!(["Left", "Right"]);
    let result = place.foreign(0, &definition(&json!([]), &[last, left, right]), &[]);
    assert_eq!(names(&result)[2], "Last");
}

#[test]
fn a_program_that_cannot_be_started_is_retried_by_its_policy() {
    let place = Place::new();
    place.program("busy", "true");
    let mut busy = processing("Busy", "busy", &[], &[]);
    busy["RetryPolicies"] = json!([{
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 3,
    }]);
    let text = definition(&json!([]), &[busy]);
    // A program that is open for writing cannot be started: "text file busy".
    let open = fs_err::OpenOptions::new().append(true).open(place.path("bin/busy")).unwrap();
    let closer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(600));
        drop(open);
    });
    place.foreign(0, &text, &[]);
    closer.join().unwrap();
    assert_eq!(step(&place.record(), "Busy")["attempts"], 2);
}

#[test]
fn a_program_that_fails_is_not_retried() {
    let place = Place::new();
    place.program("fails", "echo first >&2; echo why > $SAGEMAKER_BASE_DIR/output/message; exit 7");
    let mut fails = processing("Fails", "fails", &[], &[]);
    fails["RetryPolicies"] = json!([{
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 3,
    }]);
    let result = place.foreign(1, &definition(&json!([]), &[fails]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Fails: why");
    assert_eq!(step(&place.record(), "Fails")["attempts"], 1);
    assert_eq!(step(&place.record(), "Fails")["exit_code"], 7);
}

#[test]
fn a_job_that_runs_too_long_is_stopped() {
    let place = Place::new();
    place.program("slow", "exec sleep 60");
    let mut slow = processing("Slow", "slow", &[], &[]);
    slow["Arguments"]["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 1 });
    let result = place.foreign(1, &definition(&json!([]), &[slow]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Slow: slow ran longer than its limit of 1 s");
}

#[test]
fn a_step_that_cannot_run_here_is_refused_with_the_reason() {
    let place = Place::new();
    place.program("here", "true");
    let refused = |step: Value| {
        let result = place.foreign(2, &definition(&json!([]), &[step]), &[]);
        place.neutral(result["failure_reason"].as_str().unwrap())
    };
    insta::assert_snapshot!(refused(processing("A", "nowhere", &[], &[])), @"A: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1 runs `nowhere`, but <here>/bin/nowhere does not exist; `scripts/local` builds the programs, and --programs names their directory");
    insta::assert_snapshot!(refused(json!({ "Name": "B", "Type": "EMR", "Arguments": {} })), @"B: steps of type EMR are not run here; Processing, Training, Condition and Fail are");
    let missing = processing("C", "here", &[], &[("in", json!("s3://bucket/nothing"))]);
    let result = place.foreign(3, &definition(&json!([]), &[missing]), &[]);
    insta::assert_snapshot!(place.neutral(result["failure_reason"].as_str().unwrap()), @"C: nothing is stored at s3://bucket/nothing (here: <here>/runs/s3/bucket/nothing)");
}

#[test]
fn a_cached_result_belongs_to_one_step() {
    let place = Place::new();
    place.program("count", "echo x >> $SAGEMAKER_BASE_DIR/../../../../calls; echo 1 > $SAGEMAKER_BASE_DIR/processing/out/one");
    let cached = |name: &str, output: &str, inputs: &[(&str, Value)]| {
        let mut step = processing(name, "count", &[], inputs);
        step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": "P1D" });
        step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["OutputName"] = output.into();
        step
    };
    let mut second = cached("B", "out", &[]);
    second["DependsOn"] = json!(["A"]);
    let last = processing("C", "count", &[], &[("in", property("B"))]);
    let steps = [cached("A", "out", &[]), second, last];
    let result = place.foreign(0, &definition(&json!([]), &steps), &[]);
    assert_eq!(names(&result), ["A", "B", "C"]);
    let again = place.foreign(0, &definition(&json!([]), &steps), &[]);
    assert_eq!(
        ["A", "B", "C"].map(|name| step(&again, name)["cached"] == true),
        [true, true, false]
    );
    // Another step name or another output name is another cache key.
    for other in [cached("A2", "out", &[]), cached("A", "renamed", &[])] {
        let result = place.foreign(0, &definition(&json!([]), &[other]), &[]);
        assert_eq!(result["steps"][0]["cached"], false);
    }
    assert_eq!(fs_err::read_to_string(place.path("runs/calls")).unwrap().lines().count(), 6);
}

#[test]
fn an_empty_output_is_cached_too() {
    let place = Place::new();
    place.program("nothing", "true");
    let mut step = processing("Nothing", "nothing", &[], &[]);
    step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": "P1D" });
    let text = definition(&json!([]), &[step]);
    assert_eq!(place.foreign(0, &text, &[])["steps"][0]["cached"], false);
    assert_eq!(place.foreign(0, &text, &[])["steps"][0]["cached"], true);
}

#[test]
fn a_step_whose_dependency_was_skipped_fails_the_execution() {
    let place = Place::new();
    place.program("here", "true");
    let choose = json!({
        "Name": "Choose",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{ "Type": "Equals", "LeftValue": 1, "RightValue": 2 }],
            "IfSteps": [processing("A", "here", &[], &[])],
            "ElseSteps": [],
        },
    });
    let mut after = processing("After", "here", &[], &[]);
    after["DependsOn"] = json!(["A"]);
    let result = place.foreign(1, &definition(&json!([]), &[choose, after]), &[]);
    assert_eq!(result["failure_reason"], "After was not run: a step that it needs was passed over");
}

/// Lint checks literals. The value of a parameter or another step is checked when the step runs.
#[test]
fn no_path_leads_out_of_a_jobs_tree() {
    let place = Place::new();
    place.program("here", "true");
    place.file("victim/secret.txt", "mine");
    let mut step = processing("A", "here", &[], &[]);
    let output = &mut step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"];
    output["LocalPath"] = json!({ "Get": "Parameters.Place" });
    let parameters =
        json!([{ "Name": "Place", "Type": "String", "DefaultValue": "/opt/ml/processing/out" }]);
    let text = definition(&parameters, &[step]);
    place.foreign(0, &text, &[]);
    let victim = place.path("victim");
    for path in [
        format!("/opt/ml/{victim}"),
        format!("/opt/ml/processing/{victim}"),
        "/opt/ml/processing/../../victim".to_owned(),
        "/opt/ml/input/config".to_owned(),
        "/opt/ml/".to_owned(),
        victim.to_string(),
    ] {
        let result = place.foreign(2, &text, &["-p", &format!("Place={path}")]);
        let reason = result["failure_reason"].as_str().unwrap();
        assert_eq!(
            reason,
            format!(
                "A: ProcessingOutputConfig.Outputs.out.LocalPath is `\"{path}\"`, expected a path under /opt/ml/processing/"
            )
        );
    }
    assert_eq!(fs_err::read_to_string(victim.join("secret.txt")).unwrap(), "mine");
}

/// Outputs are moved into the store, but not the target of a symbolic link.
#[test]
fn the_target_of_a_link_in_place_of_an_output_is_not_stored() {
    let place = Place::new();
    place.file("victim/secret.txt", "mine");
    let swap = |path: &str, target: &str| {
        let target = place.path(target);
        place.program(
            "swap",
            &format!("cd $SAGEMAKER_BASE_DIR; rm -rf {path}; ln -s {target} {path}; exit 0"),
        );
        let text = definition(&json!([]), &[processing("A", "swap", &[], &[])]);
        let result = place.foreign(1, &text, &[]);
        result["failure_reason"].as_str().unwrap().to_owned()
    };
    insta::assert_snapshot!(swap("processing/out", "victim"), @"A: /opt/ml/processing/out is or lies behind a link now, expected the directory that was there");
    insta::assert_snapshot!(swap("processing", "victim"), @"A: /opt/ml/processing/out is or lies behind a link now, expected the directory that was there");
    let secret = place.path("victim/secret.txt");
    place.program("tell", &format!("ln -s {secret} $SAGEMAKER_BASE_DIR/output/message; exit 9"));
    let text = definition(&json!([]), &[processing("A", "tell", &[], &[])]);
    assert_eq!(place.foreign(1, &text, &[])["failure_reason"], "A: tell exited with code 9");
    // A link among the files of an output is skipped.
    place.program("among", "ln -s /etc/passwd $SAGEMAKER_BASE_DIR/processing/out/passwd; echo x >$SAGEMAKER_BASE_DIR/processing/out/own");
    let text = definition(&json!([]), &[processing("A", "among", &[], &[])]);
    place.foreign(0, &text, &[]);
    assert!(place.path("runs/s3/bucket/A/own").exists());
    assert!(!place.path("runs/s3/bucket/A/passwd").is_symlink());
    assert_eq!(fs_err::read_to_string(secret).unwrap(), "mine");
}
