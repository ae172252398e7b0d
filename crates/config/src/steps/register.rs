//! What Register is told: by its environment what only the running pipeline knows, by arguments
//! what the config says.

use super::{Argument, Arguments, Parsed, StepError};

/// Everything that Register is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    /// `MODEL_PACKAGE_GROUP_NAME`
    pub group: String,
    /// `MODEL_PACKAGE_GROUP_DESCRIPTION`, used when the group is made.
    pub group_description: String,
    /// `MODEL_APPROVAL_STATUS`
    pub approval_status: String,
    /// `MODEL_DATA_URL`: the trained `model.tar.gz`.
    pub model_data_url: String,
    /// `MODEL_METRICS_URL`: the model-quality report.
    pub metrics_url: String,
    /// `INFERENCE_IMAGE`: the image that serves the model.
    pub inference_image: String,
    /// `PIPELINE_NAME`
    pub pipeline_name: String,
    /// `PIPELINE_EXECUTION_ID`
    pub pipeline_execution_id: String,
    /// `--content-type=`, repeated: what the served model reads.
    pub content_types: Vec<String>,
    /// `--response-type=`, repeated: what it answers.
    pub response_types: Vec<String>,
    /// `--realtime-instance-type=`, repeated.
    pub realtime_instance_types: Vec<String>,
    /// `--transform-instance-type=`, repeated.
    pub transform_instance_types: Vec<String>,
}

impl Register {
    /// The environment variables, in the order of the fields.
    pub const VARIABLES: [&str; 8] = [
        "MODEL_PACKAGE_GROUP_NAME",
        "MODEL_PACKAGE_GROUP_DESCRIPTION",
        "MODEL_APPROVAL_STATUS",
        "MODEL_DATA_URL",
        "MODEL_METRICS_URL",
        "INFERENCE_IMAGE",
        "PIPELINE_NAME",
        "PIPELINE_EXECUTION_ID",
    ];
    const LISTS: [&str; 4] =
        ["content-type", "response-type", "realtime-instance-type", "transform-instance-type"];

    /// The part that container arguments carry.
    pub fn to_arguments(&self) -> Vec<Argument> {
        let lists = [
            &self.content_types,
            &self.response_types,
            &self.realtime_instance_types,
            &self.transform_instance_types,
        ];
        let named = Self::LISTS.into_iter().zip(lists);
        named
            .flat_map(|(name, list)| list.iter().map(move |value| Argument::new(name, value)))
            .collect()
    }

    /// From container arguments and the environment. Every variable is required but the group's
    /// description.
    pub fn parse<'a>(
        arguments: &[String],
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Parsed<Self>, StepError> {
        let mut given = Arguments::split(arguments, &Self::LISTS);
        let mut settings = Self::default();
        let fields = [
            &mut settings.group,
            &mut settings.group_description,
            &mut settings.approval_status,
            &mut settings.model_data_url,
            &mut settings.metrics_url,
            &mut settings.inference_image,
            &mut settings.pipeline_name,
            &mut settings.pipeline_execution_id,
        ];
        for (name, field) in Self::VARIABLES.into_iter().zip(fields) {
            match variable(name).map(str::trim).filter(|value| !value.is_empty()) {
                Some(value) => *field = value.to_owned(),
                None if name == "MODEL_PACKAGE_GROUP_DESCRIPTION" => {}
                None => given.faults.push(format!("environment variable {name} is not set")),
            }
        }
        const STATUSES: [&str; 3] = ["PendingManualApproval", "Approved", "Rejected"];
        if !settings.approval_status.is_empty()
            && !STATUSES.contains(&settings.approval_status.as_str())
        {
            let expected = STATUSES.join(", ");
            given.faults.push(super::fault(
                "environment variable",
                "MODEL_APPROVAL_STATUS",
                &settings.approval_status,
                &expected,
            ));
        }
        let lists = [
            &mut settings.content_types,
            &mut settings.response_types,
            &mut settings.realtime_instance_types,
            &mut settings.transform_instance_types,
        ];
        for (name, list) in Self::LISTS.into_iter().zip(lists) {
            *list = given.list(name);
        }
        given.finish(settings)
    }
}
