//! The types of `config/pipeline_config.yaml`.
//!
//! The names of the fields are the keys of the file. Their documentation becomes the descriptions
//! of the generated JSON schema.

use std::fmt;

use garde::Validate;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::endpoint::Endpoint;
use crate::images::{Image, Images};
use crate::job_kind::PerJobKind;
use crate::metric::Metric;
use crate::rules::{is_bucket, is_not_nan, is_object_key, is_share};
use crate::schedule::is_schedule;
use crate::steps::{
    BadCells, Categories, Column, ColumnKind, Duplicates, Evaluate, Feature, Format, Gate,
    Hyperparameters, Label, MissingValues, Preprocess, Split, TableFormat, TableSettings,
};
use crate::words::words;

/// The settings of the pipeline: the whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pipeline's name and description in SageMaker.
    #[serde(default)]
    #[garde(dive)]
    pub pipeline: Pipeline,
    /// Where tables, data, models and reports are stored.
    #[garde(dive)]
    pub s3_paths: S3Paths,
    /// Where models are registered.
    #[serde(default)]
    #[garde(dive)]
    pub model_registry: ModelRegistry,
    /// The instance type of each kind of job. Register runs on the processing type.
    #[serde(default = "instance_types")]
    #[garde(skip)] // see checks::faults
    pub instance_types: PerJobKind<String>,
    /// The number of instances of each kind of job. Several training instances grow one forest
    /// together, each some of its trees. The other jobs work on the whole table at once and have
    /// one instance.
    #[serde(default = "instance_counts")]
    #[garde(skip)] // see checks::faults
    pub instance_counts: PerJobKind<u32>,
    /// The disk size of each instance, in GB.
    #[serde(default = "volume_sizes")]
    #[garde(skip)] // see checks::faults
    pub volume_sizes: PerJobKind<u32>,
    /// The forest's hyperparameters.
    #[serde(default)]
    #[garde(dive)]
    pub hyperparameters: Hyperparameters,
    /// How the raw table is turned into features.
    #[serde(default)]
    #[garde(dive)]
    pub preprocessing: Preprocessing,
    /// The metrics that Evaluate reports, and the models that it takes.
    #[serde(default)]
    #[garde(dive)]
    pub evaluation: Evaluation,
    /// The minimum of each metric that a model must reach to be registered.
    #[serde(default = "quality_gates")]
    #[garde(skip)] // see checks::faults
    pub quality_gates: IndexMap<Metric, f64>,
    /// The AWS account, role and images.
    #[garde(dive)]
    pub aws: Aws,
    /// The maximum run time of each kind of job, in seconds.
    #[serde(default = "runtime_limits")]
    #[garde(skip)] // see checks::faults
    pub runtime_limits: PerJobKind<u32>,
    /// How failed jobs are retried.
    #[serde(default)]
    #[garde(dive)]
    pub retries: Retries,
    /// Whether unchanged steps are reused from an earlier execution.
    #[serde(default)]
    #[garde(dive)]
    pub cache: Cache,
    /// Tags on the pipeline and its jobs.
    #[serde(default = "tags")]
    #[garde(skip)] // see checks::faults
    pub tags: IndexMap<String, String>,
    /// Who is notified of failures and pending approvals. Nobody if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub notifications: Option<Notifications>,
    /// When executions start by themselves. Never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub schedule: Option<Schedule>,
    /// The prices of instances, for cost estimates.
    #[serde(default)]
    #[garde(dive)]
    pub prices: Prices,
    /// The endpoint on which an approved model answers requests.
    #[serde(default)]
    #[garde(dive)]
    pub endpoint: Endpoint,
}

/// The pipeline's name and description in SageMaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Letters, digits and hyphens, at most 256.
    #[garde(length(max = 256), pattern(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$"))]
    pub name: String,
    /// At most 3,072 characters.
    #[garde(length(chars, max = 3072))]
    pub description: String,
    /// The most steps that run at the same time. If absent, those of the deployed pipeline stay, and a run on
    /// this machine takes as many as there are cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(min = 1, max = 1000)))]
    pub max_parallel_steps: Option<u32>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            name: "MachineDowntimePipeline".to_owned(),
            description: "Predicts machine downtime from sensor readings with a random forest"
                .to_owned(),
            max_parallel_steps: None,
        }
    }
}

/// Where tables, data, models and reports are stored. Each execution writes under its own prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct S3Paths {
    /// The bucket, without `s3://`.
    #[garde(pattern(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), custom(is_bucket))]
    pub bucket: String,
    /// The default raw table of an execution: a key, or a prefix ending in `/`.
    #[serde(default = "input_dataset")]
    #[garde(custom(is_object_key))]
    pub input_dataset: String,
    /// The prefix of uploaded raw tables.
    #[serde(default = "raw_data")]
    #[garde(custom(is_object_key))]
    pub raw_data: String,
    /// The prefix of the training and test data.
    #[serde(default = "processed_data")]
    #[garde(custom(is_object_key))]
    pub processed_data: String,
    /// The prefix of the trained models.
    #[serde(default = "model_artifacts")]
    #[garde(custom(is_object_key))]
    pub model_artifacts: String,
    /// The prefix of the evaluation reports.
    #[serde(default = "evaluation_prefix")]
    #[garde(custom(is_object_key))]
    pub evaluation: String,
    /// The prefix of batch transforms: the records that are uploaded for them, and their answers.
    #[serde(default = "predictions")]
    #[garde(custom(is_object_key))]
    pub predictions: String,
}

/// The beginning of the bucket's name in settings that `orchestrator init` wrote up to version 0.1, in which nobody
/// has put the name of a bucket yet.
const PLACEHOLDER_BUCKET: &str = "replace-me-";

/// The account of local runs, in whose settings no account is named.
pub const LOCAL_ACCOUNT: &str = "000000000000";

impl Settings {
    /// Returns which setting stands for one of the user's own, which it must be before anything leaves this
    /// machine.
    pub fn placeholder(&self) -> Option<String> {
        let Self { s3_paths: S3Paths { bucket, .. }, aws, .. } = self;
        if bucket.starts_with(PLACEHOLDER_BUCKET) {
            return Some(format!(
                "s3_paths.bucket is `{bucket}`, a name that stands for yours; expected a bucket of your account"
            ));
        }
        let named = [
            ("s3_paths.bucket", bucket),
            ("aws.account_id", &aws.account_id),
            ("aws.role_arn", &aws.role_arn),
        ];
        let (path, value) = named.into_iter().find(|(_, value)| value.contains(LOCAL_ACCOUNT))?;
        Some(format!(
            "{path} is `{value}`, of an account that stands for yours; AWS_ACCOUNT_ID sets it"
        ))
    }
}

impl S3Paths {
    /// Returns the URL of the default raw table, or of the prefix of several. A prefix without its slash would match
    /// keys, too, that only begin with the same letters.
    pub fn input_url(&self) -> String {
        let slash = if self.input_dataset.ends_with('/') { "/" } else { "" };
        format!("{}{slash}", self.url(&self.input_dataset))
    }

    /// Returns the URL of a key or prefix, such as `s3://bucket/key`, without a trailing slash.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{}", self.bucket, key.trim_end_matches('/'))
    }
}

words! {
    /// Whether a registered model may be deployed.
    ApprovalStatus {
        /// Not before somebody approves it.
        PendingManualApproval = "PendingManualApproval",
        /// Immediately.
        Approved = "Approved",
        /// Never.
        Rejected = "Rejected",
    }
}

impl ApprovalStatus {
    /// Returns the statuses that an execution may register a version with where the settings name this one:
    /// `Approved` only then. Else whoever may start an execution could approve by a parameter.
    pub fn at_registration(self) -> Vec<&'static str> {
        let approved = Self::Approved.to_string();
        let words = Self::WORDS.iter().copied();
        words.filter(|word| self == Self::Approved || *word != approved).collect()
    }
}

/// Where models are registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ModelRegistry {
    /// The model package group.
    #[garde(length(max = 63), pattern(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"))]
    pub model_package_group_name: String,
    /// The description of the group, used when the group is created. It is passed in an environment
    /// variable of a Processing job, whose length is limited.
    #[garde(length(chars, max = 256))]
    pub description: String,
    /// The approval status of a new version.
    #[garde(skip)]
    pub approval_status: ApprovalStatus,
}

impl Default for ModelRegistry {
    fn default() -> Self {
        Self {
            model_package_group_name: "machine-downtime-model-group".to_owned(),
            description: "Random forests that predict machine downtime".to_owned(),
            approval_status: ApprovalStatus::PendingManualApproval,
        }
    }
}

/// How the raw table is turned into features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Preprocessing {
    /// The share of rows in the test set, between 0 and 1.
    #[garde(custom(is_share))]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub test_size: f64,
    /// How the rows are divided into training and test rows: at `random`, by `time` so that the model
    /// is tested on what came after its training rows, or `by_machine` so that it is tested on machines
    /// that it has not seen.
    #[garde(skip)] // see checks::faults
    pub split: Split,
    /// Whether a random split is stratified, so that training and test set have the same share of
    /// failures.
    #[garde(skip)]
    pub stratify: bool,
    /// The label column.
    #[garde(dive)]
    pub label: Label,
    /// The sensor columns that the model uses, in order. With `all` they are the columns of the file
    /// except the label, the column of the split, and those in `except`; their cells are numbers.
    #[garde(skip)] // see checks::faults
    pub columns: Columns,
    /// The columns that `columns: all` leaves out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[garde(skip)] // see checks::faults
    pub except: Vec<String>,
    /// How columns of the kind `category` become features.
    #[garde(dive)]
    pub categories: Categories,
    /// Engineered features: names, and expressions over the columns.
    #[garde(skip)] // see checks::faults
    pub engineered_features: IndexMap<String, String>,
    /// How rows with an empty cell are treated.
    #[garde(skip)]
    pub missing_values: MissingValues,
    /// How cells that are not numbers are treated.
    #[garde(skip)]
    pub bad_cells: BadCells,
    /// Words and numbers that stand for a missing value in every column, besides empty cells, `NaN`,
    /// `NA`, `null` and the like.
    #[garde(skip)] // see checks::faults
    pub missing_markers: Vec<String>,
    /// Which rows are dropped because they are equal to an earlier one: `drop` those that are equal
    /// in every column of the file, `keep` all, or `by` some columns.
    #[garde(skip)] // see checks::faults
    pub duplicates: Duplicates,
    /// What is known of the format of the files; the rest is found by looking at each.
    #[garde(dive)]
    pub format: Format,
}

/// The sensor columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Columns {
    /// All columns of the file.
    All(AllColumns),
    /// These, by name.
    Named(IndexMap<String, ColumnSettings>),
}

words! {
    /// The word for all columns of the file.
    AllColumns {
        /// All.
        All = "all",
    }
}

impl Columns {
    /// Returns the columns that are named.
    pub fn named(&self) -> Option<&IndexMap<String, ColumnSettings>> {
        match self {
            Self::All(_) => None,
            Self::Named(columns) => Some(columns),
        }
    }
}

impl<'de> Deserialize<'de> for Columns {
    /// Reads the word or the columns. serde's untagged enums do not say what is wrong with a column.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ColumnsVisitor;

        impl<'de> Visitor<'de> for ColumnsVisitor {
            type Value = Columns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("columns by name, or all")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Columns, E> {
                let all = word.parse().map(Columns::All);
                all.map_err(|()| E::invalid_value(de::Unexpected::Str(word), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Columns, A::Error> {
                IndexMap::deserialize(MapAccessDeserializer::new(map)).map(Columns::Named)
            }
        }

        deserializer.deserialize_any(ColumnsVisitor)
    }
}

/// The kind, the unit and the alternative names of a sensor column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnSettings {
    /// What the cells hold: numbers, yes or no, or the words of a category.
    #[serde(skip_serializing_if = "ColumnKind::is_number")]
    pub kind: ColumnKind,
    /// The order of a category's values, the least first. Their features are then one number, 1 for
    /// the least, and 0 for a value that is not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Whether there is also a feature that says whether the cell was missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing_indicator: bool,
    /// The unit of the model's values. A table in another known unit is converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Alternative names of the column in exports. Units, letter case and blanks are ignored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spellings: Vec<String>,
    /// Words and numbers that stand for a missing value in this column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_markers: Vec<String>,
}

impl Default for Preprocessing {
    fn default() -> Self {
        let table = TableSettings::default();
        let column = |column: Column| {
            let Column { name, kind, order, missing_indicator, unit, spellings, missing_markers } =
                column;
            let settings =
                ColumnSettings { kind, order, missing_indicator, unit, spellings, missing_markers };
            (name, settings)
        };
        Self {
            test_size: Preprocess::default().test_size,
            split: table.split,
            stratify: table.stratify,
            label: table.label,
            columns: Columns::Named(table.columns.into_iter().map(column).collect()),
            except: Vec::new(),
            categories: table.categories,
            engineered_features: table
                .features
                .into_iter()
                .map(|f| (f.name, f.expression))
                .collect(),
            missing_values: table.missing_values,
            bad_cells: table.bad_cells,
            missing_markers: table.missing_labels,
            duplicates: table.duplicates,
            format: table.format,
        }
    }
}

/// The metrics that Evaluate reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// The metrics that are logged and shown at the end of a run. The report contains all metrics.
    #[garde(length(min = 1))]
    pub metrics: Vec<Metric>,
    /// The most that `model.tar.gz` may unpack to, in MB of 2^20 bytes: 1 to 1048576.
    #[garde(range(min = 1, max = 1_048_576))]
    pub max_model_mb: u64,
}

impl Default for Evaluation {
    fn default() -> Self {
        let Evaluate { metrics, max_model_mb, .. } = Evaluate::default();
        Self { metrics, max_model_mb }
    }
}

/// The AWS account, role and images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// The region of the pipeline and its images.
    #[serde(default = "region")]
    #[garde(pattern(r"^[a-z]{2}(-[a-z]+)+-[0-9]$"))]
    pub region: String,
    /// The account number, twelve digits.
    #[garde(pattern(r"^[0-9]{12}$"))]
    pub account_id: String,
    /// The role that the jobs run as.
    #[garde(pattern(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]{1,512}$"))]
    pub role_arn: String,
    /// The images in ECR.
    #[serde(default)]
    #[garde(dive)]
    pub images: Images,
    /// KMS keys for disks and outputs. The service's own keys if absent.
    #[serde(default)]
    #[garde(dive)]
    pub kms: Kms,
    /// The network that the jobs run in. The service's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub vpc: Option<Vpc>,
    /// Whether jobs run without a network. Register always has one, because it calls SageMaker.
    #[serde(default)]
    #[garde(skip)]
    pub network_isolation: bool,
}

impl Aws {
    /// Returns the URI of an image in ECR: the account's registry, the repository and the tag, or
    /// the full name of an image that is named by its digest.
    pub fn image_uri(&self, image: Image) -> String {
        let repository = self.images.repository(image);
        if repository.contains('@') {
            return repository.to_owned();
        }
        let domain =
            if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!(
            "{}.dkr.ecr.{}.{domain}/{repository}:{}",
            self.account_id, self.region, self.images.tag
        )
    }
}

/// KMS keys that replace the service's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Kms {
    /// The key of the disks of the instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1, max = 2048)))]
    pub volume_key: Option<String>,
    /// The key of what is kept: the outputs that jobs write to S3, and in the template the bucket, the images,
    /// the logs and the notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1, max = 2048)))]
    pub output_key: Option<String>,
}

/// The network that the jobs run in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// The security groups, at most 5.
    #[garde(length(min = 1, max = 5), inner(pattern(r"^sg-[0-9a-z]+$")))]
    pub security_group_ids: Vec<String>,
    /// The subnets, at most 16.
    #[garde(length(min = 1, max = 16), inner(pattern(r"^subnet-[0-9a-z]+$")))]
    pub subnets: Vec<String>,
}

/// How failed jobs are retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// The maximum number of retries after the first attempt; 0 for none.
    #[garde(range(max = 20))]
    pub max_attempts: u32,
    /// The delay before the first retry, in seconds.
    #[garde(range(min = 1, max = 43_200))]
    pub interval_seconds: u32,
    /// The factor by which each delay is longer than the one before.
    #[garde(range(min = 1.0, max = 100.0), custom(is_not_nan))]
    pub backoff_rate: f64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { max_attempts: 3, interval_seconds: 30, backoff_rate: 2.0 }
    }
}

/// Whether unchanged steps are reused from an earlier execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Whether Preprocess, Train and Evaluate reuse the outputs of an earlier execution with the
    /// same inputs.
    #[garde(skip)]
    pub enabled: bool,
    /// The maximum age of that execution: a duration such as `P30D`, `30d`, `T12h` or `30dT5h`.
    #[garde(
        pattern(
            r"^[Pp]?([0-9]+[Yy])?([0-9]+[Mm])?([0-9]+[Ww])?([0-9]+[Dd])?([Tt]([0-9]+[Hh]([0-9]+[Mm])?([0-9]+[Ss])?|[0-9]+[Mm]([0-9]+[Ss])?|[0-9]+[Ss]))?$"
        ),
        length(chars, min = 2, max = 20)
    )]
    pub expire_after: String,
}

impl Default for Cache {
    fn default() -> Self {
        Self { enabled: true, expire_after: "P30D".to_owned() }
    }
}

/// Who is notified of failures and pending approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// The e-mail address that is subscribed to the notification topic.
    #[garde(pattern(r"^[^@ ]+@[^@ ]+\.[^@ ]+$"))]
    pub email: String,
}

/// When executions start by themselves. They read the pipeline's default input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// The times, in UTC, as EventBridge writes them: `rate(7 days)`, or `cron(0 6 ? * MON *)` of minute,
    /// hour, day of the month, month, day of the week and year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(custom(is_schedule)))]
    pub at: Option<String>,
    /// Whether a new object at `input_dataset`, or below it if it is a prefix, starts an execution.
    #[garde(skip)]
    pub on_new_objects: bool,
}

/// The prices of instances. Prices change; the date states the age of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// The date on which the prices were looked up, as YYYY-MM-DD.
    #[garde(pattern(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
    pub date: String,
    /// The currency, such as USD.
    #[garde(pattern(r"^[A-Z]{3}$"))]
    pub currency: String,
    /// The price of one instance per hour, by instance type, as SageMaker bills Processing, Training,
    /// endpoints and batch transforms.
    #[garde(skip)] // see checks::faults
    pub per_hour: IndexMap<String, f64>,
    /// The price of one GB of a serverless endpoint's memory per second of its work.
    #[garde(range(min = 0.0), custom(is_not_nan))]
    pub serverless_gb_second: f64,
}

impl Default for Prices {
    fn default() -> Self {
        let per_hour = [
            ("ml.t2.medium", 0.056),
            ("ml.t3.medium", 0.05),
            ("ml.m5.large", 0.115),
            ("ml.m5.xlarge", 0.23),
            ("ml.m5.2xlarge", 0.461),
            ("ml.m5.4xlarge", 0.922),
            ("ml.c5.large", 0.102),
            ("ml.c5.xlarge", 0.204),
            ("ml.c5.2xlarge", 0.408),
        ];
        Self {
            date: "2025-01-01".to_owned(),
            currency: "USD".to_owned(),
            per_hour: per_hour.map(|(kind, price)| (kind.to_owned(), price)).into(),
            serverless_gb_second: 0.00002,
        }
    }
}

impl Settings {
    /// Returns the endpoint's name.
    pub fn endpoint_name(&self) -> &str {
        let group = &self.model_registry.model_package_group_name;
        self.endpoint.name.as_ref().unwrap_or(group)
    }

    /// Returns whether the endpoint's containers have no network.
    pub fn endpoint_is_isolated(&self) -> bool {
        self.endpoint.network_isolation.unwrap_or(self.aws.network_isolation)
    }

    /// Returns whether the endpoint's containers are in the network of the settings.
    pub fn endpoint_is_in_vpc(&self) -> bool {
        self.aws.vpc.is_some() && self.endpoint.vpc.unwrap_or(true)
    }

    /// Returns the container arguments of Preprocess.
    pub fn preprocess(&self) -> Preprocess {
        Preprocess {
            test_size: self.preprocessing.test_size,
            seed: self.hyperparameters.random_state.into(),
            ..Preprocess::default()
        }
    }

    /// Returns the settings of the table, which Preprocess reads from a file.
    pub fn table(&self) -> TableSettings {
        let preprocessing = &self.preprocessing;
        let column = |(name, column): (&String, &ColumnSettings)| Column {
            name: name.clone(),
            kind: column.kind,
            order: column.order.clone(),
            missing_indicator: column.missing_indicator,
            unit: column.unit.clone(),
            spellings: column.spellings.clone(),
            missing_markers: [&preprocessing.missing_markers[..], &column.missing_markers].concat(),
        };
        let feature = |(name, expression): (&String, &String)| Feature {
            name: name.clone(),
            expression: expression.trim().to_owned(),
        };
        let label = Label {
            column: preprocessing.label.column.trim().to_owned(),
            ..preprocessing.label.clone()
        };
        TableSettings {
            format_version: TableFormat,
            columns: preprocessing.columns.named().into_iter().flatten().map(column).collect(),
            all_columns_except: match preprocessing.columns {
                Columns::All(_) => Some(preprocessing.except.clone()),
                Columns::Named(_) => None,
            },
            label,
            features: preprocessing.engineered_features.iter().map(feature).collect(),
            categories: preprocessing.categories,
            split: preprocessing.split.clone(),
            stratify: preprocessing.stratify,
            missing_values: preprocessing.missing_values,
            bad_cells: preprocessing.bad_cells,
            missing_labels: preprocessing.missing_markers.clone(),
            duplicates: preprocessing.duplicates.clone(),
            format: preprocessing.format.clone(),
        }
    }

    /// Returns the settings of Evaluate.
    pub fn evaluate(&self) -> Evaluate {
        let gate = |(&metric, &minimum)| Gate { metric, minimum };
        Evaluate {
            gates: self.quality_gates.iter().map(gate).collect(),
            metrics: self.evaluation.metrics.clone(),
            max_model_mb: self.evaluation.max_model_mb,
        }
    }
}

fn instance_types() -> PerJobKind<String> {
    PerJobKind::all("ml.m5.large".to_owned())
}

fn instance_counts() -> PerJobKind<u32> {
    PerJobKind::all(1)
}

fn volume_sizes() -> PerJobKind<u32> {
    PerJobKind::all(30)
}

fn runtime_limits() -> PerJobKind<u32> {
    PerJobKind::all(3600)
}

fn quality_gates() -> IndexMap<Metric, f64> {
    Evaluate::default().gates.into_iter().map(|gate| (gate.metric, gate.minimum)).collect()
}

fn tags() -> IndexMap<String, String> {
    IndexMap::from([("project".to_owned(), "machine-downtime".to_owned())])
}

fn input_dataset() -> String {
    "raw/machine_downtime.csv".to_owned()
}

fn raw_data() -> String {
    "raw".to_owned()
}

fn processed_data() -> String {
    "processed".to_owned()
}

fn model_artifacts() -> String {
    "model-artifacts".to_owned()
}

fn evaluation_prefix() -> String {
    "evaluation".to_owned()
}

fn predictions() -> String {
    "predictions".to_owned()
}

fn region() -> String {
    "us-east-1".to_owned()
}
