//! Where an execution comes from: the commit of its settings, and who starts it. They are parameters of the
//! execution and no part of the definition, which another commit would change otherwise.

use std::process::{Command, Stdio};

use camino::Utf8Path;
use pipeline::Definition;

use crate::arguments::settings::SettingsArgs;
use crate::definition::names::{COMMIT_PARAMETER, STARTED_BY_PARAMETER};

/// Returns the parameters that say where an execution comes from, as far as that is known: those that the
/// definition has and that nobody has assigned. `caller` tells who starts it.
pub fn parameters(
    definition: &Definition,
    assigned: &[&str],
    config: &SettingsArgs,
    caller: impl FnOnce() -> Option<String>,
) -> Vec<(&'static str, String)> {
    let is_wanted = |name: &str| {
        definition.parameters.iter().any(|known| known.name == name) && !assigned.contains(&name)
    };
    let mut found = Vec::new();
    if is_wanted(COMMIT_PARAMETER) {
        let file = config.files().first().copied();
        let directory = file.and_then(Utf8Path::parent).filter(|path| !path.as_str().is_empty());
        let commit = commit_of(directory.unwrap_or(Utf8Path::new("."))).or_else(commit_of_workflow);
        found.extend(commit.map(|commit| (COMMIT_PARAMETER, commit)));
    }
    if is_wanted(STARTED_BY_PARAMETER) {
        found.extend(caller().map(|caller| (STARTED_BY_PARAMETER, caller)));
    }
    // Register takes them as environment variables.
    found.iter_mut().for_each(|(_, value)| *value = registry::metadata_value(value));
    found
}

/// Returns who runs this program, as the operating system names them.
pub fn user() -> Option<String> {
    set("USER").or_else(|| set("LOGNAME"))
}

/// Returns the commit that is checked out in a directory, with `-dirty` if a file differs from it. None if the
/// directory is in no repository, or if there is no git.
fn commit_of(directory: &Utf8Path) -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
        .current_dir(directory)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    Some(commit).filter(|commit| !commit.is_empty())
}

/// Returns the commit that GitHub Actions runs for, where the checkout is without git.
fn commit_of_workflow() -> Option<String> {
    set("GITHUB_SHA")
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
