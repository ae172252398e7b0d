//! The members of the API's objects, from the service model 2017-07-24 as botocore 1.43 ships it.

use Shape::{Any, List, Map, Object, Value};

/// The shape of a value in a request or in a Describe response.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A string, a number, a boolean or a time.
    Value,
    /// An object whose members the API defines.
    Object {
        /// The names of the members that are values.
        values: &'static [&'static str],
        /// All other members with their shapes.
        parts: &'static [(&'static str, Shape)],
    },
    /// A list of entries of one shape.
    List(&'static Shape),
    /// An object of values whose names the author chooses.
    Map,
    /// A value that is not checked.
    Any,
}

impl Shape {
    /// Returns the shape of the member of this name, if there is one.
    pub(super) fn member(&self, name: &str) -> Option<Self> {
        let Object { values, parts } = self else { return None };
        let part = || parts.iter().find(|(part, _)| *part == name).map(|(_, shape)| *shape);
        if values.contains(&name) { Some(Value) } else { part() }
    }

    /// Returns the names of the members.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let Object { values, parts } = self else { return Vec::new() };
        values.iter().copied().chain(parts.iter().map(|(name, _)| *name)).collect()
    }

    /// Returns the shape at a place such as `AppSpecification.ContainerArguments[3]`, if it is known.
    pub(super) fn at(&self, place: &str) -> Option<Self> {
        let mut shape = *self;
        let mut rest = place;
        while !rest.is_empty() {
            match shape {
                Object { .. } => {
                    rest = rest.strip_prefix('.').unwrap_or(rest);
                    let (name, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                    shape = shape.member(name)?;
                    rest = after;
                }
                List(entry) => {
                    shape = *entry;
                    rest = rest.split_once(']')?.1;
                }
                // Names in a map may contain dots and brackets, and values have no members.
                Map => return Some(Value),
                Value | Any => return None,
            }
        }
        Some(shape)
    }
}

/// The shapes of the request and of the Describe response of one type of job.
#[derive(Debug)]
pub(super) struct JobShapes {
    /// The request, which is the step's arguments. The response repeats most of it.
    pub(super) request: Shape,
    /// The members of the request that the response leaves out.
    pub(super) omitted: &'static [&'static str],
    /// The members that the response adds.
    pub(super) added: Shape,
}

/// Members that the service gives a default value.
pub(super) const DEFAULTED: [&str; 15] = [
    "ProcessingJobName",
    "TrainingJobName",
    "AppManaged",
    "S3InputMode",
    "S3DataDistributionType",
    "S3CompressionType",
    "CompressionType",
    "RecordWrapperType",
    "InputMode",
    "LocalPath",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "ExperimentConfig",
    "StoppingCondition",
];

const fn object(values: &'static [&'static str]) -> Shape {
    Object { values, parts: &[] }
}

const TAGS: Shape = List(&object(&["Key", "Value"]));
const VPC: Shape =
    Object { values: &[], parts: &[("SecurityGroupIds", List(&Value)), ("Subnets", List(&Value))] };
const EXPERIMENT: Shape =
    object(&["ExperimentName", "TrialName", "TrialComponentDisplayName", "RunName"]);
/// A Processing job may have only the first member, which `lint::processing` checks.
const STOPPING: Shape =
    object(&["MaxRuntimeInSeconds", "MaxWaitTimeInSeconds", "MaxPendingTimeInSeconds"]);

/// `CreateProcessingJob` and `DescribeProcessingJob`.
pub(super) const PROCESSING: JobShapes = JobShapes {
    request: Object {
        values: &["ProcessingJobName", "RoleArn"],
        parts: &[
            (
                "ProcessingInputs",
                List(&Object {
                    values: &["InputName", "AppManaged"],
                    parts: &[
                        (
                            "S3Input",
                            object(&[
                                "S3Uri",
                                "LocalPath",
                                "S3DataType",
                                "S3InputMode",
                                "S3DataDistributionType",
                                "S3CompressionType",
                            ]),
                        ),
                        ("DatasetDefinition", Any),
                    ],
                }),
            ),
            (
                "ProcessingOutputConfig",
                Object {
                    values: &["KmsKeyId"],
                    parts: &[(
                        "Outputs",
                        List(&Object {
                            values: &["OutputName", "AppManaged"],
                            parts: &[
                                ("S3Output", object(&["S3Uri", "LocalPath", "S3UploadMode"])),
                                ("FeatureStoreOutput", object(&["FeatureGroupName"])),
                            ],
                        }),
                    )],
                },
            ),
            (
                "ProcessingResources",
                Object {
                    values: &[],
                    parts: &[(
                        "ClusterConfig",
                        Object {
                            values: &[
                                "InstanceCount",
                                "InstanceType",
                                "VolumeSizeInGB",
                                "VolumeKmsKeyId",
                                "SelectedInstanceType",
                                "SelectedInstanceCount",
                            ],
                            parts: &[("InstancePreferences", Any)],
                        },
                    )],
                },
            ),
            ("StoppingCondition", STOPPING),
            (
                "AppSpecification",
                Object {
                    values: &["ImageUri"],
                    parts: &[
                        ("ContainerEntrypoint", List(&Value)),
                        ("ContainerArguments", List(&Value)),
                    ],
                },
            ),
            ("Environment", Map),
            (
                "NetworkConfig",
                Object {
                    values: &["EnableInterContainerTrafficEncryption", "EnableNetworkIsolation"],
                    parts: &[("VpcConfig", VPC)],
                },
            ),
            ("ExperimentConfig", EXPERIMENT),
            ("Tags", TAGS),
        ],
    },
    omitted: &["Tags"],
    added: object(&[
        "ProcessingJobArn",
        "ProcessingJobStatus",
        "ExitMessage",
        "FailureReason",
        "ProcessingEndTime",
        "ProcessingStartTime",
        "LastModifiedTime",
        "CreationTime",
        "MonitoringScheduleArn",
        "AutoMLJobArn",
        "TrainingJobArn",
    ]),
};

/// `CreateTrainingJob` and `DescribeTrainingJob`.
pub(super) const TRAINING: JobShapes = JobShapes {
    request: Object {
        values: &[
            "TrainingJobName",
            "RoleArn",
            "EnableNetworkIsolation",
            "EnableInterContainerTrafficEncryption",
            "EnableManagedSpotTraining",
        ],
        parts: &[
            ("HyperParameters", Map),
            (
                "AlgorithmSpecification",
                Object {
                    values: &[
                        "TrainingImage",
                        "AlgorithmName",
                        "TrainingInputMode",
                        "EnableSageMakerMetricsTimeSeries",
                    ],
                    parts: &[
                        ("MetricDefinitions", List(&object(&["Name", "Regex"]))),
                        ("ContainerEntrypoint", List(&Value)),
                        ("ContainerArguments", List(&Value)),
                        ("TrainingImageConfig", Any),
                    ],
                },
            ),
            (
                "InputDataConfig",
                List(&Object {
                    values: &[
                        "ChannelName",
                        "ContentType",
                        "CompressionType",
                        "RecordWrapperType",
                        "InputMode",
                    ],
                    parts: &[
                        (
                            "DataSource",
                            Object {
                                values: &[],
                                parts: &[
                                    (
                                        "S3DataSource",
                                        Object {
                                            values: &[
                                                "S3DataType",
                                                "S3Uri",
                                                "S3DataDistributionType",
                                            ],
                                            parts: &[
                                                ("AttributeNames", List(&Value)),
                                                ("InstanceGroupNames", List(&Value)),
                                                ("ModelAccessConfig", object(&["AcceptEula"])),
                                                ("HubAccessConfig", object(&["HubContentArn"])),
                                            ],
                                        },
                                    ),
                                    (
                                        "FileSystemDataSource",
                                        object(&[
                                            "FileSystemId",
                                            "FileSystemAccessMode",
                                            "FileSystemType",
                                            "DirectoryPath",
                                        ]),
                                    ),
                                    ("DatasetSource", object(&["DatasetArn"])),
                                ],
                            },
                        ),
                        ("ShuffleConfig", object(&["Seed"])),
                    ],
                }),
            ),
            ("OutputDataConfig", object(&["KmsKeyId", "S3OutputPath", "CompressionType"])),
            (
                "ResourceConfig",
                Object {
                    values: &[
                        "InstanceType",
                        "InstanceCount",
                        "VolumeSizeInGB",
                        "VolumeKmsKeyId",
                        "KeepAlivePeriodInSeconds",
                        "TrainingPlanArn",
                        "SelectedInstanceType",
                        "SelectedInstanceCount",
                    ],
                    parts: &[
                        (
                            "InstanceGroups",
                            List(&object(&["InstanceType", "InstanceCount", "InstanceGroupName"])),
                        ),
                        ("InstancePlacementConfig", Any),
                        ("InstancePreferences", Any),
                    ],
                },
            ),
            ("VpcConfig", VPC),
            (
                "StoppingCondition",
                object(&["MaxRuntimeInSeconds", "MaxWaitTimeInSeconds", "MaxPendingTimeInSeconds"]),
            ),
            ("Tags", TAGS),
            ("CheckpointConfig", object(&["S3Uri", "LocalPath"])),
            (
                "DebugHookConfig",
                Object {
                    values: &["LocalPath", "S3OutputPath"],
                    parts: &[("HookParameters", Map), ("CollectionConfigurations", Any)],
                },
            ),
            ("DebugRuleConfigurations", Any),
            ("TensorBoardOutputConfig", object(&["LocalPath", "S3OutputPath"])),
            ("ExperimentConfig", EXPERIMENT),
            (
                "ProfilerConfig",
                Object {
                    values: &["S3OutputPath", "ProfilingIntervalInMilliseconds", "DisableProfiler"],
                    parts: &[("ProfilingParameters", Map)],
                },
            ),
            ("ProfilerRuleConfigurations", Any),
            ("Environment", Map),
            ("RetryStrategy", object(&["MaximumRetryAttempts"])),
            ("RemoteDebugConfig", object(&["EnableRemoteDebug"])),
            ("InfraCheckConfig", object(&["EnableInfraCheck"])),
            ("SessionChainingConfig", object(&["EnableSessionTagChaining"])),
            ("ServerlessJobConfig", Any),
            ("MlflowConfig", Any),
            ("ModelPackageConfig", Any),
        ],
    },
    omitted: &["Tags", "SessionChainingConfig"],
    added: Object {
        values: &[
            "TrainingJobArn",
            "TuningJobArn",
            "LabelingJobArn",
            "AutoMLJobArn",
            "TrainingJobStatus",
            "SecondaryStatus",
            "FailureReason",
            "CreationTime",
            "TrainingStartTime",
            "TrainingEndTime",
            "LastModifiedTime",
            "TrainingTimeInSeconds",
            "BillableTimeInSeconds",
            "BillableTokenCount",
            "ProfilingStatus",
            "OutputModelPackageArn",
        ],
        parts: &[
            ("ModelArtifacts", object(&["S3ModelArtifacts"])),
            (
                "WarmPoolStatus",
                object(&["Status", "ResourceRetainedBillableTimeInSeconds", "ReusedByJob"]),
            ),
            ("SecondaryStatusTransitions", Any),
            ("FinalMetricDataList", Any),
            ("DebugRuleEvaluationStatuses", Any),
            ("ProfilerRuleEvaluationStatuses", Any),
            ("MlflowDetails", Any),
            ("ProgressInfo", Any),
        ],
    },
};

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    /// The schema of definitions has the members of these shapes, no more and no fewer.
    #[test]
    fn the_schema_has_the_members_of_the_shapes() {
        let schema: Json =
            serde_json::from_str(include_str!("../../definition.schema.json")).unwrap();
        for (name, shapes) in [("processingArguments", PROCESSING), ("trainingArguments", TRAINING)]
        {
            assert_shape(&schema, &schema["$defs"][name], shapes.request, name);
        }
    }

    fn assert_shape(schema: &Json, part: &Json, shape: Shape, place: &str) {
        let resolved = match part["$ref"].as_str() {
            Some("#/$defs/expression") => {
                return assert!(matches!(shape, Value), "{place}: {shape:?}");
            }
            Some(reference) => schema.pointer(&reference[1..]).unwrap(),
            // A list, or an expression that makes one.
            None => part["anyOf"].get(0).unwrap_or(part),
        };
        match shape {
            Any => assert_eq!(resolved, &json!(true), "{place}"),
            Value => assert_eq!(resolved, &json!({"type": "string"}), "{place}"),
            List(entry) => assert_shape(schema, &resolved["items"], *entry, &format!("{place}[]")),
            Map => {
                let values = &resolved["additionalProperties"];
                assert_eq!(values, &json!({"$ref": "#/$defs/expression"}), "{place}");
            }
            Object { .. } => {
                assert_eq!(resolved["additionalProperties"], json!(false), "{place}");
                let members = resolved["properties"].as_object().unwrap();
                let mut names = shape.names();
                names.sort_unstable();
                assert!(names.iter().copied().eq(members.keys()), "{place}: {names:?}");
                for (name, member) in members {
                    let shape = shape.member(name).unwrap();
                    assert_shape(schema, member, shape, &format!("{place}.{name}"));
                }
            }
        }
    }

    #[test]
    fn a_place_has_a_shape() {
        let at = |place: &str| match TRAINING.request.at(place) {
            Some(Value) => "value",
            Some(_) => "more",
            None => "nothing",
        };
        assert_eq!(at("HyperParameters"), "more");
        assert_eq!(at("HyperParameters.a.b[0]"), "value");
        assert_eq!(at("InputDataConfig[0].DataSource"), "more");
        assert_eq!(at("InputDataConfig[10].DataSource.S3DataSource.S3Uri"), "value");
        assert_eq!(at("AlgorithmSpecification.ContainerArguments[3]"), "value");
        assert_eq!(at("AlgorithmSpecification.Unheard[3]"), "nothing");
        assert_eq!(at("RoleArn.Arn"), "nothing");
    }
}
