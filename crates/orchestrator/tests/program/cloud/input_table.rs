//! The table that an execution reads: uploads under their digest, and contents that change.

use camino::Utf8Path;
use testkit::aws::{Answer, Rule};

use super::{Cloud, images};

impl Cloud {
    /// Uploads a table, and returns its address.
    fn upload(&self, table: &Utf8Path) -> String {
        let deployed = self.json(0, &["deploy", "--upload", table.as_str()]);
        deployed["uploaded"].as_str().unwrap().to_owned()
    }

    /// Starts an execution, and returns the version of its input.
    fn start(&self, arguments: &[&str]) -> String {
        self.orchestrator(&[&["start"], arguments].concat()).expect(0);
        self.started().remove("InputDataVersion").unwrap()
    }

    /// Returns the input of an execution that is started without parameters.
    fn input(&self) -> String {
        let definition = self.deployed_definition();
        let parameters = definition["Parameters"].as_array().unwrap();
        let input = parameters.iter().find(|one| one["Name"] == "InputDataUrl").unwrap();
        input["DefaultValue"].as_str().unwrap().to_owned()
    }

    /// Returns the objects that were sent, with their bucket.
    fn sent(&self) -> Vec<String> {
        let actions = self.server.actions().into_iter();
        let paths = actions.filter_map(|action| Some(action.strip_prefix("PUT /")?.to_owned()));
        // The test makes the bucket itself.
        paths.filter(|path| path.trim_end_matches('/') != self.name).collect()
    }

    fn deployed_definition(&self) -> serde_json::Value {
        let call = self.aws().sagemaker().describe_pipeline().pipeline_name(&self.name);
        let answer = self.aws().wait(call.send()).unwrap();
        serde_json::from_str(answer.pipeline_definition().unwrap()).unwrap()
    }
}

/// SageMaker's cache compares addresses and arguments, so new contents must change one of them, and the same
/// contents none.
#[test]
fn new_contents_are_read_again_and_the_same_contents_are_not() {
    let Some(cloud) = Cloud::before_moto("contents", vec![images()]) else { return };
    let (one, other) = (cloud.table("table.csv", 200), cloud.table("other/table.csv", 201));

    let first = cloud.upload(&one);
    assert_eq!(cloud.input(), first);
    let version = cloud.start(&[]);
    assert_eq!(version.len(), 32);

    let second = cloud.upload(&other);
    assert_ne!(second, first);
    assert_eq!(cloud.input(), second);
    assert_ne!(cloud.start(&[]), version);

    // The same contents again are not sent again, and are the same to the cache.
    let tables = || cloud.sent().into_iter().filter(|path| path.contains("/raw/")).count();
    let before = tables();
    assert_eq!(cloud.upload(&one), first);
    assert_eq!(tables(), before);
    assert_eq!(cloud.input(), first);
    assert_eq!(cloud.start(&[]), version);

    // Whoever deploys later, from a checkout that knows nothing of the upload, keeps it.
    cloud.edit("max_depth: 10", "max_depth: 11");
    let outcome = cloud.orchestrator(&["deploy"]).expect(0);
    assert!(
        cloud.neutral(&outcome.stderr).contains("table.csv, uploaded at "),
        "{}",
        outcome.stderr
    );
    assert_eq!(cloud.input(), first);
}

/// An object is taken for the table only by what is in it.
#[test]
fn something_else_at_the_key_is_replaced() {
    let Some(cloud) = Cloud::before_moto("planted", vec![images()]) else { return };
    let table = cloud.table("table.csv", 200);
    let uploaded = cloud.upload(&table);
    let key = uploaded.strip_prefix(&format!("s3://{}/", cloud.name)).unwrap();
    let bytes = fs_err::read(&table).unwrap();
    let aws = cloud.aws();
    let is_the_table = || {
        let call = aws.s3().get_object().bucket(&cloud.name).key(key);
        let body = aws.wait(call.send()).unwrap().body;
        aws.wait(body.collect()).unwrap().into_bytes() == bytes
    };
    let other: Vec<u8> = bytes.iter().rev().copied().collect();
    for planted in [other, b"planted".to_vec()] {
        cloud.put(key, planted);
        assert!(!is_the_table());
        let outcome = cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
        let said = format!("Something else than {table} is at {uploaded}; it is uploaded again");
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        assert!(is_the_table());
    }
    let outcome = cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
    assert!(outcome.stderr.contains("already"), "{}", outcome.stderr);
}

/// A file of more than one part has another kind of checksum in S3.
#[test]
fn a_table_of_several_parts_is_known_again() {
    let Some(cloud) = Cloud::before_moto("parts", vec![images()]) else { return };
    let table = cloud.table("table.csv", 90_000);
    assert!(fs_err::metadata(&table).unwrap().len() > 8 << 20);
    cloud.upload(&table);
    let outcome = cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
    assert!(outcome.stderr.contains("already"), "{}", outcome.stderr);
}

/// What is stored has the digest that its key names, or nothing is stored.
#[test]
fn a_table_that_changes_while_it_is_sent_is_not_stored() {
    let mut table = Vec::new();
    dataset::sample::write(&mut table, 200, 7).unwrap();
    let digest = &common::sha256_hex(&table)[..16];
    let name = format!("changing-{}", std::process::id());
    let object = format!("/{name}/raw/{digest}/table.csv");
    let file = std::sync::Arc::new(std::sync::OnceLock::<camino::Utf8PathBuf>::new());
    let changed = file.clone();
    // The program looks whether the table is there between reading and sending it.
    let head = Rule::with(&format!("HEAD {object}"), move |_| {
        let path = changed.get().unwrap();
        let text = fs_err::read_to_string(path).unwrap().replacen('1', "2", 1);
        fs_err::write(path, text).unwrap();
        Answer::body(404, "text/xml", "")
    });
    let Some(cloud) = Cloud::before_moto("changing", vec![images(), head]) else { return };
    assert_eq!(cloud.name, name);
    file.set(cloud.place.file("table.csv", table)).unwrap();
    let table = file.get().unwrap();
    let refused = cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(3);
    assert!(refused.stderr.contains("changed while it was read"), "{}", refused.stderr);
    assert_eq!(cloud.server.count(&format!("HEAD {object}")), 1);
    let table_or_note = |path: &String| path.contains("/raw/") || path.contains("newest-upload");
    assert_eq!(cloud.sent().into_iter().filter(table_or_note).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(cloud.server.count("CreatePipeline"), 0);
}

#[test]
fn contents_that_are_replaced_in_place_have_another_version() {
    let Some(cloud) = Cloud::before_moto("replaced", vec![images()]) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    // Nothing is there, so that Preprocess could only fail.
    let missing = cloud.orchestrator(&["start"]).expect(3).stderr;
    insta::assert_snapshot!(cloud.neutral(&missing), @"error: there is no table at s3://<name>/raw/machine_downtime.csv, which the execution would read; `orchestrator deploy --upload TABLE` uploads one");
    assert_eq!(cloud.server.count("StartPipelineExecution"), 0);

    let key = "raw/machine_downtime.csv";
    cloud.put(key, "one");
    let one = cloud.start(&[]);
    assert_eq!(cloud.start(&[]), one);
    cloud.put(key, "two");
    assert_ne!(cloud.start(&[]), one);
    cloud.put(key, "one");
    assert_eq!(cloud.start(&[]), one);
    // Of a prefix every object counts.
    let prefix = format!("InputDataUrl=s3://{}/raw/", cloud.name);
    let few = cloud.start(&["-p", &prefix]);
    cloud.put("raw/more.csv", "more");
    assert_ne!(cloud.start(&["-p", &prefix]), few);
    // Whoever knows better says so.
    assert_eq!(cloud.start(&["-p", "InputDataVersion=7"]), "7");
}

#[test]
fn the_newer_of_the_upload_and_of_the_settings_own_input_is_read() {
    let Some(cloud) = Cloud::before_moto("newer", vec![images()]) else { return };
    let uploaded = cloud.upload(&cloud.table("table.csv", 200));
    // S3 knows the time to a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    cloud.put("raw/machine_downtime.csv", "newer");
    // An execution reads it even before it is deployed.
    let started = cloud.orchestrator(&["start"]).expect(0);
    let own = format!("s3://{}/raw/machine_downtime.csv", cloud.name);
    assert!(started.stderr.contains(&format!("reads {own}, which is newer")), "{}", started.stderr);
    assert_eq!(cloud.started()["InputDataUrl"], own);
    let assigned = format!("InputDataUrl={uploaded}");
    cloud.start(&["-p", &assigned]);
    assert_eq!(cloud.started()["InputDataUrl"], uploaded);
    let outcome = cloud.orchestrator(&["deploy"]).expect(0);
    assert!(outcome.stderr.contains("which is newer than"), "{}", outcome.stderr);
    assert_eq!(cloud.input(), format!("s3://{}/raw/machine_downtime.csv", cloud.name));
    // Settings that name another input mean that one.
    cloud.edit("input_dataset: raw/machine_downtime.csv", "input_dataset: raw/other.csv");
    cloud.orchestrator(&["deploy"]).expect(0);
    assert_eq!(cloud.input(), format!("s3://{}/raw/other.csv", cloud.name));
    assert_ne!(cloud.input(), uploaded);
}

#[test]
fn a_file_that_is_not_the_settings_table_is_not_uploaded() {
    let Some(cloud) = Cloud::before_moto("readme", vec![images()]) else { return };
    let file = cloud.place.file("README.md", "# What this is\n\nA plant records a row.\n");
    let refused = cloud.orchestrator(&["deploy", "--upload", file.as_str()]).expect(3).stderr;
    assert!(refused.contains("README.md lacks column `Downtime`"), "{refused}");
    let bad = fs_err::read_to_string(cloud.table("bad.csv", 50)).unwrap().replacen(
        "No_Machine_Failure",
        "maybe",
        1,
    );
    let bad = cloud.place.file("bad.csv", bad);
    let refused = cloud.orchestrator(&["deploy", "--upload", bad.as_str()]).expect(3).stderr;
    assert!(refused.contains("bad.csv, line 2, column `Downtime`"), "{refused}");
    assert_eq!(cloud.sent(), [""; 0]);

    // A definition from a file has an input of its own.
    let both = ["deploy", "--upload", bad.as_str(), "--definition", file.as_str()];
    let refused = cloud.orchestrator(&both).expect(2).stderr;
    assert!(refused.contains("which --definition replaces"), "{refused}");

    // What is there stays, and a dry run says what would be uploaded where.
    let table = cloud.table("table.csv", 50);
    let dry = cloud
        .orchestrator(&["deploy", "--upload", table.as_str(), "--watch", "--dry-run"])
        .expect(0);
    insta::assert_snapshot!(cloud.neutral(&dry.stdout), @"
    <here>/table.csv (50 rows, 50 of them usable) goes to s3://<name>/raw/2d40a645c309b97e/table.csv, which the pipeline reads in place of s3://<name>/raw/machine_downtime.csv. Nothing is overwritten.
    <name> is not in us-east-1 yet: 6 steps, 23 parameters.
    The settings of the table would be uploaded to s3://<name>/pipeline-definitions/<name>/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json
    An execution would be started with StartedBy=arn:aws:sts::123456789012:user/moto.
    Nothing was done: --dry-run.
    ");
    let dry = cloud.json(
        0,
        &["deploy", "--upload", table.as_str(), "--start", "-p", "MaxDepth=4", "--dry-run"],
    );
    assert!(dry["upload"].as_str().unwrap().ends_with("/table.csv"));
    assert_eq!(dry["execution"]["parameters"]["MaxDepth"], "4");
    assert_eq!(cloud.sent(), [""; 0]);
}

/// A table of several: the others stay part of the input.
#[test]
fn a_table_below_a_prefix_is_read_beside_the_others() {
    let Some(cloud) = Cloud::before_moto("beside", vec![images()]) else { return };
    cloud.edit("input_dataset: raw/machine_downtime.csv", "input_dataset: raw/line-1/");
    let uploaded = cloud.upload(&cloud.table("january.csv", 50));
    let prefix = format!("s3://{}/raw/line-1/", cloud.name);
    assert!(uploaded.starts_with(&prefix) && uploaded.ends_with("/january.csv"), "{uploaded}");
    assert_eq!(cloud.input(), prefix);
    let version = cloud.start(&[]);
    cloud.upload(&cloud.table("february.csv", 51));
    assert_eq!(cloud.input(), prefix);
    assert_ne!(cloud.start(&[]), version);
}

#[test]
fn what_the_jobs_may_not_do_is_said_at_the_start() {
    let Some(cloud) = Cloud::before_moto("rights", vec![images()]) else { return };
    cloud.upload(&cloud.table("table.csv", 50));
    cloud.put("elsewhere/table.csv", "x");
    let elsewhere = format!("InputDataUrl=s3://{}/elsewhere/table.csv", cloud.name);
    let said =
        cloud.orchestrator(&["start", "-p", &elsewhere, "-p", "ModelPackageGroupName=other"]);
    insta::assert_snapshot!(cloud.neutral(&said.expect(0).stderr), @"
    InputDataUrl: the policy that `orchestrator iam-policy execution` prints does not let the jobs read s3://<name>/elsewhere/table.csv, as it lets them read what is below s3://<name>/raw
    ModelPackageGroupName: the policy that `orchestrator iam-policy execution` prints does not let the jobs register models in other, as it does in <name>
    ");
    let approving = cloud.orchestrator(&["start", "-p", "ModelApprovalStatus=Approved"]).expect(2);
    insta::assert_snapshot!(approving.stderr, @r#"error: parameter ModelApprovalStatus (String): found "Approved", expected one of PendingManualApproval, Rejected; `orchestrator models approve` approves a version"#);
    let mut definition = cloud.deployed_definition();
    let parameters = definition["Parameters"].as_array_mut().unwrap();
    let status = parameters.iter_mut().find(|one| one["Name"] == "ModelApprovalStatus").unwrap();
    status.as_object_mut().unwrap().remove("EnumValues");
    status["DefaultValue"] = "Approved".into();
    let file = cloud.place.file("approving.json", definition.to_string());
    let deploying = ["deploy", "--definition", file.as_str()];
    let refused = cloud.orchestrator(&deploying).expect(2).stderr;
    insta::assert_snapshot!(refused, @"error: executions would register approved versions, and model_registry.approval_status is PendingManualApproval; `orchestrator models approve` approves a version");
    let somebody = cloud.orchestrator(&["start", "-p", "StartedBy=ann"]).expect(2).stderr;
    insta::assert_snapshot!(somebody, @"error: parameter StartedBy is set by the credentials, and not by -p");
    // Whoever may decide it in the settings may do it.
    cloud.edit("approval_status: PendingManualApproval", "approval_status: Approved");
    cloud.orchestrator(&["deploy"]).expect(0);
    cloud.start(&["-p", "ModelApprovalStatus=Approved"]);
}

#[test]
fn credentials_that_may_not_look_start_preprocess_again() {
    let denied = || Answer::refused(403, "AccessDenied", "Access Denied");
    let name = format!("denied-{}", std::process::id());
    let rules = vec![images(), Rule::answers(&format!("GET /{name}/"), [denied()])];
    let Some(cloud) = Cloud::before_moto("denied", rules) else { return };
    assert_eq!(cloud.name, name);
    cloud.orchestrator(&["deploy"]).expect(0);
    let outcome = cloud.orchestrator(&["start"]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&outcome.stderr), @r#"Whether s3://<name>/raw/machine_downtime.csv has changed is unknown, so Preprocess runs again: s3:ListBucket was refused with AccessDenied: Access Denied; allowed by a policy with {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::<name>"}, unless the bucket is another account's (request 8a1c)"#);
    let first = cloud.started().remove("InputDataVersion").unwrap();
    assert!(first.starts_with("unknown-"), "{first}");
    assert_ne!(cloud.start(&[]), first);
}

/// Where nobody knows which table is the newest, neither is taken for it.
#[test]
fn a_note_that_cannot_be_read_is_no_older_table() {
    let denied = || Answer::refused(403, "AccessDenied", "Access Denied");
    let name = format!("no-note-{}", std::process::id());
    let note = format!("GET /{name}/pipeline-definitions/{name}/newest-upload.json");
    let rules = vec![images(), Rule::answers(&note, [denied()])];
    let Some(cloud) = Cloud::before_moto("no-note", rules) else { return };
    let refused = cloud.orchestrator(&["deploy"]).expect(5).stderr;
    assert!(refused.contains("told by s3://") && refused.contains("AccessDenied"), "{refused}");
    assert_eq!(cloud.server.count("CreatePipeline"), 0);
}

/// A pipeline that was not deployed reads what it has read.
#[test]
fn an_upload_counts_once_its_pipeline_is_deployed() {
    let refused = || Answer::refused(400, "AccessDeniedException", "no");
    let rules = vec![images(), Rule::answers("UpdatePipeline", [refused()])];
    let Some(cloud) = Cloud::before_moto("not-deployed", rules) else { return };
    let first = cloud.upload(&cloud.table("table.csv", 200));
    let other = cloud.table("other.csv", 201);
    cloud.orchestrator(&["deploy", "--upload", other.as_str()]).expect(5);
    cloud.orchestrator(&["plan"]).expect(0);
    cloud.start(&[]);
    assert_eq!((cloud.input(), cloud.started().get("InputDataUrl")), (first, None));
}
