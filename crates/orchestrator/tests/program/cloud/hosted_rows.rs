//! Rows that a hosted version answers: on an endpoint, from its queue, and in a batch transform. The program
//! `serve` answers in place of SageMaker's containers, with the registered model.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Stdio};
use std::sync::{Arc, Mutex};

use aws::Aws;
use aws::s3::config::{Credentials, Region};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use testkit::aws::{Answer, Rule};
use testkit::{executable, spellings};

use super::life::register;
use super::{ACCOUNT, Cloud};
use crate::Place;

/// A server of the model of a local run.
struct Hosted {
    _place: Place,
    model: Vec<u8>,
    child: Child,
    _log: BufReader<ChildStderr>,
    port: u16,
}

impl Hosted {
    fn start() -> Self {
        let place = Place::new();
        let result = place.json(0, &[]);
        let model = fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap();
        let sandbox = place.path("opt");
        fs_err::create_dir_all(sandbox.join("model")).unwrap();
        let archive = flate2::read::GzDecoder::new(&model[..]);
        tar::Archive::new(archive).unpack(sandbox.join("model")).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut child = std::process::Command::new(executable("serve"))
            .arg("serve")
            .env("SAGEMAKER_BASE_DIR", &sandbox)
            .env("SAGEMAKER_BIND_TO_PORT", port.to_string())
            .env("MODEL_VERSION", "1")
            .env("SERVE_ADDRESS", "127.0.0.1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "serve has ended");
        }
        Self { _place: place, model, child, _log: log, port }
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Sends records to the server and returns its answers.
fn ask(port: u16, accept: &str, records: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = records.len();
    write!(
        stream,
        "POST /invocations HTTP/1.0\r\nContent-Type: text/csv\r\nAccept: {accept}\r\nContent-Length: {length}\r\n\r\n{records}"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.0 200"), "{response}");
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Returns a connection to moto past the server that stands before it.
fn moto() -> Aws {
    let loader = aws::config::from_env()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .endpoint_url(testkit::aws::moto().unwrap());
    Aws::with(loader).unwrap()
}

fn split(uri: &str) -> (&str, &str) {
    uri.strip_prefix("s3://").unwrap().split_once('/').unwrap()
}

fn read(uri: &str) -> String {
    let (aws, (bucket, key)) = (moto(), split(uri));
    let object = aws.wait(aws.s3().get_object().bucket(bucket).key(key).send()).unwrap();
    let body = aws.wait(object.body.collect()).unwrap().into_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn write(uri: &str, text: String) {
    let (aws, (bucket, key)) = (moto(), split(uri));
    let put = aws.s3().put_object().bucket(bucket).key(key).body(text.into_bytes().into());
    aws.wait(put.send()).unwrap();
}

/// Returns the answers of `predict` with the registered model, and the version behind each.
fn predicted(cloud: &Cloud, table: &str) -> String {
    let arguments = ["predict", "--sagemaker", "--model", "1", "--input", table];
    let arguments =
        [&arguments[..], &["--config", "config/pipeline_config.yaml", "--group", &cloud.name]]
            .concat();
    let scored = cloud.orchestrator(&arguments).expect(0).stdout;
    let mut lines = scored.lines();
    let header = format!("{},model_version\n", lines.next().unwrap());
    header + &lines.map(|line| format!("{line},1\n")).collect::<String>()
}

impl Cloud {
    /// Registers the server's model as version 1, and approves it.
    fn register_hosted(&self, hosted: &Hosted) {
        self.put("model-artifacts/a/model.tar.gz", hosted.model.clone());
        register(self, "x1", &format!("s3://{}/model-artifacts/a/model.tar.gz", self.name));
        self.orchestrator(&["models", "approve", "1"]).expect(0);
    }

    fn sample(&self, rows: &str) {
        self.orchestrator(&["sample", "--rows", rows, "--output", "rows.csv"]).expect(0);
    }
}

#[test]
fn an_endpoint_gives_the_answers_of_predict() {
    let name = format!("hosted-{}", std::process::id());
    let hosted = testkit::aws::moto().map(|_| Hosted::start());
    let port = hosted.as_ref().map_or(0, |hosted| hosted.port);
    let invoke = Rule::with(&format!("POST /endpoints/{name}/invocations"), move |records| {
        let answers = ask(port, "text/csv; header=present", records.as_str().unwrap());
        Answer::body(200, "text/csv", answers)
    });
    let Some(cloud) = Cloud::before_moto("hosted", vec![invoke]) else { return };
    cloud.register_hosted(hosted.as_ref().unwrap());
    let none = cloud.orchestrator(&["endpoint", "invoke", "--input", "rows.csv"]).expect(5);
    insta::assert_snapshot!(cloud.neutral(&none.stderr), @"error: there is no endpoint <name> in us-east-1; `orchestrator endpoint deploy` makes it");
    // Requests to a serverless endpoint are small, so that there are several.
    cloud.set_endpoint("  kind: serverless\n");
    cloud.orchestrator(&["endpoint", "deploy", "--yes", "--interval", "0.01"]).expect(0);

    cloud.sample("50");
    let invoke = ["endpoint", "invoke", "--input"];
    let answered = cloud.orchestrator(&[&invoke[..], &["rows.csv"]].concat()).expect(0);
    assert_eq!(answered.stdout, predicted(&cloud, "rows.csv"));
    insta::assert_snapshot!(cloud.neutral(&answered.stderr), @"
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    50 rows scored by version 1 on endpoint <name>: 21 predicted to fail
    missing readings: Air_System_Pressure 1, Coolant_Pressure 1, Hydraulic_Pressure 1
    ");
    // What is asked for besides is a custom attribute.
    let action = format!("POST /endpoints/{}/invocations", cloud.name);
    let attributes = || cloud.server.header(&action, "x-amzn-sagemaker-custom-attributes");
    assert_eq!(attributes(), None);
    assert_eq!(cloud.server.header(&action, "content-type").as_deref(), Some("text/csv"));
    let explained = ["rows.csv", "--explain=interventional", "--threshold", "0.3"];
    cloud.orchestrator(&[&invoke[..], &explained].concat()).expect(0);
    assert_eq!(attributes().as_deref(), Some("explain=interventional,threshold=0.3"));
    // The table in other spellings, units and formats: the row's fields stay, the digits are the same.
    let table = fs_err::read_to_string(cloud.place.path("rows.csv")).unwrap();
    for spelling in spellings(&table).into_iter().step_by(5) {
        cloud.place.file("spelled.csv", spelling.bytes);
        let answered = cloud.orchestrator(&[&invoke[..], &["spelled.csv"]].concat()).expect(0);
        assert_eq!(answered.stdout, predicted(&cloud, "spelled.csv"), "{}", spelling.name);
    }

    cloud.sample("40000");
    let before = cloud.server.count(&format!("POST /endpoints/{}/invocations", cloud.name));
    let to_file = [&invoke[..], &["rows.csv", "--output", "scored.csv", "--json"]].concat();
    let report = cloud.orchestrator(&to_file).expect(0).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["rows"]["rows"], 40_000);
    let requests = cloud.server.count(&format!("POST /endpoints/{}/invocations", cloud.name));
    assert!(requests > before + 1, "{requests}");
    let scored = fs_err::read_to_string(cloud.place.path("scored.csv")).unwrap();
    assert!(scored == predicted(&cloud, "rows.csv"), "the answers differ");
}

#[test]
fn answers_that_are_not_those_of_the_rows_are_refused() {
    let name = format!("wrong-{}", std::process::id());
    let hosted = testkit::aws::moto().map(|_| Hosted::start());
    let port = hosted.as_ref().map_or(0, |hosted| hosted.port);
    let mut calls = 0;
    let invoke = Rule::with(&format!("POST /endpoints/{name}/invocations"), move |records| {
        let answers = ask(port, "text/csv; header=present", records.as_str().unwrap());
        calls += 1;
        match calls {
            // One answer is missing, one is too many, one is cut short, another version answers, and
            // something else does; then the model refuses.
            1 => Answer::body(200, "text/csv", answers.rsplit_once('\n').unwrap().0),
            2 => Answer::body(
                200,
                "text/csv",
                format!("{answers}\n{}", answers.lines().last().unwrap()),
            ),
            3 => Answer::body(200, "text/csv", answers.rsplit_once(',').unwrap().0),
            4 => Answer::body(200, "text/csv", answers.replace(",,,,1\n", ",,,,2\n")),
            5 => Answer::body(200, "text/html", "<p>Who are you?"),
            _ => Answer::body(
                424,
                "application/json",
                r#"{"Message": "Received client error (400) from primary with message: line 1: no"}"#,
            )
            .with_header("x-amzn-errortype", "ModelError"),
        }
    });
    let Some(cloud) = Cloud::before_moto("wrong", vec![invoke]) else { return };
    cloud.register_hosted(hosted.as_ref().unwrap());
    cloud.orchestrator(&["endpoint", "deploy", "--yes", "--interval", "0.01"]).expect(0);
    cloud.sample("5");
    let arguments = ["endpoint", "invoke", "--input", "rows.csv", "--output", "scored.csv"];
    let errors: Vec<String> =
        (0..6).map(|_| cloud.neutral(&cloud.orchestrator(&arguments).expect(5).stderr)).collect();
    insta::assert_snapshot!(errors.concat(), @"
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: rows 1 to 5: there are 4 answers, expected 5, one for each
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: rows 1 to 5: there are more than 5 answers, expected one for each
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: rows 1 to 5: an answer has 5 fields, expected the 6 of predicted,probability,imputed,unseen,out_of_range,model_version
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: rows 1 to 5: version 2 has answered, expected version 1; was the endpoint updated meanwhile?
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: the endpoint has answered `<p>Who are you?`, expected a line of names with predicted
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: sagemaker:InvokeEndpoint was refused with ModelError: Received client error (400) from primary with message: line 1: no (request 8a1c)
    ");
    // Nothing half-written is left.
    assert!(!cloud.place.path("scored.csv").exists());
    let usage =
        cloud.orchestrator(&["endpoint", "invoke", "--input", "rows.csv", "--threshold", "7"]);
    insta::assert_snapshot!(usage.expect(2).stderr, @"error: --threshold 7: expected a probability from 0 to 1");
}

#[test]
fn an_asynchronous_endpoint_answers_from_its_queue() {
    let name = format!("queue-{}", std::process::id());
    let hosted = testkit::aws::moto().map(|_| Hosted::start());
    let port = hosted.as_ref().map_or(0, |hosted| hosted.port);
    let mut calls = 0;
    let bucket = name.clone();
    let invoke = Rule::with(&format!("POST /endpoints/{name}/async-invocations"), move |_| {
        // The address of the request is in a header; it is the only object there.
        let aws = moto();
        let prefix = "asynchronous/input/";
        let list = aws.s3().list_objects_v2().bucket(&bucket).prefix(prefix).send();
        let key = aws.wait(list).unwrap().contents()[0].key().unwrap().to_owned();
        let records = read(&format!("s3://{bucket}/{key}"));
        calls += 1;
        let output = format!("s3://{bucket}/asynchronous/output/{calls}.out");
        let failure = format!("s3://{bucket}/asynchronous/failures/{calls}.out");
        if calls == 1 {
            write(&output, ask(port, "text/csv; header=present", &records));
        } else {
            write(&failure, "no memory".to_owned());
        }
        Answer::json(json!({ "InferenceId": "i" }))
            .with_header("X-Amzn-SageMaker-OutputLocation", &output)
            .with_header("X-Amzn-SageMaker-FailureLocation", &failure)
    });
    let Some(cloud) = Cloud::before_moto("queue", vec![invoke]) else { return };
    cloud.register_hosted(hosted.as_ref().unwrap());
    cloud.set_endpoint("  kind: asynchronous\n  asynchronous: { max_concurrent_invocations: 2 }\n");
    cloud.orchestrator(&["endpoint", "deploy", "--yes", "--interval", "0.01"]).expect(0);
    cloud.sample("20");
    let arguments = ["endpoint", "invoke", "--input", "rows.csv"];
    let answered = cloud.orchestrator(&arguments).expect(0);
    assert_eq!(answered.stdout, predicted(&cloud, "rows.csv"));
    let failed = cloud.orchestrator(&arguments).expect(1);
    insta::assert_snapshot!(cloud.neutral(&failed.stderr), @"
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    Waiting for s3://<name>/asynchronous/output/2.out
    error: the request was not answered: no memory (s3://<name>/asynchronous/failures/2.out)
    ");
}

/// Replaces the times in the names of batch transforms by placeholders.
fn without_time(text: &str) -> String {
    let time = regex::Regex::new(r"-v1-<digest>-\d{10}\b").unwrap();
    time.replace_all(text, "-v1-<digest>-<time>").into_owned()
}

/// Writes the answers of the server to the records of a batch transform.
fn answer_transform(port: u16, job: &serde_json::Value) {
    let input = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"].as_str().unwrap();
    let output = job["TransformOutput"]["S3OutputPath"].as_str().unwrap();
    if input.ends_with("/records.csv") {
        write(&format!("{output}/records.csv.out"), ask(port, "text/csv", &read(input)));
    }
}

#[test]
fn a_batch_transform_gives_the_answers_of_predict() {
    let hosted = testkit::aws::moto().map(|_| Hosted::start());
    let port = hosted.as_ref().map_or(0, |hosted| hosted.port);
    let create = Rule::with("CreateTransformJob", move |job| {
        answer_transform(port, job);
        let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:transform-job/j");
        Answer::json(json!({ "TransformJobArn": arn }))
    });
    let status = |status: &str, reason: &str| {
        Answer::json(
            json!({ "TransformJobStatus": status, "FailureReason": reason, "TransformJobName": "j" }),
        )
    };
    let describe = Rule::answers(
        "DescribeTransformJob",
        [
            status("InProgress", ""),
            Answer::throttled(),
            status("Completed", ""),
            status("Failed", "ClientError: line 3"),
        ],
    );
    let Some(cloud) = Cloud::before_moto("transform", vec![create, describe]) else { return };
    cloud.register_hosted(hosted.as_ref().unwrap());
    cloud.sample("200");
    let neutral = |text: &str| without_time(&cloud.neutral(text));
    let plain = ["transform", "--input", "rows.csv", "--output", "scored.csv"];
    let dry = cloud.orchestrator(&[&plain[..], &["--dry-run"]].concat()).expect(0);
    insta::assert_snapshot!(neutral(&dry.stdout), @"
    Version 1 of group <name> answers records in transform job <name>-v1-<digest>-<time>.
      records: 200 rows of rows.csv, which are sent to s3://<name>/predictions/<name>-v1-<digest>-<time>/input/records.csv
      answers: s3://<name>/predictions/<name>-v1-<digest>-<time>/output; the rows with them: scored.csv
    It will cost 0.115 USD an hour for 1 ml.m5.large, about 0.01 USD if it takes 5 minutes (prices of 2025-01-01).
    Nothing was done: --dry-run.
    ");
    let dry = cloud.json(0, &[&plain[..], &["--dry-run", "--instances", "2"]].concat());
    assert_eq!((&dry["action"], &dry["cost"]["per_hour"]), (&json!("start"), &json!(0.23)));
    assert_eq!((&dry["dry_run"], &dry["records"]), (&json!(true), &json!(200)));
    let job = dry["transform_job"].as_str().unwrap();
    let input = format!("s3://{}/predictions/{job}/input/records.csv", cloud.name);
    assert_eq!(dry["input"], input);
    // Where nobody can be asked, nothing is done without --yes.
    let unasked = cloud.orchestrator(&plain).expect(2);
    insta::assert_snapshot!(neutral(&unasked.stderr), @"
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    error: nothing was done: standard input is no terminal to ask at, expected --yes to do it or --dry-run to only say it
    ");
    let actions = cloud.server.actions();
    assert!(
        !actions.iter().any(|it| it == "CreateModel" || it.contains("/predictions/")),
        "{actions:?}"
    );

    let transform = ["transform", "--yes", "--interval", "0.01", "--input"];
    let table = [&transform[..], &["rows.csv", "--output", "scored.csv"]].concat();
    let done = cloud.orchestrator(&table).expect(0);
    insta::assert_snapshot!(neutral(&done.stdout), @"
    Version 1 of group <name> answers records in transform job <name>-v1-<digest>-<time>.
      records: 200 rows of rows.csv, which are sent to s3://<name>/predictions/<name>-v1-<digest>-<time>/input/records.csv
      answers: s3://<name>/predictions/<name>-v1-<digest>-<time>/output; the rows with them: scored.csv
    It will cost 0.115 USD an hour for 1 ml.m5.large, about 0.01 USD if it takes 5 minutes (prices of 2025-01-01).
    transform job <name>-v1-<digest>-<time>: started
    200 rows scored by version 1 in transform job <name>-v1-<digest>-<time>: 90 predicted to fail (probability above 0.5)
    missing readings: Air_System_Pressure 2, Coolant_Pressure 2, Coolant_Temperature 1, Hydraulic_Oil_Temperature 1, Hydraulic_Pressure 1, Spindle_Vibration 1
    scored.csv
    transform job <name>-v1-<digest>-<time>: Completed; its answers are below s3://<name>/predictions/<name>-v1-<digest>-<time>/output
    ");
    let scored = fs_err::read_to_string(cloud.place.path("scored.csv")).unwrap();
    assert_eq!(scored, predicted(&cloud, "rows.csv"));

    let address = format!("s3://{}/tables/", cloud.name);
    cloud.put("tables/1.csv", "1,2\n");
    let failed = cloud.orchestrator(&[&transform[..], &[&address]].concat()).expect(1);
    insta::assert_snapshot!(neutral(&failed.stderr), @"
    <name>-v1-<digest>-<time>: Failed
    error: the transform job <name>-v1-<digest>-<time> is Failed: ClientError: line 3
    ");
    let started =
        [&transform[..], &[&address, "--content-type", "application/jsonlines", "--no-wait"]];
    let started = cloud.orchestrator(&started.concat()).expect(0);
    insta::assert_snapshot!(neutral(&started.stdout), @"
    Version 1 of group <name> answers records in transform job <name>-v1-<digest>-<time>.
      records: s3://<name>/tables/
      answers: s3://<name>/predictions/<name>-v1-<digest>-<time>/output
    It will cost 0.115 USD an hour for 1 ml.m5.large, about 0.01 USD if it takes 5 minutes (prices of 2025-01-01).
    transform job <name>-v1-<digest>-<time>: started
    Its answers will be below s3://<name>/predictions/<name>-v1-<digest>-<time>/output
    ");
    let mut calls = cloud.server.calls();
    calls.retain(|(action, _)| action == "CreateTransformJob");
    let mut job = calls.pop().unwrap().1;
    job["TransformJobName"] = "<job>".into();
    job["TransformOutput"]["S3OutputPath"] = "<output>".into();
    job["ModelName"] = "<model>".into();
    job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"] = "<input>".into();
    insta::assert_json_snapshot!(job, @r#"
    {
      "BatchStrategy": "MultiRecord",
      "Environment": {
        "SERVE_THRESHOLD": "0.5"
      },
      "ModelName": "<model>",
      "Tags": [
        {
          "Key": "project",
          "Value": "machine-downtime"
        },
        {
          "Key": "managed-by",
          "Value": "machine-downtime-orchestrator"
        }
      ],
      "TransformInput": {
        "ContentType": "application/jsonlines",
        "DataSource": {
          "S3DataSource": {
            "S3DataType": "S3Prefix",
            "S3Uri": "<input>"
          }
        },
        "SplitType": "Line"
      },
      "TransformJobName": "<job>",
      "TransformOutput": {
        "Accept": "application/jsonlines",
        "AssembleWith": "Line",
        "S3OutputPath": "<output>"
      },
      "TransformResources": {
        "InstanceCount": 1,
        "InstanceType": "ml.m5.large"
      }
    }
    "#);
    for arguments in [
        vec!["transform", "--input", &address, "--output", "scored.csv"],
        vec!["transform", "--input", "rows.csv", "--content-type", "application/jsonlines"],
        vec!["transform", "--input", "rows.csv", "--threshold", "-1"],
        vec!["transform", "--input", "rows.csv", "--output", "rows.csv"],
    ] {
        cloud.orchestrator(&arguments).expect(2);
    }
}

/// What would be a job that fails is found before it is started and billed.
#[test]
fn a_transform_that_must_fail_is_not_started() {
    let denied = Answer::refused(403, "AccessDenied", "Access Denied");
    let list = Rule::with("GET /somebodys-bucket/", move |_| denied.clone());
    let Some(cloud) = Cloud::before_moto("unstarted", vec![list]) else { return };
    cloud.approve_a_version("1");
    // Consoles mark a directory by an object without content.
    cloud.put("empty/", "");
    cloud.put("records/1.csv", "1,2\n");
    let transform = |code: i32, address: &str, more: &[&str]| {
        let arguments = [&["transform", "--input", address, "--dry-run"], more].concat();
        cloud.neutral(&cloud.orchestrator(&arguments).expect(code).stderr)
    };
    let of = |key: &str| format!("s3://{}/{key}", cloud.name);
    insta::assert_snapshot!(transform(3, "s3://no-such-bucket-of-ours/records/", &[]), @"error: there is no object with content at s3://no-such-bucket-of-ours/records/, expected records");
    insta::assert_snapshot!(transform(3, &of("empty/"), &[]), @"error: there is no object with content at s3://<name>/empty/, expected records");
    assert_eq!(transform(0, &of("records/"), &[]), "");
    // An address is a prefix, as for SageMaker.
    assert_eq!(transform(0, &of("rec"), &[]), "");
    insta::assert_snapshot!(transform(0, "s3://somebodys-bucket/records/", &[]), @r#"Not checked: records: s3://somebodys-bucket/records/: s3:ListBucket was refused with AccessDenied: Access Denied; allowed by a policy with {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::somebodys-bucket"}, unless the bucket is another account's (request 8a1c)"#);
    insta::assert_snapshot!(transform(5, &of("records/"), &["--instance-type", "ml.c7g.large"]), @"error: version 1 cannot run: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1 is built for amd64, and ml.c7g.large takes arm64; scripts/build-images --platform linux/arm64, then scripts/push-images 123456789012.dkr.ecr.us-east-1.amazonaws.com, and the tag that it says as IMAGE_TAG");
    cloud.edit(super::ROLE, "Nobody");
    insta::assert_snapshot!(transform(5, &of("records/"), &[]), @"error: version 1 cannot run: role arn:aws:iam::123456789012:role/Nobody is not there; `orchestrator infrastructure` prints a template that makes it, `orchestrator iam-policy execution` what it may do");
    assert_eq!(cloud.server.count("CreateTransformJob"), 0);
}

/// Of two jobs that answer the same records, the second would cost what the first did.
#[test]
fn a_transform_that_is_in_progress_is_taken_up() {
    let hosted = testkit::aws::moto().map(|_| Hosted::start());
    let port = hosted.as_ref().map_or(0, |hosted| hosted.port);
    let jobs = Arc::new(Mutex::new(Vec::new()));
    let create = {
        let jobs = Arc::clone(&jobs);
        Rule::with("CreateTransformJob", move |job| {
            answer_transform(port, job);
            jobs.lock().unwrap().push(job["TransformJobName"].as_str().unwrap().to_owned());
            let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:transform-job/j");
            Answer::json(json!({ "TransformJobArn": arn }))
        })
    };
    // All jobs are in progress. One of another endpoint, whose name ends in this one's, is in each listing.
    let list = Rule::with("ListTransformJobs", move |request| {
        let wanted = request["NameContains"].as_str().unwrap();
        assert_eq!(request["StatusEquals"], "InProgress");
        let jobs = jobs.lock().unwrap();
        let found = jobs.iter().filter(|name| name.contains(wanted));
        let summary = |name: &String| {
            json!({
                "TransformJobName": name, "TransformJobStatus": "InProgress", "CreationTime": 1.0,
                "TransformJobArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:transform-job/{name}"),
            })
        };
        let others = [summary(&format!("other-{wanted}1790000000"))].into_iter();
        let found: Vec<_> = others.chain(found.map(summary)).collect();
        Answer::json(json!({ "TransformJobSummaries": found }))
    });
    let status = |status: &str| Answer::json(json!({ "TransformJobStatus": status }));
    // The first command gives up after it has asked once.
    let mut asked = 0;
    let describe = Rule::with("DescribeTransformJob", move |_| {
        asked += 1;
        status(if asked == 1 { "InProgress" } else { "Completed" })
    });
    let rules = vec![create, list, describe];
    let Some(cloud) = Cloud::before_moto("again", rules) else { return };
    cloud.register_hosted(hosted.as_ref().unwrap());
    cloud.sample("20");
    let neutral = |text: &str| without_time(&cloud.neutral(text));
    let table = ["transform", "--input", "rows.csv", "--output", "scored.csv"];
    let lost = [&table[..], &["--yes", "--interval", "60", "--timeout", "0.001"]].concat();
    let lost = cloud.orchestrator(&lost).expect(1);
    insta::assert_snapshot!(neutral(&lost.stderr), @"
    Version 1 has its model at s3://<name>/model-artifacts/a/model.tar.gz; its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
    <name>-v1-<digest>-<time>: InProgress
    The transform job <name>-v1-<digest>-<time> goes on; its answers will be below s3://<name>/predictions/<name>-v1-<digest>-<time>/output.
    error: transform job <name>-v1-<digest>-<time> is not over within --timeout
    ");
    let actions = cloud.server.actions();
    let sent = |actions: &[String]| {
        actions.iter().filter(|it| it.starts_with("PUT /") && it.contains("/input/")).count()
    };
    assert_eq!(sent(&actions), 1, "{actions:?}");

    // It costs nothing more, so that nobody is asked.
    let again = [&table[..], &["--interval", "0.01"]].concat();
    let dry = cloud.orchestrator(&[&again[..], &["--dry-run"]].concat()).expect(0);
    insta::assert_snapshot!(neutral(&dry.stdout), @"
    transform job <name>-v1-<digest>-<time>: it answers the same and is in progress, so no other is started
    Nothing was done: --dry-run.
    ");
    let taken = cloud.orchestrator(&again).expect(0);
    insta::assert_snapshot!(neutral(&taken.stdout), @"
    transform job <name>-v1-<digest>-<time>: it answers the same and is in progress, so no other is started
    20 rows scored by version 1 in transform job <name>-v1-<digest>-<time>: 10 predicted to fail (probability above 0.5)
    missing readings: Coolant_Pressure 1
    scored.csv
    transform job <name>-v1-<digest>-<time>: Completed; its answers are below s3://<name>/predictions/<name>-v1-<digest>-<time>/output
    ");
    let scored = fs_err::read_to_string(cloud.place.path("scored.csv")).unwrap();
    assert_eq!(scored, predicted(&cloud, "rows.csv"));
    let report = cloud.json(0, &[&table[..], &["--interval", "0.01"]].concat());
    assert_eq!((&report["action"], &report["rows"]["rows"]), (&json!("taken up"), &json!(20)));
    // Neither records nor a job were sent again.
    assert_eq!(sent(&cloud.server.actions()), 1);
    assert_eq!(cloud.server.count("CreateTransformJob"), 1);

    // Another threshold gives other answers, and so do other rows.
    cloud.orchestrator(&[&again[..], &["--yes", "--threshold", "0.4"]].concat()).expect(0);
    cloud.sample("21");
    cloud.orchestrator(&[&again[..], &["--yes"]].concat()).expect(0);
    assert_eq!(cloud.server.count("CreateTransformJob"), 3);
}
