//! An endpoint's configuration and its model as the service's types, their names, and what they say.

use aws::sagemaker::types as api;
use indexmap::IndexMap;
use infrastructure::hosted_prefix;

use super::{Capture, DesiredEndpoint, HostedModel, Hosting, Queue, VARIANT};

/// The properties of an endpoint's configuration and model: a text for each, by its name. They are
/// everything that is sent, so that equal properties are equal endpoints.
pub(crate) type Properties = IndexMap<String, String>;

/// The parts of an endpoint's configuration, as they are sent and as they are described.
pub(super) struct Parts {
    pub(super) variant: api::ProductionVariant,
    pub(super) capture: Option<api::DataCaptureConfig>,
    pub(super) queue: Option<api::AsyncInferenceConfig>,
    pub(super) volume_key: Option<String>,
}

impl HostedModel {
    /// Returns the container. The package has the image and the model's data.
    pub(super) fn container(&self) -> api::ContainerDefinition {
        api::ContainerDefinition::builder()
            .model_package_name(&self.package_arn)
            .set_environment(Some(self.environment.clone().into_iter().collect()))
            .build()
    }

    pub(super) fn vpc_config(&self) -> Option<api::VpcConfig> {
        let network = self.network.as_ref()?;
        let config = api::VpcConfig::builder()
            .set_security_group_ids(Some(network.security_group_ids.clone()))
            .set_subnets(Some(network.subnets.clone()));
        Some(config.build())
    }

    fn properties(&self, role_arn: &str) -> Properties {
        let vpc = self.vpc_config();
        model_properties(Some(&self.container()), role_arn, self.network_isolation, vpc.as_ref())
    }

    /// Returns the name of the model: a name for each content, so that what is there under it is the same.
    pub(crate) fn name(&self, endpoint: &str, role_arn: &str) -> String {
        named(endpoint, self.version, &self.content, &self.properties(role_arn))
    }
}

impl DesiredEndpoint {
    /// Returns whether the endpoint is serverless.
    pub(super) fn is_serverless(&self) -> bool {
        matches!(self.hosting, Hosting::Serverless { .. })
    }

    /// Returns the name of the model.
    pub(super) fn model_name(&self, role_arn: &str) -> String {
        self.model.name(&self.name, role_arn)
    }

    /// Returns the name of the configuration: a name for each content.
    pub(super) fn config_name(&self, role_arn: &str) -> String {
        let model = &self.model;
        named(&self.name, model.version, &model.content, &self.properties(role_arn))
    }

    /// Returns what the configuration and its model say.
    pub(super) fn properties(&self, role_arn: &str) -> Properties {
        let mut properties = self.model.properties(role_arn);
        properties.extend(self.parts(role_arn).properties());
        properties
    }

    /// Returns the parts of the configuration.
    pub(super) fn parts(&self, role_arn: &str) -> Parts {
        let variant = api::ProductionVariant::builder()
            .variant_name(VARIANT)
            .model_name(self.model_name(role_arn));
        let capture = self.capture.as_ref().map(Capture::config);
        match &self.hosting {
            Hosting::Instances(instances) => {
                let variant = variant
                    .instance_type(instances.instance_type.as_str().into())
                    .initial_instance_count(number(instances.count))
                    .set_container_startup_health_check_timeout_in_seconds(
                        instances.startup_timeout.map(number),
                    )
                    .set_model_data_download_timeout_in_seconds(
                        instances.download_timeout.map(number),
                    );
                Parts {
                    variant: variant.build(),
                    capture,
                    queue: instances.queue.as_ref().map(Queue::config),
                    volume_key: instances.volume_key.clone(),
                }
            }
            &Hosting::Serverless { memory_mb, max_concurrency, provisioned_concurrency } => {
                let serverless = api::ProductionVariantServerlessConfig::builder()
                    .memory_size_in_mb(number(memory_mb))
                    .max_concurrency(number(max_concurrency))
                    .set_provisioned_concurrency(provisioned_concurrency.map(number));
                let variant = variant.serverless_config(serverless.build());
                Parts { variant: variant.build(), capture, queue: None, volume_key: None }
            }
        }
    }
}

impl Capture {
    fn config(&self) -> api::DataCaptureConfig {
        let option = |mode| api::CaptureOption::builder().capture_mode(mode).build();
        let input = self.input.then(|| option(api::CaptureMode::Input));
        let output = self.output.then(|| option(api::CaptureMode::Output));
        let types = api::CaptureContentTypeHeader::builder()
            .set_csv_content_types(Some(self.csv_types.clone()))
            .set_json_content_types(Some(self.json_types.clone()));
        api::DataCaptureConfig::builder()
            .enable_capture(true)
            .initial_sampling_percentage(number(self.percent))
            .destination_s3_uri(&self.destination)
            .set_kms_key_id(self.key.clone())
            .set_capture_options(Some(input.into_iter().chain(output).collect()))
            .capture_content_type_header(types.build())
            .build()
    }
}

impl Queue {
    fn config(&self) -> api::AsyncInferenceConfig {
        let output = api::AsyncInferenceOutputConfig::builder()
            .s3_output_path(&self.output)
            .s3_failure_path(&self.failures)
            .set_kms_key_id(self.key.clone());
        let client = self.max_concurrent_invocations.map(|most| {
            let client = api::AsyncInferenceClientConfig::builder();
            client.max_concurrent_invocations_per_instance(number(most)).build()
        });
        api::AsyncInferenceConfig::builder()
            .output_config(output.build())
            .set_client_config(client)
            .build()
    }
}

impl Parts {
    /// Returns what the configuration says, without the name of the model.
    pub(super) fn properties(&self) -> Properties {
        let mut properties = Properties::new();
        let mut add = |name: &str, value: Option<String>| {
            properties.extend(value.map(|value| (name.to_owned(), value)));
        };
        let variant = &self.variant;
        let text = |number: Option<i32>| number.map(|number| number.to_string());
        let serverless = variant.serverless_config();
        let kind = match (serverless, &self.queue) {
            (Some(_), _) => "serverless",
            (None, Some(_)) => "asynchronous",
            (None, None) => "real_time",
        };
        add("kind", Some(kind.to_owned()));
        add("instance_type", variant.instance_type().map(|name| name.as_str().to_owned()));
        if serverless.is_none() {
            add("instance_count", text(variant.initial_instance_count()));
        }
        add("memory_mb", text(serverless.and_then(|config| config.memory_size_in_mb())));
        add("max_concurrency", text(serverless.and_then(|config| config.max_concurrency())));
        let provisioned = serverless.and_then(|config| config.provisioned_concurrency());
        add("provisioned_concurrency", text(provisioned));
        let startup = variant.container_startup_health_check_timeout_in_seconds();
        add("startup_timeout_seconds", text(startup));
        let download = variant.model_data_download_timeout_in_seconds();
        add("download_timeout_seconds", text(download));
        add("volume_key", self.volume_key.clone());
        if let Some(capture) = self.capture.as_ref().filter(|it| it.enable_capture() == Some(true))
        {
            let list = |list: &[String]| Some(list.join(", ")).filter(|text| !text.is_empty());
            add("capture.percent", text(capture.initial_sampling_percentage()));
            let modes = capture.capture_options().iter().filter_map(|option| option.capture_mode());
            let modes: Vec<_> = modes.map(|mode| mode.as_str().to_lowercase()).collect();
            add("capture.of", list(&modes));
            add("capture.prefix", capture.destination_s3_uri().map(str::to_owned));
            add("capture.key", capture.kms_key_id().map(str::to_owned));
            let types = capture.capture_content_type_header();
            add("capture.csv_types", types.and_then(|types| list(types.csv_content_types())));
            add("capture.json_types", types.and_then(|types| list(types.json_content_types())));
        }
        if let Some(queue) = &self.queue {
            let output = queue.output_config();
            let member = |value: Option<&str>| value.map(str::to_owned);
            add("queue.output", member(output.and_then(|output| output.s3_output_path())));
            add("queue.failures", member(output.and_then(|output| output.s3_failure_path())));
            add("queue.key", member(output.and_then(|output| output.kms_key_id())));
            let client = queue.client_config();
            let most = client.and_then(|it| it.max_concurrent_invocations_per_instance());
            add("queue.max_concurrent_invocations", text(most));
        }
        properties
    }
}

/// Returns what a model says.
pub(super) fn model_properties(
    container: Option<&api::ContainerDefinition>,
    role_arn: &str,
    network_isolation: bool,
    vpc: Option<&api::VpcConfig>,
) -> Properties {
    let mut properties = Properties::new();
    let package = container.and_then(|container| container.model_package_name());
    // A model that something else made may have an image in place of a package.
    let image = container.and_then(|container| container.image());
    if let Some(model) = package.or(image) {
        properties.insert("model".to_owned(), model.to_owned());
    }
    properties.insert("role".to_owned(), role_arn.to_owned());
    let environment = container.and_then(|container| container.environment());
    let mut environment: Vec<_> = environment.into_iter().flatten().collect();
    environment.sort();
    for (name, value) in environment {
        properties.insert(format!("environment.{name}"), value.clone());
    }
    properties.insert("network_isolation".to_owned(), network_isolation.to_string());
    if let Some(vpc) = vpc.filter(|vpc| !vpc.subnets().is_empty()) {
        properties.insert("security_group_ids".to_owned(), vpc.security_group_ids().join(", "));
        properties.insert("subnets".to_owned(), vpc.subnets().join(", "));
    }
    properties
}

/// Returns the version in the ARN of a model package, such as
/// `arn:aws:sagemaker:us-east-1:111122223333:model-package/group/3`.
pub(super) fn version_of(package_arn: &str) -> Option<u32> {
    package_arn.contains(":model-package/").then_some(())?;
    package_arn.rsplit('/').next()?.parse().ok()
}

/// Returns a name of the service: the beginning of the endpoint's, the version, and a digest of what the
/// name is for.
pub(crate) fn named(
    endpoint: &str,
    version: u32,
    content: &[String],
    properties: &Properties,
) -> String {
    let mut text = format!("{endpoint}\n");
    for (name, value) in properties {
        text.push_str(&format!("{name}={value}\n"));
    }
    // The service does not tell these of a model, so that they are no properties.
    for content in content {
        text.push_str(&format!("{content}\n"));
    }
    let digest = common::sha256_hex(text);
    format!("{}{version}-{digest:.12}", hosted_prefix(endpoint))
}

/// Returns a number of the settings as the service's type. The settings' ranges are far smaller.
pub(crate) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ_with_the_content() {
        let properties = |model: &str| Properties::from([("model".to_owned(), model.to_owned())]);
        let name = named("machine-downtime", 3, &[], &properties("a"));
        assert_eq!(name.len(), "machine-downtime-v3-".len() + 12, "{name}");
        assert!(name.starts_with("machine-downtime-v3-"));
        assert_ne!(name, named("machine-downtime", 3, &[], &properties("b")));
        // A package that was changed in place is another model.
        let content = ["serve:1".to_owned(), "s3://b/other.tar.gz".to_owned()];
        assert_ne!(name, named("machine-downtime", 3, &content, &properties("a")));
        let long = "a-".repeat(31) + "b";
        assert_eq!(long.len(), 63);
        let short = named(&long, 12_345, &[], &properties("a"));
        assert!(short.len() <= 63 && !short.contains("--"), "{short}");
        // Endpoints whose names begin alike have configurations of their own.
        assert_ne!(short, named(&(long[..62].to_owned() + "c"), 12_345, &[], &properties("a")));
    }

    #[test]
    fn a_package_arn_ends_in_its_version() {
        let arn = "arn:aws:sagemaker:us-east-1:111122223333:model-package/group/3";
        assert_eq!(version_of(arn), Some(3));
        assert_eq!(version_of("123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:3"), None);
    }
}
