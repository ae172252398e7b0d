//! The names of the steps, of the input parameter and of the property file.

/// The parameter that names the raw table.
pub const INPUT_PARAMETER: &str = "InputDataUrl";
/// The parameter that tells the contents of the raw table from others at the same address.
pub const INPUT_VERSION_PARAMETER: &str = "InputDataVersion";
/// The parameter that names the commit of the settings. It is read by Register alone, which is never taken from
/// the cache, so that another commit trains nothing again.
pub const COMMIT_PARAMETER: &str = "SourceCommit";
/// The parameter that names who started the execution, for Register alone as well.
pub const STARTED_BY_PARAMETER: &str = "StartedBy";
/// The parameter that says whether the model may be deployed.
pub const APPROVAL_PARAMETER: &str = "ModelApprovalStatus";
/// The parameter that names the group in which the model is registered.
pub const GROUP_PARAMETER: &str = "ModelPackageGroupName";
/// The step that reads the raw table.
pub const PREPROCESS: &str = "Preprocess";
/// The step that trains the forest.
pub const TRAIN: &str = "Train";
/// The step that scores the test rows.
pub const EVALUATE: &str = "Evaluate";
/// The step that compares metrics with their minimums.
pub const QUALITY_GATE: &str = "QualityGate";
/// The step that registers the model.
pub const REGISTER: &str = "Register";
/// The step that fails an execution whose model misses a quality gate.
pub const QUALITY_GATE_FAILED: &str = "QualityGateFailed";
/// The property file that holds the evaluation report.
pub const REPORT: &str = "EvaluationReport";
