//! `orchestrator endpoint`: from an approved version to an endpoint, back, and to nothing. moto plays what it
//! knows; updates, of which it knows nothing, and CloudWatch are played by rules.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::life::register;
use super::{ACCOUNT, Cloud};

/// The action of CloudWatch's answer to the question for metrics.
const METRICS: &str = "POST /service/GraniteServiceVersion20100801/operation/GetMetricData";
const ALARMS: &str = "POST /service/GraniteServiceVersion20100801/operation/DescribeAlarms";

/// How an update ends.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Updated,
    /// The endpoint is InService again with the configuration before, and with an empty reason.
    RolledBack,
    Failed,
}

/// Returns the rules by which an endpoint is updated: each update ends as the next of `endings` says.
pub(super) fn updates(endings: Vec<Ending>) -> [Rule; 2] {
    #[derive(Default)]
    struct State {
        /// The configuration that answers, and the one that is on its way, once there was an update.
        configs: Option<(Value, Value)>,
        updates: usize,
        questions: usize,
        alarms: Value,
    }
    let state = Arc::new(Mutex::new(State::default()));
    let endings = Arc::new(endings);
    let update = {
        let (state, endings) = (Arc::clone(&state), Arc::clone(&endings));
        Rule::with("UpdateEndpoint", move |request| {
            let mut state = state.lock().unwrap();
            let wanted = request["EndpointConfigName"].clone();
            let now = state.configs.take().map_or(Value::Null, |(now, _)| now);
            state.configs = Some((now, wanted));
            assert!(state.updates < endings.len(), "one more update");
            state.updates += 1;
            state.questions = 0;
            state.alarms = request["DeploymentConfig"]["AutoRollbackConfiguration"].clone();
            let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/e");
            Answer::json(json!({ "EndpointArn": arn }))
        })
    };
    // The configuration before the first update is known from the call that creates the endpoint.
    let describe = Rule::with("DescribeEndpoint", move |request| {
        let mut state = state.lock().unwrap();
        let Some((now, wanted)) = state.configs.clone() else { return Answer::forwarded() };
        let ending = endings[state.updates - 1];
        let is_over = state.questions >= 2;
        state.questions += 1;
        if is_over && matches!(ending, Ending::Updated) {
            state.configs = Some((wanted.clone(), wanted.clone()));
        }
        let (status, config) = match (is_over, ending) {
            (false, _) => ("Updating", now),
            (true, Ending::Updated) => ("InService", wanted),
            (true, Ending::RolledBack) => ("InService", now),
            (true, Ending::Failed) => ("Failed", now),
        };
        let config = if config.is_null() { "the-one-before".into() } else { config };
        let name = request["EndpointName"].as_str().unwrap();
        // Sixty seconds are between two updates.
        let time = 1_790_000_000 + 60 * i64::try_from(state.updates).unwrap();
        Answer::json(json!({
            "EndpointName": name,
            "EndpointArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{name}"),
            "EndpointConfigName": config, "EndpointStatus": status,
            "FailureReason": if status == "Failed" { "The container did not answer" } else { "" },
            "CreationTime": 1_790_000_000, "LastModifiedTime": time,
            "ProductionVariants": [{
                "VariantName": "AllTraffic", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1,
                "VariantStatus": if is_over { json!([]) } else { json!([{ "Status": "ActivatingTraffic" }]) },
            }],
            "LastDeploymentConfig": { "AutoRollbackConfiguration": state.alarms },
        }))
    });
    [update, describe]
}

/// Returns the rule by which CloudWatch has counted requests.
pub(super) fn metrics() -> Rule {
    let result = |id: &str, value: f64| json!({ "Id": id, "Values": [value] });
    let results = json!({ "MetricDataResults": [
        result("invocations", 1200.0), result("client_errors", 3.0), result("p50", 910.0),
        result("p99", 2140.0), result("overhead", 8300.0), json!({ "Id": "server_errors", "Values": [] }),
    ]});
    Rule::with(METRICS, move |_| Answer::cbor(&results))
}

impl Cloud {
    /// Registers a version, and approves it.
    pub(super) fn approve_a_version(&self, number: &str) {
        let model = format!("s3://{}/model-artifacts/{number}/model.tar.gz", self.name);
        register(self, &format!("x{number}"), &model);
        self.orchestrator(&["models", "approve", number]).expect(0);
    }

    /// Calls `orchestrator endpoint` without waiting long.
    pub(super) fn endpoint(&self, code: i32, arguments: &[&str]) -> testkit::Outcome {
        self.orchestrator(&[&["endpoint"], arguments].concat()).expect(code)
    }

    pub(super) fn deploy(&self, code: i32, more: &[&str]) -> testkit::Outcome {
        self.endpoint(code, &[&["deploy", "--yes", "--interval", "0.01"], more].concat())
    }

    /// Returns the body of the last call of an action.
    pub(super) fn last(&self, action: &str) -> Value {
        let mut calls = self.server.calls();
        calls.retain(|(called, _)| called == action);
        calls.pop().unwrap_or_else(|| panic!("no {action}")).1
    }
}

#[test]
fn an_approved_version_is_deployed_updated_and_brought_back() {
    let rules = updates(vec![Ending::Updated, Ending::Updated]).into_iter().chain([metrics()]);
    let Some(cloud) = Cloud::before_moto("endpoint", rules.collect()) else { return };
    let none = cloud.endpoint(2, &["deploy", "--yes"]);
    insta::assert_snapshot!(cloud.neutral(&none.stderr), @"error: model package group `<name>` does not exist");
    register(&cloud, "x1", "s3://b/model-artifacts/a/model.tar.gz");
    let pending = cloud.endpoint(2, &["deploy", "1", "--yes"]);
    insta::assert_snapshot!(cloud.neutral(&pending.stderr), @"error: version 1 of group <name> is PendingManualApproval, expected Approved; `orchestrator models approve 1` approves it");
    let none = cloud.endpoint(2, &["deploy", "--yes"]);
    insta::assert_snapshot!(cloud.neutral(&none.stderr), @"error: model package with status Approved in group <name> (versions there: 1) does not exist; `orchestrator models approve VERSION` approves one");
    cloud.orchestrator(&["models", "approve", "1"]).expect(0);

    let dry = cloud.endpoint(0, &["deploy", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&dry.stdout), @"
    <name> is not in us-east-1 yet: it is created, real_time, with version 1 of group <name>.
    It will cost 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01).
    Nothing was done: --dry-run.
    ");
    let dry = cloud.json(0, &["endpoint", "deploy", "--dry-run"]);
    assert_eq!((&dry["action"], &dry["dry_run"]), (&json!("create"), &json!(true)));
    // Where nobody can be asked, nothing is done without --yes.
    let unasked = cloud.endpoint(2, &["deploy"]);
    insta::assert_snapshot!(cloud.neutral(&unasked.stderr), @"error: nothing was done: standard input is no terminal to ask at, expected --yes to do it or --dry-run to only say it");
    assert_eq!(cloud.server.count("CreateModel"), 0);

    let created = cloud.deploy(0, &[]);
    insta::assert_snapshot!(cloud.neutral(&created.stdout), @"
    <name> is not in us-east-1 yet: it is created, real_time, with version 1 of group <name>.
    It will cost 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01).
    endpoint <name>: created, version 1 answers. orchestrator endpoint invoke --input TABLE asks it.
    ");
    let model = cloud.last("CreateModel");
    assert_eq!(
        model["PrimaryContainer"],
        json!({
            "ModelPackageName": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/{}/1", cloud.name),
            "Environment": { "MODEL_VERSION": "1" },
        })
    );
    let again = cloud.deploy(0, &[]);
    insta::assert_snapshot!(cloud.neutral(&again.stdout), @"
    <name> in us-east-1 is as it should be: version 1.
    It costs 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01).
    ");
    assert_eq!(cloud.server.count("CreateEndpoint"), 1);

    let status = cloud.endpoint(0, &["status"]);
    let status = cloud.neutral(&status.stdout);
    // What it has cost so far, and its age, depend on how long the test takes.
    assert!(status.contains("Age <time>"), "{status}");
    let is_lasting = |line: &&str| !line.contains("so far") && !line.starts_with("Age ");
    let status: Vec<&str> = status.lines().filter(is_lasting).collect();
    insta::assert_snapshot!(status.join("\n"), @"
    Endpoint           <name>
    Status             InService
    Version            1 (arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1)
    Approval           Approved
    Configuration      <name>-v1-<digest>
    Variant            AllTraffic: 1 instance
    Last hour          1200 requests, 3 refused (4xx), 0 failed (5xx)
    Latency            p50 0.91 ms, p99 2.14 ms; SageMaker adds 8.30 ms (p99)
    Costs              0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01)
    ");

    // A second version, captured, by a canary.
    cloud.approve_a_version("2");
    cloud.set_endpoint("  instance_count: 2\n  threshold: 0.3\n  capture: { percent: 20 }\n  update: { shift: canary, percent: 50, wait_seconds: 60, rollback_alarms: [too-slow] }\n");
    let before = cloud.last("CreateEndpointConfig")["EndpointConfigName"].clone();
    let updated = cloud.deploy(0, &["--json"]);
    let report: Value = serde_json::from_str(&updated.stdout).unwrap();
    assert_eq!((&report["action"], &report["version"]), (&json!("updated"), &json!(2)));
    assert_eq!(report["dry_run"], false);
    insta::assert_snapshot!(cloud.neutral(&updated.stderr), @"
    <name>: Updating (ActivatingTraffic)
    <name>: InService
    ");
    let update = cloud.last("UpdateEndpoint");
    insta::assert_json_snapshot!(update["DeploymentConfig"], @r#"
    {
      "AutoRollbackConfiguration": {
        "Alarms": [
          {
            "AlarmName": "too-slow"
          }
        ]
      },
      "BlueGreenUpdatePolicy": {
        "TerminationWaitInSeconds": 0,
        "TrafficRoutingConfiguration": {
          "CanarySize": {
            "Type": "CAPACITY_PERCENT",
            "Value": 50
          },
          "Type": "CANARY",
          "WaitIntervalInSeconds": 60
        }
      }
    }
    "#);
    let capture = &cloud.last("CreateEndpointConfig")["DataCaptureConfig"];
    insta::assert_json_snapshot!(capture["CaptureContentTypeHeader"], @r#"
    {
      "CsvContentTypes": [
        "text/csv"
      ],
      "JsonContentTypes": [
        "application/json",
        "application/jsonlines"
      ]
    }
    "#);

    // A version that was rejected since does not answer again.
    cloud.orchestrator(&["models", "reject", "1", "--reason", "wrong"]).expect(0);
    let refused = cloud.endpoint(2, &["rollback", "--yes"]);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: version 1 of group <name> is Rejected, expected Approved; `orchestrator models approve 1` approves it");
    cloud.orchestrator(&["models", "approve", "1"]).expect(0);
    let dry = cloud.json(0, &["endpoint", "rollback", "--dry-run"]);
    assert_eq!((&dry["action"], &dry["dry_run"]), (&json!("rollback"), &json!(true)));
    let dry = cloud.endpoint(0, &["rollback", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&dry.stdout), @"
    <name> goes back: version 2 -> version 1.
      capture.csv_types: removed text/csv
      capture.json_types: removed application/json, application/jsonlines
      capture.of: removed input, output
      capture.percent: removed 20
      capture.prefix: removed s3://<name>/capture
      environment.MODEL_VERSION: 2 -> 1
      environment.SERVE_THRESHOLD: removed 0.3
      instance_count: 2 -> 1
      model: arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/2 -> arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1
    Nothing was done: --dry-run.
    ");
    let back = cloud.endpoint(0, &["rollback", "--yes", "--interval", "0.01"]);
    insta::assert_snapshot!(cloud.neutral(&back.stdout), @"
    <name> goes back: version 2 -> version 1.
      capture.csv_types: removed text/csv
      capture.json_types: removed application/json, application/jsonlines
      capture.of: removed input, output
      capture.percent: removed 20
      capture.prefix: removed s3://<name>/capture
      environment.MODEL_VERSION: 2 -> 1
      environment.SERVE_THRESHOLD: removed 0.3
      instance_count: 2 -> 1
      model: arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/2 -> arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1
    endpoint <name>: version 1 answers again
    ");
    assert_eq!(cloud.last("UpdateEndpoint")["EndpointConfigName"], before);
    // A rejection stops no endpoint, and is seen in its state.
    cloud.orchestrator(&["models", "reject", "1", "--reason", "wrong"]).expect(0);
    let status = cloud.endpoint(0, &["status"]).stdout;
    let line = status.lines().find(|line| line.starts_with("Approval")).unwrap();
    assert_eq!(line, "Approval           Rejected; it answers nevertheless");
    assert_eq!(cloud.json(0, &["endpoint", "status"])["approval_status"], "Rejected");
}

#[test]
fn an_update_that_sagemaker_undoes_in_silence_fails_and_names_the_alarm() {
    let alarms = Rule::with(ALARMS, |_| {
        Answer::cbor(&json!({ "MetricAlarms": [{
            "AlarmName": "too-slow", "StateValue": "ALARM", "StateReason": "p99 was 80 ms",
        }]}))
    });
    let rules = updates(vec![Ending::RolledBack, Ending::Failed]).into_iter().chain([alarms]);
    let Some(cloud) = Cloud::before_moto("undone", rules.collect()) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    cloud.set_endpoint("  instance_count: 2\n  update: { rollback_alarms: [too-slow] }\n");
    let undone = cloud.deploy(1, &[]);
    insta::assert_snapshot!(cloud.neutral(&undone.stderr), @"
    <name>: Updating (ActivatingTraffic)
    <name>: InService
    error: SageMaker has rolled the update of endpoint <name> back: it answers with configuration the-one-before, not with <name>-v1-<digest>; alarm too-slow is now ALARM (p99 was 80 ms)
    ");
    let failed = cloud.deploy(1, &[]);
    insta::assert_snapshot!(cloud.neutral(&failed.stderr), @"
    <name>: Updating (ActivatingTraffic)
    <name>: Failed
    error: the endpoint <name> is Failed: The container did not answer; `orchestrator endpoint logs` shows what the container said, and `endpoint delete` makes room for another attempt
    ");
    // It cannot be updated any more, which is said before anything is asked for.
    let broken = cloud.endpoint(1, &["deploy", "--dry-run"]);
    assert!(broken.stderr.contains("is Failed: The container did not answer"), "{}", broken.stderr);
}

/// An update that was undone does not hide the configuration before it.
#[test]
fn the_way_back_leads_past_an_update_that_was_undone() {
    let endings = vec![Ending::Updated, Ending::RolledBack, Ending::Updated];
    let Some(cloud) = Cloud::before_moto("history", updates(endings).into()) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let first = cloud.last("CreateEndpointConfig")["EndpointConfigName"].clone();
    let none = cloud.endpoint(1, &["rollback", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&none.stderr), @"error: the endpoint <name> cannot go back: it has had no earlier configuration");
    cloud.set_endpoint("  instance_count: 2\n");
    cloud.deploy(0, &[]);
    cloud.edit("instance_count: 2", "instance_count: 3");
    cloud.deploy(1, &[]);
    let back = cloud.endpoint(0, &["rollback", "--yes", "--interval", "0.01", "--json"]);
    let report: Value = serde_json::from_str(&back.stdout).unwrap();
    assert_eq!((&report["action"], &report["configuration"]), (&json!("rolled back"), &first));
    assert_eq!(
        report["changes"],
        json!([{ "place": "instance_count", "before": "2", "after": "1" }])
    );
    // The way back is taken whatever alarms, and it is no way forward.
    assert_eq!(cloud.last("UpdateEndpoint")["DeploymentConfig"], Value::Null);
    let none = cloud.endpoint(1, &["rollback", "--dry-run"]);
    assert!(none.stderr.contains("it has had no earlier configuration"), "{}", none.stderr);
}

/// AWS stops patching an endpoint whose model was deleted.
#[test]
fn what_was_deleted_of_an_endpoint_is_made_again() {
    let Some(cloud) = Cloud::before_moto("lacking", vec![]) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let model = cloud.last("CreateModel")["ModelName"].clone();
    let delete = cloud.aws().sagemaker().delete_model().model_name(model.as_str().unwrap());
    cloud.aws().wait(delete.send()).unwrap();
    let made = cloud.deploy(0, &[]);
    insta::assert_snapshot!(cloud.neutral(&made.stdout), @"
    <name> in us-east-1: another model -> version 1, 0 changes.
      Its configuration or model was deleted, so that AWS does not patch it: it is made again.
    It will cost 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01).
    endpoint <name>: updated, version 1 answers. orchestrator endpoint invoke --input TABLE asks it.
    ");
    assert_eq!(cloud.server.count("CreateModel"), 2);
    assert_eq!(cloud.last("CreateModel")["ModelName"], model);
    assert_eq!(cloud.server.count("UpdateEndpoint"), 0);
    let again = cloud.deploy(0, &["--json"]);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
}

#[test]
fn an_endpoint_with_several_variants_is_not_replaced() {
    let Some(cloud) = Cloud::before_moto("variants", vec![]) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let model = cloud.last("CreateModel")["ModelName"].clone();
    let variant = |name: &str| {
        aws::sagemaker::types::ProductionVariant::builder()
            .variant_name(name)
            .model_name(model.as_str().unwrap())
            .instance_type("ml.m5.large".into())
            .initial_instance_count(1)
            .build()
    };
    let (sagemaker, name) = (cloud.aws().sagemaker(), format!("{}-two", cloud.name));
    let create = sagemaker.create_endpoint_config().endpoint_config_name(&name);
    let create = create.production_variants(variant("a")).production_variants(variant("b"));
    cloud.aws().wait(create.send()).unwrap();
    let create = sagemaker.create_endpoint().endpoint_name(&name).endpoint_config_name(&name);
    cloud.aws().wait(create.send()).unwrap();
    cloud.set_endpoint(&format!("  name: {name}\n"));
    let refused = cloud.deploy(2, &["--adopt"]);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: the endpoint <name>-two has the variants a, b; expected the one of AllTraffic, since an update keeps no other");
}

#[test]
fn what_is_in_use_is_not_deleted() {
    let Some(cloud) = Cloud::before_moto("delete", vec![metrics()]) else { return };
    let none = cloud.endpoint(5, &["delete", "--yes"]);
    insta::assert_snapshot!(cloud.neutral(&none.stderr), @"error: there is no endpoint <name> in us-east-1; `orchestrator endpoint deploy` makes it");
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let config = cloud.last("CreateEndpointConfig")["EndpointConfigName"].clone();
    let config = config.as_str().unwrap();
    // Somebody's endpoint with the same configuration, and one that is not ours at all.
    let sagemaker = cloud.aws().sagemaker();
    let other = format!("{}-other", cloud.name);
    let create = sagemaker.create_endpoint().endpoint_name(&other).endpoint_config_name(config);
    cloud.aws().wait(create.send()).unwrap();

    let dry = cloud.endpoint(0, &["delete", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&dry.stdout), @"
    The endpoint <name> (InService) is deleted.
    It costs 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01); that stops.
    Requests to it in the last hour: 1200.
    Kept: the configuration <name>-v1-<digest>, which endpoint <name>-other uses
    Kept: the model <name>-v1-<digest>, which endpoint <name>-other uses
    Nothing was done: --dry-run.
    ");
    cloud.endpoint(0, &["delete", "--yes", "--interval", "0.01"]);
    assert_eq!(cloud.server.count("DeleteEndpointConfig"), 0);
    assert_eq!(cloud.server.count("DeleteModel"), 0);
    // Once nobody uses them, the same command deletes the rest.
    cloud.aws().wait(sagemaker.delete_endpoint().endpoint_name(&other).send()).unwrap();
    let rest = cloud.endpoint(0, &["delete", "--yes", "--interval", "0.01"]);
    insta::assert_snapshot!(cloud.neutral(&rest.stdout), @"
    The endpoint <name> is gone; what was made for it is deleted.
    Deleted with it, configurations: <name>-v1-<digest>
    Deleted with it, models: <name>-v1-<digest>
    endpoint <name>: deleted
    ");
    assert_eq!(cloud.server.count("DeleteEndpointConfig"), 1);
    assert_eq!(cloud.server.count("DeleteModel"), 1);
    assert_eq!(cloud.server.count("DeleteEndpoint"), 2);
}

#[test]
fn a_decision_about_a_version_says_what_the_endpoint_goes_on_to_do() {
    let denied = Answer::refused(400, "AccessDeniedException", "not authorized");
    let describe = Rule::with("DescribeEndpoint", move |request| {
        // Who approves with the policy `deploy` may not look at endpoints.
        let is_hidden = request["EndpointName"].as_str().unwrap().ends_with("-hidden");
        if is_hidden { denied.clone() } else { Answer::forwarded() }
    });
    let Some(cloud) = Cloud::before_moto("decisions", vec![describe]) else { return };
    for number in ["1", "2", "3"] {
        cloud.approve_a_version(number);
    }
    // That a version was decided about before is said, too.
    let of_endpoint = |mut outcome: testkit::Outcome| {
        let lines = outcome.stderr.lines().filter(|line| !line.starts_with("Version "));
        outcome.stderr = lines.map(|line| format!("{line}\n")).collect();
        outcome
    };
    let approve =
        |version: &str| of_endpoint(cloud.orchestrator(&["models", "approve", version]).expect(0));
    let reject = |version: &str| {
        let reason = ["--reason", "wrong"];
        let rejecting = [&["models", "reject", version], &reason[..]].concat();
        of_endpoint(cloud.orchestrator(&rejecting).expect(0))
    };
    // Nothing is deployed yet.
    assert_eq!(approve("1").stderr, "");
    cloud.deploy(0, &["2"]);
    insta::assert_snapshot!(cloud.neutral(&approve("1").stderr), @"The endpoint <name> answers with version 2: `orchestrator endpoint deploy` deploys the latest approved version, `orchestrator endpoint deploy 1` this one");
    insta::assert_snapshot!(cloud.neutral(&reject("2").stderr), @"The endpoint <name> answers with version 2 and goes on to: `orchestrator endpoint deploy VERSION` deploys another");
    let again = reject("2");
    insta::assert_snapshot!(cloud.neutral(&again.stdout), @"arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/2: Rejected already; its reason stays: wrong (by moto); earlier Approved: by moto");
    // It has had another configuration before.
    let sagemaker = cloud.aws().sagemaker();
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{}", cloud.name);
    let history = aws::sagemaker::types::Tag::builder()
        .key("previous-config")
        .value("the-one-before")
        .build();
    cloud.aws().wait(sagemaker.add_tags().resource_arn(arn).tags(history).send()).unwrap();
    insta::assert_snapshot!(cloud.neutral(&reject("2").stderr), @"The endpoint <name> answers with version 2 and goes on to: `orchestrator endpoint rollback` brings the one before back, `orchestrator endpoint deploy VERSION` another");
    // What the endpoint does is what one expects.
    for expected in [approve("2"), approve("3"), reject("3"), reject("1")] {
        assert_eq!(expected.stderr, "");
    }
    // The endpoint answers with versions of the settings' group.
    let group = cloud.name.clone();
    cloud.edit(&format!("group_name: {group}"), "group_name: another");
    cloud.set_endpoint(&format!("  name: {group}\n"));
    let other = ["models", "reject", "2", "--reason", "wrong", "--group", &group];
    assert_eq!(of_endpoint(cloud.orchestrator(&other).expect(0)).stderr, "");
    cloud.edit("group_name: another", &format!("group_name: {group}"));
    assert!(!reject("2").stderr.is_empty());
    // It is deployed by the approval itself.
    assert!(!approve("1").stderr.is_empty());
    let named = |name: &str| format!("endpoint:\n  name: {name}\n");
    cloud.edit(&named(&group), &(named(&group) + "  on_approval: true\n"));
    assert_eq!(approve("1").stderr, "");
    cloud.edit(&named(&group), &named(&format!("{group}-hidden")));
    assert_eq!(reject("2").stderr, "");
    assert!(cloud.last("DescribeEndpoint")["EndpointName"].as_str().unwrap().ends_with("-hidden"));
}

/// What SageMaker would find minutes later, or once the model is made, is found before anything is.
#[test]
fn a_version_that_cannot_run_is_not_deployed() {
    let gone = Answer::refused(400, "ImageNotFoundException", "The image does not exist");
    let built = Answer::json(json!({ "imageDetails": [{ "imageDigest": "sha256:5e" }] }));
    let denied = Answer::refused(400, "AccessDeniedException", "no");
    let answers = [gone.clone(), gone, built.clone(), built, denied];
    let rules = vec![Rule::answers("DescribeImages", answers)];
    let Some(cloud) = Cloud::before_moto("unhostable", rules) else { return };
    cloud.approve_a_version("1");
    let absent = cloud.endpoint(5, &["deploy", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&absent.stderr), @"error: version 1 cannot run: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1 is not there; scripts/build-images, then scripts/push-images 123456789012.dkr.ecr.us-east-1.amazonaws.com, and the tag that it says as IMAGE_TAG");
    cloud.edit(super::ROLE, "Nobody");
    let both = cloud.deploy(5, &[]);
    insta::assert_snapshot!(cloud.neutral(&both.stderr), @"error: version 1 cannot run: role arn:aws:iam::123456789012:role/Nobody is not there; `orchestrator infrastructure` prints a template that makes it, `orchestrator iam-policy execution` what it may do. image 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1 is not there; scripts/build-images, then scripts/push-images 123456789012.dkr.ecr.us-east-1.amazonaws.com, and the tag that it says as IMAGE_TAG");
    cloud.edit("Nobody", super::ROLE);
    cloud.set_endpoint("  instance_type: ml.c7g.large\n");
    let other = cloud.deploy(5, &[]);
    insta::assert_snapshot!(cloud.neutral(&other.stderr), @"error: version 1 cannot run: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1 is built for amd64, and ml.c7g.large takes arm64; scripts/build-images --platform linux/arm64, then scripts/push-images 123456789012.dkr.ecr.us-east-1.amazonaws.com, and the tag that it says as IMAGE_TAG");
    for made in ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"] {
        assert_eq!(cloud.server.count(made), 0);
    }
    // A serverless endpoint has no instances that the image could be wrong for. What cannot be looked at is
    // said.
    cloud.edit("  instance_type: ml.c7g.large\n", "  kind: serverless\n");
    cloud.endpoint(0, &["deploy", "--dry-run"]);
    let unchecked = cloud.deploy(0, &[]);
    insta::assert_snapshot!(cloud.neutral(&unchecked.stderr), @r#"
    Not checked: images: ecr:DescribeImages was refused with AccessDeniedException: no; allowed by a policy with {"Effect": "Allow", "Action": "ecr:DescribeImages", "Resource": "*"} (request 8a1c)
    <name>: InService
    "#);
    // Of an endpoint that is as it should be, nothing is looked at.
    let looks = cloud.server.count("DescribeImages");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("DescribeImages"), looks);
}

/// What somebody has put on the endpoint's instances would be gone with it.
#[test]
fn an_endpoint_with_inference_components_is_not_deleted() {
    let page = |names: &[&str], more: Option<&str>| {
        let component = |name: &&str| {
            json!({
                "InferenceComponentName": name, "EndpointName": "e", "VariantName": "AllTraffic",
                "InferenceComponentArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:inference-component/{name}"),
                "EndpointArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/e"),
                "CreationTime": 1.0, "LastModifiedTime": 1.0,
            })
        };
        let components: Vec<_> = names.iter().map(component).collect();
        Answer::json(json!({ "InferenceComponents": components, "NextToken": more }))
    };
    // There are two pages for each of the first two commands. The third finds a component once it was
    // confirmed, and the last one none.
    let pages = [
        page(&["llm", "adapter"], Some("2")),
        page(&["more"], None),
        page(&["llm"], Some("2")),
        page(&[], None),
        page(&[], None),
        page(&["late"], None),
        page(&[], None),
    ];
    let rules = vec![metrics(), Rule::answers("ListInferenceComponents", pages)];
    let Some(cloud) = Cloud::before_moto("components", rules) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let refused = cloud.endpoint(5, &["delete", "--dry-run"]);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: the endpoint <name> hosts the inference components llm, adapter, more; expected none, since they would be gone with it; `aws sagemaker delete-inference-component --inference-component-name NAME` deletes one");
    assert_eq!(cloud.last("ListInferenceComponents")["EndpointNameEquals"], cloud.name.as_str());
    assert_eq!(cloud.last("ListInferenceComponents")["NextToken"], "2");
    cloud.endpoint(5, &["delete", "--yes"]);
    let late = cloud.endpoint(5, &["delete", "--yes"]);
    assert!(late.stderr.contains("hosts the inference components late;"), "{}", late.stderr);
    assert_eq!(cloud.server.count("DeleteEndpoint"), 0);
    cloud.endpoint(0, &["delete", "--yes", "--interval", "0.01"]);
    assert_eq!(cloud.server.count("DeleteEndpoint"), 1);
}

#[test]
fn an_endpoint_of_somebody_else_is_left_alone() {
    let Some(cloud) = Cloud::before_moto("foreign", vec![metrics()]) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let config = cloud.last("CreateEndpointConfig")["EndpointConfigName"].clone();
    let sagemaker = cloud.aws().sagemaker();
    let other = format!("{}-other", cloud.name);
    let create = sagemaker
        .create_endpoint()
        .endpoint_name(&other)
        .endpoint_config_name(config.as_str().unwrap());
    cloud.aws().wait(create.send()).unwrap();
    cloud.set_endpoint(&format!("  name: {other}\n  instance_count: 2\n"));
    let refused = cloud.deploy(5, &[]);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: the endpoint <name>-other is there and has no tag managed-by=machine-downtime-orchestrator: it may be another one. endpoint.name of the settings names yours; `endpoint deploy --adopt` takes this one over");
    let refused = cloud.endpoint(5, &["delete", "--yes"]);
    assert!(refused.stderr.contains("has no tag managed-by"), "{}", refused.stderr);
}

#[test]
fn the_number_of_instances_follows_the_traffic_while_the_settings_say_so() {
    let rules =
        updates(vec![Ending::Updated, Ending::Updated, Ending::RolledBack, Ending::Updated]);
    let Some(cloud) = Cloud::before_moto("scaling", rules.into()) else { return };
    cloud.approve_a_version("1");
    cloud.set_endpoint(
        "  instance_type: ml.m5.large\n  autoscaling: { min: 1, max: 4, target: 600 }\n",
    );
    cloud.deploy(0, &[]);
    let mut policy = cloud.last("PutScalingPolicy");
    policy["ResourceId"] = "<endpoint>".into();
    insta::assert_json_snapshot!(policy, @r#"
    {
      "PolicyName": "follow-the-traffic",
      "PolicyType": "TargetTrackingScaling",
      "ResourceId": "<endpoint>",
      "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
      "ServiceNamespace": "sagemaker",
      "TargetTrackingScalingPolicyConfiguration": {
        "PredefinedMetricSpecification": {
          "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
        "TargetValue": 600.0
      }
    }
    "#);
    let again = cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("PutScalingPolicy"), 1, "{}", again.stdout);
    // Another range alone needs no update of the endpoint.
    cloud.edit("max: 4", "max: 6");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("UpdateEndpoint"), 0);
    assert_eq!(cloud.last("RegisterScalableTarget")["MaxCapacity"], 6);
    // A new configuration keeps the number of instances that the traffic has led to.
    cloud.edit("  autoscaling:", "  log_requests: true\n  autoscaling:");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.last("UpdateEndpoint")["RetainAllVariantProperties"], true);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 0);
    // Instances of another type need the scaling to be set anew.
    cloud.edit("ml.m5.large\n  log_requests", "ml.c5.large\n  log_requests");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 1);
    assert_eq!(cloud.last("UpdateEndpoint")["RetainAllVariantProperties"], Value::Null);
    // An update that is undone leaves the scaling as it was.
    cloud.edit("ml.c5.large\n  log_requests", "ml.m5.xlarge\n  log_requests");
    let policies = cloud.server.count("PutScalingPolicy");
    cloud.deploy(1, &[]);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 2);
    assert_eq!(cloud.server.count("PutScalingPolicy"), policies + 1);
    // Without it, the number stays as it is.
    cloud.edit("  autoscaling: { min: 1, max: 6, target: 600 }\n", "");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 3);
    assert_eq!(cloud.server.count("PutScalingPolicy"), policies + 1);
}

#[test]
fn a_serverless_endpoint_is_deployed_and_none_becomes_one() {
    let Some(cloud) = Cloud::before_moto("serverless", vec![metrics()]) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    cloud.set_endpoint(
        "  kind: serverless\n  serverless: { memory_mb: 2048, max_concurrency: 5 }\n",
    );
    let refused = cloud.deploy(2, &[]);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: the endpoint <name> is real_time, and SageMaker makes no such endpoint serverless; expected another name, or that it is deleted first");
    let other = format!("  name: {}-other\n  kind: serverless", cloud.name);
    cloud.edit("  kind: serverless", &other);
    let created = cloud.deploy(0, &[]);
    insta::assert_snapshot!(cloud.neutral(&created.stdout), @"
    <name>-other is not in us-east-1 yet: it is created, serverless, with version 1 of group <name>.
    It will cost 0.0000400 USD for each second of work with 2048 MB, which is 0.40 USD for a million requests of 10 ms (prices of 2025-01-01).
    endpoint <name>-other: created, version 1 answers. orchestrator endpoint invoke --input TABLE asks it.
    ");
    let variant = &cloud.last("CreateEndpointConfig")["ProductionVariants"][0];
    assert_eq!(variant["ServerlessConfig"], json!({ "MemorySizeInMB": 2048, "MaxConcurrency": 5 }));
    assert_eq!(variant["InstanceType"], Value::Null);
    cloud.endpoint(0, &["delete", "--dry-run"]);
}

#[test]
fn an_endpoint_that_fails_or_is_busy_is_said_with_its_reason() {
    let describe = |status: &str| {
        let status = status.to_owned();
        Rule::with("DescribeEndpoint", move |request| {
            let name = request["EndpointName"].as_str().unwrap();
            Answer::json(json!({
                "EndpointName": name, "EndpointArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/{name}"),
                "EndpointConfigName": "c", "EndpointStatus": status, "FailureReason": "no image",
                "CreationTime": 1_790_000_000, "LastModifiedTime": 1_790_000_000,
            }))
        })
    };
    let Some(cloud) = Cloud::before_moto("busy", vec![describe("Updating")]) else { return };
    cloud.approve_a_version("1");
    let busy = cloud.deploy(5, &[]);
    insta::assert_snapshot!(cloud.neutral(&busy.stderr), @"error: the endpoint <name> is Updating; try again once it is InService");
    let Some(cloud) = Cloud::before_moto("failed", vec![describe("Failed")]) else { return };
    cloud.approve_a_version("1");
    let failed = cloud.deploy(1, &[]);
    insta::assert_snapshot!(cloud.neutral(&failed.stderr), @"error: the endpoint <name> is Failed: no image; `orchestrator endpoint logs` shows what the container said, and `endpoint delete` makes room for another attempt");
}
