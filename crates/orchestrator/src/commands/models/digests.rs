//! Whether the model and the report of a version are still those that were registered.

use registry::ModelPackage;

use crate::error::CommandError;
use crate::output::say;

/// What is said of a version that does not record the digest of its model or report.
pub const NOT_RECORDED: &str = "its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated";

/// Refuses an archive that is not the model of a version, by the digest that the version records, and returns the
/// archive's digest.
pub fn check_model(package: &ModelPackage, archive: &[u8]) -> Result<String, CommandError> {
    let uri = &package.serving.model_data_url;
    check(package, ("model", uri), package.model_digest(), archive)
}

/// Refuses what [`check_model`] does, and says so if the version records no digest.
pub fn check_model_or_say(package: &ModelPackage, archive: &[u8]) -> Result<(), CommandError> {
    check_model(package, archive)?;
    if package.model_digest().is_none() {
        let url = &package.serving.model_data_url;
        say(&format!("Version {} has its model at {url}; {NOT_RECORDED}", package.version));
    }
    Ok(())
}

/// Refuses a report that is not that of a version, by the digest that the version records, and returns the report's
/// digest. Versions of earlier programs record none.
pub fn check_report(package: &ModelPackage, report: &[u8]) -> Result<String, CommandError> {
    check(package, ("report", &package.metrics_url), package.report_digest(), report)
}

fn check(
    package: &ModelPackage,
    (what, uri): (&'static str, &str),
    recorded: Option<&str>,
    contents: &[u8],
) -> Result<String, CommandError> {
    let found = common::sha256_hex(contents);
    match recorded {
        Some(recorded) if recorded != found => Err(CommandError::Replaced {
            what,
            version: format!("version {} of group {}", package.version, package.group),
            uri: uri.to_owned(),
            recorded: recorded.to_owned(),
            found,
        }),
        _ => Ok(found),
    }
}
