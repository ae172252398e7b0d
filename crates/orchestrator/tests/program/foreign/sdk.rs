//! Definitions in the style of the official Python SDK.

use super::entries;
use crate::{CONFIG, Place, names, step};

/// A definition in the style of the official SDK, from the tests of the `pipeline` crate.
macro_rules! sdk_definition {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../pipeline/tests/foreign/",
            $name,
            ".json"
        ))
    };
}

const SDK_DEFINITIONS: [(&str, &str); 6] = [
    ("batch_forecast", sdk_definition!("batch_forecast")),
    ("gated_publication", sdk_definition!("gated_publication")),
    ("mlflow_config", sdk_definition!("mlflow_config")),
    ("model_registry", sdk_definition!("model_registry")),
    ("named_jobs", sdk_definition!("named_jobs")),
    ("other_step_types", sdk_definition!("other_step_types")),
];

#[test]
fn definitions_of_the_official_sdk_are_valid() {
    let place = Place::new();
    let mut report = String::new();
    for (name, text) in SDK_DEFINITIONS {
        let file = place.file(&format!("{name}.json"), text);
        let arguments = ["validate", "--config", CONFIG, "--definition", file.as_str()];
        let outcome = place.orchestrator(&arguments).expect(0);
        report.push_str(&place.neutral(&format!("{}{}", outcome.stdout, outcome.stderr)));
    }
    insta::assert_snapshot!(report, @"
    <here>/batch_forecast.json: Parameters.LeastR2: warning: no step uses it, so choosing a value changes nothing
    <here>/batch_forecast.json: Parameters.MostRmse: warning: no step uses it, so choosing a value changes nothing
    <here>/batch_forecast.json: Parameters.Approval: warning: no step uses it, so choosing a value changes nothing
    <here>/batch_forecast.json: valid: 6 steps, 11 parameters
    <here>/gated_publication.json: valid: 6 steps, 10 parameters
    <here>/mlflow_config.json: Steps.Learn.Arguments.ResourceConfig.InstanceType: warning: `ml.c5.large`, which SageMaker did not have for training on 2026-11-30, only ml.c5.18xlarge, ml.c5.2xlarge, ml.c5.4xlarge, ml.c5.9xlarge, ml.c5.xlarge; it may be newer than this list
    <here>/mlflow_config.json: valid: 2 steps, 0 parameters
    <here>/model_registry.json: Parameters.Spot: warning: no step uses it, so choosing a value changes nothing
    <here>/model_registry.json: valid: 6 steps, 11 parameters
    <here>/named_jobs.json: valid: 2 steps, 0 parameters
    <here>/other_step_types.json: valid: 7 steps, 1 parameters
    ");
}

/// Writes scripts that stand for the programs in the images of `gated_publication.json`.
fn turbine_programs(place: &Place, r2: &str) {
    place.program(
        "clean",
        "test \"$*\" = '--hold-out 0.25 --seed 7'; test $LOG_LEVEL = debug\n\
         cd $SAGEMAKER_BASE_DIR/processing; cp readings/a.csv fit/; cp readings/a.csv check/",
    );
    place.program(
        "fit",
        "cd $SAGEMAKER_BASE_DIR; cp input/data/fit/a.csv model/\n\
         cp input/config/hyperparameters.json model/; echo 'check rmse: 12.5'",
    );
    place.program(
        "score",
        &format!(
            "cd $SAGEMAKER_BASE_DIR/processing; test -e check/a.csv; test -e model/model.tar.gz\n\
             echo '{{\"regression_metrics\": {{\"r2\": {{\"value\": {r2}}}, \"rmse\": {{\"value\": 12.5}}}}}}' >scores/scores.json"
        ),
    );
    place.program(
        "publish",
        "echo \"$1 $2 $3 $GROUP\" >$SAGEMAKER_BASE_DIR/processing/receipt/receipt",
    );
    place.file("runs/s3/turbine-lake/readings/a.csv", "1,2\n");
}

/// Steps that this program runs are run as the SDK writes them.
#[test]
fn a_definition_of_the_official_sdk_runs() {
    let place = Place::new();
    turbine_programs(&place, "0.9");
    let text = sdk_definition!("gated_publication");
    let result = place.foreign(0, text, &["-p", "Approval=Approved"]);
    assert_eq!(
        names(&result),
        ["CleanReadings", "FitYield", "ScoreYield", "YieldGate", "PublishYield"]
    );
    assert_eq!(step(&place.record(), "FitYield")["metrics"]["check:rmse"], 12.5);
    let receipt = place.stored(&step(&result, "PublishYield")["outputs"]["receipt"]);
    let receipt = fs_err::read_to_string(receipt.join("receipt")).unwrap();
    assert_eq!(receipt, "--status Approved --execution turbine-yield\n");

    turbine_programs(&place, "0.5");
    let result = place.foreign(4, text, &["-p", "Rounds=301"]);
    assert_eq!(result["failure_reason"], "YieldTooLow: r2 of 0.5 against 0.8");
}

/// The third version of the SDK writes `MlflowConfig`, and no `AppManaged`.
#[test]
fn a_definition_of_the_third_sdk_runs() {
    let place = Place::new();
    place.program("sort", "cd $SAGEMAKER_BASE_DIR/processing; sort logs/a >sorted/a");
    place.program("learn", "cd $SAGEMAKER_BASE_DIR; cp input/data/sorted/a model/");
    place.file("runs/s3/turbine-lake/logs/a", "b\na\n");
    let result = place.foreign(0, sdk_definition!("mlflow_config"), &[]);
    assert_eq!(names(&result), ["Sort", "Learn"]);
    assert_eq!(entries(&place.stored(&step(&result, "Learn")["outputs"]["model"])), ["a"]);
}

/// The definition names no entrypoint, so a program has its image's name. The jobs' own names are
/// not used: a local run names them by its execution.
#[test]
fn a_definition_of_the_official_sdk_with_named_jobs_runs() {
    let place = Place::new();
    place.program("gather", "grep -q Gather $SAGEMAKER_BASE_DIR/config/processingjobconfig.json");
    place.program(
        "fit",
        "test \"$1\" = train; cd $SAGEMAKER_BASE_DIR; cp input/data/gathered/a model/",
    );
    place.file("runs/s3/turbine-lake/gathered/a", "1\n");
    let result = place.foreign(0, sdk_definition!("named_jobs"), &[]);
    let model = step(&result, "Fit")["outputs"]["model"].as_str().unwrap();
    insta::assert_snapshot!(place.neutral(model), @"s3://turbine-lake/pipelines-<id>-Fit/output/model.tar.gz");
}

/// A RegisterModel step registers in the directory of the runs, with report and metadata.
#[test]
fn a_definition_of_the_official_sdk_registers_its_model() {
    let place = Place::new();
    turbine_programs(&place, "0.9");
    let result = place.foreign(0, sdk_definition!("model_registry"), &[]);
    let steps = names(&result);
    assert_eq!(steps.last(), Some(&"Yield-RegisterModel"));
    let package = result["model_package"].to_string();
    insta::assert_snapshot!(place.neutral(&package), @r#"{"approval_status":"PendingManualApproval","arn":"arn:aws:sagemaker:local:000000000000:model-package/turbine-yield/1","content_types":["text/csv"],"group":"turbine-yield","inference_image":"210987654321.dkr.ecr.eu-west-1.amazonaws.com/turbine/serve:2.3","metadata":{"execution":"<id>","farm":"north"},"metrics_url":"s3://turbine-lake/runs/<id>/scores/scores.json","model_data_url":"s3://turbine-lake/models/pipelines-<id>-FitYield/output/model.tar.gz","realtime_instance_types":["ml.c5.large"],"response_types":["text/csv","application/json"],"status":"Completed","transform_instance_types":["ml.c5.xlarge"],"version":1}"#);
}

/// A step that cannot run here is refused when its turn comes, with exit code 2.
#[test]
fn steps_of_the_official_sdk_that_cannot_run_here_are_refused() {
    let place = Place::new();
    turbine_programs(&place, "0.9");
    let refused = |text: &str, more: &[&str]| {
        let result = place.foreign(2, text, more);
        place.neutral(result["failure_reason"].as_str().unwrap())
    };
    insta::assert_snapshot!(refused(sdk_definition!("batch_forecast"), &[]), @"Yield-CreateModel: steps of type Model are not run here; Processing, Training, Condition, Fail and RegisterModel are");
    insta::assert_snapshot!(refused(sdk_definition!("other_step_types"), &["-p", "Farm=north"]), @"CallFarm: steps of type Lambda are not run here; Processing, Training, Condition, Fail and RegisterModel are");
}
