//! What the commands on endpoints and transforms send, read on later pages, keep and remove, and how they end.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::endpoint::{Ending, metrics, updates};
use super::{ACCOUNT, Cloud};

/// The settings of keys and of a network.
const KEYS_AND_NETWORK: &str = "aws:
  kms: { volume_key: alias/disks, output_key: alias/objects }
  vpc: { security_group_ids: [sg-0a1b2c3d], subnets: [subnet-0a1b2c3d, subnet-1a1b2c3d] }
";

fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:{kind}/{name}")
}

#[test]
fn keys_and_the_network_are_sent() {
    let create = Rule::answers(
        "CreateTransformJob",
        [Answer::json(json!({ "TransformJobArn": arn("transform-job", "j") }))],
    );
    let Some(cloud) = Cloud::before_moto("keys", vec![create]) else { return };
    cloud.approve_a_version("1");
    cloud.edit("aws:\n", KEYS_AND_NETWORK);
    cloud.set_endpoint(
        "  kind: asynchronous\n  asynchronous: {}\n  capture: {}\n  network_isolation: true\n",
    );
    cloud.deploy(0, &[]);
    let network = json!({
        "SecurityGroupIds": ["sg-0a1b2c3d"], "Subnets": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
    });
    let model = cloud.last("CreateModel");
    assert_eq!((&model["VpcConfig"], &model["EnableNetworkIsolation"]), (&network, &json!(true)));
    let config = cloud.last("CreateEndpointConfig");
    assert_eq!(config["KmsKeyId"], "alias/disks");
    assert_eq!(config["DataCaptureConfig"]["KmsKeyId"], "alias/objects");
    assert_eq!(config["AsyncInferenceConfig"]["OutputConfig"]["KmsKeyId"], "alias/objects");
    // What was sent is what is described.
    let again = cloud.deploy(0, &["--json"]);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);

    let records = format!("s3://{}/records/", cloud.name);
    cloud.put("records/1.csv", "1,2\n");
    cloud.orchestrator(&["transform", "--input", &records, "--yes", "--no-wait"]).expect(0);
    let job = cloud.last("CreateTransformJob");
    assert_eq!(job["TransformResources"]["VolumeKmsKeyId"], "alias/disks");
    assert_eq!(job["TransformOutput"]["KmsKeyId"], "alias/objects");
    assert_eq!(cloud.last("CreateModel")["VpcConfig"], network);

    // The network of the jobs need not be that of the endpoint.
    let other = format!("endpoint:\n  name: {}-other\n  vpc: false\n", cloud.name);
    cloud.edit("endpoint:\n", &other);
    cloud.deploy(0, &[]);
    assert_eq!(cloud.last("CreateModel")["VpcConfig"], Value::Null);
}

#[test]
fn the_log_of_an_endpoint_is_read_from_all_streams_and_pages() {
    let streams = Rule::with("DescribeLogStreams", |request| {
        let stream = |name: &str| json!({ "logStreamName": name });
        Answer::json(match request["nextToken"].as_str() {
            None => json!({ "logStreams": [stream("AllTraffic/i-1")], "nextToken": "2" }),
            Some(_) => json!({ "logStreams": [stream("AllTraffic/i-2")] }),
        })
    });
    // The service repeats the token at the end. An empty page may come before further events.
    let events = Rule::with("GetLogEvents", |request| {
        let name = request["logStreamName"].as_str().unwrap();
        let message = |text: &str| json!({ "message": format!("{text} of {name}\n") });
        let (events, next) = match request["nextToken"].as_str() {
            None => (vec![message("first"), message("second")], "f/1"),
            Some("f/1") => (vec![], "f/2"),
            Some("f/2") => (vec![message("third")], "f/3"),
            Some(_) => (vec![], "f/3"),
        };
        Answer::json(json!({ "events": events, "nextForwardToken": next }))
    });
    let cloud = Cloud::alone(vec![streams, events]);
    let before = jiff::Timestamp::now().as_millisecond();
    let log = cloud.orchestrator(&["endpoint", "logs", "--since", "15"]).expect(0);
    insta::assert_snapshot!(log.stdout, @"
    i-1: first of AllTraffic/i-1
    i-1: second of AllTraffic/i-1
    i-1: third of AllTraffic/i-1
    i-2: first of AllTraffic/i-2
    i-2: second of AllTraffic/i-2
    i-2: third of AllTraffic/i-2
    ");
    assert_eq!(log.stderr, "");
    let (action, first) = &cloud.server.calls()[0];
    assert_eq!(action, "DescribeLogStreams");
    assert_eq!(first["logGroupName"], "/aws/sagemaker/Endpoints/alone");
    let since = cloud.last("GetLogEvents")["startTime"].as_i64().unwrap();
    let fifteen_minutes_before = before - 15 * 60_000;
    assert!((0..60_000).contains(&(since - fifteen_minutes_before)), "{since}");

    let gone = Answer::refused(400, "ResourceNotFoundException", "The log group does not exist");
    let cloud = Cloud::alone(vec![Rule::answers("DescribeLogStreams", [gone])]);
    let silent = cloud.orchestrator(&["endpoint", "logs"]).expect(0);
    insta::assert_snapshot!(silent.stderr, @"The endpoint alone has said nothing in the last 60 minutes; --since looks further back.");
}

/// What is listed on a second page only is found: what was made for the endpoint, and what uses it.
#[test]
fn what_is_listed_later_is_deleted_or_kept() {
    #[derive(Default)]
    struct Made {
        config: String,
        model: String,
        is_transforming: bool,
    }
    let made = Arc::new(Mutex::new(Made::default()));
    let remember = |action: &str, member: &'static str, set: fn(&mut Made, String)| {
        let made = Arc::clone(&made);
        Rule::with(action, move |request| {
            set(&mut made.lock().unwrap(), request[member].as_str().unwrap().to_owned());
            Answer::forwarded()
        })
    };
    // The first page of each listing is empty.
    let list = |action: &str, member: &'static str, second: fn(&Made, &Value) -> Value| {
        let made = Arc::clone(&made);
        Rule::with(action, move |request| {
            if request["NextToken"].is_null() {
                return Answer::json(json!({ member: [], "NextToken": "2" }));
            }
            assert_eq!(request["NextToken"], "2");
            Answer::json(json!({ member: second(&made.lock().unwrap(), request) }))
        })
    };
    let name = format!("pages-{}", std::process::id());
    let other = format!("{name}-other");
    let mut rules = vec![
        metrics(),
        remember("CreateEndpointConfig", "EndpointConfigName", |made, name| made.config = name),
        remember("CreateModel", "ModelName", |made, name| made.model = name),
        list("ListEndpointConfigs", "EndpointConfigs", |made, _| {
            let arn = arn("endpoint-config", &made.config);
            json!([{ "EndpointConfigName": made.config, "EndpointConfigArn": arn, "CreationTime": 1.0 }])
        }),
        list("ListModels", "Models", |made, _| {
            let arn = arn("model", &made.model);
            json!([{ "ModelName": made.model, "ModelArn": arn, "CreationTime": 1.0 }])
        }),
        list("ListTransformJobs", "TransformJobSummaries", |made, request| {
            assert_eq!(request["StatusEquals"], "InProgress");
            if !made.is_transforming {
                return json!([]);
            }
            json!([{
                "TransformJobName": "j", "TransformJobArn": arn("transform-job", "j"),
                "TransformJobStatus": "InProgress", "CreationTime": 1.0,
            }])
        }),
        list("ListTags", "Tags", |_, request| {
            // All of them are of this program, the endpoint and what was made for it.
            let owner = json!({ "Key": "managed-by", "Value": "machine-downtime-orchestrator" });
            let name = format!("pages-{}", std::process::id());
            assert!(request["ResourceArn"].as_str().unwrap().contains(&name));
            json!([owner, { "Key": "deployed-to", "Value": name }])
        }),
    ];
    rules.push({
        let other = other.clone();
        Rule::with("ListEndpoints", move |request| {
            let endpoint = json!({
                "EndpointName": other, "EndpointArn": arn("endpoint", &other), "CreationTime": 1.0,
                "LastModifiedTime": 1.0, "EndpointStatus": "InService",
            });
            Answer::json(match request["NextToken"].as_str() {
                None => json!({ "Endpoints": [], "NextToken": "2" }),
                Some(_) => json!({ "Endpoints": [endpoint] }),
            })
        })
    });
    rules.push({
        let made = Arc::clone(&made);
        Rule::with("DescribeTransformJob", move |_| {
            let model = made.lock().unwrap().model.clone();
            Answer::json(json!({ "TransformJobStatus": "InProgress", "ModelName": model }))
        })
    });
    let Some(cloud) = Cloud::before_moto("pages", rules) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let config = made.lock().unwrap().config.clone();
    let sagemaker = cloud.aws().sagemaker();
    let create = sagemaker.create_endpoint().endpoint_name(&other).endpoint_config_name(config);
    cloud.aws().wait(create.send()).unwrap();
    let kept = |stdout: &str| {
        let text = cloud.neutral(stdout);
        text.lines()
            .filter(|line| line.contains("eleted with") || line.contains("Kept"))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    insta::assert_snapshot!(kept(&cloud.endpoint(0, &["delete", "--dry-run"]).stdout), @"
    Kept: the configuration <name>-v1-<digest>, which endpoint <name>-other uses
    Kept: the model <name>-v1-<digest>, which endpoint <name>-other uses
    ");

    // A batch transform answers with the same model, and goes on to.
    cloud.aws().wait(sagemaker.delete_endpoint().endpoint_name(&other).send()).unwrap();
    made.lock().unwrap().is_transforming = true;
    let deleted = cloud.endpoint(0, &["delete", "--yes", "--interval", "0.01"]);
    insta::assert_snapshot!(kept(&deleted.stdout), @"
    Deleted with it, configurations: <name>-v1-<digest>
    Kept: the model <name>-v1-<digest>, which transform job j uses
    ");
    assert_eq!(cloud.server.count("DeleteEndpointConfig"), 1);
    assert_eq!(cloud.server.count("DeleteModel"), 0);
    // Once it has ended, the same command deletes the rest.
    made.lock().unwrap().is_transforming = false;
    cloud.endpoint(0, &["delete", "--yes", "--interval", "0.01"]);
    assert_eq!(cloud.last("DeleteModel")["ModelName"], made.lock().unwrap().model.as_str());
}

/// The update goes on, and the same command does what is left once it is over.
#[test]
fn an_update_that_takes_longer_than_the_timeout_goes_on() {
    let Some(cloud) = Cloud::before_moto("long", updates(vec![Ending::Updated]).into()) else {
        return;
    };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    cloud.set_endpoint("  log_requests: true\n  autoscaling: { min: 1, max: 4, target: 600 }\n");
    let short = ["deploy", "--yes", "--interval", "60", "--timeout", "0.001"];
    let timed_out = cloud.endpoint(1, &short);
    insta::assert_snapshot!(cloud.neutral(&timed_out.stderr), @"
    <name>: Updating (ActivatingTraffic)
    The endpoint <name> goes on to change: `orchestrator endpoint status` tells how it stands. The same command then makes the number of instances follow the traffic.
    error: endpoint <name> is not over within --timeout
    ");
    let busy = cloud.endpoint(5, &short);
    insta::assert_snapshot!(cloud.neutral(&busy.stderr), @"error: the endpoint <name> is Updating; try again once it is InService");
    assert_eq!(cloud.server.count("PutScalingPolicy"), 0);
    cloud.endpoint(0, &short);
    assert_eq!(cloud.server.count("UpdateEndpoint"), 1);
    assert_eq!(cloud.server.count("PutScalingPolicy"), 1);
}

#[test]
fn the_way_back_keeps_autoscaling_unless_the_instances_are_others() {
    let Some(cloud) = Cloud::before_moto("back", updates(vec![Ending::Updated; 4]).into()) else {
        return;
    };
    cloud.approve_a_version("1");
    cloud.set_endpoint(
        "  instance_type: ml.m5.large\n  autoscaling: { min: 1, max: 4, target: 600 }\n",
    );
    cloud.deploy(0, &[]);
    cloud.edit("  autoscaling:", "  log_requests: true\n  autoscaling:");
    cloud.deploy(0, &[]);
    let back = ["rollback", "--yes", "--interval", "0.01"];
    let kept = cloud.endpoint(0, &back);
    assert!(!kept.stderr.contains("follows the traffic no more"), "{}", kept.stderr);
    assert_eq!(cloud.last("UpdateEndpoint")["RetainAllVariantProperties"], true);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 0);

    // Another type, for which the update sets the autoscaling anew.
    cloud.edit("ml.m5.large\n  log_requests", "ml.c5.large\n  log_requests");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 1);
    let removed = cloud.endpoint(0, &back);
    insta::assert_snapshot!(cloud.neutral(&removed.stderr), @"
    The number of instances follows the traffic no more, since they are of another type or kind; `orchestrator endpoint deploy` sets it again.
    <name>: Updating (ActivatingTraffic)
    <name>: InService
    ");
    assert_eq!(cloud.last("UpdateEndpoint")["RetainAllVariantProperties"], Value::Null);
    assert_eq!(cloud.server.count("DeregisterScalableTarget"), 2);
}

#[test]
fn an_endpoint_of_something_else_is_taken_over_once_somebody_says_so() {
    let Some(cloud) = Cloud::before_moto("adopt", updates(vec![Ending::Updated]).into()) else {
        return;
    };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let config = cloud.last("CreateEndpointConfig")["EndpointConfigName"].clone();
    let (sagemaker, name) = (cloud.aws().sagemaker(), format!("{}-other", cloud.name));
    let create = sagemaker.create_endpoint().endpoint_name(&name);
    let create = create.endpoint_config_name(config.as_str().unwrap());
    cloud.aws().wait(create.send()).unwrap();
    cloud.set_endpoint(&format!("  name: {name}\n"));
    let owner = || {
        let list = sagemaker.list_tags().resource_arn(arn("endpoint", &name));
        let tags = cloud.aws().wait(list.send()).unwrap().tags.unwrap_or_default();
        let owner = tags.into_iter().find(|tag| tag.key.as_deref() == Some("managed-by"));
        owner.and_then(|tag| tag.value)
    };
    cloud.deploy(5, &[]);
    assert_eq!((owner(), cloud.server.count("UpdateEndpoint")), (None, 0));
    let adopted = cloud.deploy(0, &["--adopt"]);
    insta::assert_snapshot!(cloud.neutral(&adopted.stdout), @"
    <name>-other in us-east-1: version 1 stays, 2 changes.
      configuration: <name>-v1-<digest> -> <name>-other-v1-<digest>
      Tags.project: added machine-downtime
    The traffic moves all at once, and 0 s are waited; no alarm undoes it.
    It will cost 0.115 USD an hour, 83.95 USD a month, for 1 ml.m5.large (prices of 2025-01-01).
    endpoint <name>-other: updated, version 1 answers. orchestrator endpoint invoke --input TABLE asks it.
    ");
    assert_eq!(owner().as_deref(), Some("machine-downtime-orchestrator"));
    cloud.deploy(0, &[]);

    // One that is as it should be gets the tag alone.
    let forget = sagemaker.delete_tags().resource_arn(arn("endpoint", &name));
    cloud.aws().wait(forget.tag_keys("managed-by").send()).unwrap();
    cloud.deploy(5, &[]);
    let adopted = cloud.deploy(0, &["--adopt", "--json"]);
    let report: Value = serde_json::from_str(&adopted.stdout).unwrap();
    assert_eq!(report["action"], "unchanged");
    assert_eq!(owner().as_deref(), Some("machine-downtime-orchestrator"));
    assert_eq!(cloud.server.count("UpdateEndpoint"), 1);
}

#[test]
fn tags_of_an_endpoint_that_somebody_changed_are_seen_and_mended() {
    let Some(cloud) = Cloud::before_moto("endpoint-tags", Vec::new()) else { return };
    cloud.approve_a_version("1");
    cloud.deploy(0, &[]);
    let arn = arn("endpoint", &cloud.name);
    let forget = cloud.aws().sagemaker().delete_tags().resource_arn(&arn);
    cloud.aws().wait(forget.tag_keys("project").send()).unwrap();
    let planned = cloud.deploy(0, &["--dry-run"]).stdout;
    assert!(planned.contains("  Tags.project: added machine-downtime\n"), "{planned}");
    cloud.deploy(0, &[]);
    assert_eq!(cloud.server.count("UpdateEndpoint"), 0);
    assert!(cloud.deploy(0, &["--dry-run"]).stdout.contains("is as it should be"));
}
