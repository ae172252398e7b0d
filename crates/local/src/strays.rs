//! Processes that a job's program leaves behind. A child that stays in the process group of its
//! program ends with the group. One that leaves it, as daemons do by `setsid`, is known by the job's
//! directory in its environment.

use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use container::wire;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, test_kill_process_group, waitpgid, waitpid,
};

/// The time that a killed process has to end. One that waits for a broken disk takes longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the entry of the environment by which the processes of a host's program are known.
pub fn mark(base: &Utf8Path) -> String {
    format!("{}={base}", wire::BASE_VARIABLE)
}

/// Returns whether a script can look for the mark: `grep` takes each line of a pattern as a pattern of its own, and an
/// empty one may be found in the environment of any process.
pub fn is_pattern(mark: &str) -> bool {
    !mark.contains(['\n', '\0'])
}

/// A script that kills every process that has the mark `$0` as an entry of its environment, where the system lists them.
/// The mark [is a pattern](is_pattern).
pub const KILL_MARKED: &str = "for process in /proc/[0-9]*; do \
     if grep -zxFqs -e \"$0\" $process/environ; then kill -s KILL ${process#/proc/}; fi; done";

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
    let mut killed: Vec<Pid> = Vec::new();
    while begin.elapsed() < PATIENCE {
        let found = adopted(mark);
        if killed.is_empty() && found.is_empty() {
            return;
        }
        for pid in found {
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

/// Returns the children of this process whose environment has this mark.
fn adopted(mark: &str) -> Vec<Pid> {
    let is_marked = |pid: &Pid| {
        let environment = fs_err::read(format!("/proc/{}/environ", pid.as_raw_pid()));
        environment.is_ok_and(|text| text.split(|&byte| byte == 0).any(|it| it == mark.as_bytes()))
    };
    let tasks = fs_err::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children =
        tasks.filter_map(|task| fs_err::read_to_string(task.path().join("children")).ok());
    let children = children.flat_map(|list| {
        let numbers = list.split_whitespace().filter_map(|number| number.parse().ok());
        numbers.filter_map(Pid::from_raw).collect::<Vec<_>>()
    });
    children.filter(is_marked).collect()
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
