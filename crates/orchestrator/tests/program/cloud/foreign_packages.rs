//! Versions that something else has registered, such as the Python SDK.

use aws::sagemaker::types as api;
use serde_json::{Value, json};

use super::Cloud;

impl Cloud {
    /// Registers a version as the Python SDK does: with its model's source, its report, and no metadata.
    fn register_foreign(&self, name: &str, report: Option<Value>) {
        let (aws, sagemaker) = (self.aws(), self.aws().sagemaker());
        let group = sagemaker.create_model_package_group().model_package_group_name(&self.name);
        // A second version finds the group.
        let _ = aws.wait(group.send());
        let source = api::S3ModelDataSource::builder()
            .s3_uri(format!("s3://{}/model-artifacts/{name}/model.tar.gz", self.name))
            .s3_data_type(api::S3ModelDataType::S3Object)
            .compression_type(api::ModelCompressionType::Gzip)
            .build();
        let container = api::ModelPackageContainerDefinition::builder()
            .image("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1")
            .model_data_source(api::ModelDataSource::builder().s3_data_source(source).build())
            .build();
        let mut call = sagemaker
            .create_model_package()
            .model_package_group_name(&self.name)
            .model_approval_status(api::ModelApprovalStatus::PendingManualApproval)
            .inference_specification(
                api::InferenceSpecification::builder().containers(container).build(),
            );
        if let Some(report) = report {
            let key = format!("evaluation/{name}/report.json");
            self.put(&key, report.to_string());
            let statistics = api::MetricsSource::builder()
                .content_type("application/json")
                .s3_uri(format!("s3://{}/{key}", self.name));
            let quality = api::ModelQuality::builder().statistics(statistics.build()).build();
            call = call.model_metrics(api::ModelMetrics::builder().model_quality(quality).build());
        }
        aws.wait(call.send()).unwrap();
    }
}

#[test]
fn versions_of_the_python_sdk_have_their_metrics() {
    let Some(cloud) = Cloud::before_moto("python-sdk", vec![]) else { return };
    cloud.register_foreign("flat", Some(json!({ "accuracy": 0.91, "f1": 0.9, "recall": 0.88 })));
    cloud.register_foreign(
        "nested",
        Some(json!({ "multiclass_classification_metrics": {
            "accuracy": { "value": 0.93, "standard_deviation": "NaN" },
            "recall": { "value": 0.89, "standard_deviation": "NaN" },
        }})),
    );
    cloud.register_foreign(
        "listed",
        Some(json!({ "metrics": [{ "name": "rmse", "value": 4.25 }] })),
    );
    cloud.register_foreign("none", None);
    let listed = cloud.orchestrator(&["models", "list"]).expect(0).stdout;
    insta::assert_snapshot!(listed, @"
    Version   Status      Approval                accuracy  f1_score    recall
    4         Completed   PendingManualApproval          -         -         -
    3         Completed   PendingManualApproval          -         -         -  rmse 4.2500
    2         Completed   PendingManualApproval     0.9300         -    0.8900
    1         Completed   PendingManualApproval     0.9100    0.9000    0.8800
    ");
    let shown = cloud.orchestrator(&["models", "show", "1"]).expect(0).stdout;
    insta::assert_snapshot!(cloud.neutral(&shown), @"
    version              1
    arn                  arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1
    status               Completed
    approval             PendingManualApproval
    accuracy             0.9100
    f1_score             0.9000
    recall               0.8800
    model                s3://<name>/model-artifacts/flat/model.tar.gz
    model digest         not recorded
    report               s3://<name>/evaluation/flat/report.json
    report digest        not recorded
    image                683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1

    What made it:
    registered at        <when>
    registered by        fake-user-profile-name

    It does not tell which execution made it, so it cannot be made again.
    ");
    let compared = cloud.json(0, &["models", "compare", "1", "2"]);
    let difference = compared["differences"]["accuracy"].as_f64().unwrap();
    assert!((difference - 0.02).abs() < 1e-12, "{compared}");
    assert_eq!(cloud.json(0, &["models", "show", "3"])["metrics"], json!({ "rmse": 4.25 }));
    let refused = cloud.orchestrator(&["reproduce", "4"]).expect(2).stderr;
    insta::assert_snapshot!(cloud.neutral(&refused), @"error: version 4 of group <name> does not tell which execution made it");
}
