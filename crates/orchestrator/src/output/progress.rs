//! The progress of an execution on standard error: a live line for each running step on a terminal,
//! plain lines otherwise.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use common::{printable, shortened};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use local::{Progress, Status, StepRecord};

use super::{continued, duration};

/// Returns whether standard error shows a live line for each running step.
pub fn is_live() -> bool {
    io::stderr().is_terminal()
}

/// Returns the progress display that suits standard error.
pub fn stderr() -> Box<dyn Progress> {
    if is_live() { Box::new(LiveProgress::default()) } else { Box::new(PlainProgress) }
}

/// Writes a line to standard error. Errors are ignored: a closed standard error must not end a run.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", shortened(&printable(text)));
}

/// Formats the line of a step that ended, such as `Train        Succeeded   0.05 s`, and the last
/// lines of a failed job's log. The reason of a failure is printed once, at the execution's end.
fn ended_step(step: &StepRecord, tail: &[String]) -> String {
    let StepRecord { name, status, seconds, cached, .. } = step;
    let cached = if *cached { "  from an earlier execution" } else { "" };
    let time = duration(*seconds);
    let mut text = format!("{name:<18} {status:<10} {time:>9}{cached}");
    if !tail.is_empty() && step.status == Status::Failed {
        text.push_str("\n  the end of its log:");
        for logged in tail {
            text.push_str("\n  | ");
            text.push_str(logged);
        }
    }
    text
}

/// Formats the line of a step that is tried again.
fn repeated(step: &str, reason: &str, attempts: u32) -> String {
    let reason = continued(reason);
    format!("{step:<18} attempt {attempts} failed and is repeated: {reason}")
}

/// Progress for logs and pipes: a line for each event.
struct PlainProgress;

impl Progress for PlainProgress {
    fn began(&self, _: &str, _: Duration) {}

    fn retried(&self, step: &str, reason: &str, attempts: u32) {
        say(&repeated(step, reason, attempts));
    }

    fn ended(&self, step: &StepRecord, tail: &[String]) {
        say(&ended_step(step, tail));
    }

    fn note(&self, text: &str) {
        say(&continued(text));
    }
}

/// Progress for terminals: each running step has a line that counts its time.
#[derive(Default)]
struct LiveProgress {
    lines: MultiProgress,
    running: Mutex<BTreeMap<String, ProgressBar>>,
}

impl LiveProgress {
    /// Calls `change` with the lines of the running steps.
    fn with_lines<T>(&self, change: impl FnOnce(&mut BTreeMap<String, ProgressBar>) -> T) -> T {
        change(&mut self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    fn print(&self, text: &str) {
        // An error means that the terminal was closed.
        let _ = self.lines.println(shortened(&printable(text)));
    }
}

impl Progress for LiveProgress {
    fn began(&self, step: &str, since: Duration) {
        let bar = self.lines.add(ProgressBar::new_spinner().with_elapsed(since));
        if let Ok(style) =
            ProgressStyle::with_template("{msg:<18} {spinner}          {elapsed_precise}")
        {
            bar.set_style(style);
        }
        bar.set_message(printable(step));
        bar.enable_steady_tick(Duration::from_millis(100));
        self.with_lines(|running| running.insert(step.to_owned(), bar));
    }

    fn retried(&self, step: &str, reason: &str, attempts: u32) {
        self.print(&repeated(step, reason, attempts));
    }

    fn ended(&self, step: &StepRecord, tail: &[String]) {
        if let Some(bar) = self.with_lines(|running| running.remove(&step.name)) {
            bar.finish_and_clear();
        }
        self.print(&ended_step(step, tail));
    }

    fn note(&self, text: &str) {
        self.print(&continued(text));
    }
}
