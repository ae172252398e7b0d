//! The settings of Register. Values that only the running pipeline knows are environment variables;
//! the others are container arguments.

use super::arguments::{Argument, ArgumentParser, Parsed, StepError, fault};

/// The value of the variables for who started an execution, and from which commit, where nobody has said so.
pub const UNKNOWN: &str = "unknown";

/// Declares [`Register`] and [`RegisterVariables`], so that a new variable or list is one entry.
macro_rules! register {
    (
        variables: { $($(#[$variable_doc:meta])* $variable:ident = $variable_name:literal),+ $(,)? }
        optional: { $($(#[$optional_doc:meta])* $optional:ident = $optional_name:literal),+ $(,)? }
        lists: { $($(#[$list_doc:meta])* $list:ident = $list_name:literal),+ $(,)? }
    ) => {
        /// The settings of Register.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Register {
            $($(#[$variable_doc])* pub $variable: String,)+
            $($(#[$optional_doc])* pub $optional: String,)+
            $($(#[$list_doc])* pub $list: Vec<String>,)+
        }

        /// A value for each environment variable of Register.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct RegisterVariables<T> {
            $($(#[$variable_doc])* pub $variable: T,)+
            $($(#[$optional_doc])* pub $optional: T,)+
        }

        impl<T> RegisterVariables<T> {
            /// Returns the name and value of each variable, in order.
            pub fn into_named(self) -> Vec<(&'static str, T)> {
                vec![
                    $(($variable_name, self.$variable),)+
                    $(($optional_name, self.$optional),)+
                ]
            }
        }

        impl Register {
            /// The names of the environment variables, in order.
            pub const VARIABLES: &'static [&'static str] =
                &[$($variable_name,)+ $($optional_name,)+];
            /// Those that may be absent.
            const OPTIONAL: &'static [&'static str] = &[$($optional_name),+];
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
                    $($optional: variable($optional_name),)+
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
    optional: {
        /// `MODEL_PACKAGE_GROUP_DESCRIPTION`: the group's description, used when it is created.
        group_description = "MODEL_PACKAGE_GROUP_DESCRIPTION",
        /// `PIPELINE_EXECUTION_ARN`: the ARN of the execution.
        pipeline_execution_arn = "PIPELINE_EXECUTION_ARN",
        /// `STARTED_AT`: the time at which the execution was started.
        started_at = "STARTED_AT",
        /// `STARTED_BY`: who started it.
        started_by = "STARTED_BY",
        /// `SOURCE_COMMIT`: the commit of the settings that it was started with.
        source_commit = "SOURCE_COMMIT",
        /// `DEFINITION_DIGEST`: the SHA-256 digest of the definition, without this variable.
        definition_digest = "DEFINITION_DIGEST",
        /// `TABLE_SETTINGS_DIGEST`: the SHA-256 digest of the settings of the table.
        table_settings_digest = "TABLE_SETTINGS_DIGEST",
        /// `INPUT_DATA_URL`: the URL of the raw table.
        input_data_url = "INPUT_DATA_URL",
        /// `INPUT_DATA_VERSION`: what tells the contents of the raw table from others at that URL.
        input_data_version = "INPUT_DATA_VERSION",
        /// `PREPROCESS_IMAGE`: the image that read the raw table.
        preprocess_image = "PREPROCESS_IMAGE",
        /// `TRAIN_IMAGE`: the image that trained the model.
        train_image = "TRAIN_IMAGE",
        /// `EVALUATE_IMAGE`: the image that evaluated it.
        evaluate_image = "EVALUATE_IMAGE",
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
    /// The variable of the definition's digest, which differs wherever anything else of a definition does.
    pub const DEFINITION_DIGEST: &str = "DEFINITION_DIGEST";

    /// Parses container arguments and environment variables. An optional variable that is absent is
    /// empty, since definitions of earlier programs have fewer of them.
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
            if value.is_none() && !Self::OPTIONAL.contains(&name) {
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
