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

/// Returns a script that kills every process with the mark `$0`, where the system lists them.
pub const KILL_MARKED: &str = "for process in /proc/[0-9]*; do \
     if grep -Fqs -e \"$0\" $process/environ; then kill -s KILL ${process#/proc/}; fi; done";

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
    let begin = Instant::now();
    while test_kill_process_group(group).is_ok() && begin.elapsed() < PATIENCE {
        // orphans that this process has adopted stay in the group until it has waited for them
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
        thread::sleep(Duration::from_millis(1));
    }
}

/// Kills the processes with this mark that this process has adopted, and those that become orphans
/// by that.
pub fn end(mark: &str) {
    let begin = Instant::now();
    let mut killed: Vec<Pid> = Vec::new();
    while begin.elapsed() < PATIENCE {
        for pid in adopted(mark) {
            // an error means that it has ended already
            let _ = kill_process(pid, Signal::KILL);
            if !killed.contains(&pid) {
                killed.push(pid);
            }
        }
        killed.retain(|&pid| matches!(waitpid(Some(pid), WaitOptions::NOHANG), Ok(None)));
        if killed.is_empty() && adopted(mark).is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
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
