//! The local Model Registry of RegisterModel steps.

use common::chain;
use local::{ModelRegistry, Registration, RegistrationError};
use registry::{
    ApprovalStatus, DirectoryRegistry, Group, NewVersion, Registry, RegistryError, Serving, Source,
};
use serde_json::Value;

/// A registry in a directory, as our Register uses it in local runs.
pub struct LocalModels(pub DirectoryRegistry);

impl ModelRegistry for LocalModels {
    fn register(&self, request: &Value, token: &str) -> Result<Registration, RegistrationError> {
        let version = new_version(request, token).map_err(RegistrationError::Request)?;
        version.check_given().map_err(|error| refusal(&error))?;
        let group = Group { name: version.group.clone(), description: String::new() };
        self.0.ensure_group(&group).map_err(|error| refusal(&error))?;
        let package = self.0.create_version(&version).map_err(|error| refusal(&error))?;
        Ok(Registration {
            arn: package.arn,
            version: package.version,
            approval_status: package.approval_status.to_string(),
        })
    }
}

fn refusal(error: &RegistryError) -> RegistrationError {
    match error {
        RegistryError::Limit { .. } => RegistrationError::Request(chain(error)),
        _ => RegistrationError::Registry(chain(error)),
    }
}

/// Returns the version that a request asks for. Members that the local registry has no place for,
/// such as a description, stay in the execution's record.
fn new_version(request: &Value, token: &str) -> Result<NewVersion, String> {
    let group = text(request, "ModelPackageGroupName")?;
    let status = match request.get("ModelApprovalStatus") {
        Some(_) => text(request, "ModelApprovalStatus")?,
        // the service's default
        None => ApprovalStatus::PendingManualApproval.name(),
    };
    let specification = &request["InferenceSpecification"];
    let containers = specification["Containers"].as_array().map_or(&[][..], Vec::as_slice);
    let [container] = containers else {
        return Err(format!(
            "InferenceSpecification.Containers has {} entries, expected 1: a version of the local \
             registry has one image and one model",
            containers.len()
        ));
    };
    let source = container.get("ModelDataSource").and_then(|source| source.get("S3DataSource"));
    let model_data_url = match source {
        Some(source) => text(source, "S3Uri"),
        None => text(container, "ModelDataUrl"),
    };
    let list = |name: &str| strings(specification, name);
    let statistics = request.pointer("/ModelMetrics/ModelQuality/Statistics");
    let metrics_url = statistics.map_or(Ok(""), |statistics| text(statistics, "S3Uri"))?;
    let metadata = request.get("CustomerMetadataProperties").and_then(Value::as_object);
    let metadata = metadata.into_iter().flatten().map(|(name, value)| match value.as_str() {
        Some(value) => Ok((name.clone(), value.to_owned())),
        None => Err(unexpected(&format!("CustomerMetadataProperties.{name}"), value)),
    });
    let properties = &request["MetadataProperties"];
    let property = |name: &str| match properties.get(name) {
        Some(_) => text(properties, name).map(|value| Some(value.to_owned())),
        None => Ok(None),
    };
    Ok(NewVersion {
        // the API takes the group's ARN, too
        group: group.rsplit('/').next().unwrap_or(group).to_owned(),
        approval_status: status.parse().map_err(|error: RegistryError| chain(&error))?,
        serving: Serving {
            inference_image: text(container, "Image")?.to_owned(),
            model_data_url: model_data_url?.to_owned(),
            content_types: list("SupportedContentTypes")?,
            response_types: list("SupportedResponseMIMETypes")?,
            realtime_instance_types: list("SupportedRealtimeInferenceInstanceTypes")?,
            transform_instance_types: list("SupportedTransformInstanceTypes")?,
        },
        metrics_url: metrics_url.to_owned(),
        source: Source {
            commit_id: property("CommitId")?,
            repository: property("Repository")?,
            generated_by: property("GeneratedBy")?,
        },
        metadata: metadata.collect::<Result<_, _>>()?,
        client_token: token.to_owned(),
    })
}

/// Returns a member that must be a string.
fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    object[name].as_str().ok_or_else(|| unexpected(name, &object[name]))
}

/// Returns a member that must be a list of strings; it may be absent.
fn strings(object: &Value, name: &str) -> Result<Vec<String>, String> {
    let entries = match &object[name] {
        Value::Null => &[][..],
        Value::Array(entries) => entries.as_slice(),
        other => return Err(format!("{name} is {other}, expected a list of strings")),
    };
    let entries = entries.iter().map(|entry| match entry.as_str() {
        Some(entry) => Ok(entry.to_owned()),
        None => Err(unexpected(name, entry)),
    });
    entries.collect()
}

fn unexpected(name: &str, found: &Value) -> String {
    match found {
        Value::Null => format!("{name} is absent, expected a string"),
        found => format!("{name} is {found}, expected a string"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({
            "ModelPackageGroupName": "turbines",
            "InferenceSpecification": {
                "Containers": [{ "Image": "serve:1", "ModelDataUrl": "s3://bucket/model.tar.gz" }],
                "SupportedContentTypes": ["text/csv"],
            },
        })
    }

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut request = request();
        change(&mut request);
        new_version(&request, "token").unwrap_err()
    }

    #[test]
    fn a_request_becomes_a_version() {
        let version = new_version(&request(), "token").unwrap();
        assert_eq!(version.approval_status, ApprovalStatus::PendingManualApproval);
        assert_eq!(version.serving.content_types, ["text/csv"]);
        assert_eq!((version.metrics_url.as_str(), version.metadata.len()), ("", 0));

        let mut more = request();
        more["ModelPackageGroupName"] =
            "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/turbines".into();
        more["ModelApprovalStatus"] = "Approved".into();
        more["InferenceSpecification"]["Containers"][0] = json!({
            "Image": "serve:1",
            "ModelDataSource": { "S3DataSource": { "S3Uri": "s3://bucket/model/" } },
        });
        more["ModelMetrics"] =
            json!({ "ModelQuality": { "Statistics": { "S3Uri": "s3://bucket/report.json" } } });
        more["CustomerMetadataProperties"] = json!({ "farm": "north" });
        more["MetadataProperties"] = json!({ "CommitId": "1f0c3a" });
        let version = new_version(&more, "token").unwrap();
        assert_eq!(version.group, "turbines");
        assert_eq!(version.approval_status, ApprovalStatus::Approved);
        assert_eq!(version.serving.model_data_url, "s3://bucket/model/");
        assert_eq!(version.metrics_url, "s3://bucket/report.json");
        assert_eq!(version.metadata["farm"], "north");
        assert_eq!(version.source.commit_id.as_deref(), Some("1f0c3a"));
    }

    #[test]
    fn a_refusal_names_the_member() {
        insta::assert_snapshot!(refused(|r| r["ModelPackageGroupName"] = json!(null)), @"ModelPackageGroupName is absent, expected a string");
        insta::assert_snapshot!(refused(|r| r["ModelApprovalStatus"] = json!("Yes")), @"approval status is `Yes`, expected Approved, Rejected or PendingManualApproval");
        insta::assert_snapshot!(refused(|r| r["InferenceSpecification"] = json!(null)), @"InferenceSpecification.Containers has 0 entries, expected 1: a version of the local registry has one image and one model");
        insta::assert_snapshot!(refused(|r| r["InferenceSpecification"]["Containers"] = json!([1, 2])), @"InferenceSpecification.Containers has 2 entries, expected 1: a version of the local registry has one image and one model");
        insta::assert_snapshot!(refused(|r| r["InferenceSpecification"]["SupportedContentTypes"] = json!([1])), @"SupportedContentTypes is 1, expected a string");
        insta::assert_snapshot!(refused(|r| r["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] = json!(null)), @"ModelDataUrl is absent, expected a string");
        insta::assert_snapshot!(refused(|r| r["CustomerMetadataProperties"] = json!({ "a": 1 })), @"CustomerMetadataProperties.a is 1, expected a string");
    }
}
