//! The limits of `CreateTrainingJob`.

use super::Linter;
use super::values::is_name;
use crate::arguments::training::{Channel, MetricDefinition, TrainingArguments};
use crate::expression::Expression;

/// The maximum run time of a Training job in seconds: 28 days.
const MAX_RUNTIME: i64 = 28 * 24 * 60 * 60;
const INPUT_MODES: [&str; 3] = ["File", "FastFile", "Pipe"];
const DATA_TYPES: [&str; 3] = ["S3Prefix", "ManifestFile", "AugmentedManifestFile"];

impl Linter<'_> {
    pub(super) fn training(&mut self, place: &str, arguments: &TrainingArguments) {
        let place = format!("{place}.Arguments");

        let algorithm = &arguments.algorithm_specification;
        let at = format!("{place}.AlgorithmSpecification");
        self.one_of(
            &format!("{at}.TrainingInputMode"),
            &algorithm.training_input_mode,
            &INPUT_MODES,
        );
        match &algorithm.training_image {
            Some(image) => self.filled(&format!("{at}.TrainingImage"), image, 255),
            None if algorithm.other.contains_key("AlgorithmName") => {}
            None => self.error(&at, "neither TrainingImage nor AlgorithmName; one is needed"),
        }
        self.command(&at, &algorithm.container_entrypoint, &algorithm.container_arguments);
        self.metrics(&format!("{at}.MetricDefinitions"), &algorithm.metric_definitions);

        let output = &arguments.output_data_config;
        let at = format!("{place}.OutputDataConfig");
        self.s3_uri(&format!("{at}.S3OutputPath"), &output.s3_output_path);
        self.key_id(&format!("{at}.KmsKeyId"), output.kms_key_id.as_ref());
        self.maybe_one_of(
            &format!("{at}.CompressionType"),
            output.compression_type.as_ref(),
            &["GZIP", "NONE"],
        );

        self.times(&place, arguments);

        let resources = &arguments.resource_config;
        let at = format!("{place}.ResourceConfig");
        self.whole(&format!("{at}.VolumeSizeInGB"), &resources.volume_size_in_gb, 1, i64::MAX);
        match (&resources.instance_type, &resources.instance_count) {
            (Some(instance_type), Some(count)) => {
                self.instance_type(&format!("{at}.InstanceType"), instance_type);
                self.whole(&format!("{at}.InstanceCount"), count, 1, i64::MAX);
            }
            _ if resources.other.contains_key("InstanceGroups") => {}
            _ => self.error(&at, "neither InstanceType with InstanceCount nor InstanceGroups"),
        }
        self.key_id(&format!("{at}.VolumeKmsKeyId"), resources.volume_kms_key_id.as_ref());

        self.role(&format!("{place}.RoleArn"), &arguments.role_arn);

        let channels = &arguments.input_data_config;
        let at = format!("{place}.InputDataConfig");
        self.at_most(&at, channels.len(), 20, "channels");
        let names: Vec<&str> = channels.iter().map(|c| c.channel_name.as_str()).collect();
        self.unique(&at, &names, "channel");
        for (index, channel) in channels.iter().enumerate() {
            self.channel(&format!("{at}[{index}]"), channel, &algorithm.training_input_mode);
        }

        let at = format!("{place}.HyperParameters");
        self.at_most(&at, arguments.hyper_parameters.len(), 100, "hyperparameters");
        for (name, value) in &arguments.hyper_parameters {
            if name.chars().count() > 256 {
                self.error(
                    &at,
                    format!(
                        "a name of {} characters; at most 256 are allowed",
                        name.chars().count()
                    ),
                );
            }
            self.text(&format!("{at}.{name}"), value, 2500);
        }

        self.environment(&format!("{place}.Environment"), &arguments.environment, 512);
        self.tags(&format!("{place}.Tags"), &arguments.tags);
        self.vpc(&format!("{place}.VpcConfig"), arguments.vpc_config.as_ref());
        if let Some(checkpoints) = &arguments.checkpoint_config {
            self.s3_uri(&format!("{place}.CheckpointConfig.S3Uri"), &checkpoints.s3_uri);
        }
    }

    fn times(&mut self, place: &str, arguments: &TrainingArguments) {
        let stopping = &arguments.stopping_condition;
        let at = format!("{place}.StoppingCondition");
        let run = &stopping.max_runtime_in_seconds;
        self.whole(&format!("{at}.MaxRuntimeInSeconds"), run, 1, MAX_RUNTIME);
        let Some(wait) = &stopping.max_wait_time_in_seconds else { return };
        let at = format!("{at}.MaxWaitTimeInSeconds");
        self.whole(&at, wait, 1, i64::MAX);
        let number = |e| self.value(e).and_then(|value| value.as_i64());
        if let (Some(run), Some(wait)) = (number(run), number(wait))
            && wait < run
        {
            self.error(at, format!("{wait} is less than MaxRuntimeInSeconds, {run}"));
        }
    }

    fn channel(&mut self, place: &str, channel: &Channel, algorithm_mode: &Expression) {
        let name = &channel.channel_name;
        // The name is that of a directory.
        if !is_name(name, ".") || name == "." || name == ".." {
            self.error(
                format!("{place}.ChannelName"),
                format!(
                    "{name:?} is no channel; 1 to 64 of letters, digits, ., - and _ are allowed, \
                     but for . and .. alone"
                ),
            );
        }
        let own_mode = channel.input_mode.as_ref();
        self.maybe_one_of(&format!("{place}.InputMode"), own_mode, &INPUT_MODES);
        let compression = channel.compression_type.as_ref();
        self.maybe_one_of(&format!("{place}.CompressionType"), compression, &["None", "Gzip"]);
        self.maybe_one_of(
            &format!("{place}.RecordWrapperType"),
            channel.record_wrapper_type.as_ref(),
            &["None", "RecordIO"],
        );
        let at = format!("{place}.DataSource");
        let Some(s3) = &channel.data_source.s3_data_source else {
            if channel.data_source.other.is_empty() {
                self.error(at, "empty; S3DataSource is needed");
            }
            return;
        };
        let at = format!("{at}.S3DataSource");
        self.s3_uri(&format!("{at}.S3Uri"), &s3.s3_uri);
        let data_type = format!("{at}.S3DataType");
        self.one_of(&data_type, &s3.s3_data_type, &DATA_TYPES);
        let fast_file = self.known(own_mode.unwrap_or(algorithm_mode)).text == "FastFile";
        let known = self.known(&s3.s3_data_type);
        if fast_file && known.complete() && known.text != "S3Prefix" {
            self.error(data_type, format!("{:?}; FastFile reads S3Prefix only", known.text));
        }
        self.maybe_one_of(
            &format!("{at}.S3DataDistributionType"),
            s3.s3_data_distribution_type.as_ref(),
            &["FullyReplicated", "ShardedByS3Key"],
        );
    }

    fn metrics(&mut self, place: &str, metrics: &[MetricDefinition]) {
        self.at_most(place, metrics.len(), 40, "metrics");
        let names: Vec<&str> = metrics.iter().filter_map(|metric| metric.name.as_str()).collect();
        self.unique(place, &names, "metric");
        for (index, metric) in metrics.iter().enumerate() {
            self.filled(&format!("{place}[{index}].Name"), &metric.name, 255);
            let at = format!("{place}[{index}].Regex");
            self.filled(&at, &metric.regex, 500);
            let known = self.known(&metric.regex);
            // A longer one was refused above, and parsing it could take long. A character has at
            // most four bytes.
            if known.complete() && known.text.len() <= 4 * 500 {
                self.regex(at, &known.text);
            }
        }
    }

    /// Checks a metric's regular expression. The service does not document its dialect, so an
    /// expression that the `regex` crate does not support, such as look-around, is a warning, unless
    /// it is invalid in every dialect.
    fn regex(&mut self, place: String, regex: &str) {
        let brackets = Brackets::of(regex);
        let group = match (read(regex), brackets.balance) {
            (Ok(captures), _) => captures,
            (Err(_), Err(problem)) => {
                self.error(place, format!("{regex:?} is no regular expression: {problem}"));
                return;
            }
            (Err(problem), Ok(())) => {
                self.warning(
                    &place,
                    format!(
                        "{regex:?} cannot be read here, the service may know better: {problem}"
                    ),
                );
                brackets.captures
            }
        };
        if !group {
            let message = format!("{regex:?} has no capture group, so there is no number to read");
            self.error(place, message);
        }
    }
}

/// The greatest size in bytes that the compiled expression of a metric may have in the local run. `\w{20}` takes 400 kB.
pub const LARGEST_EXPRESSION: usize = 1 << 20;

/// Returns whether a regular expression has a capture group. The error is the `regex` crate's
/// message.
fn read(regex: &str) -> Result<bool, String> {
    // The Unicode tables may not be compiled in; ASCII matching does without them.
    let read = |unicode| {
        let mut builder = regex::bytes::RegexBuilder::new(regex);
        builder.unicode(unicode).size_limit(LARGEST_EXPRESSION).build()
    };
    match read(true).or_else(|error| read(false).map_err(|_| error)) {
        Ok(regex) => Ok(regex.captures_len() > 1),
        Err(regex::Error::Syntax(text)) => {
            let last = text.lines().last().unwrap_or_default();
            Err(last.trim_start_matches("error: ").to_owned())
        }
        Err(_) => Err(format!("it takes more than {LARGEST_EXPRESSION} bytes when it is compiled")),
    }
}

/// The properties of a regular expression that hold in every dialect.
struct Brackets {
    /// Whether there is a capture group: an opening parenthesis that is neither escaped, nor in
    /// brackets, nor followed by `?` (except for a named group, `(?P<` or `(?<name>`).
    captures: bool,
    /// Whether every bracket has its counterpart; the error names one that has none.
    balance: Result<(), &'static str>,
}

impl Brackets {
    fn of(regex: &str) -> Self {
        let mut captures = false;
        let mut balance = Ok(());
        let mut open = 0_usize;
        let mut in_brackets = false;
        let mut rest = regex.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => {
                    let escaped = rest.next().map(drop);
                    balance = balance.and(escaped.ok_or("a backslash at its end"));
                }
                '[' => in_brackets = true,
                ']' => in_brackets = false,
                '(' if !in_brackets => {
                    open += 1;
                    let after = rest.as_str();
                    let look_around = after.starts_with("?<=") || after.starts_with("?<!");
                    let named = after.starts_with("?P<") || after.starts_with("?<");
                    captures |= !after.starts_with('?') || (named && !look_around);
                }
                ')' if !in_brackets && open == 0 => balance = Err("a ) without its ("),
                ')' if !in_brackets => open -= 1,
                _ => {}
            }
        }
        if in_brackets {
            balance = balance.and(Err("a [ without its ]"));
        } else if open > 0 {
            balance = balance.and(Err("a ( without its )"));
        }
        Self { captures, balance }
    }
}

#[cfg(test)]
mod tests {
    use super::{Brackets, read};

    #[test]
    fn capture_groups_are_found() {
        for regex in ["a=([0-9]+)", "(?P<x>1)", "(?<x>1)", "\\\\(1)", "[(](1)", "(?:a)(b)"] {
            assert!(Brackets::of(regex).captures, "{regex}");
            assert_eq!(read(regex), Ok(true), "{regex}");
        }
        for regex in ["", "a", "\\(1\\)", "(?:1)", "[(]"] {
            assert!(!Brackets::of(regex).captures, "{regex}");
            assert_eq!(read(regex), Ok(false), "{regex}");
        }
        for regex in ["(?<=a)1", "(?!a)1", "a\\"] {
            assert!(!Brackets::of(regex).captures, "{regex}");
        }
    }

    #[test]
    fn unbalanced_brackets_are_found() {
        for regex in ["(a[(])", "\\)", "[[:digit:]]", "(?<=a)(1)", "", "é(\\()"] {
            assert_eq!(Brackets::of(regex).balance, Ok(()), "{regex}");
        }
        for regex in ["([0-9", "(a", "a)", ")(", "[", "(1)\\", "((1)"] {
            assert!(Brackets::of(regex).balance.is_err(), "{regex}");
            assert!(read(regex).is_err(), "{regex}");
        }
    }

    #[test]
    fn an_expression_that_is_too_large_is_not_compiled() {
        let problem = read(r"(\w{100}){400}").unwrap_err();
        assert_eq!(problem, "it takes more than 1048576 bytes when it is compiled");
    }

    #[test]
    fn supported_expressions_are_parsed() {
        for regex in ["(?i)accuracy=([0-9.]+)", "µ=(\\d+)", "[µ]=(\\d+)", "acc:\\s(\\S+);", "(.*)"]
        {
            assert_eq!(read(regex), Ok(true), "{regex}");
        }
    }
}
