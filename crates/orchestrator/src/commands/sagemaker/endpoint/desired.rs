//! The endpoint that the settings and a version come to.

use std::collections::BTreeMap;

use cloud::{
    Autoscaling, Capture, DesiredEndpoint, HostedModel, Hosting, Instances, Network, Queue,
    ScalingMetric, TrafficShift, UpdatePolicy,
};
use config::serving::{CSV, JSON, JSON_LINES};
use config::steps::Serve;
use config::{Captured, EndpointKind, EndpointUpdate, Settings, Shift};
use registry::ModelPackage;

/// The variable with the maximum size of a request, and its value on an asynchronous endpoint. What such an
/// endpoint takes from its queue may be larger than what SageMaker passes on at once.
const MAX_PAYLOAD: (&str, &str) = ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "100");

/// Returns the endpoint of the settings with a version of the model.
pub fn desired_endpoint(settings: &Settings, package: &ModelPackage) -> DesiredEndpoint {
    let endpoint = &settings.endpoint;
    let key = &settings.aws.kms.output_key;
    let mut model = hosted_model(settings, package);
    model.environment.extend(environment(settings));
    if endpoint.kind == EndpointKind::Asynchronous {
        model.environment.insert(MAX_PAYLOAD.0.to_owned(), MAX_PAYLOAD.1.to_owned());
    }
    let capture = endpoint.capture.as_ref().map(|capture| Capture {
        percent: capture.percent,
        input: capture.of.contains(&Captured::Input),
        output: capture.of.contains(&Captured::Output),
        destination: settings.s3_paths.url(&capture.prefix),
        key: key.clone(),
        csv_types: vec![CSV.to_owned()],
        json_types: vec![JSON.to_owned(), JSON_LINES.to_owned()],
    });
    let autoscaling = endpoint.autoscaling.as_ref().map(|scaling| Autoscaling {
        min: scaling.min,
        max: scaling.max,
        metric: match endpoint.kind {
            EndpointKind::Asynchronous => ScalingMetric::Backlog,
            EndpointKind::RealTime | EndpointKind::Serverless => ScalingMetric::Invocations,
        },
        target: scaling.target,
        scale_out_cooldown: scaling.scale_out_cooldown_seconds,
        scale_in_cooldown: scaling.scale_in_cooldown_seconds,
    });
    DesiredEndpoint {
        name: settings.endpoint_name().to_owned(),
        model,
        hosting: hosting(settings),
        capture,
        autoscaling,
        update: update_policy(&endpoint.update),
    }
}

/// Returns a version of the model as SageMaker hosts it, with the variables that every server of it has.
pub fn hosted_model(settings: &Settings, package: &ModelPackage) -> HostedModel {
    let network = settings.aws.vpc.as_ref().filter(|_| settings.endpoint_is_in_vpc());
    HostedModel {
        package_arn: package.arn.clone(),
        version: package.version,
        content: [package.serving.inference_image.clone(), package.serving.model_data_url.clone()],
        environment: BTreeMap::from([(
            Serve::MODEL_VERSION.to_owned(),
            package.version.to_string(),
        )]),
        network_isolation: settings.endpoint_is_isolated(),
        network: network.map(|vpc| Network {
            security_group_ids: vpc.security_group_ids.clone(),
            subnets: vpc.subnets.clone(),
        }),
    }
}

/// Returns how an update replaces the version that answers.
fn update_policy(update: &EndpointUpdate) -> UpdatePolicy {
    let percent = update.percent.unwrap_or(100);
    UpdatePolicy {
        shift: match update.shift {
            Shift::AllAtOnce => TrafficShift::AllAtOnce,
            Shift::Canary => TrafficShift::Canary(percent),
            Shift::Linear => TrafficShift::Linear(percent),
        },
        wait: update.wait_seconds,
        terminate_after: update.terminate_after_seconds,
        timeout: update.timeout_seconds,
        alarms: update.rollback_alarms.clone(),
    }
}

fn environment(settings: &Settings) -> BTreeMap<String, String> {
    let endpoint = &settings.endpoint;
    let mut environment = BTreeMap::new();
    if let Some(threshold) = endpoint.threshold {
        environment.insert(Serve::THRESHOLD.to_owned(), threshold.to_string());
    }
    if !endpoint.explain.is_never() {
        environment.insert(Serve::EXPLAIN.to_owned(), endpoint.explain.to_string());
    }
    if endpoint.log_requests {
        environment.insert(Serve::LOG_REQUESTS.to_owned(), "true".to_owned());
    }
    environment
}

fn hosting(settings: &Settings) -> Hosting {
    let endpoint = &settings.endpoint;
    if endpoint.kind == EndpointKind::Serverless {
        let serverless = endpoint.serverless.clone().unwrap_or_default();
        return Hosting::Serverless {
            memory_mb: serverless.memory_mb,
            max_concurrency: serverless.max_concurrency,
            provisioned_concurrency: serverless.provisioned_concurrency,
        };
    }
    let queue = (endpoint.kind == EndpointKind::Asynchronous).then(|| {
        let queue = endpoint.asynchronous.clone().unwrap_or_default();
        let prefix = settings.s3_paths.url(&queue.prefix);
        Queue {
            output: format!("{prefix}/output"),
            failures: format!("{prefix}/failures"),
            key: settings.aws.kms.output_key.clone(),
            max_concurrent_invocations: queue.max_concurrent_invocations,
        }
    });
    Hosting::Instances(Instances {
        instance_type: endpoint.instance_type().to_owned(),
        count: endpoint.instance_count(),
        startup_timeout: endpoint.startup_timeout_seconds,
        download_timeout: endpoint.download_timeout_seconds,
        volume_key: settings.aws.kms.volume_key.clone(),
        queue,
    })
}

#[cfg(test)]
mod tests {
    use config::serving::RESPONSE_TYPES;
    use config::steps::Explain;
    use registry::{ApprovalStatus, Serving, Source, Status};

    use super::*;

    const YAML: &str = include_str!("../../../../../testkit/pipeline_config.yaml");

    fn package() -> ModelPackage {
        ModelPackage {
            arn: "arn:aws:sagemaker:us-east-1:123456789012:model-package/group/3".to_owned(),
            group: "group".to_owned(),
            version: 3,
            status: Status::Completed,
            failure_reason: None,
            approval_status: ApprovalStatus::Approved,
            approval_description: None,
            serving: Serving::default(),
            metrics_url: String::new(),
            source: Source::default(),
            registered_at: None,
            registered_by: None,
            metadata: BTreeMap::new(),
            other_members: Vec::new(),
        }
    }

    fn desired(endpoint: &str) -> DesiredEndpoint {
        let yaml =
            YAML.replace("endpoint:\n  kind: real_time\n", &format!("endpoint:\n{endpoint}"));
        desired_endpoint(&Settings::from_yaml("c.yaml", &yaml, |_| None).unwrap(), &package())
    }

    /// What a server sends is of one of these types, each of which is stored as text.
    #[test]
    fn every_content_type_of_the_server_is_captured_as_text() {
        let capture = desired("  capture: {}\n").capture.unwrap();
        for content_type in RESPONSE_TYPES.iter().chain(&config::serving::CONTENT_TYPES) {
            let lists = [&capture.csv_types, &capture.json_types];
            let listed = lists.iter().filter(|list| list.iter().any(|it| it == content_type));
            assert_eq!(listed.count(), 1, "{content_type}");
        }
    }

    #[test]
    fn the_environment_has_what_is_set() {
        let plain = desired("  kind: real_time\n").model.environment;
        assert_eq!(plain, BTreeMap::from([("MODEL_VERSION".to_owned(), "3".to_owned())]));
        let all = desired("  threshold: 0.3\n  explain: true\n  log_requests: true\n");
        let variable = |name: &str| all.model.environment.get(name).cloned();
        assert_eq!(variable("SERVE_THRESHOLD").as_deref(), Some("0.3"));
        // The server reads what is written here.
        let read =
            Serve::parse(|name| all.model.environment.get(name).map(String::as_str)).unwrap();
        assert_eq!((read.explain, read.log_requests), (Explain::PathDependent, true));
        assert_eq!((read.threshold, read.model_version.as_deref()), (0.3, Some("3")));
    }
}
