//! Models of executions on SageMaker are made again on this machine.

use serde_json::{Value, json};

use super::{Cloud, images, life};

/// Packs the files of an archive as SageMaker does: with the time at which they were written.
fn packed_elsewhere(archive: &[u8]) -> Vec<u8> {
    let mut files = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut packed = tar::Builder::new(gzip);
    for file in files.entries().unwrap() {
        let file = file.unwrap();
        let path = file.path().unwrap().into_owned();
        let mut header = file.header().clone();
        header.set_mtime(1_790_000_000);
        packed.append_data(&mut header, path, file).unwrap();
    }
    packed.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_model_of_sagemaker_is_made_again_here() {
    let Some(cloud) = Cloud::before_moto("made-again", vec![images()]) else { return };
    let table = cloud.table("table.csv", 400);
    cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
    let start = ["start", "-p", "NEstimators=10"];
    let execution = cloud.json(0, &start)["execution_id"].as_str().unwrap().to_owned();
    let started = cloud.started();
    assert!(started["StartedBy"].starts_with("arn:aws:sts::"), "{started:?}");
    assert!(!started.contains_key("SourceCommit"), "{started:?}");

    // What the jobs of the execution would have made, packed as SageMaker does.
    let run =
        cloud.orchestrator(&["run", "--json", "--input", "table.csv", "-p", "NEstimators=10"]);
    let run: Value = serde_json::from_str(&run.expect(0).stdout).unwrap();
    let model = cloud.place.stored(&run["model_package"]["model_data_url"]);
    let model = packed_elsewhere(&fs_err::read(model).unwrap());
    let uri = format!("s3://{}/model-artifacts/{execution}/model.tar.gz", cloud.name);
    cloud.put(&format!("model-artifacts/{execution}/model.tar.gz"), model);
    life::register(&cloud, &execution, &uri);

    // The pipeline is another one since.
    cloud.edit("max_depth: 10", "max_depth: 3");
    cloud.orchestrator(&["deploy"]).expect(0);
    let again = cloud.orchestrator(&["reproduce", "latest"]).expect(0);
    let digest = regex::Regex::new(r"[0-9a-f]{64}").unwrap();
    insta::assert_snapshot!(digest.replace_all(&cloud.neutral(&again.stdout), "<digest>"), @"version 1 of group <name>: the same bytes of background.bin, forest.bin, metadata.json, model.onnx, recipe.json. Something else has packed them: the archive's SHA-256 was <digest> and is <digest>");
    assert!(!again.stderr.contains("has changed"), "{}", again.stderr);
    let calls = cloud.server.calls();
    let created = calls.iter().filter(|(action, _)| action == "CreateModelPackage").count();
    assert_eq!(created, 1, "nothing is registered");

    // The rows are replaced in place.
    let mut actions = cloud.server.calls().into_iter().map(|(action, _)| action);
    let is_upload = |action: &String| action.starts_with("PUT ") && action.ends_with("/table.csv");
    let key = actions.rfind(is_upload).unwrap();
    let key = key.strip_prefix(&format!("PUT /{}/", cloud.name)).unwrap().to_owned();
    let mut other = Vec::new();
    dataset::sample::write(&mut other, 300, 8).unwrap();
    cloud.put(&key, other);
    let other = cloud.orchestrator(&["reproduce", "1"]).expect(1);
    assert!(other.stderr.contains("has changed since the execution read it"), "{}", other.stderr);
    assert!(other.stdout.contains("  metadata.json data_digest is "), "{}", other.stdout);
    let same = cloud.orchestrator(&["reproduce", "1", "--input", "table.csv"]).expect(0);
    assert!(!same.stderr.contains("has changed"), "{}", same.stderr);

    let s3 = cloud.aws().s3();
    cloud.aws().wait(s3.delete_object().bucket(&cloud.name).key(&key).send()).unwrap();
    let gone = cloud.orchestrator(&["reproduce", "1"]).expect(2).stderr;
    // The report of this version has no digest of the model.
    assert!(gone.contains("; its digest is not recorded, "), "{gone}");
    let gone = cloud.neutral(gone.lines().last().unwrap());
    let sha = regex::Regex::new(r"/[0-9a-f]{16}/").unwrap();
    insta::assert_snapshot!(sha.replace_all(&gone, "/<digest>/"), @"error: nothing is stored at s3://<name>/raw/<digest>/table.csv any more, which the execution read; --input gives the table from elsewhere");
    assert_eq!(
        cloud.json(0, &["models", "show", "1"])["reproduce"],
        json!("orchestrator reproduce 1")
    );
}
