//! The types of `config/pipeline_config.yaml`.
//!
//! The names here are the names in the file; their documentation becomes the descriptions of the
//! generated JSON schema.

use garde::Validate;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Metric;
use crate::checks::{is_finite, is_key, is_repository, is_share};
use crate::steps::{
    BadCells, Column, Evaluate, Feature, Gate, Hyperparameters, Label, MissingValues, Preprocess,
    words,
};

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The pipeline's name and description in SageMaker.
    #[serde(default)]
    #[garde(dive)]
    pub pipeline: Pipeline,
    /// Where tables, data, models and reports live.
    #[garde(dive)]
    pub s3_paths: S3Paths,
    /// Where models are registered.
    #[serde(default)]
    #[garde(dive)]
    pub model_registry: ModelRegistry,
    /// The instance type of each job; register runs on the processing type.
    #[serde(default = "instance_types")]
    #[garde(skip)] // by checks::entries
    pub instance_types: PerStep<String>,
    /// How many instances each job gets. Several train one forest together, each some of its trees;
    /// the other jobs work on the whole table at once and get one.
    #[serde(default = "instance_counts")]
    #[garde(skip)] // by checks::entries
    pub instance_counts: PerStep<u32>,
    /// The disk of each instance, in GB.
    #[serde(default = "volume_sizes")]
    #[garde(skip)] // by checks::entries
    pub volume_sizes: PerStep<u32>,
    /// The forest's hyperparameters.
    #[serde(default)]
    #[garde(dive)]
    pub hyperparameters: Hyperparameters,
    /// How the raw table becomes features.
    #[serde(default)]
    #[garde(dive)]
    pub preprocessing: Preprocessing,
    /// What Evaluate reports.
    #[serde(default)]
    #[garde(dive)]
    pub evaluation: Evaluation,
    /// The least value of each metric with which a model is registered.
    #[serde(default = "quality_gates")]
    #[garde(skip)] // by checks::entries
    pub quality_gates: IndexMap<Metric, f64>,
    /// The AWS account, role and images.
    #[garde(dive)]
    pub aws: Aws,
    /// The longest each job may run, in seconds.
    #[serde(default = "runtime_limits")]
    #[garde(skip)] // by checks::entries
    pub runtime_limits: PerStep<u32>,
    /// How failed jobs are retried.
    #[serde(default)]
    #[garde(dive)]
    pub retries: Retries,
    /// Whether unchanged steps are skipped.
    #[serde(default)]
    #[garde(dive)]
    pub cache: Cache,
    /// Tags on the pipeline and its jobs.
    #[serde(default = "tags")]
    #[garde(skip)] // by checks::entries
    pub tags: IndexMap<String, String>,
    /// Who is told of failures and pending approvals; nobody where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub notifications: Option<Notifications>,
    /// What instances cost, for the estimate of an execution.
    #[serde(default)]
    #[garde(dive)]
    pub prices: Prices,
}

/// The pipeline's name and description in SageMaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Pipeline {
    /// Letters, digits and hyphens, at most 256.
    #[garde(pattern(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$"))]
    pub name: String,
    /// At most 3,072 characters.
    #[garde(length(chars, max = 3072))]
    pub description: String,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self {
            name: "MachineDowntimePipeline".to_owned(),
            description: "Predicts machine downtime from sensor readings with a random forest"
                .to_owned(),
        }
    }
}

/// Where tables, data, models and reports live. Each execution writes under its own prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct S3Paths {
    /// The bucket, without `s3://`.
    #[garde(pattern(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
    pub bucket: String,
    /// The raw table that an execution reads unless told otherwise: a key, or a prefix ending in `/`.
    #[serde(default = "input_dataset")]
    #[garde(custom(is_key))]
    pub input_dataset: String,
    /// The prefix under which uploaded raw tables are kept.
    #[serde(default = "raw_data")]
    #[garde(custom(is_key))]
    pub raw_data: String,
    /// The prefix of the training and test data.
    #[serde(default = "processed_data")]
    #[garde(custom(is_key))]
    pub processed_data: String,
    /// The prefix of the trained models.
    #[serde(default = "model_artifacts")]
    #[garde(custom(is_key))]
    pub model_artifacts: String,
    /// The prefix of the evaluation reports and registrations.
    #[serde(default = "evaluation_prefix")]
    #[garde(custom(is_key))]
    pub evaluation: String,
}

impl S3Paths {
    /// `s3://bucket/key`
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{}", self.bucket, key.trim_end_matches('/'))
    }
}

words! {
    /// Whether a registered model may be deployed.
    ApprovalStatus {
        /// Somebody must approve it first.
        PendingManualApproval = "PendingManualApproval",
        /// At once.
        Approved = "Approved",
        /// Never.
        Rejected = "Rejected",
    }
}

/// Where models are registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct ModelRegistry {
    /// The model package group.
    #[garde(pattern(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"))]
    pub model_package_group_name: String,
    /// The group's description, used when the group is made; it travels in an environment variable
    /// of a Processing job, hence the limit.
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

/// One value for each kind of job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerStep<T> {
    /// Preprocess, and Register.
    pub processing: T,
    /// Train.
    pub training: T,
    /// Evaluate.
    pub evaluation: T,
}

impl<T: Clone> PerStep<T> {
    fn all(value: T) -> Self {
        Self { processing: value.clone(), training: value.clone(), evaluation: value }
    }
}

/// How the raw table becomes features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Preprocessing {
    /// The share of rows kept back for testing, between 0 and 1.
    #[garde(custom(is_share))]
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub test_size: f64,
    /// Whether the training and the test part keep the share of failures.
    #[garde(skip)]
    pub stratify: bool,
    /// The column that tells a failure.
    #[garde(dive)]
    pub label: Label,
    /// The sensor columns that the model is made of, in order.
    #[garde(skip)] // by checks::entries
    pub columns: IndexMap<String, ColumnSettings>,
    /// Engineered features: a name and an expression over the columns.
    #[garde(skip)] // by checks::entries
    pub engineered_features: IndexMap<String, String>,
    /// What becomes of a row with an empty cell.
    #[garde(skip)]
    pub missing_values: MissingValues,
    /// What becomes of a cell that is not a number.
    #[garde(skip)]
    pub bad_cells: BadCells,
}

/// What is known of a sensor column besides its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnSettings {
    /// The unit that the model works in; a table in another known unit is converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What else exports call the column. Units, letter case and blanks need no spelling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spellings: Vec<String>,
}

impl Default for Preprocessing {
    fn default() -> Self {
        let step = Preprocess::default();
        let column = |Column { name, unit, spellings }| (name, ColumnSettings { unit, spellings });
        Self {
            test_size: step.test_size,
            stratify: step.stratify,
            label: step.label,
            columns: step.columns.into_iter().map(column).collect(),
            engineered_features: step
                .features
                .into_iter()
                .map(|f| (f.name, f.expression))
                .collect(),
            missing_values: step.missing_values,
            bad_cells: step.bad_cells,
        }
    }
}

/// What Evaluate reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// The metrics that are logged and shown at the end of a run; the report holds them all.
    #[garde(length(min = 1))]
    pub metrics: Vec<Metric>,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { metrics: Evaluate::default().metrics }
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
    /// Twelve digits.
    #[garde(pattern(r"^[0-9]{12}$"))]
    pub account_id: String,
    /// The role that the jobs run as.
    #[garde(pattern(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]{1,512}$"))]
    pub role_arn: String,
    /// The images in ECR.
    #[serde(default)]
    #[garde(dive)]
    pub images: Images,
    /// Keys of your own for disks and outputs; the service's keys where absent.
    #[serde(default)]
    #[garde(dive)]
    pub kms: Kms,
    /// The network that the jobs run in; the service's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub vpc: Option<Vpc>,
    /// Whether jobs that need no network get none. Register always has one: it calls SageMaker.
    #[serde(default)]
    #[garde(skip)]
    pub network_isolation: bool,
}

impl Aws {
    /// The ECR address of an image; of one that is named by its digest, that name.
    pub fn image_uri(&self, repository: &str) -> String {
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

/// The images in ECR: a repository for each step, and the tag that all of them carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Images {
    /// The repository of the Preprocess image.
    #[garde(custom(is_repository))]
    pub preprocess: String,
    /// The repository of the Train image.
    #[garde(custom(is_repository))]
    pub train: String,
    /// The repository of the Evaluate image.
    #[garde(custom(is_repository))]
    pub evaluate: String,
    /// The repository of the Register image.
    #[garde(custom(is_repository))]
    pub register: String,
    /// The repository of the image that serves the model.
    #[garde(custom(is_repository))]
    pub serve: String,
    /// The tag of all of them.
    #[garde(pattern(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"))]
    pub tag: String,
}

impl Default for Images {
    fn default() -> Self {
        let repository = |step: &str| format!("machine-downtime/{step}");
        Self {
            preprocess: repository("preprocess"),
            train: repository("train"),
            evaluate: repository("evaluate"),
            register: repository("register"),
            serve: repository("serve"),
            tag: "latest".to_owned(),
        }
    }
}

/// Keys of your own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Kms {
    /// For the disks of the instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1, max = 2048)))]
    pub volume_key: Option<String>,
    /// For what the jobs write to S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1, max = 2048)))]
    pub output_key: Option<String>,
}

/// The network that the jobs run in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// At most 5.
    #[garde(length(min = 1, max = 5), inner(pattern(r"^sg-[0-9a-z]+$")))]
    pub security_group_ids: Vec<String>,
    /// At most 16.
    #[garde(length(min = 1, max = 16), inner(pattern(r"^subnet-[0-9a-z]+$")))]
    pub subnets: Vec<String>,
}

/// How failed jobs are retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How often, after the first time; 0 for never.
    #[garde(range(max = 20))]
    pub max_attempts: u32,
    /// How long before the first retry, in seconds.
    #[garde(range(min = 1, max = 43_200))]
    pub interval_seconds: u32,
    /// By how much each wait is longer than the one before.
    #[garde(range(min = 1.0, max = 100.0), custom(is_finite))]
    pub backoff_rate: f64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { max_attempts: 3, interval_seconds: 30, backoff_rate: 2.0 }
    }
}

/// Whether unchanged steps are skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Preprocess, Train and Evaluate are taken from an earlier execution of the same inputs.
    #[garde(skip)]
    pub enabled: bool,
    /// How old that execution may be: an ISO 8601 duration such as `P30D` or `PT12H`.
    #[garde(
        pattern(
            r"^P([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?(T([0-9]+H([0-9]+M)?([0-9]+S)?|[0-9]+M([0-9]+S)?|[0-9]+S))?$"
        ),
        length(chars, min = 3, max = 20)
    )]
    pub expire_after: String,
}

impl Default for Cache {
    fn default() -> Self {
        Self { enabled: true, expire_after: "P30D".to_owned() }
    }
}

/// Who is told of failures and pending approvals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// An e-mail address that is subscribed to the topic.
    #[garde(pattern(r"^[^@ ]+@[^@ ]+\.[^@ ]+$"))]
    pub email: String,
}

/// What instances cost. Prices change: the date says how old these are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    /// When they were looked up: YYYY-MM-DD.
    #[garde(pattern(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
    pub date: String,
    /// Such as USD.
    #[garde(pattern(r"^[A-Z]{3}$"))]
    pub currency: String,
    /// An hour of one instance of a type, as SageMaker bills Processing and Training.
    #[garde(skip)] // by checks::entries
    pub per_hour: IndexMap<String, f64>,
}

impl Default for Prices {
    fn default() -> Self {
        let per_hour = [
            ("ml.t3.medium", 0.05),
            ("ml.m5.large", 0.115),
            ("ml.m5.xlarge", 0.23),
            ("ml.m5.2xlarge", 0.461),
            ("ml.m5.4xlarge", 0.922),
            ("ml.c5.xlarge", 0.204),
            ("ml.c5.2xlarge", 0.408),
        ];
        Self {
            date: "2025-01-01".to_owned(),
            currency: "USD".to_owned(),
            per_hour: per_hour.map(|(kind, price)| (kind.to_owned(), price)).into(),
        }
    }
}

impl Settings {
    /// What Preprocess is told.
    pub fn preprocess(&self) -> Preprocess {
        let p = &self.preprocessing;
        let column = |(name, column): (&String, &ColumnSettings)| Column {
            name: name.clone(),
            unit: column.unit.clone(),
            spellings: column.spellings.clone(),
        };
        let feature = |(name, expression): (&String, &String)| Feature {
            name: name.clone(),
            expression: expression.trim().to_owned(),
        };
        let label = Label { column: p.label.column.trim().to_owned(), ..p.label.clone() };
        Preprocess {
            columns: p.columns.iter().map(column).collect(),
            label,
            features: p.engineered_features.iter().map(feature).collect(),
            test_size: p.test_size,
            stratify: p.stratify,
            seed: self.hyperparameters.random_state.into(),
            missing_values: p.missing_values,
            bad_cells: p.bad_cells,
        }
    }

    /// What Evaluate is told.
    pub fn evaluate(&self) -> Evaluate {
        let gate = |(&metric, &minimum)| Gate { metric, minimum };
        Evaluate {
            gates: self.quality_gates.iter().map(gate).collect(),
            metrics: self.evaluation.metrics.clone(),
        }
    }
}

fn instance_types() -> PerStep<String> {
    PerStep::all("ml.m5.large".to_owned())
}

fn instance_counts() -> PerStep<u32> {
    PerStep::all(1)
}

fn volume_sizes() -> PerStep<u32> {
    PerStep::all(30)
}

fn runtime_limits() -> PerStep<u32> {
    PerStep::all(3600)
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

fn region() -> String {
    "us-east-1".to_owned()
}
