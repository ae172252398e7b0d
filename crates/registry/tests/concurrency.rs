//! A directory registry that several threads or processes use at once.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::directory::{names, scratch, set};
use common::{group, version};
use registry::{ApprovalStatus, DirectoryRegistry, ModelPackage, Registry};

#[test]
fn threads_at_once_get_a_version_each() {
    const THREADS: usize = 8;
    const EACH: usize = 20;
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    let start = Barrier::new(THREADS);
    let versions: Vec<u32> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (registry, start) = (&registry, &start);
                scope.spawn(move || {
                    start.wait();
                    registry.ensure_group(&group()).unwrap();
                    let register = |n| registry.create_version(&version(&format!("{thread}-{n}")));
                    (0..EACH).map(|n| register(n).unwrap().version).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let expected: BTreeSet<u32> = (1..=(THREADS * EACH) as u32).collect();
    assert_eq!(versions.len(), expected.len());
    assert_eq!(versions.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(names(&scratch.path.join("machine-downtime")).len(), THREADS * EACH + 1);
}

#[test]
fn a_token_used_at_once_makes_one_version() {
    const THREADS: usize = 8;
    for round in 0..20 {
        let scratch = scratch();
        let registry = DirectoryRegistry::new(&scratch.path);
        registry.ensure_group(&group()).unwrap();
        let start = Barrier::new(THREADS);
        let packages: Vec<ModelPackage> = thread::scope(|scope| {
            let register = || {
                start.wait();
                registry.create_version(&version("the-same")).unwrap()
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(register)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(packages.iter().all(|package| package.version == 1), "round {round}: {packages:?}");
        assert_eq!(names(&scratch.path.join("machine-downtime")), set(["1", "group.json"]));
    }
}

/// The variable with which [`processes_at_once_get_a_version_each`] starts itself as a child.
const DIRECTORY: &str = "REGISTRY_TEST_DIRECTORY";

#[test]
fn processes_at_once_get_a_version_each() {
    const EACH: usize = 20;
    if let Ok(directory) = std::env::var(DIRECTORY) {
        let registry = DirectoryRegistry::new(directory);
        registry.ensure_group(&group()).unwrap();
        for n in 0..EACH {
            registry.create_version(&version(&format!("{}-{n}", std::process::id()))).unwrap();
        }
        return;
    }
    let scratch = scratch();
    // Captured, so that the log of the tests does not count the children's results, too.
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes_at_once_get_a_version_each"])
            .env(DIRECTORY, &scratch.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    for process in [start(), start(), start()] {
        let output = process.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
    let mut expected: BTreeSet<String> =
        (1..=3 * EACH).map(|version| version.to_string()).collect();
    expected.insert("group.json".to_owned());
    assert_eq!(names(&scratch.path.join("machine-downtime")), expected);
}

/// The variable with which [`a_killed_process_leaves_only_complete_versions`] starts itself as a child.
const KILLED_DIRECTORY: &str = "REGISTRY_TEST_KILLED_DIRECTORY";

#[test]
fn a_killed_process_leaves_only_complete_versions() {
    const KILLS: u64 = 20;
    if let Ok(directory) = std::env::var(KILLED_DIRECTORY) {
        let registry = DirectoryRegistry::new(directory);
        for n in 0_u64.. {
            registry.ensure_group(&group()).unwrap();
            registry.create_version(&version(&format!("{}-{n}", std::process::id()))).unwrap();
        }
    }
    let scratch = scratch();
    let directory = scratch.path.join("machine-downtime");
    let registry = DirectoryRegistry::new(&scratch.path);
    for kill in 0..KILLS {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_leaves_only_complete_versions"])
            .env(KILLED_DIRECTORY, &scratch.path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let versions = || names(&directory).into_iter().filter_map(|name| name.parse().ok()).max();
        let before = if kill == 0 { None } else { versions() };
        while !directory.exists() || versions() == before {
            assert_eq!(process.try_wait().unwrap(), None, "the child ended by itself");
            thread::sleep(Duration::from_millis(1));
        }
        // Each child is killed at another point of its loop.
        thread::sleep(Duration::from_micros(137 * kill));
        process.kill().unwrap();
        process.wait().unwrap();

        let last: u32 = versions().unwrap();
        for version in 1..=last {
            let arn = format!(
                "arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/{version}"
            );
            assert_eq!(registry.describe(&arn).unwrap().version, version);
        }
        let next = registry.create_version(&version(&format!("after-{kill}"))).unwrap();
        assert_eq!(next.version, last + 1);
    }
}

#[test]
fn a_reader_never_sees_a_partial_approval() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    thread::scope(|scope| {
        for thread in 0..4 {
            let (registry, made) = (&registry, &made);
            scope.spawn(move || {
                for n in 0..50 {
                    let reason = format!("{thread}-{n}").repeat(50);
                    let status = ApprovalStatus::Approved;
                    registry.set_approval(&made.arn, status, Some(&reason)).unwrap();
                    registry.describe(&made.arn).unwrap();
                }
            });
        }
    });
    assert_eq!(names(&scratch.path.join("machine-downtime/1")), set(["model_package.json"]));
}
