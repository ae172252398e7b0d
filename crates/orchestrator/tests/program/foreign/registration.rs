//! RegisterModel steps, which register in the directory that stands for the Model Registry.

use serde_json::{Value, json};

use super::{definition, processing};
use crate::{Place, names, step};

/// Returns a step that registers a model without report and metadata.
fn register(group: &str) -> Value {
    json!({ "Name": "Keep-RegisterModel", "Type": "RegisterModel", "Arguments": {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": "a model",
        "InferenceSpecification": {
            "Containers": [{ "Image": "serve:1", "ModelDataUrl": "s3://bucket/model.tar.gz" }],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    } })
}

/// Every execution registers a version, whose ARN later steps read; an execution that begins at
/// such a step registers none.
#[test]
fn a_model_is_registered_and_its_arn_is_read() {
    let place = Place::new();
    place.program("tell", "echo $1 >$SAGEMAKER_BASE_DIR/processing/out/arn");
    let arn = json!({ "Get": "Steps.Keep-RegisterModel.ModelPackageArn" });
    let tell = processing("Tell", "tell", &[arn], &[]);
    let text = definition(&json!([]), &[register("turbines"), tell]);
    let expected = "arn:aws:sagemaker:local:000000000000:model-package/turbines/";
    for (version, more) in [(1, &[][..]), (2, &[]), (2, &["--from", "Tell"])] {
        let result = place.foreign(0, &text, more);
        assert_eq!(names(&result), ["Keep-RegisterModel", "Tell"]);
        let told = fs_err::read_to_string(place.path("runs/s3/bucket/Tell/arn")).unwrap();
        assert_eq!(told, format!("{expected}{version}\n"));
        assert_eq!(result["model_package"]["version"], version);
        assert_eq!(result["model_package"]["approval_status"], "PendingManualApproval");
    }
    let record = place.record();
    let described = &step(&record, "Keep-RegisterModel")["description"];
    assert_eq!(described["ModelPackageDescription"], "a model");
    assert_eq!(described["ModelPackageStatus"], "Completed");

    let models = |arguments: &[&str]| {
        let group = ["--local", "--group", "turbines", "--config", crate::CONFIG];
        place.orchestrator(&[&["models"], arguments, &group[..]].concat()).expect(0).stdout
    };
    insta::assert_snapshot!(models(&["list"]), @"
    Version   Status      Approval                accuracy  f1_score    recall
    2         Completed   PendingManualApproval          -         -         -
    1         Completed   PendingManualApproval          -         -         -
    ");
    insta::assert_snapshot!(models(&["show", "2"]), @"
    version              2
    arn                  arn:aws:sagemaker:local:000000000000:model-package/turbines/2
    status               Completed
    approval             PendingManualApproval
    model                s3://bucket/model.tar.gz
    model digest         not recorded
    image                serve:1
    model file           unreadable: failed to open file `runs/s3/bucket/model.tar.gz`: No such file or directory (os error 2)

    It does not tell which execution made it, so it cannot be made again.
    ");
}

#[test]
fn a_stopped_run_names_the_version_that_it_has_registered() {
    let place = Place::new();
    place.program("wait", "echo >../../../../waits; sleep 300");
    let arn = json!({ "Get": "Steps.Keep-RegisterModel.ModelPackageArn" });
    let steps = [register("turbines"), processing("Wait", "wait", &[arn], &[])];
    let file = place.file("definition.json", definition(&json!([]), &steps));
    let arguments = ["run", "--config", crate::CONFIG, "--programs", "bin", "--definition"];
    let arguments = [&arguments[..], &[file.as_str()]].concat();
    let waits = || place.path("runs/waits").is_file();
    let stop = rustix::process::Signal::INT;
    let outcome = crate::processes::signalled(&place, &arguments, stop, waits).expect(1);
    let said = "It was stopped after it had registered arn:aws:sagemaker:local:000000000000:model-package/turbines/1.\n";
    assert!(outcome.stderr.contains(said), "{outcome:?}");
}

#[test]
fn a_request_that_cannot_be_registered_is_refused() {
    let place = Place::new();
    let refused = |step: Value| {
        let result = place.foreign(2, &definition(&json!([]), &[step]), &[]);
        assert!(!place.path("runs/registry").exists());
        result["failure_reason"].as_str().unwrap().to_owned()
    };
    insta::assert_snapshot!(refused(register("a_b")), @"Keep-RegisterModel: model package group is `a_b`, expected 1 to 63 letters and digits with hyphens between them");
    let mut two = register("turbines");
    two["Arguments"]["InferenceSpecification"]["Containers"] = json!([{}, {}]);
    insta::assert_snapshot!(refused(two), @"Keep-RegisterModel: InferenceSpecification.Containers has 2 entries, expected 1: a version of the local registry has one image and one model");
    let step = json!({ "Name": "Keep", "Type": "RegisterModel" });
    insta::assert_snapshot!(refused(step), @"Keep: ModelPackageGroupName is absent, expected a string");
}
