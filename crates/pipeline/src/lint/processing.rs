//! The limits of `CreateProcessingJob`.

use super::Linter;
use crate::arguments::processing::{ProcessingArguments, ProcessingInput, ProcessingOutput};
use crate::expression::Expression;

/// The maximum run time of a Processing job in seconds: nine days.
const MAX_RUNTIME: i64 = 9 * 24 * 60 * 60;

impl Linter<'_> {
    pub(super) fn processing(&mut self, place: &str, arguments: &ProcessingArguments) {
        let place = format!("{place}.Arguments");

        let cluster = &arguments.processing_resources.cluster_config;
        let at = format!("{place}.ProcessingResources.ClusterConfig");
        self.instance_type(&format!("{at}.InstanceType"), &cluster.instance_type);
        self.whole(&format!("{at}.InstanceCount"), &cluster.instance_count, 1, 100);
        self.whole(&format!("{at}.VolumeSizeInGB"), &cluster.volume_size_in_gb, 1, 16384);
        self.key_id(&format!("{at}.VolumeKmsKeyId"), cluster.volume_kms_key_id.as_ref());

        let app = &arguments.app_specification;
        let at = format!("{place}.AppSpecification");
        self.filled(&format!("{at}.ImageUri"), &app.image_uri, 255);
        self.command(&at, &app.container_entrypoint, &app.container_arguments);
        self.no_empty_words(&at, &app.container_entrypoint, &app.container_arguments);

        self.role(&format!("{place}.RoleArn"), &arguments.role_arn);

        let inputs = &arguments.processing_inputs;
        let at = format!("{place}.ProcessingInputs");
        self.at_most(&at, inputs.len(), 10, "inputs");
        let names: Vec<&str> = inputs.iter().map(|input| input.input_name.as_str()).collect();
        self.unique(&at, &names, "input");
        let paths = inputs.iter().filter_map(|input| {
            let path = input.s3_input.as_ref().and_then(|s3| s3.local_path.as_ref())?;
            Some((input.input_name.as_str(), path))
        });
        self.unique_paths(&at, paths, "input");
        for (index, input) in inputs.iter().enumerate() {
            self.input(&format!("{at}[{index}]"), input);
        }

        let outputs = arguments.outputs();
        let at = format!("{place}.ProcessingOutputConfig");
        let key = arguments.processing_output_config.as_ref().and_then(|c| c.kms_key_id.as_ref());
        self.key_id(&format!("{at}.KmsKeyId"), key);
        let at = format!("{at}.Outputs");
        self.at_most(&at, outputs.len(), 10, "outputs");
        let names: Vec<&str> = outputs.iter().map(|output| output.output_name.as_str()).collect();
        self.unique(&at, &names, "output");
        let paths = outputs.iter().filter_map(|output| {
            let path = output.s3_output.as_ref().and_then(|s3| s3.local_path.as_ref())?;
            Some((output.output_name.as_str(), path))
        });
        self.unique_paths(&at, paths, "output");
        for (index, output) in outputs.iter().enumerate() {
            self.output(&format!("{at}[{index}]"), output);
        }

        self.environment(&format!("{place}.Environment"), &arguments.environment, 256);
        let vpc = arguments.network_config.as_ref().and_then(|n| n.vpc_config.as_ref());
        self.vpc(&format!("{place}.NetworkConfig.VpcConfig"), vpc);
        if let Some(stopping) = &arguments.stopping_condition {
            let at = format!("{place}.StoppingCondition.MaxRuntimeInSeconds");
            self.whole(&at, &stopping.max_runtime_in_seconds, 1, MAX_RUNTIME);
            for (name, time) in [
                ("MaxWaitTimeInSeconds", &stopping.max_wait_time_in_seconds),
                ("MaxPendingTimeInSeconds", &stopping.max_pending_time_in_seconds),
            ] {
                if time.is_some() {
                    self.error(
                        format!("{place}.StoppingCondition.{name}"),
                        "only Training jobs have it",
                    );
                }
            }
        }
        self.tags(&format!("{place}.Tags"), &arguments.tags);
    }

    /// Checks that no word of a command line is empty, which `CreateProcessingJob` refuses.
    fn no_empty_words(&mut self, place: &str, entrypoint: &[Expression], arguments: &[Expression]) {
        for (name, words) in
            [("ContainerEntrypoint", entrypoint), ("ContainerArguments", arguments)]
        {
            for (index, word) in words.iter().enumerate() {
                let known = self.known(word);
                if !known.complete() || !known.text.is_empty() {
                    continue;
                }
                let at = format!("{place}.{name}[{index}]");
                if known.defaults {
                    self.warning(at, "empty by the parameters' defaults; no execution can start without other values");
                } else {
                    self.error(at, "empty; a value is needed");
                }
            }
        }
    }

    fn input(&mut self, place: &str, input: &ProcessingInput) {
        self.reference_name(&format!("{place}.InputName"), &input.input_name);
        let Some(s3) = &input.s3_input else {
            if !input.other.contains_key("DatasetDefinition") {
                self.error(place, "neither S3Input nor DatasetDefinition; one is needed");
            }
            return;
        };
        let at = format!("{place}.S3Input");
        self.s3_uri(&format!("{at}.S3Uri"), &s3.s3_uri);
        match &s3.local_path {
            Some(path) => self.local_path(&format!("{at}.LocalPath"), path),
            None => self.error(&at, "no LocalPath; a container cannot see the input"),
        }
        let mode = s3.s3_input_mode.as_ref();
        self.one_of(&format!("{at}.S3DataType"), &s3.s3_data_type, &["S3Prefix", "ManifestFile"]);
        self.maybe_one_of(&format!("{at}.S3InputMode"), mode, &["File", "Pipe"]);
        self.maybe_one_of(
            &format!("{at}.S3DataDistributionType"),
            s3.s3_data_distribution_type.as_ref(),
            &["FullyReplicated", "ShardedByS3Key"],
        );
        let compression = s3.s3_compression_type.as_ref();
        let at = format!("{at}.S3CompressionType");
        self.maybe_one_of(&at, compression, &["None", "Gzip"]);
        let is = |value: Option<&Expression>, text| value.and_then(|v| v.as_str()) == Some(text);
        if is(compression, "Gzip") && !is(mode, "Pipe") {
            self.error(at, "Gzip works with S3InputMode Pipe only");
        }
    }

    fn output(&mut self, place: &str, output: &ProcessingOutput) {
        self.reference_name(&format!("{place}.OutputName"), &output.output_name);
        let Some(s3) = &output.s3_output else {
            if !output.other.contains_key("FeatureStoreOutput") {
                self.error(place, "neither S3Output nor FeatureStoreOutput; one is needed");
            }
            return;
        };
        let at = format!("{place}.S3Output");
        self.s3_uri(&format!("{at}.S3Uri"), &s3.s3_uri);
        match &s3.local_path {
            Some(path) => self.local_path(&format!("{at}.LocalPath"), path),
            None => self.error(&at, "no LocalPath; nothing would be uploaded"),
        }
        self.one_of(&format!("{at}.S3UploadMode"), &s3.s3_upload_mode, &["EndOfJob", "Continuous"]);
    }
}
