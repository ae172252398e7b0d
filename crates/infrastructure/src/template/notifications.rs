//! Notifications of failed executions and pending approvals.

use config::ApprovalStatus;
use serde_yaml::Value;

use super::keys;
use super::sections::Sections;
use super::value::{POLICY_VERSION, arn, list, put, reference};
use crate::inventory::Inventory;

const FAILED: &str = "ExecutionFailed";
const PENDING: &str = "ApprovalPending";

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    let Some(notifications) = &inventory.settings.notifications else { return };
    let mut topic = object! {
        "Subscription": list([object! {
            "Protocol": "email",
            "Endpoint": notifications.email.as_str(),
        }]),
    };
    put(&mut topic, "KmsMasterKeyId", keys::of_outputs(inventory));
    sections.resource("Topic", object! { "Type": "AWS::SNS::Topic", "Properties": topic });
    sections.resource(
        "TopicPolicy",
        object! {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": object! {
                "Topics": list([reference("Topic")]),
                "PolicyDocument": object! {
                    "Version": POLICY_VERSION,
                    "Statement": list([object! {
                        "Sid": "PublishEvents",
                        "Effect": "Allow",
                        "Principal": object! { "Service": "events.amazonaws.com" },
                        "Action": "sns:Publish",
                        "Resource": reference("Topic"),
                        "Condition": object! {
                            "ArnEquals": object! {
                                "aws:SourceArn": list([arn(FAILED), arn(PENDING)]),
                            },
                        },
                    }]),
                },
            },
        },
    );
    let detail = object! {
        "pipelineArn": list(inventory.pipeline_arns("")),
        "currentPipelineExecutionStatus": list(["Failed"]),
    };
    sections.resource(
        FAILED,
        rule(
            "An execution of the pipeline failed",
            "SageMaker Model Building Pipeline Execution Status Change",
            detail,
            ("execution", "$.detail.pipelineExecutionArn"),
            "The pipeline's execution <execution> failed.",
        ),
    );
    let detail = object! {
        "ModelPackageGroupName": list([
            inventory.settings.model_registry.model_package_group_name.as_str(),
        ]),
        "ModelApprovalStatus": list([ApprovalStatus::PendingManualApproval.to_string()]),
    };
    sections.resource(
        PENDING,
        rule(
            "A model waits for its approval",
            "SageMaker Model Package State Change",
            detail,
            ("model", "$.detail.ModelPackageArn"),
            "The model <model> waits for approval.",
        ),
    );
    sections.output(
        "TopicArn",
        object! {
            "Description": "Where failures and pending approvals are told",
            "Value": reference("Topic"),
        },
    );
}

/// Returns a rule that publishes events of SageMaker as messages on the topic.
fn rule(
    description: &str,
    event: &str,
    detail: Value,
    (name, path): (&str, &str),
    message: &str,
) -> Value {
    let paths = Value::Mapping([(name.into(), path.into())].into_iter().collect());
    object! {
        "Type": "AWS::Events::Rule",
        "Properties": object! {
            "Description": description,
            "EventPattern": object! {
                "source": list(["aws.sagemaker"]),
                "detail-type": list([event]),
                "detail": detail,
            },
            "Targets": list([object! {
                "Id": "Topic",
                "Arn": reference("Topic"),
                "InputTransformer": object! {
                    "InputPathsMap": paths,
                    "InputTemplate": format!("\"{message}\""),
                },
            }]),
        },
    }
}
