//! Training jobs on several hosts.

use serde_json::{Value, json};

use super::{definition, entries};
use crate::{Place, step};

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
    insta::assert_snapshot!(reason, @"Fit: cannot write <here>/runs/s3/bucket/models/pipelines-<id>-Fit/output/model.tar.gz: two hosts wrote different files named `same`");
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
    The definition's programs run as processes, which can read and change all that you can; a definition of others belongs in --engine docker.
    Fit                Failed <time>
      the end of its log:
      | algo-2: begins on algo-2
    error: Fit: algo-2: why
    ");
    let fit = step(&place.record(), "Fit").clone();
    assert_eq!((&fit["exit_code"], &fit["log"]), (&json!(3), &json!("Fit/algo-2.log")));
}
