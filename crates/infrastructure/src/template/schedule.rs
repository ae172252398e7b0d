//! Executions that start by themselves: at the times of the settings, and at new objects.

use serde_yaml::Value;

use super::roles::events_role;
use super::sections::Sections;
use super::value::{arn, list, put};
use crate::inventory::Inventory;

/// The role that starts an execution.
const ROLE: &str = "StartExecutionRole";
/// The parameter of the pipeline that tells the contents of its input from others at the same address.
const VERSION_PARAMETER: &str = "InputDataVersion";
/// The parameter of the pipeline that names its input.
const INPUT_PARAMETER: &str = "InputDataUrl";

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    let Some(schedule) = &inventory.settings.schedule else { return };
    let pipelines = list(inventory.pipeline_arns(""));
    let role = events_role(
        "What starts executions of the pipeline by themselves",
        "sagemaker:StartPipelineExecution",
        pipelines,
    );
    sections.resource(ROLE, role);
    if let Some(at) = &schedule.at {
        sections.resource(
            "ScheduledExecution",
            rule(
                object! {
                    "Description": "Starts an execution of the pipeline at the times of the settings",
                    "ScheduleExpression": at.as_str(),
                },
                "$.time",
                None,
                inventory,
            ),
        );
    }
    if schedule.on_new_objects {
        sections.resource(
            "NewObject",
            rule(
                object! {
                    "Description": "Starts an execution of the pipeline when there is a new table",
                    "EventPattern": object! {
                        "source": list(["aws.s3"]),
                        "detail-type": list(["Object Created"]),
                        "detail": new_object(inventory),
                    },
                },
                "$.detail.object.etag",
                // Not the default of the parameter, which a later upload may have changed.
                Some(inventory.settings.s3_paths.input_url()),
                inventory,
            ),
        );
    }
}

/// Returns the pattern of objects that the pipeline reads by default. Consoles mark directories by objects
/// without content.
fn new_object(inventory: &Inventory<'_>) -> Value {
    let paths = &inventory.settings.s3_paths;
    let key = paths.input_dataset.as_str();
    let key: Value = if key.ends_with('/') {
        object! { "prefix": key }
    } else {
        key.into()
    };
    object! {
        "bucket": object! { "name": list([paths.bucket.as_str()]) },
        "object": object! {
            "key": list([key]),
            "size": list([object! { "numeric": list([Value::from(">"), 0_u64.into()]) }]),
        },
    }
}

/// Returns a rule that starts an execution. `version` is the path to the part of the event that becomes the
/// version of the input, so that SageMaker's step cache does not take new contents for old ones, and `input` its
/// address.
fn rule(
    mut properties: Value,
    version: &str,
    input: Option<String>,
    inventory: &Inventory<'_>,
) -> Value {
    let pipeline = format!("pipeline/{}", inventory.settings.pipeline.name);
    let parameter = |name: &str, value: &str| object! { "Name": name, "Value": value };
    let mut parameters = vec![parameter(VERSION_PARAMETER, version)];
    parameters.extend(input.map(|uri| parameter(INPUT_PARAMETER, &uri)));
    let target = object! {
        "Id": "Pipeline",
        "Arn": inventory.account.arn("sagemaker", &pipeline),
        "RoleArn": arn(ROLE),
        "SageMakerPipelineParameters": object! {
            "PipelineParameterList": list(parameters),
        },
    };
    put(&mut properties, "Targets", Some(list([target])));
    object! { "Type": "AWS::Events::Rule", "Properties": properties }
}
