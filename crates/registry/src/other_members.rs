//! What SageMaker tells of a version and a [`ModelPackage`](crate::ModelPackage) has no place for.

use aws::sagemaker::operation::describe_model_package::DescribeModelPackageOutput;
use aws::sagemaker::types as api;

/// Returns the members of a description that a version of this crate has no place for, as the API names them. What
/// the service adds by itself, such as tags of the stored model, is not among them.
pub(crate) fn other_members(answer: &DescribeModelPackageOutput) -> Vec<String> {
    let containers = answer.inference_specification().map_or(&[][..], |it| it.containers());
    let mut members: Vec<String> = containers.iter().take(1).flat_map(of_container).collect();
    let others = 1..containers.len();
    members.extend(others.map(|index| format!("InferenceSpecification.Containers[{index}]")));
    let metrics = answer.model_metrics();
    let of_package = [
        (
            "AdditionalInferenceSpecifications",
            !answer.additional_inference_specifications().is_empty(),
        ),
        ("ModelPackageDescription", is_there(answer.model_package_description())),
        (
            "ModelMetrics.ModelDataQuality",
            metrics.is_some_and(|it| it.model_data_quality.is_some()),
        ),
        ("ModelMetrics.Bias", metrics.is_some_and(|it| it.bias.is_some())),
        ("ModelMetrics.Explainability", metrics.is_some_and(|it| it.explainability.is_some())),
        ("DriftCheckBaselines", answer.drift_check_baselines().is_some()),
        ("Domain", is_there(answer.domain())),
        ("Task", is_there(answer.task())),
        ("SamplePayloadUrl", is_there(answer.sample_payload_url())),
        ("SourceUri", is_there(answer.source_uri())),
    ];
    let of_package = of_package.into_iter().filter(|(_, is_there)| *is_there);
    members.extend(of_package.map(|(name, _)| name.to_owned()));
    members
}

fn of_container(container: &api::ModelPackageContainerDefinition) -> Vec<String> {
    let members = [
        ("Environment", container.environment().is_some_and(|variables| !variables.is_empty())),
        ("ContainerHostname", is_there(container.container_hostname())),
        ("ProductId", is_there(container.product_id())),
        ("ModelInput", container.model_input().is_some()),
        ("Framework", is_there(container.framework())),
        ("FrameworkVersion", is_there(container.framework_version())),
        ("NearestModelName", is_there(container.nearest_model_name())),
        ("AdditionalModelDataSources", !container.additional_model_data_sources().is_empty()),
        ("AdditionalS3DataSource", container.additional_s3_data_source().is_some()),
        ("BaseModel", container.base_model().is_some()),
        ("ModelDataSource", container.model_data_source().is_some_and(|it| !is_archive(it))),
    ];
    let members = members.into_iter().filter(|(_, is_there)| *is_there);
    members.map(|(name, _)| format!("InferenceSpecification.Containers[0].{name}")).collect()
}

fn is_there(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

/// Returns whether a model's source says no more than the address of an archive does.
fn is_archive(source: &api::ModelDataSource) -> bool {
    source.s3_data_source().is_some_and(|source| {
        source.s3_data_type() == Some(&api::S3ModelDataType::S3Object)
            && source.compression_type() == Some(&api::ModelCompressionType::Gzip)
            && source.model_access_config().is_none()
            && source.hub_access_config().is_none()
            && source.manifest_s3_uri().is_none()
    })
}
