//! Whether the model of a version is still the one that was evaluated and decided about.

use registry::ModelPackage;

use crate::error::CommandError;
use crate::output::say;

/// What is said of a version that does not record the digest of its model.
pub const NOT_RECORDED: &str = "its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated";

/// Refuses an archive that is not the model of a version, by the digest that the version records, and returns the
/// archive's digest.
pub fn check_digest(package: &ModelPackage, archive: &[u8]) -> Result<String, CommandError> {
    let found = common::sha256_hex(archive);
    match package.model_digest() {
        Some(recorded) if recorded != found => Err(CommandError::OtherModel {
            version: format!("version {} of group {}", package.version, package.group),
            uri: package.serving.model_data_url.clone(),
            recorded: recorded.to_owned(),
            found,
        }),
        _ => Ok(found),
    }
}

/// Refuses what [`check_digest`] does, and says so if the version records no digest.
pub fn check_digest_or_say(package: &ModelPackage, archive: &[u8]) -> Result<(), CommandError> {
    check_digest(package, archive)?;
    if package.model_digest().is_none() {
        let url = &package.serving.model_data_url;
        say(&format!("Version {} has its model at {url}; {NOT_RECORDED}", package.version));
    }
    Ok(())
}
