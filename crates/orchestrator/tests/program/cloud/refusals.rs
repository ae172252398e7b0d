//! Errors of AWS: one message, exit code 5, and no partial change.

use serde_json::json;
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud, images};

/// Returns the rule for the upload of the table's settings.
fn table_settings(answer: Answer) -> Rule {
    let digest = common::sha256_hex(config::steps::TableSettings::default().to_json());
    let action = format!("PUT /alone/pipeline-definitions/alone/{digest}/table.json");
    Rule::answers(&action, [answer])
}

/// Returns the answer of S3 to an upload.
fn stored() -> Answer {
    Answer::body(200, "application/xml", "")
}

/// Returns rules by which a pipeline of another definition and these tags is deployed.
fn deployed(tags: serde_json::Value) -> Vec<Rule> {
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone");
    let definition = r#"{"Version": "2020-12-01", "Parameters": [], "Steps": []}"#;
    vec![
        images(),
        Rule::answers(
            "DescribePipeline",
            [Answer::json(json!({
                "PipelineArn": arn, "PipelineName": "alone", "PipelineDefinition": definition,
                "RoleArn": "arn:aws:iam::123456789012:role/Other",
            }))],
        ),
        Rule::answers("ListTags", [Answer::json(json!({ "Tags": tags }))]),
        table_settings(stored()),
    ]
}

/// Returns rules by which no pipeline is deployed yet.
fn absent() -> Vec<Rule> {
    let identity = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>{ACCOUNT}</Account>\
         <Arn>arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/ann</Arn>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    vec![
        images(),
        Rule::answers(
            "DescribePipeline",
            [Answer::refused(400, "ResourceNotFound", "Pipeline does not exist")],
        ),
        Rule::answers("GetCallerIdentity", [Answer::body(200, "text/xml", identity)]),
        table_settings(stored()),
    ]
}

/// Returns the error of a command that AWS refuses.
fn refusal(cloud: &Cloud, arguments: &[&str]) -> String {
    let outcome = cloud.orchestrator(arguments).expect(5);
    cloud.neutral(outcome.stderr.trim_end())
}

/// Returns a server with one more answer.
fn with(mut rules: Vec<Rule>, action: &str, answer: Answer) -> Cloud {
    rules.push(Rule::answers(action, [answer]));
    Cloud::alone(rules)
}

#[test]
fn missing_region_and_credentials() {
    let cloud = Cloud::alone(Vec::new());
    let run = |remove: &str| {
        let outcome = cloud.command(&["plan"]).env_remove(remove).output().unwrap();
        testkit::Outcome::from(outcome).expect(5).stderr
    };
    insta::assert_snapshot!(run("AWS_REGION"), @"error: no AWS region: set AWS_REGION, or `region` in the profile that AWS_PROFILE names");
    let credentials = run("AWS_ACCESS_KEY_ID");
    assert!(
        credentials.starts_with("error: no AWS credentials: set AWS_ACCESS_KEY_ID"),
        "{credentials}"
    );
    cloud.edit("${AWS_REGION:-us-east-1}", "eu-central-1");
    insta::assert_snapshot!(refusal(&cloud, &["plan"]), @"error: the AWS environment names the region us-east-1, and aws.region of config/pipeline_config.yaml is eu-central-1; AWS_REGION=eu-central-1 takes that of the settings, `region: us-east-1` in them that of the environment");
    assert!(cloud.server.calls().iter().all(|(action, _)| action == "DescribeImages"));
}

#[test]
fn refused_credentials() {
    let expired = Answer::refused(
        400,
        "ExpiredTokenException",
        "The security token included in the request is expired",
    );
    let cloud = with(vec![images()], "DescribePipeline", expired);
    insta::assert_snapshot!(refusal(&cloud, &["plan"]), @"error: sagemaker:DescribePipeline was refused with ExpiredTokenException: The security token included in the request is expired; renew the credentials, those of a profile with `aws sso login` or `aws login` (request 8a1c)");
    let denied = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: \
                  sagemaker:CreatePipeline on resource: arn:aws:sagemaker:us-east-1:123456789012:pipeline/alone \
                  because no identity-based policy allows the sagemaker:CreatePipeline action";
    let cloud =
        with(absent(), "CreatePipeline", Answer::refused(400, "AccessDeniedException", denied));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @r#"error: sagemaker:CreatePipeline was refused with AccessDeniedException: User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sagemaker:CreatePipeline on resource: arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name> because no identity-based policy allows the sagemaker:CreatePipeline action; allowed by a policy with {"Effect": "Allow", "Action": "sagemaker:CreatePipeline", "Resource": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name>"} (request 8a1c)"#);
}

/// Without the settings of the table the pipeline could not run, so it stays as it is.
#[test]
fn a_bucket_that_cannot_be_written() {
    let refused = |rules: Vec<Rule>| {
        let denied = Answer::refused(403, "AccessDenied", "Access Denied");
        let rules = std::iter::once(table_settings(denied)).chain(rules);
        let cloud = Cloud::alone(rules.collect());
        let error = refusal(&cloud, &["deploy"]);
        for write in ["CreatePipeline", "UpdatePipeline", "AddTags"] {
            assert_eq!(cloud.server.count(write), 0);
        }
        error
    };
    insta::assert_snapshot!(refused(absent()), @r#"error: s3:PutObject was refused with AccessDenied: Access Denied; allowed by a policy with {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::<name>/pipeline-definitions/<name>/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json"}, unless the bucket is another account's (request 8a1c)"#);
    let ours = json!([{ "Key": "managed-by", "Value": "machine-downtime-orchestrator" }]);
    assert_eq!(refused(deployed(ours)), refused(absent()));
}

#[test]
fn a_missing_role() {
    let role = Answer::refused(
        400,
        "ValidationException",
        "Could not assume role arn:aws:iam::123456789012:role/X",
    );
    let cloud = with(absent(), "CreatePipeline", role);
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: sagemaker:CreatePipeline was refused with ValidationException: Could not assume role arn:aws:iam::123456789012:role/X; check that the role is there and trusts sagemaker.amazonaws.com (request 8a1c)");
}

#[test]
fn another_account() {
    let cloud = Cloud::alone(absent());
    cloud.edit("${AWS_ACCOUNT_ID:-123456789012}", "\"210987654321\"");
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: the credentials are of account 123456789012, and aws.account_id is 210987654321");
    assert_eq!(cloud.server.count("CreatePipeline"), 0);
}

#[test]
fn a_pipeline_that_another_tool_manages() {
    let cloud = Cloud::alone(deployed(json!([{ "Key": "managed-by", "Value": "terraform" }])));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: the pipeline <name> is there and has the tag managed-by=terraform, not machine-downtime-orchestrator: it may be another one. pipeline.name of the settings names yours; --adopt takes this one over");
    let cloud = Cloud::alone(deployed(json!([])));
    insta::assert_snapshot!(refusal(&cloud, &["deploy", "--start"]), @"error: the pipeline <name> is there and has no tag managed-by=machine-downtime-orchestrator: it may be another one. pipeline.name of the settings names yours; --adopt takes this one over");
    for write in ["UpdatePipeline", "AddTags", "StartPipelineExecution"] {
        assert_eq!(cloud.server.count(write), 0);
    }
    // With --adopt the pipeline is updated.
    let mut rules = deployed(json!([]));
    rules.push(Rule::answers("UpdatePipeline", [Answer::json(json!({}))]));
    rules.push(Rule::answers("AddTags", [Answer::json(json!({}))]));
    Cloud::alone(rules).orchestrator(&["deploy", "--adopt"]).expect(0);
}

#[test]
fn a_pipeline_of_another_account() {
    let cloud = Cloud::alone(deployed(
        json!([{ "Key": "managed-by", "Value": "machine-downtime-orchestrator" }]),
    ));
    cloud.edit("${AWS_ACCOUNT_ID:-123456789012}", "\"999999999999\"");
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: the credentials are of account 123456789012, and aws.account_id is 999999999999");
    insta::assert_snapshot!(refusal(&cloud, &["start"]), @"error: the credentials are of account 123456789012, and aws.account_id is 999999999999");
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
}

/// Nobody decides about a version of another account's group of the same name.
#[test]
fn a_decision_in_another_account() {
    let cloud = Cloud::alone(absent());
    cloud.edit("${AWS_ACCOUNT_ID:-123456789012}", "\"999999999999\"");
    let expected =
        "error: the credentials are of account 123456789012, and aws.account_id is 999999999999";
    assert_eq!(refusal(&cloud, &["models", "approve", "1"]), expected);
    let reject = ["models", "reject", "latest", "--reason", "wrong", "--group", "another"];
    assert_eq!(refusal(&cloud, &reject), expected);
    assert_eq!(cloud.server.count("UpdateModelPackage"), 0);
}

/// A version whose registration failed has no model that could be deployed.
#[test]
fn a_version_that_is_not_whole_is_not_approved() {
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package/alone/1";
    let one = json!({ "ModelPackageSummaryList": [{
        "ModelPackageVersion": 1, "ModelPackageArn": arn, "CreationTime": 1.0,
        "ModelPackageStatus": "Failed",
    }]});
    let check = json!({ "Name": "scan", "Status": "Failed", "FailureReason": "no image" });
    let failed = json!({
        "ModelPackageName": "alone-1", "ModelPackageGroupName": "alone", "ModelPackageVersion": 1,
        "ModelPackageArn": arn, "CreationTime": 1.0, "ModelPackageStatus": "Failed",
        "ModelPackageStatusDetails": { "ValidationStatuses": [check] },
    });
    let mut rules = absent();
    rules.push(Rule::answers("DescribeModelPackage", [Answer::json(failed)]));
    rules.push(Rule::answers(
        "UpdateModelPackage",
        [Answer::json(json!({ "ModelPackageArn": arn }))],
    ));
    let cloud = with(rules, "ListModelPackages", Answer::json(one));
    let refused = cloud.orchestrator(&["models", "approve", "1"]).expect(2);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: version 1 of group <name> is Failed, expected Completed: scan: no image");
    assert_eq!(cloud.server.count("UpdateModelPackage"), 0);
    cloud.orchestrator(&["models", "reject", "1", "--reason", "no image"]).expect(0);
}

#[test]
fn tags_are_written_before_the_update() {
    let ours = json!([{ "Key": "managed-by", "Value": "machine-downtime-orchestrator" }]);
    let mut rules = deployed(ours);
    rules.push(Rule::answers("AddTags", [Answer::refused(400, "AccessDeniedException", "no")]));
    let cloud = Cloud::alone(rules);
    refusal(&cloud, &["deploy"]);
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
}

#[test]
fn missing_images() {
    let absent =
        Answer::refused(400, "ImageNotFoundException", "The image requested does not exist");
    let cloud = with(Vec::new(), "DescribeImages", absent);
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: not in ECR: 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/preprocess:latest, 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train:latest, 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/evaluate:latest, 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/register:latest, 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:latest; scripts/build-images makes the images, `scripts/push-images 123456789012.dkr.ecr.us-east-1.amazonaws.com` pushes them by commit, and aws.images.tag of the settings, which may read IMAGE_TAG, must name that tag");
    // Another account has none of this one's images, and that is what is wrong.
    let absent =
        Answer::refused(400, "ImageNotFoundException", "The image requested does not exist");
    let identity = Answer::body(
        200,
        "text/xml",
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>210987654321</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
    let rules = vec![Rule::answers("GetCallerIdentity", [identity])];
    let cloud = with(rules, "DescribeImages", absent);
    insta::assert_snapshot!(refusal(&cloud, &["plan"]), @"error: the credentials are of account 210987654321, and aws.account_id is 123456789012");
    let index = json!({ "imageDetails": [{
        "imageDigest": format!("sha256:{}", "0".repeat(64)),
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    }]});
    let cloud = with(Vec::new(), "DescribeImages", Answer::json(index));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: the image 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/preprocess:latest is of type application/vnd.oci.image.index.v1+json, expected application/vnd.docker.distribution.manifest.v2+json, which is all that SageMaker takes; scripts/push-images pushes such");
}

#[test]
fn an_exceeded_quota() {
    let message = "The account-level service limit 'Maximum number of pipelines allowed per account' is 100 Pipelines";
    let cloud =
        with(absent(), "CreatePipeline", Answer::refused(400, "ResourceLimitExceeded", message));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @r#"error: sagemaker:CreatePipeline was refused with ResourceLimitExceeded: The account-level service limit 'Maximum number of pipelines allowed per account' is 100 Pipelines; the quota "Maximum number of pipelines allowed per account" is raised in the Service Quotas console, or with `aws service-quotas request-service-quota-increase` and the code that `aws service-quotas list-service-quotas --service-code sagemaker` tells (request 8a1c)"#);
}

#[test]
fn parameters_that_the_pipeline_does_not_have() {
    let mut rules = absent();
    rules.push(Rule::answers("CreatePipeline", [Answer::json(json!({ "PipelineArn": "a" }))]));
    let cloud = Cloud::alone(rules);
    let outcome = cloud.orchestrator(&["deploy", "--start", "-p", "MaxDeph=3"]).expect(2);
    assert!(outcome.stderr.contains("MaxDepth"), "{}", outcome.stderr);
    assert_eq!(cloud.server.count("CreatePipeline"), 0);
    let outcome = cloud.orchestrator(&["deploy", "--start", "-p", "MinRecall=7"]).expect(2);
    assert!(outcome.stderr.contains("expected a number from 0 to 1"), "{}", outcome.stderr);
    for nowhere in ["table.csv", "s3://", "s3:///key", "https://bucket/key"] {
        let input = format!("InputDataUrl={nowhere}");
        let outcome = cloud.orchestrator(&["deploy", "--start", "-p", &input]).expect(2);
        assert!(outcome.stderr.contains("expected s3://BUCKET/KEY"), "{}", outcome.stderr);
    }
    for (value, reason) in [
        ("ProcessingInstanceType=m5.large", "parameter ProcessingInstanceType: Steps.Preprocess."),
        ("ModelPackageGroupName=", "parameter ModelPackageGroupName is empty"),
    ] {
        let outcome = cloud.orchestrator(&["deploy", "--start", "-p", value]).expect(2);
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
    cloud.orchestrator(&["deploy", "-p", "MaxDepth=3"]).expect(2);
}

#[test]
fn missing_pipelines_executions_and_versions() {
    let cloud = Cloud::alone(absent());
    insta::assert_snapshot!(refusal(&cloud, &["start"]), @"error: there is no pipeline <name> in us-east-1 yet; `orchestrator deploy` makes it");
    let gone = Answer::refused(400, "ResourceNotFound", "Pipeline does not exist");
    let cloud = with(Vec::new(), "ListPipelineExecutions", gone);
    insta::assert_snapshot!(refusal(&cloud, &["status"]), @"error: there is no pipeline <name> in us-east-1 yet; `orchestrator deploy` makes it");
    let none = Answer::json(json!({ "PipelineExecutionSummaries": [] }));
    let cloud = with(Vec::new(), "ListPipelineExecutions", none);
    insta::assert_snapshot!(refusal(&cloud, &["watch"]), @"error: the pipeline <name> has no execution yet; `orchestrator start` starts one");
    insta::assert_snapshot!(refusal(&cloud, &["stop", "nowhere"]), @"error: the pipeline <name> has no execution yet; `orchestrator start` starts one");
    let one = json!({ "ModelPackageSummaryList": [{
        "ModelPackageVersion": 1, "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/1",
        "CreationTime": 1.0, "ModelPackageStatus": "Completed",
    }]});
    let cloud = with(absent(), "ListModelPackages", Answer::json(one));
    // Nobody refused: the version was wrongly named, as it would be of a local registry.
    let unknown = cloud.orchestrator(&["models", "approve", "7"]).expect(2).stderr;
    insta::assert_snapshot!(cloud.neutral(&unknown), @"error: model package of version 7 in group <name> (versions there: 1) does not exist");
    assert_eq!(cloud.server.count("UpdateModelPackage"), 0);
    cloud.orchestrator(&["models", "compare", "9", "1"]).expect(2);
    cloud.orchestrator(&["endpoint", "deploy", "7"]).expect(2);
    cloud.orchestrator(&["models", "approve", "seven"]).expect(2);
    // Approving `approved` is refused, since that version is approved already.
    cloud.orchestrator(&["models", "approve", "approved"]).expect(2);
}

/// A profile can name a program that prints credentials, as many single sign-on setups do.
#[test]
fn credentials_of_a_program() {
    let cloud = with(
        vec![images()],
        "DescribePipeline",
        Answer::refused(400, "ResourceNotFound", "Pipeline does not exist"),
    );
    let plan_with = |program: &str| {
        let profile =
            format!("[profile plant]\nregion = us-east-1\ncredential_process = {program}\n");
        let file = cloud.place.file("aws-config", profile);
        let mut command = cloud.command(&["plan"]);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_PROFILE", "plant").env("AWS_CONFIG_FILE", file);
        testkit::Outcome::from(command.output().unwrap())
    };
    let key = json!({ "Version": 1, "AccessKeyId": "id", "SecretAccessKey": "secret" });
    let answer = cloud.place.file("answer.json", key.to_string());
    plan_with(&format!("cat {answer}")).expect(10);
    let stderr = plan_with("cat nothing-there").expect(5).stderr;
    assert!(stderr.starts_with("error: no AWS credentials"), "{stderr}");
}

/// A profile whose session is over is not told to set keys.
#[test]
fn a_session_that_is_over() {
    let cloud = Cloud::alone(Vec::new());
    for (profile, command) in [
        (
            "sso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
             [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://plant.awsapps.com/start",
            "aws sso login",
        ),
        ("login_session = arn:aws:iam::123456789012:user/ann", "aws login"),
    ] {
        let file = cloud
            .place
            .file("aws-config", format!("[profile plant]\nregion = us-east-1\n{profile}\n"));
        let mut command_line = cloud.command(&["plan"]);
        command_line.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command_line.env("AWS_PROFILE", "plant").env("AWS_CONFIG_FILE", file);
        let outcome = command_line.env("HOME", cloud.place.path("")).output().unwrap();
        let stderr = testkit::Outcome::from(outcome).expect(5).stderr;
        let expected =
            format!("error: the session of the AWS profile is over; `{command}` starts another: ");
        assert!(stderr.starts_with(&expected), "{stderr}");
    }
}

#[test]
fn unreadable_and_missing_answers() {
    let cloud = with(vec![images()], "DescribePipeline", Answer::garbage());
    let stderr = refusal(&cloud, &["plan"]);
    assert!(
        stderr.starts_with(
            "error: sagemaker:DescribePipeline got an answer that cannot be understood"
        ),
        "{stderr}"
    );
    let cloud = with(vec![images()], "DescribePipeline", Answer::closed());
    let stderr = refusal(&cloud, &["plan"]);
    assert!(stderr.starts_with("error: sagemaker:DescribePipeline got no answer"), "{stderr}");
}

/// The command fails after a minute, the time limit of a call with all its retries.
#[test]
fn a_connection_without_an_answer() {
    let cloud = with(vec![images()], "DescribePipeline", Answer::silence());
    let stderr = refusal(&cloud, &["plan"]);
    assert!(stderr.starts_with("error: sagemaker:DescribePipeline got no answer"), "{stderr}");
}

#[test]
fn a_placeholder_is_refused_before_the_first_call() {
    for (from, to, said) in [
        ("bucket: alone", "bucket: replace-me-b", "s3_paths.bucket is `replace-me-b`"),
        ("${AWS_ACCOUNT_ID:-123456789012}", "000000000000", "aws.account_id is `000000000000`"),
        ("::123456789012:role/", "::000000000000:role/", "aws.role_arn is `arn:aws:iam::0000"),
    ] {
        let cloud = Cloud::alone(Vec::new());
        cloud.edit(from, to);
        for command in ["plan", "deploy", "doctor", "start"] {
            let refused = cloud.orchestrator(&[command]).expect(2).stderr;
            assert!(refused.contains(said), "{refused}");
        }
        assert_eq!(cloud.server.actions(), [""; 0]);
    }
}

/// Nobody writes down an account that their credentials name.
#[test]
fn account_and_region_are_those_of_the_credentials() {
    const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::444455556666:user/x</Arn>\
        <UserId>x</UserId><Account>444455556666</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let identity = Answer::body(200, "text/xml", IDENTITY);
    let refused = |answer| {
        let cloud = Cloud::alone(vec![Rule::answers("GetCallerIdentity", [answer])]);
        cloud.edit("${AWS_ACCOUNT_ID:-123456789012}", "${AWS_ACCOUNT_ID}");
        cloud.edit("::123456789012:role/", "::${AWS_ACCOUNT_ID}:role/");
        cloud.edit("region: ${AWS_REGION:-us-east-1}", "region: ${AWS_REGION}");
        cloud.edit("bucket: alone", "bucket: alone-${AWS_ACCOUNT_ID}-${AWS_REGION}");
        let mut command = cloud.command(&["plan"]);
        command.env_remove("AWS_ACCOUNT_ID").env_remove("AWS_REGION");
        command.env("AWS_DEFAULT_REGION", "eu-central-1");
        let outcome = testkit::Outcome::from(command.output().unwrap()).expect(5);
        (cloud.neutral(&outcome.stderr), cloud.server.actions())
    };
    let (stderr, actions) = refused(identity);
    assert!(stderr.contains("<name>-444455556666-eu-central-1/pipeline-definitions"), "{stderr}");
    assert_eq!(actions.iter().filter(|action| *action == "GetCallerIdentity").count(), 1);
    let (stderr, _) = refused(Answer::refused(403, "ExpiredToken", "expired"));
    insta::assert_snapshot!(stderr, @"error: sts:GetCallerIdentity was refused with ExpiredToken: expired; renew the credentials, those of a profile with `aws sso login` or `aws login` (request 8a1c)");
}

/// SageMaker has no conditional update: of two who deploy at the same time, both would be told that theirs is
/// deployed.
#[test]
fn a_pipeline_that_somebody_else_changes_meanwhile() {
    let pipeline = |steps: &str| {
        let definition =
            format!(r#"{{"Version": "2020-12-01", "Parameters": [], "Steps": [{steps}]}}"#);
        json!({
            "PipelineArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone"),
            "PipelineName": "alone", "PipelineDefinition": definition,
            "RoleArn": "arn:aws:iam::123456789012:role/Other",
        })
    };
    let described = |steps: &str| Answer::json(pipeline(steps));
    let planned_at = |time: f64| {
        let mut pipeline = pipeline("");
        pipeline["LastModifiedTime"] = time.into();
        Answer::json(pipeline)
    };
    let (planned, theirs) = (described(""), described(r#"{"Name": "Theirs", "Type": "Fail"}"#));
    let owned = json!([{ "Key": "managed-by", "Value": "machine-downtime-orchestrator" }]);
    let rules = |answers: Vec<Answer>| {
        let updated = json!({ "PipelineArn": "arn:aws:sagemaker:us-east-1:1:pipeline/alone" });
        vec![
            images(),
            Rule::answers("DescribePipeline", answers),
            Rule::answers("ListTags", [Answer::json(json!({ "Tags": owned }))]),
            Rule::answers("AddTags", [Answer::json(json!({}))]),
            Rule::answers("UpdatePipeline", [Answer::json(updated)]),
            table_settings(stored()),
        ]
    };
    let cloud = Cloud::alone(rules(vec![planned.clone(), theirs.clone()]));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: somebody else has changed the pipeline <name> since this command looked at it, so it was left as it is; `orchestrator plan` shows what another `deploy` would change of theirs");
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
    let cloud = Cloud::alone(rules(vec![planned.clone(), planned.clone(), theirs]));
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: somebody else has changed the pipeline <name> at the same time as this command, and theirs is deployed; `orchestrator plan` shows what another `deploy` would change of theirs");
    assert_eq!(cloud.server.count("UpdatePipeline"), 1);
    // Whoever came just before is told by the versions.
    let mut own = rules(vec![planned_at(1_790_000_000.0)]);
    let updated = json!({ "PipelineArn": "arn:aws:sagemaker:us-east-1:1:pipeline/alone", "PipelineVersionId": 8 });
    own.insert(0, Rule::answers("UpdatePipeline", [Answer::json(updated)]));
    let versions = json!({ "PipelineVersionSummaries": [
        { "PipelineVersionId": 8, "CreationTime": 1_790_000_100.0 },
        { "PipelineVersionId": 7, "CreationTime": 1_790_000_099.0 },
    ]});
    own.push(Rule::answers("ListPipelineVersions", [Answer::json(versions)]));
    let cloud = Cloud::alone(own);
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: the pipeline <name> is updated, but somebody else has deployed version 7 at the same time, which is replaced by it; `orchestrator pipeline rollback --to 7` brings theirs back");
    // A description that lags behind the update is no change of somebody else.
    let cloud = Cloud::alone(rules(vec![planned]));
    cloud.orchestrator(&["deploy"]).expect(0);

    let exists = Answer::refused(
        400,
        "ValidationException",
        "Pipeline names must be unique. Pipeline with name (alone) already exists.",
    );
    let cloud = with(absent(), "CreatePipeline", exists);
    insta::assert_snapshot!(refusal(&cloud, &["deploy"]), @"error: somebody else has changed the pipeline <name> since this command looked at it, so it was left as it is; `orchestrator plan` shows what another `deploy` would change of theirs");
}
