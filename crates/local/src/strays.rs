//! Processes that a job's program leaves behind. A child that stays in the process group of its
//! program ends with the group. One that leaves it, as daemons do by `setsid`, is known by the job's
//! directory in its environment.

use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use container::wire;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, test_kill_process_group, waitpgid, waitpid,
};

/// The time that a killed process has to end. One that waits for a broken disk takes longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time that a process takes at most to begin to run another program.
const LONGEST_START: Duration = Duration::from_millis(500);
/// The number of bytes of an environment that are searched.
const LONGEST_ENVIRONMENT: usize = 4 << 20;

/// Returns the entry of the environment by which the processes of a host's program are known.
pub fn mark(base: &Utf8Path) -> String {
    format!("{}={base}", wire::BASE_VARIABLE)
}

/// Returns whether a script can look for the mark: `grep` takes each line of a pattern as a pattern of its own, and an
/// empty one may be found in the environment of any process.
pub fn is_pattern(mark: &str) -> bool {
    !mark.contains(['\n', '\0'])
}

/// A script that kills every process that has the mark `$0` as an entry of its environment, where the system lists them,
/// and again after a moment those that were about to run another program. The mark [is a pattern](is_pattern).
pub const KILL_MARKED: &str = "for pass in 1 2; do for process in /proc/[0-9]*; do \
     if grep -zxFqs -e \"$0\" $process/environ; then kill -s KILL ${process#/proc/}; fi; done; sleep 0.1; done";

/// Makes this process the parent of every orphan below it, so that [`end`] finds them. Systems other
/// than Linux cannot do that.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    {
        // without it, orphans are not found, as on other systems
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// Waits until the processes of a killed group have ended.
pub fn await_group(group: Option<i32>) {
    let Some(group) = group.and_then(Pid::from_raw) else { return };
    let (begin, mut nap) = (Instant::now(), Duration::from_micros(50));
    loop {
        // orphans that this process has adopted stay in the group until it has waited for them
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
        if test_kill_process_group(group).is_err() || begin.elapsed() > PATIENCE {
            return;
        }
        thread::sleep(nap);
        nap = (2 * nap).min(Duration::from_millis(1));
    }
}

/// Kills the processes with this mark that this process has adopted, and those that become orphans
/// by that.
pub fn end(mark: &str) {
    let begin = Instant::now();
    let (mut killed, mut was_quiet): (Vec<Pid>, _) = (Vec::new(), false);
    while begin.elapsed() < PATIENCE {
        let Adopted { marked, unclear } = adopted(mark);
        let is_clear = !unclear || begin.elapsed() > LONGEST_START;
        if killed.is_empty() && marked.is_empty() && is_clear {
            // The system's list may lack a child if another one ends meanwhile.
            if was_quiet {
                return;
            }
            was_quiet = true;
            continue;
        }
        was_quiet = false;
        for pid in marked {
            // an error means that it has ended already
            let _ = kill_process(pid, Signal::KILL);
            if !killed.contains(&pid) {
                killed.push(pid);
            }
        }
        thread::sleep(Duration::from_millis(1));
        killed.retain(|&pid| matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)));
    }
}

/// The children of this process.
#[derive(Default)]
struct Adopted {
    /// Those whose environment has a mark.
    marked: Vec<Pid>,
    /// Whether one has no environment at all, as a process has while it begins to run another program.
    unclear: bool,
}

/// Returns the children of this process, by their environment.
fn adopted(mark: &str) -> Adopted {
    let tasks = fs_err::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children =
        tasks.filter_map(|task| fs_err::read_to_string(task.path().join("children")).ok());
    let mut found = Adopted::default();
    for list in children {
        let numbers = list.split_whitespace().filter_map(|number| number.parse().ok());
        for pid in numbers.filter_map(Pid::from_raw) {
            let environment = about(pid, "environ").unwrap_or_default();
            if environment.split(|&byte| byte == 0).any(|it| it == mark.as_bytes()) {
                found.marked.push(pid);
            } else if environment.is_empty() {
                let has_ended = about(pid, "stat").map_or(true, |text| is_ended(&text));
                found.unclear |= !has_ended;
            }
        }
    }
    found
}

/// Reads what the system tells of a process. It is read at once: the second half would be missing if the process began to
/// run another program meanwhile.
fn about(pid: Pid, file: &str) -> io::Result<Vec<u8>> {
    let mut file = fs_err::File::open(format!("/proc/{}/{file}", pid.as_raw_pid()))?;
    let mut text = vec![0; LONGEST_ENVIRONMENT];
    let length = file.read(&mut text)?;
    text.truncate(length);
    Ok(text)
}

/// Returns whether a process has ended, by the contents of its `stat`: the state follows the last parenthesis.
fn is_ended(stat: &[u8]) -> bool {
    let name = stat.iter().rposition(|&byte| byte == b')');
    let state = name.and_then(|end| stat.get(end + 2));
    state.is_none_or(|state| matches!(state, b'Z' | b'X'))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// Starts a process with this value of a variable that no other has.
    fn process(variable: &str, value: &str) -> Child {
        Command::new("sleep").arg("60").env(variable, value).spawn().unwrap()
    }

    #[test]
    fn a_process_without_an_environment_is_waited_for_unless_it_has_ended() {
        assert!(is_ended(b"7 (a) b) Z 1") && is_ended(b"7 (a") && is_ended(b""));
        assert!(!is_ended(b"7 (Z) S 1"));
        let mut silent = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
        let begin = Instant::now();
        end("STRAYS_TEST=none");
        assert!(begin.elapsed() > LONGEST_START);
        assert!(silent.try_wait().unwrap().is_none());
        silent.kill().unwrap();
        silent.wait().unwrap();
    }

    /// While a process begins to run another program, it has no environment for some microseconds.
    #[test]
    fn a_process_that_begins_to_run_another_program_is_found() {
        let name = format!("STRAYS_BEGIN_{}", std::process::id());
        for round in 0..100 {
            let mut command = Command::new("sh");
            let child = command.args(["-c", "exec sleep 60"]).env(&name, round.to_string()).spawn();
            let pid = Pid::from_child(&child.unwrap());
            thread::sleep(Duration::from_micros(20 * round));
            end(&format!("{name}={round}"));
            let is_left = rustix::process::test_kill_process(pid).is_ok();
            let _ = kill_process(pid, Signal::KILL);
            assert!(!is_left, "round {round}");
        }
    }

    #[test]
    fn whole_entries_of_an_environment_are_looked_for() {
        let own = format!("STRAYS_TEST_{}", std::process::id());
        let mut others = [process(&own, "/runs/1/A/algo-10"), process(&own, "x=/runs/1/A/algo-1")];
        let mut marked = process(&own, "/runs/1/A/algo-1");
        let mark = format!("{own}=/runs/1/A/algo-1");
        assert!(Command::new("sh").args(["-c", KILL_MARKED, &mark]).status().is_ok());
        let begin = Instant::now();
        while marked.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(10), "it has not ended");
            thread::sleep(Duration::from_millis(5));
        }
        for other in &mut others {
            assert!(other.try_wait().unwrap().is_none(), "another one has ended");
            other.kill().unwrap();
            other.wait().unwrap();
        }
        assert!(is_pattern(&mark) && !is_pattern("SAGEMAKER_BASE_DIR=nl/a\n\nb"));
    }
}
