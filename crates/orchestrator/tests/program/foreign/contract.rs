//! The directories, files, arguments and environment that a job finds, and the limits on its paths.

use serde_json::{Value, json};

use super::{definition, processing};
use crate::{CONFIG, Place, names, step};

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

/// Another definition than the settings' own needs no settings; without them the name of its file is
/// the pipeline's.
#[test]
fn a_definition_needs_no_settings() {
    let place = Place::new();
    place.program(
        "look",
        "cd $SAGEMAKER_BASE_DIR/processing; echo $1 > out/name; cp in/table.csv out/",
    );
    let name = json!({ "Get": "Execution.PipelineName" });
    let input = json!({ "Get": "Parameters.InputDataUrl" });
    let look = processing("Look", "look", &[name], &[("in", input)]);
    let parameters = json!([{
        "Name": "InputDataUrl", "Type": "String", "DefaultValue": "s3://bucket/none",
    }]);
    let file = place.file("defs/my_line.json", definition(&parameters, &[look]));
    let table = place.file("table.csv", "1,2\n");
    let arguments = ["run", "--programs", "bin", "--definition", file.as_str()];
    let more = ["--input", table.as_str()];
    place.orchestrator(&[&arguments[..], &more[..]].concat()).expect(0);
    let read =
        |file: &str| fs_err::read_to_string(place.path("runs/s3/bucket/Look").join(file)).unwrap();
    assert_eq!(read("name"), "my-line\n");
    assert_eq!(read("table.csv"), "1,2\n");
    assert!(place.path("runs/s3/local/raw").is_dir());

    // settings that are named must be there, and those of the settings' own definition, too
    let named = ["--config", "config/other.yaml"];
    let outcome = place.orchestrator(&[&arguments[..], &named[..]].concat()).expect(2);
    insta::assert_snapshot!(outcome.stderr, @"error: failed to open file `config/other.yaml`: No such file or directory (os error 2); --config names the settings, which `orchestrator init` writes for a table");
    insta::assert_snapshot!(place.orchestrator(&["run"]).expect(2).stderr, @"error: failed to open file `config/pipeline_config.yaml`: No such file or directory (os error 2); --config names the settings, which `orchestrator init` writes for a table");
    // settings that are there give the pipeline their name
    let settings = fs_err::read(CONFIG).unwrap();
    place.file("config/pipeline_config.yaml", settings);
    place.orchestrator(&[&arguments[..], &more[..]].concat()).expect(0);
    assert_eq!(read("name"), "MachineDowntimePipeline\n");
}

/// Two steps store their results at one address: a third one reads those of both, and nothing of an earlier execution.
#[test]
fn steps_may_share_the_address_of_their_outputs() {
    let place = Place::new();
    place.program("put", "echo $2 >$SAGEMAKER_BASE_DIR/processing/out/$1");
    place.program(
        "list",
        "cd $SAGEMAKER_BASE_DIR/processing/in; grep . $(find . -type f | sort) >../out/list",
    );
    let put = |name: &str, file: &Value, text: &str| {
        let mut step = processing(name, "put", &[file.clone(), json!(text)], &[]);
        step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] =
            json!("s3://bucket/shared");
        step
    };
    let extra = json!({ "Get": "Parameters.Extra" });
    let mut list = processing("List", "list", &[], &[("in", json!("s3://bucket/shared"))]);
    list["DependsOn"] = json!(["Second"]);
    let mut second = put("Second", &json!("b"), "2");
    second["DependsOn"] = json!(["First"]);
    let parameters = json!([{ "Name": "Extra", "Type": "String", "DefaultValue": "a" }]);
    let text = definition(&parameters, &[put("First", &extra, "1"), second, list]);
    let listed = || fs_err::read_to_string(place.path("runs/s3/bucket/List/list")).unwrap();
    place.foreign(0, &text, &["-p", "Extra=z"]);
    assert_eq!(listed(), "./b:2\n./z:1\n");
    place.foreign(0, &text, &[]);
    assert_eq!(listed(), "./a:1\n./b:2\n");
}

/// Expressions read the last value of each metric that a Training job's definitions find in its log.
#[test]
fn the_final_metrics_of_a_training_job_are_properties() {
    let place = Place::new();
    place.program(
        "fit",
        "echo 'loss=0.5 valid rmse: 2'; echo 'loss=0.25'; echo 'loss=nan'; echo 1 >$SAGEMAKER_BASE_DIR/model/m",
    );
    place.program("tell", "echo $1 >$SAGEMAKER_BASE_DIR/processing/out/loss");
    let metric =
        |name: &str| json!({ "Get": format!("Steps.Fit.FinalMetricDataList['{name}'].Value") });
    let fit = json!({ "Name": "Fit", "Type": "Training", "Arguments": {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/fit:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                { "Name": "train:loss", "Regex": "loss=(\\S+)" },
                { "Name": "valid:rmse", "Regex": "rmse: ([0-9.]+)" },
                { "Name": "absent", "Regex": "absent=([0-9.]+)" },
            ],
        },
        "OutputDataConfig": { "S3OutputPath": "s3://bucket/models" },
        "StoppingCondition": { "MaxRuntimeInSeconds": 60 },
        "ResourceConfig": {
            "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
        },
        "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
    }, "CacheConfig": { "Enabled": true, "ExpireAfter": "30d" } });
    let text = json!({ "Std:Join": { "On": "", "Values": [metric("train:loss")] } });
    let gate = |metric: Value| {
        json!({ "Name": "Gate", "Type": "Condition", "Arguments": {
            "Conditions": [
                { "Type": "LessThanOrEqualTo", "LeftValue": metric, "RightValue": 2.5 },
            ],
            "IfSteps": [processing("Tell", "tell", std::slice::from_ref(&text), &[])],
            "ElseSteps": [],
        } })
    };
    let steps = [fit.clone(), gate(metric("valid:rmse"))];
    // the second time from the cache
    for cached in [false, true] {
        let result = place.foreign(0, &definition(&json!([]), &steps), &[]);
        assert_eq!(names(&result), ["Fit", "Gate", "Tell"]);
        assert_eq!(step(&result, "Fit")["cached"], cached);
        let told = fs_err::read_to_string(place.path("runs/s3/bucket/Tell/loss")).unwrap();
        assert_eq!(told, "0.25\n");
    }
    let result = place.foreign(1, &definition(&json!([]), &[fit, gate(metric("absent"))]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Gate: Steps.Fit.FinalMetricDataList['absent'].Value has no value");
}

/// The address of an input is a prefix: what only begins with it is read too, under its whole name,
/// and a failure names it by its address.
#[test]
fn an_input_is_a_prefix() {
    let place = Place::new();
    place.program(
        "list",
        "cd $SAGEMAKER_BASE_DIR/processing; (cd in; find . -type f | sort) >out/list",
    );
    for key in ["raw/machine_1.csv", "raw/machine_2/a.csv", "raw/other.csv"] {
        place.file(&format!("runs/s3/bucket/{key}"), "1\n");
    }
    let list = |uri: &str| {
        let step = processing("List", "list", &[], &[("in", json!(uri))]);
        place.foreign(0, &definition(&json!([]), &[step]), &[]);
        fs_err::read_to_string(place.path("runs/s3/bucket/List/list")).unwrap()
    };
    assert_eq!(list("s3://bucket/raw/machine"), "./machine_1.csv\n./machine_2/a.csv\n");
    assert_eq!(list("s3://bucket/raw/"), "./machine_1.csv\n./machine_2/a.csv\n./other.csv\n");

    place.program(
        "refuse",
        "cd $SAGEMAKER_BASE_DIR; echo \"$PWD/processing/in/machine_1.csv: no, $PWD/processing/in\" >output/message; exit 3",
    );
    let step = processing("Refuse", "refuse", &[], &[("in", json!("s3://bucket/raw/machine"))]);
    let result = place.foreign(3, &definition(&json!([]), &[step]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Refuse: s3://bucket/raw/machine_1.csv: no, s3://bucket/raw/machine");
}

/// A cached step reads a prefix, too: another object that begins with it is another input.
#[test]
fn an_object_beside_an_input_is_a_change() {
    let place = Place::new();
    place.program("list", "true");
    place.file("runs/s3/bucket/raw/machine_1.csv", "1\n");
    let mut step = processing("List", "list", &[], &[("in", json!("s3://bucket/raw/machine"))]);
    step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": "P1D" });
    let text = definition(&json!([]), &[step]);
    let cached = || place.foreign(0, &text, &[])["steps"][0]["cached"] == true;
    assert_eq!([cached(), cached()], [false, true]);
    // beside the output it is none
    place.file("runs/s3/bucket/List2/a", "2\n");
    assert!(cached());
    place.file("runs/s3/bucket/raw/machine_2.csv", "2\n");
    assert_eq!([cached(), cached()], [false, true]);
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

/// Lint checks literals and the values of parameters. The value of another step is checked when the
/// step runs.
#[test]
fn paths_outside_of_a_jobs_tree_are_refused() {
    let place = Place::new();
    place.program(
        "tell",
        "echo \"{\\\"place\\\": \\\"$1\\\"}\" > $SAGEMAKER_BASE_DIR/processing/out/a",
    );
    place.program("here", "true");
    place.file("victim/secret.txt", "mine");
    let writes_to = |local_path: Value| {
        let mut step = processing("A", "here", &[], &[]);
        let output = &mut step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"];
        output["LocalPath"] = local_path;
        step
    };
    let parameter = json!({ "Get": "Parameters.Place" });
    let mut tell = processing("Tell", "tell", std::slice::from_ref(&parameter), &[]);
    tell["PropertyFiles"] = json!([{
        "PropertyFileName": "Told", "OutputName": "out", "FilePath": "a",
    }]);
    let told = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.Tell.PropertyFiles.Told" }, "Path": "place",
    } });
    let parameters =
        json!([{ "Name": "Place", "Type": "String", "DefaultValue": "/opt/ml/processing/out" }]);
    let direct = definition(&parameters, &[writes_to(parameter)]);
    let text = definition(&parameters, &[tell, writes_to(told)]);
    place.foreign(0, &direct, &[]);
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
        let value = format!("Place={path}");
        let file = place.file("direct.json", &direct);
        let outcome = place.run(&["--definition", file.as_str(), "-p", &value]).expect(2);
        let refused = "error: parameter Place: Steps.A.Arguments.ProcessingOutputConfig.Outputs[0]";
        assert!(outcome.stderr.starts_with(refused), "{}", outcome.stderr);
        let result = place.foreign(2, &text, &["-p", &value]);
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
    insta::assert_snapshot!(swap("processing/out", "victim"), @"A: /opt/ml/processing/out is a symbolic link, or below one; expected the directory that the job was given");
    insta::assert_snapshot!(swap("processing", "victim"), @"A: /opt/ml/processing/out is a symbolic link, or below one; expected the directory that the job was given");
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
