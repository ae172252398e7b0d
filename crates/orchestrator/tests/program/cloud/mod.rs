//! Commands on SageMaker, with a moto server for the calls that it supports and scripted answers for
//! the others.

mod deploying;
mod doctor;
mod ending;
mod endpoint;
mod execution_logs;
mod executions;
mod foreign_packages;
mod hosted_rows;
mod hosting;
mod input_table;
mod instance_types;
mod life;
mod many_versions;
mod permissions;
mod promoting;
mod refusals;
mod reproduce;
mod selecting;
mod stages;
mod watching;

use std::collections::BTreeMap;

use aws::Aws;
use aws::s3::config::{Credentials, Region};
use camino::Utf8PathBuf;
use config::{Layer, Settings, Variables};
use serde_json::{Value, json};
use testkit::Outcome;
use testkit::aws::{Answer, Rule, Server};

use crate::{CONFIG, Place};

const ACCOUNT: &str = "123456789012";
/// The name of the settings' execution role.
const ROLE: &str = "MachineDowntimePipelineExecutionRole";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A directory with settings of its own, and a server that stands for AWS.
struct Cloud {
    place: Place,
    server: Server,
    /// The name of the pipeline, the model package group and the bucket, in lower case.
    name: String,
}

/// Returns a rule by which every repository has an image `latest`.
fn images() -> Rule {
    Rule::with("DescribeImages", |request| {
        let repository = request["repositoryName"].as_str().unwrap();
        let digest = format!("sha256:{:064x}", repository.len());
        Answer::json(json!({ "imageDetails": [{
            "registryId": ACCOUNT, "repositoryName": repository, "imageTags": ["latest"],
            "imageDigest": digest, "imageManifestMediaType": MANIFEST,
        }]}))
    })
}

/// Returns rules by which every image is built for `architecture`. The configuration of an image is
/// read from an address that ECR returns.
fn built_for(architecture: &'static str) -> [Rule; 2] {
    let layer = Answer::json(json!({ "architecture": architecture, "os": "linux" }));
    let layers = Server::alone(vec![Rule::answers("GET /layer", [layer])]);
    let manifest = json!({ "schemaVersion": 2, "config": { "digest": "sha256:c0" } });
    let images = json!({ "images": [{ "imageManifest": manifest.to_string() }] });
    let address = json!({ "downloadUrl": format!("{}/layer?signed=1", layers.url) });
    [
        Rule::answers("BatchGetImage", [Answer::json(images)]),
        Rule::answers("GetDownloadUrlForLayer", [Answer::json(address)]),
    ]
}

/// Returns the trust policy of a role that SageMaker runs jobs and hosts as.
fn trusted_by_sagemaker() -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "sagemaker.amazonaws.com" },
    }]})
    .to_string()
}

/// Returns the rules for what an endpoint needs and moto does not have. Of several rules for an action the
/// first one applies, so that a test may have its own.
fn hosting_rules() -> Vec<Rule> {
    let none = Answer::json(json!({ "InferenceComponents": [] }));
    let image = Rule::with("DescribeImages", |request| {
        if request["repositoryName"] != "machine-downtime/serve" {
            return Answer::forwarded();
        }
        let digest = format!("sha256:{}", "5e".repeat(32));
        let image = json!({ "imageDigest": digest, "imageManifestMediaType": MANIFEST });
        Answer::json(json!({ "imageDetails": [image] }))
    });
    let components = Rule::answers("ListInferenceComponents", [none]);
    built_for("amd64").into_iter().chain([image, components]).collect()
}

impl Cloud {
    /// Returns a server that forwards calls without a rule to moto, or `None` if no moto runs.
    fn before_moto(name: &str, mut rules: Vec<Rule>) -> Option<Self> {
        rules.extend(hosting_rules());
        let moto = testkit::aws::moto()?;
        // Earlier runs of the tests may have left objects of the same name.
        let name = format!("{name}-{}", std::process::id());
        let cloud = Self::of(name, Server::proxy(&moto, rules));
        let s3 = cloud.aws().s3();
        cloud.aws().wait(s3.create_bucket().bucket(&cloud.name).send()).unwrap();
        let role = cloud.aws().iam().create_role().role_name(ROLE);
        // Another test may have created it.
        let _ = cloud.aws().wait(role.assume_role_policy_document(trusted_by_sagemaker()).send());
        Some(cloud)
    }

    /// Returns a server that refuses calls without a rule, except that nothing was ever uploaded, and that the
    /// group is there and has the settings' tags.
    fn alone(mut rules: Vec<Rule>) -> Self {
        let newest = "GET /alone/pipeline-definitions/alone/newest-upload.json";
        rules.push(Rule::answers(newest, [Answer::refused(404, "NoSuchKey", "no such key")]));
        let group = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package-group/alone");
        let group = json!({ "ModelPackageGroupArn": group, "ModelPackageGroupName": "alone" });
        rules.push(Rule::answers("DescribeModelPackageGroup", [Answer::json(group)]));
        let tags = json!({ "Tags": [{ "Key": "project", "Value": "machine-downtime" }] });
        rules.push(Rule::answers("ListTags", [Answer::json(tags)]));
        Self::of("alone".to_owned(), Server::alone(rules))
    }

    /// Makes a synthetic table of this many rows.
    fn table(&self, name: &str, rows: u64) -> Utf8PathBuf {
        let mut table = Vec::new();
        dataset::sample::write(&mut table, rows, 7).unwrap();
        self.place.file(name, table)
    }

    /// Returns the parameters of the execution that was started last.
    fn started(&self) -> BTreeMap<String, String> {
        let calls = self.server.calls();
        let started = calls.iter().rfind(|(action, _)| action == "StartPipelineExecution");
        let parameters = started.unwrap().1["PipelineParameters"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        parameters.iter().map(|one| (text(&one["Name"]), text(&one["Value"]))).collect()
    }

    fn of(name: String, server: Server) -> Self {
        let text = fs_err::read_to_string(CONFIG).unwrap();
        let text = text
            .replace("name: MachineDowntimePipeline", &format!("name: {name}"))
            .replace("bucket: machine-downtime-2", &format!("bucket: {name}"))
            .replace("group_name: machine-downtime-model-group", &format!("group_name: {name}"));
        let place = Place::new();
        place.file("config/pipeline_config.yaml", text);
        Self { place, server, name }
    }

    fn aws(&self) -> Aws {
        let loader = aws::config::from_env()
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(&self.server.url);
        Aws::with(loader).unwrap()
    }

    fn put(&self, key: &str, body: impl Into<Vec<u8>>) {
        let put = self.aws().s3().put_object().bucket(&self.name).key(key);
        self.aws().wait(put.body(body.into().into()).send()).unwrap();
    }

    fn config(&self) -> Utf8PathBuf {
        self.place.path("config/pipeline_config.yaml")
    }

    /// Replaces a text in the settings.
    fn edit(&self, from: &str, to: &str) {
        let text = fs_err::read_to_string(self.config()).unwrap();
        assert!(text.contains(from), "{from}");
        fs_err::write(self.config(), text.replacen(from, to, 1)).unwrap();
    }

    /// Sets the endpoint's settings.
    fn set_endpoint(&self, settings: &str) {
        self.edit("endpoint:\n  kind: real_time\n", &format!("endpoint:\n{settings}"));
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.place.command(arguments);
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "IMAGE_TAG"] {
            command.env_remove(name);
        }
        command
            .env("AWS_ENDPOINT_URL", &self.server.url)
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCOUNT_ID", ACCOUNT)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", self.place.path("none"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.place.path("none"));
        command
    }

    /// Runs a command, and fails unless the policies for whoever types it allow its calls.
    fn orchestrator(&self, arguments: &[&str]) -> Outcome {
        let before = self.server.calls().len();
        let outcome = self.command(arguments).output().unwrap().into();
        if let Some(mut settings) = self.settings() {
            if let Some(at) = arguments.iter().position(|argument| *argument == "--images") {
                let images = fs_err::read_to_string(arguments[at + 1]).unwrap();
                settings.use_images("images", &images).unwrap();
            }
            let stages: Vec<_> = [settings].into_iter().chain(self.stage(arguments)).collect();
            permissions::judge_command(arguments, &stages, &self.server.calls()[before..]);
            self.require_owner(arguments, before);
        }
        outcome
    }

    /// Fails the test if a call of S3 since that of index `before` is about the settings' bucket, and would be
    /// answered if the bucket were a stranger's.
    fn require_owner(&self, arguments: &[&str], before: usize) {
        // What `destroy` lists and deletes are versions.
        if arguments.first() == Some(&"destroy") {
            return;
        }
        let owners = self.server.headers("x-amz-expected-bucket-owner");
        let bucket = format!(" /{}/", self.name);
        for ((action, _), owner) in self.server.calls().iter().zip(owners).skip(before) {
            if action.contains(&bucket) {
                assert_eq!(owner.as_deref(), Some(ACCOUNT), "{arguments:?}: {action}");
            }
        }
    }

    /// Returns the settings, unless a test has made them wrong or of another account.
    fn settings(&self) -> Option<Settings> {
        let text = fs_err::read_to_string(self.config()).unwrap();
        let settings = Settings::from_yaml("pipeline_config.yaml", &text, |_| None).ok()?;
        Some(settings).filter(|settings| settings.aws.account_id == ACCOUNT)
    }

    /// Returns the settings of the stage that a command promotes to.
    fn stage(&self, arguments: &[&str]) -> Option<Settings> {
        let arguments = arguments.strip_prefix(&["promote"])?;
        let files = arguments.windows(2).filter(|pair| pair[0] == "--to").map(|pair| pair[1]);
        let read = |file| (file, fs_err::read_to_string(self.place.path(file)).unwrap());
        let texts: Vec<_> = files.map(read).collect();
        let layers = texts.iter().map(|(file, text)| Layer { file, text });
        let layers: Vec<_> = layers.collect();
        let variables = Variables { environment: &|_| None, otherwise: &|_| None };
        Settings::from_layers(&layers, variables, |_| Vec::new())
            .ok()
            .filter(|_| !layers.is_empty())
    }

    /// Runs a command with `--json` and returns the printed object.
    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let outcome = self.orchestrator(&[arguments, &["--json"]].concat()).expect(code);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Replaces names, ids and addresses, which differ from run to run, by placeholders.
    fn neutral(&self, text: &str) -> String {
        let text = self.place.neutral(text).replace(&self.server.url, "<server>");
        let id = regex::Regex::new(r"execution/[a-z0-9]{12}").unwrap();
        let text = id.replace_all(&text, "execution/<execution>");
        let watch = regex::Regex::new(r"(watch|stop|xecution) [a-z0-9]{12}\b").unwrap();
        let text = watch.replace_all(&text, "$1 <execution>").replace(&self.name, "<name>");
        let digest = regex::Regex::new(r"-v(\d+)-[0-9a-f]{12}\b").unwrap();
        digest.replace_all(&text, "-v$1-<digest>").into_owned()
    }

    fn pipeline_arn(&self) -> String {
        format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/{}", self.name)
    }
}
