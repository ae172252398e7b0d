//! A Processing or Training job, made from the resolved arguments of a step.

use std::collections::BTreeMap;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use container::Kind;
use container::wire::{self, Channel};
use indexmap::IndexMap;
use pipeline::{Expression, ProcessingArguments, TrainingArguments};
use serde_json::{Value, json};

use crate::request::{
    JobError, host_count, is_word, limited_map, not_a_string, path_below_base, require_word,
    runtime_limit, string, unsupported, with_defaults, words,
};
use crate::store::Store;

/// An input: objects that are copied into a directory.
#[derive(Debug)]
pub struct Input {
    /// The input's or channel's name.
    pub name: String,
    /// The S3 address of the objects.
    pub uri: String,
    /// The directory, relative to the base directory.
    pub directory: Utf8PathBuf,
    /// Whether each host gets only its share of the objects.
    pub sharded: bool,
}

/// An output: a directory that is stored when the job has succeeded.
#[derive(Debug)]
pub struct Output {
    /// The output's name.
    pub name: String,
    /// The S3 prefix of the stored files.
    pub uri: String,
    /// The directory, relative to the base directory.
    pub directory: Utf8PathBuf,
}

/// A job that can be run on this machine.
#[derive(Debug)]
pub struct LocalJob {
    /// Processing or Training.
    pub kind: Kind,
    /// The name of the step.
    pub step: String,
    /// The job's name, unique in the store.
    pub name: String,
    /// The image. Its repository names the program where there is no entrypoint.
    pub image: String,
    /// The entrypoint that replaces the image's own, if not empty.
    pub entrypoint: Vec<String>,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The job's environment variables.
    pub environment: BTreeMap<String, String>,
    /// The number of hosts.
    pub hosts: usize,
    /// The instance type of the hosts.
    pub instance_type: String,
    /// The maximum runtime.
    pub limit: Option<Duration>,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The outputs of a Processing job.
    pub outputs: Vec<Output>,
    /// The S3 prefix of a Training job's archives.
    pub model_prefix: Option<String>,
    /// The files of the container contract that are the same on every host: path and contents.
    pub files: Vec<(&'static str, Value)>,
    /// The metric definitions of a Training job: name and regular expression.
    pub metrics: Vec<(String, String)>,
    /// The hyperparameters, which are part of the cache key of a Training job.
    pub hyperparameters: BTreeMap<String, String>,
    /// The response of SageMaker's Describe call without the status, as far as expressions can read
    /// it.
    description: Value,
}

impl LocalJob {
    /// Returns the Processing job of `arguments`, in which every expression has been replaced by its
    /// value.
    ///
    /// # Errors
    ///
    /// Fails where the arguments have a member of the wrong type or need something that only
    /// SageMaker can do.
    pub fn processing(
        step: &str,
        name: String,
        arguments: &ProcessingArguments,
    ) -> Result<Self, JobError> {
        let app = &arguments.app_specification;
        let cluster = &arguments.processing_resources.cluster_config;
        let inputs = processing_inputs(arguments)?;
        let outputs = processing_outputs(arguments)?;
        let mut description = json!(arguments);
        description["ProcessingJobName"] = name.as_str().into();
        description["ProcessingJobArn"] = arn("processing-job", &name).into();
        let request = with_defaults(description.clone());
        Ok(Self {
            kind: Kind::Processing,
            step: step.to_owned(),
            image: string("AppSpecification.ImageUri", &app.image_uri)?,
            entrypoint: words(
                "AppSpecification.ContainerEntrypoint",
                &app.container_entrypoint,
                1,
            )?,
            arguments: words("AppSpecification.ContainerArguments", &app.container_arguments, 1)?,
            environment: limited_map("Environment", &arguments.environment, 256)?,
            hosts: host_count(
                "ProcessingResources.ClusterConfig.InstanceCount",
                &cluster.instance_count,
            )?,
            instance_type: string(
                "ProcessingResources.ClusterConfig.InstanceType",
                &cluster.instance_type,
            )?,
            limit: runtime_limit(arguments.stopping_condition.as_ref())?,
            inputs,
            outputs,
            model_prefix: None,
            files: vec![(wire::PROCESSING_JOB, request)],
            metrics: Vec::new(),
            hyperparameters: BTreeMap::new(),
            description,
            name,
        })
    }

    /// Returns the Training job of `arguments`, in which every expression has been replaced by its
    /// value.
    ///
    /// # Errors
    ///
    /// Fails where the arguments have a member of the wrong type or need something that only
    /// SageMaker can do.
    pub fn training(
        step: &str,
        name: String,
        arguments: &TrainingArguments,
    ) -> Result<Self, JobError> {
        let algorithm = &arguments.algorithm_specification;
        let resources = &arguments.resource_config;
        require_word(
            "AlgorithmSpecification.TrainingInputMode",
            &algorithm.training_input_mode,
            "File",
        )?;
        let (inputs, channels) = training_channels(arguments)?;
        let image = algorithm.training_image.as_ref();
        let image =
            image.ok_or_else(|| not_a_string("AlgorithmSpecification", "TrainingImage", None))?;
        let hyperparameters = limited_map("HyperParameters", &arguments.hyper_parameters, 2500)?;
        let entrypoint = words(
            "AlgorithmSpecification.ContainerEntrypoint",
            &algorithm.container_entrypoint,
            0,
        )?;
        let mut program_arguments =
            words("AlgorithmSpecification.ContainerArguments", &algorithm.container_arguments, 0)?;
        // a custom entrypoint replaces SageMaker's start command, which passes `train`
        if entrypoint.is_empty() && program_arguments.is_empty() {
            program_arguments.push("train".to_owned());
        }
        let prefix =
            string("OutputDataConfig.S3OutputPath", &arguments.output_data_config.s3_output_path)?;
        let prefix = format!("{}/{name}/output", prefix.trim_end_matches('/'));
        let compression = arguments.output_data_config.compression_type.as_ref();
        require_word(
            "OutputDataConfig.CompressionType",
            compression.unwrap_or(&"GZIP".into()),
            "GZIP",
        )?;
        let metrics = metric_definitions(arguments)?;
        let mut environment = limited_map("Environment", &arguments.environment, 512)?;
        environment.insert("TRAINING_JOB_NAME".to_owned(), name.clone());
        environment.insert("TRAINING_JOB_ARN".to_owned(), arn("training-job", &name));
        let mut description = json!(arguments);
        description["TrainingJobName"] = name.as_str().into();
        description["TrainingJobArn"] = arn("training-job", &name).into();
        description["ModelArtifacts"] =
            json!({ "S3ModelArtifacts": format!("{prefix}/{}", wire::MODEL_ARCHIVE) });
        Ok(Self {
            kind: Kind::Training,
            step: step.to_owned(),
            image: string("AlgorithmSpecification.TrainingImage", image)?,
            entrypoint,
            arguments: program_arguments,
            environment,
            hosts: match &resources.instance_count {
                Some(instances) => host_count("ResourceConfig.InstanceCount", instances)?,
                None => {
                    return Err(unsupported("ResourceConfig without InstanceCount", "give one"));
                }
            },
            instance_type: match &resources.instance_type {
                Some(instance_type) => string("ResourceConfig.InstanceType", instance_type)?,
                None => String::new(),
            },
            limit: runtime_limit(Some(&arguments.stopping_condition))?,
            inputs,
            outputs: Vec::new(),
            model_prefix: Some(prefix),
            files: vec![
                (wire::HYPERPARAMETERS, json!(hyperparameters)),
                (wire::INPUT_DATA_CONFIG, json!(channels)),
            ],
            metrics,
            hyperparameters,
            description,
            name,
        })
    }

    /// Returns the name of the program that the image runs: the entrypoint's file name, or else the
    /// repository's last component.
    pub fn program(&self) -> &str {
        match self.entrypoint.first() {
            Some(entrypoint) => base_name(entrypoint),
            None => {
                let repository = base_name(&self.image).split('@').next().unwrap_or_default();
                repository.split(':').next().unwrap_or_default()
            }
        }
    }

    /// Returns the response of SageMaker's Describe call for the job with this status and these
    /// metrics, of which a Training job's response has the last value each.
    pub fn describe(&self, status: &str, metrics: &IndexMap<String, f64>) -> Value {
        let mut description = self.description.clone();
        let member = match self.kind {
            Kind::Processing => "ProcessingJobStatus",
            Kind::Training => "TrainingJobStatus",
        };
        description[member] = status.into();
        if matches!(self.kind, Kind::Training) {
            let now = jiff::Timestamp::now().as_second();
            let entries = metrics.iter().map(
                |(name, value)| json!({ "MetricName": name, "Value": value, "Timestamp": now }),
            );
            description["FinalMetricDataList"] = entries.collect();
        }
        description
    }

    /// Replaces the paths of the job's copies of its inputs in `text` by the inputs' addresses.
    /// `base` is the path at which the job sees its directory tree, and `store` has the inputs.
    pub fn name_sources(&self, text: &str, base: &Utf8Path, store: &Store) -> String {
        let mut text = text.to_owned();
        for input in &self.inputs {
            let copy = base.join(&input.directory);
            let source = input.uri.trim_end_matches('/');
            // an object whose key only begins with the address keeps its whole name
            if let Some((parent, _)) = source.rsplit_once('/')
                && !store.is_directory(&input.uri)
            {
                text = text.replace(&format!("{copy}/"), &format!("{parent}/"));
            }
            text = text.replace(copy.as_str(), source);
        }
        text
    }

    /// Returns the texts that the job is given.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let values = self.environment.values().chain(self.hyperparameters.values());
        values.chain(&self.arguments).map(String::as_str)
    }

    /// Returns the names of the hosts.
    pub fn host_names(&self) -> Vec<String> {
        (1..=self.hosts).map(|number| format!("algo-{number}")).collect()
    }

    /// Returns the path of the resource configuration file in the container contract.
    pub fn resources_file(&self) -> &'static str {
        match self.kind {
            Kind::Processing => wire::PROCESSING_RESOURCES,
            Kind::Training => wire::TRAINING_RESOURCES,
        }
    }

    /// Returns the S3 address of each output by the output's name.
    pub fn stored(&self) -> BTreeMap<String, String> {
        let mut stored: BTreeMap<_, _> =
            self.outputs.iter().map(|output| (output.name.clone(), output.uri.clone())).collect();
        if let Some(prefix) = &self.model_prefix {
            stored.insert("model".to_owned(), format!("{prefix}/{}", wire::MODEL_ARCHIVE));
        }
        stored
    }
}

/// Returns the inputs of a Processing job.
fn processing_inputs(arguments: &ProcessingArguments) -> Result<Vec<Input>, JobError> {
    let mut inputs = Vec::new();
    for input in &arguments.processing_inputs {
        let place = format!("ProcessingInputs.{}", input.input_name);
        let Some(s3) = &input.s3_input else {
            return Err(unsupported(&place, "expected an S3 input"));
        };
        require_word(&place, &s3.s3_data_type, "S3Prefix")?;
        require_word(&place, s3.s3_input_mode.as_ref().unwrap_or(&"File".into()), "File")?;
        let local =
            s3.local_path.as_ref().ok_or_else(|| not_a_string(&place, "LocalPath", None))?;
        inputs.push(Input {
            name: input.input_name.clone(),
            uri: string(&place, &s3.s3_uri)?,
            directory: path_below_base(&place, local)?,
            sharded: is_word(s3.s3_data_distribution_type.as_ref(), "ShardedByS3Key"),
        });
    }
    Ok(inputs)
}

/// Returns the outputs of a Processing job.
fn processing_outputs(arguments: &ProcessingArguments) -> Result<Vec<Output>, JobError> {
    let mut outputs = Vec::new();
    for output in arguments.outputs() {
        let place = format!("ProcessingOutputConfig.Outputs.{}", output.output_name);
        let Some(s3) = &output.s3_output else {
            return Err(unsupported(&place, "expected an S3 output"));
        };
        let local =
            s3.local_path.as_ref().ok_or_else(|| not_a_string(&place, "LocalPath", None))?;
        outputs.push(Output {
            name: output.output_name.clone(),
            uri: string(&place, &s3.s3_uri)?,
            directory: path_below_base(&place, local)?,
        });
    }
    Ok(outputs)
}

/// Returns the inputs of a Training job and its channels as `inputdataconfig.json` describes them.
fn training_channels(
    arguments: &TrainingArguments,
) -> Result<(Vec<Input>, BTreeMap<String, Channel>), JobError> {
    let mut inputs = Vec::new();
    let mut channels = BTreeMap::new();
    for channel in &arguments.input_data_config {
        let place = format!("InputDataConfig.{}", channel.channel_name);
        // the channel's name is the name of a directory
        if matches!(channel.channel_name.as_str(), "" | "." | "..")
            || channel.channel_name.contains('/')
        {
            return Err(JobError::Member {
                member: "InputDataConfig.ChannelName".to_owned(),
                found: format!("`{}`", channel.channel_name),
                expected: "letters, digits, ., - and _",
            });
        }
        let Some(s3) = &channel.data_source.s3_data_source else {
            return Err(unsupported(&place, "expected an S3 channel"));
        };
        require_word(&place, &s3.s3_data_type, "S3Prefix")?;
        require_word(&place, channel.input_mode.as_ref().unwrap_or(&"File".into()), "File")?;
        let distribution = s3.s3_data_distribution_type.as_ref();
        inputs.push(Input {
            name: channel.channel_name.clone(),
            uri: string(&place, &s3.s3_uri)?,
            directory: Utf8PathBuf::from(wire::CHANNELS).join(&channel.channel_name),
            sharded: is_word(distribution, "ShardedByS3Key"),
        });
        let word = |expression: Option<&Expression>, default: Option<&str>| {
            expression.and_then(Expression::as_str).or(default).map(str::to_owned)
        };
        channels.insert(
            channel.channel_name.clone(),
            Channel {
                training_input_mode: Some("File".to_owned()),
                s3_distribution_type: word(distribution, Some("FullyReplicated")),
                record_wrapper_type: word(channel.record_wrapper_type.as_ref(), Some("None")),
                content_type: word(channel.content_type.as_ref(), None),
            },
        );
    }
    Ok((inputs, channels))
}

/// Returns the name and the regular expression of each metric of a Training job.
fn metric_definitions(arguments: &TrainingArguments) -> Result<Vec<(String, String)>, JobError> {
    let mut metrics = Vec::new();
    for metric in &arguments.algorithm_specification.metric_definitions {
        let place = "AlgorithmSpecification.MetricDefinitions";
        metrics.push((string(place, &metric.name)?, string(place, &metric.regex)?));
    }
    Ok(metrics)
}

/// Returns the last component of a path or of an image's repository.
fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns an ARN in the region `local` of an account that does not exist.
pub fn arn(kind: &str, name: &str) -> String {
    format!("arn:aws:sagemaker:local:000000000000:{kind}/{name}")
}
