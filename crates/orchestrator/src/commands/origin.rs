//! Where an execution comes from: the commit of its settings, and who starts it. They are parameters of the
//! execution and no part of the definition, which another commit would change otherwise.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use pipeline::Definition;

use crate::arguments::settings::SettingsArgs;
use crate::definition::names::{COMMIT_PARAMETER, STARTED_BY_PARAMETER};
use crate::output::say;

/// The commit that is checked out where the settings are, which git looks up while this program goes on: it reads the
/// state of every file of the repository.
pub struct Commit(Option<Child>);

/// The time that git has from when its answer is needed.
const PATIENCE: Duration = Duration::from_secs(30);

impl Commit {
    /// Begins to look up the commit of the settings, unless it is `assigned`.
    pub fn begin(config: &SettingsArgs, assigned: &[&str]) -> Self {
        if assigned.contains(&COMMIT_PARAMETER) {
            return Self(None);
        }
        let directory = config.files().first().and_then(|file| file.parent());
        let directory = directory.filter(|path| !path.as_str().is_empty());
        let git = Command::new("git")
            .args(["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
            .current_dir(directory.unwrap_or(Utf8Path::new(".")))
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(git.ok())
    }

    /// Waits for the commit, with `-dirty` if a file differs from it. None if the settings are in no repository, if
    /// there is no git, and if git does not answer, which is said.
    fn get(mut self) -> Option<String> {
        let git = self.0.as_mut()?;
        let begin = Instant::now();
        let status = loop {
            match git.try_wait().ok()? {
                Some(status) => break status,
                None if begin.elapsed() > PATIENCE => {
                    let seconds = PATIENCE.as_secs();
                    say(&format!("git did not answer for {seconds} s: the commit stays unknown"));
                    return None;
                }
                None => thread::sleep(Duration::from_micros(200)),
            }
        };
        let mut commit = String::new();
        git.stdout.take()?.read_to_string(&mut commit).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| status.success() && !commit.is_empty())
    }
}

/// Ends git if its answer is not needed.
impl Drop for Commit {
    fn drop(&mut self) {
        if let Some(git) = &mut self.0 {
            // An error means that it has ended.
            let _ = git.kill();
            let _ = git.wait();
        }
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

/// Returns the commit that GitHub Actions runs for, where the checkout is without git.
fn commit_of_workflow() -> Option<String> {
    set("GITHUB_SHA")
}

fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
