//! Where an execution comes from: the commit of its settings, and who starts it. They are parameters of the
//! execution and no part of the definition, which another commit would change otherwise.

use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use camino::Utf8PathBuf;
use pipeline::Definition;

use crate::arguments::settings::SettingsArgs;
use crate::definition::names::{COMMIT_PARAMETER, STARTED_BY_PARAMETER};

/// The commit of the settings, which is looked up while this program goes on: git reads the state of every file
/// of the repository.
pub struct Commit(Option<JoinHandle<Option<String>>>);

impl Commit {
    /// Begins to look up the commit of the settings.
    pub fn begin(config: &SettingsArgs) -> Self {
        let directory = config.files().first().and_then(|file| file.parent());
        let directory = directory.filter(|path| !path.as_str().is_empty());
        let directory = directory.map_or_else(|| ".".into(), ToOwned::to_owned);
        let thread = std::thread::Builder::new().name("git".to_owned());
        // Without a thread the commit stays unknown, as without git.
        Self(thread.spawn(move || commit_of(directory)).ok())
    }

    /// Waits for the commit. None if the settings are in no repository.
    fn get(self) -> Option<String> {
        self.0?.join().ok()?
    }
}

/// Returns the parameters that say where an execution comes from, as far as that is known: those that the
/// definition has and that nobody has assigned. `caller` tells who starts it.
pub fn parameters(
    definition: &Definition,
    assigned: &[&str],
    commit: Commit,
    caller: impl FnOnce() -> Option<String>,
) -> Vec<(&'static str, String)> {
    let is_wanted = |name: &str| {
        definition.parameters.iter().any(|known| known.name == name) && !assigned.contains(&name)
    };
    let mut found = Vec::new();
    if is_wanted(COMMIT_PARAMETER) {
        let commit = commit.get().or_else(commit_of_workflow);
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
fn commit_of(directory: Utf8PathBuf) -> Option<String> {
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
