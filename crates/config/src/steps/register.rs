//! The settings of Register. Values that only the running pipeline knows are environment variables;
//! the others are container arguments.

use super::arguments::{Argument, ArgumentParser, Parsed, StepError, fault};

/// Declares [`Register`] and [`RegisterVariables`], so that a new variable or list is one entry.
macro_rules! register {
    (
        variables: { $($(#[$variable_doc:meta])* $variable:ident = $variable_name:literal),+ $(,)? }
        lists: { $($(#[$list_doc:meta])* $list:ident = $list_name:literal),+ $(,)? }
    ) => {
        /// The settings of Register.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Register {
            $($(#[$variable_doc])* pub $variable: String,)+
            $($(#[$list_doc])* pub $list: Vec<String>,)+
        }

        /// A value for each environment variable of Register.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct RegisterVariables<T> {
            $($(#[$variable_doc])* pub $variable: T),+
        }

        impl<T> RegisterVariables<T> {
            /// Returns the name and value of each variable, in order.
            pub fn into_named(self) -> Vec<(&'static str, T)> {
                vec![$(($variable_name, self.$variable)),+]
            }
        }

        impl Register {
            /// The names of the environment variables, in order.
            pub const VARIABLES: &'static [&'static str] = &[$($variable_name),+];
            const LISTS: &'static [&'static str] = &[$($list_name),+];

            /// Returns the settings that are container arguments.
            pub fn to_arguments(&self) -> Vec<Argument> {
                let lists = [$(($list_name, &self.$list)),+].into_iter();
                lists
                    .flat_map(|(name, list)| {
                        list.iter().map(move |value| Argument::new(name, value))
                    })
                    .collect()
            }

            /// Reads the variables and the repeated arguments.
            fn from_parts(
                mut variable: impl FnMut(&'static str) -> String,
                list: impl Fn(&str) -> Vec<String>,
            ) -> Self {
                Self {
                    $($variable: variable($variable_name),)+
                    $($list: list($list_name),)+
                }
            }
        }
    };
}

register! {
    variables: {
        /// `MODEL_PACKAGE_GROUP_NAME`: the model package group.
        group = "MODEL_PACKAGE_GROUP_NAME",
        /// `MODEL_PACKAGE_GROUP_DESCRIPTION`: its description, used when the group is created. This
        /// is the only variable that may be absent.
        group_description = "MODEL_PACKAGE_GROUP_DESCRIPTION",
        /// `MODEL_APPROVAL_STATUS`: the approval status of the new version.
        approval_status = "MODEL_APPROVAL_STATUS",
        /// `MODEL_DATA_URL`: the URL of the trained `model.tar.gz`.
        model_data_url = "MODEL_DATA_URL",
        /// `MODEL_METRICS_URL`: the URL of the evaluation report.
        metrics_url = "MODEL_METRICS_URL",
        /// `INFERENCE_IMAGE`: the image that serves the model.
        inference_image = "INFERENCE_IMAGE",
        /// `PIPELINE_NAME`: the name of the pipeline.
        pipeline_name = "PIPELINE_NAME",
        /// `PIPELINE_EXECUTION_ID`: the identifier of the execution.
        pipeline_execution_id = "PIPELINE_EXECUTION_ID",
    }
    lists: {
        /// `--content-type=`, repeated: the content types that the served model accepts.
        content_types = "content-type",
        /// `--response-type=`, repeated: the content types of its answers.
        response_types = "response-type",
        /// `--realtime-instance-type=`, repeated: the instance types of endpoints.
        realtime_instance_types = "realtime-instance-type",
        /// `--transform-instance-type=`, repeated: the instance types of batch transform jobs.
        transform_instance_types = "transform-instance-type",
    }
}

impl Register {
    /// The variable of the model package group. Jobs that run Register have it, and no others.
    pub const GROUP: &str = "MODEL_PACKAGE_GROUP_NAME";

    /// Parses container arguments and environment variables. All variables except for the
    /// description of the group are required.
    ///
    /// # Errors
    /// All missing variables and invalid values.
    pub fn parse<'a>(
        arguments: &[String],
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Parsed<Self>, StepError> {
        const STATUS: &str = "MODEL_APPROVAL_STATUS";
        const STATUSES: [&str; 3] = ["PendingManualApproval", "Approved", "Rejected"];
        let mut parser = ArgumentParser::new(arguments, Self::LISTS);
        let mut missing = Vec::new();
        let required = |name: &'static str| {
            let value = variable(name).map(str::trim).filter(|value| !value.is_empty());
            if value.is_none() && name != "MODEL_PACKAGE_GROUP_DESCRIPTION" {
                missing.push(format!("environment variable {name} is not set"));
            }
            value.unwrap_or_default().to_owned()
        };
        let settings = Self::from_parts(required, |name| parser.list(name));
        parser.faults.extend(missing);
        let status = settings.approval_status.as_str();
        if !status.is_empty() && !STATUSES.contains(&status) {
            let expected = STATUSES.join(", ");
            parser.faults.push(fault("environment variable", STATUS, status, &expected));
        }
        parser.finish(settings)
    }
}
