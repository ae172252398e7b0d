//! The registry in a directory, by worked example.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use common::{chain, group, version};
use registry::{ApprovalStatus, DirectoryRegistry, Group, ModelPackage, Registry, RegistryError};

struct Scratch {
    _directory: tempfile::TempDir,
    path: Utf8PathBuf,
}

fn scratch() -> Scratch {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::try_from(directory.path().join("models")).unwrap();
    Scratch { _directory: directory, path }
}

fn names(directory: &Utf8Path) -> BTreeSet<String> {
    let entries = directory.read_dir_utf8().unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_owned()).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn versions_count_from_one_and_stay_as_they_were_made() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let first = registry.create_version(&version("job-1")).unwrap();
    let second = registry.create_version(&version("job-2")).unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(registry.describe(&first.arn).unwrap(), first);
    assert_eq!(names(&scratch.path.join("machine-downtime")), set(["1", "2", "group.json"]));
    let document =
        fs_err::read_to_string(scratch.path.join("machine-downtime/1/model_package.json"));
    insta::assert_snapshot!(document.unwrap(), @r#"
    {
      "format_version": 1,
      "client_token": "job-1",
      "arn": "arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/1",
      "group": "machine-downtime",
      "version": 1,
      "status": "Completed",
      "approval_status": "PendingManualApproval",
      "inference_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
      "model_data_url": "s3://bucket/model.tar.gz",
      "content_types": [
        "text/csv"
      ],
      "response_types": [
        "application/json"
      ],
      "realtime_instance_types": [
        "ml.m5.large"
      ],
      "transform_instance_types": [
        "ml.m5.xlarge"
      ],
      "metrics_url": "s3://bucket/evaluation.json",
      "metadata": {
        "accuracy": "0.98"
      }
    }
    "#);
}

#[test]
fn files_are_as_readable_as_any_other() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    registry.create_version(&version("job-1")).unwrap();
    fs_err::create_dir(scratch.path.join("directory")).unwrap();
    fs_err::write(scratch.path.join("file"), "").unwrap();
    let mode = |name: &str| fs_err::metadata(scratch.path.join(name)).unwrap().permissions();
    assert_eq!(mode("machine-downtime/1"), mode("directory"));
    assert_eq!(mode("machine-downtime/1/model_package.json"), mode("file"));
    assert_eq!(mode("machine-downtime/group.json"), mode("file"));
}

#[test]
fn what_is_no_version_is_left_alone() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    for name in ["notes", "4294967295", "+1", "01", ".registering-killed"] {
        fs_err::create_dir(scratch.path.join("machine-downtime").join(name)).unwrap();
    }
    assert_eq!(registry.create_version(&version("job-1")).unwrap().version, 1);
}

#[test]
fn a_group_keeps_its_first_description() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    registry.ensure_group(&Group { description: "another".to_owned(), ..group() }).unwrap();
    let document = fs_err::read_to_string(scratch.path.join("machine-downtime/group.json"));
    insta::assert_snapshot!(document.unwrap(), @r#"
    {
      "description": "predicts downtime",
      "format_version": 1,
      "name": "machine-downtime"
    }
    "#);
}

#[test]
fn a_repeated_token_yields_the_version_made_before() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let first = registry.create_version(&version("job-1")).unwrap();
    registry.create_version(&version("job-2")).unwrap();
    assert_eq!(registry.create_version(&version("job-1")).unwrap(), first);
    assert_eq!(names(&scratch.path.join("machine-downtime")), set(["1", "2", "group.json"]));
}

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

/// Started again by [`processes_at_once_get_a_version_each`], which tells it where.
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
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes_at_once_get_a_version_each"])
            .env(DIRECTORY, &scratch.path)
            .spawn()
            .unwrap()
    };
    for mut process in [start(), start(), start()] {
        assert!(process.wait().unwrap().success());
    }
    let mut expected: BTreeSet<String> =
        (1..=3 * EACH).map(|version| version.to_string()).collect();
    expected.insert("group.json".to_owned());
    assert_eq!(names(&scratch.path.join("machine-downtime")), expected);
}

/// Started again by [`a_killed_process_leaves_whole_versions_only`], which tells it where.
const KILLED_DIRECTORY: &str = "REGISTRY_TEST_KILLED_DIRECTORY";

#[test]
fn a_killed_process_leaves_whole_versions_only() {
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
            .args(["--exact", "a_killed_process_leaves_whole_versions_only"])
            .env(KILLED_DIRECTORY, &scratch.path)
            .spawn()
            .unwrap();
        let versions = || names(&directory).into_iter().filter_map(|name| name.parse().ok()).max();
        let before = if kill == 0 { None } else { versions() };
        while !directory.exists() || versions() == before {
            assert_eq!(process.try_wait().unwrap(), None, "it ended by itself");
            thread::sleep(Duration::from_millis(1));
        }
        // Another moment of the loop each time.
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
fn a_version_needs_its_group() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    let error = registry.create_version(&version("job-1")).unwrap_err();
    insta::assert_snapshot!(chain(&error), @"model package group `machine-downtime` does not exist");
}

#[test]
fn what_is_not_there_is_absent() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    for arn in [
        made.arn.replace("/1", "/2"),
        made.arn.replace("machine-downtime", "another"),
        made.arn.replace("machine-downtime", ".."),
        made.arn.replace("/1", "/one"),
        made.arn.replace("local", "us-east-1"),
        String::new(),
    ] {
        let error = registry.describe(&arn).unwrap_err();
        assert!(matches!(error, RegistryError::NoVersion { .. }), "{arn}: {error:?}");
    }
}

#[test]
fn a_document_of_another_format_is_refused() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let file = scratch.path.join("machine-downtime/1/model_package.json");
    let refusal = |contents: &str| {
        fs_err::write(&file, contents).unwrap();
        chain(&registry.describe(&made.arn).unwrap_err()).replace(scratch.path.as_str(), "<models>")
    };
    insta::assert_snapshot!(
        refusal(r#"{"format_version": 2, "arn": 7}"#),
        @"<models>/machine-downtime/1/model_package.json in the model registry cannot be used: has format version 2, expected 1"
    );
    insta::assert_snapshot!(
        refusal(r#"{"format_version": 1}"#),
        @"<models>/machine-downtime/1/model_package.json in the model registry cannot be used: is not a model package: missing field `arn` at line 1 column 21"
    );
    insta::assert_snapshot!(
        refusal("{"),
        @"<models>/machine-downtime/1/model_package.json in the model registry cannot be used: is not a model package: EOF while parsing an object at line 1 column 1"
    );
}

#[test]
fn a_registry_that_is_a_file_cannot_be_used() {
    let scratch = scratch();
    fs_err::write(&scratch.path, "").unwrap();
    let error = DirectoryRegistry::new(&scratch.path).ensure_group(&group()).unwrap_err();
    insta::assert_snapshot!(
        chain(&error).replace(scratch.path.as_str(), "<models>"),
        @"model registry <models> cannot be used: failed to create directory `<models>/machine-downtime`: Not a directory (os error 20)"
    );
}

#[test]
fn versions_are_listed_latest_first() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    let absent = registry.versions("machine-downtime").unwrap_err();
    insta::assert_snapshot!(chain(&absent), @"model package group `machine-downtime` does not exist");
    registry.ensure_group(&group()).unwrap();
    assert_eq!(registry.versions("machine-downtime").unwrap(), []);
    let made: Vec<_> =
        (1..=11).map(|n| registry.create_version(&version(&format!("job-{n}"))).unwrap()).collect();
    let made: Vec<_> = made.into_iter().rev().map(|made| (made.version, made.arn)).collect();
    assert_eq!(registry.versions("machine-downtime").unwrap(), made);
    let outside = registry.versions("../machine-downtime").unwrap_err();
    assert!(matches!(outside, RegistryError::Limit { .. }), "{outside:?}");
}

#[test]
fn an_approval_stays_with_its_reason() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let file = scratch.path.join("machine-downtime/1/model_package.json");
    let first = fs_err::read_to_string(&file).unwrap();
    let approve = |status, reason| registry.set_approval(&made.arn, status, reason).unwrap();

    let approved = approve(ApprovalStatus::Approved, Some("better than 3, say \"two\""));
    let expected = ModelPackage {
        approval_status: ApprovalStatus::Approved,
        approval_description: Some("better than 3, say \"two\"".to_owned()),
        ..made.clone()
    };
    assert_eq!(approved, expected);
    assert_eq!(registry.describe(&made.arn).unwrap(), expected);
    assert_eq!(ModelPackage::from_json(&expected.to_json().unwrap()).unwrap(), expected);
    // The same again changes nothing.
    let once = fs_err::read_to_string(&file).unwrap();
    assert_eq!(approve(ApprovalStatus::Approved, Some("better than 3, say \"two\"")), expected);
    assert_eq!(fs_err::read_to_string(&file).unwrap(), once);
    // The document is what it was before the approval but for what was decided.
    assert!(
        first.contains(r#""client_token": "job-1""#) && once.contains(r#""client_token": "job-1""#)
    );
    assert_eq!(approve(ApprovalStatus::PendingManualApproval, Some("")), made);
    assert_eq!(fs_err::read_to_string(&file).unwrap(), first);
    assert_eq!(names(&scratch.path.join("machine-downtime/1")), set(["model_package.json"]));
    // A repeated request still finds its version.
    assert_eq!(registry.create_version(&version("job-1")).unwrap(), made);
}

#[test]
fn an_approval_needs_its_version_and_a_reason_that_fits() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let refusal = |arn: &str, reason: &str| {
        let outcome = registry.set_approval(arn, ApprovalStatus::Rejected, Some(reason));
        chain(&outcome.unwrap_err())
    };
    insta::assert_snapshot!(refusal(&made.arn.replace("/1", "/2"), "bad"), @"model package arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2 does not exist");
    insta::assert_snapshot!(refusal(&made.arn.replace("machine-downtime", ".."), "bad"), @"model package arn:aws:sagemaker:local:000000000000:model-package/../1 does not exist");
    insta::assert_snapshot!(refusal(&made.arn, &"ä".repeat(1025)), @"reason is `ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää...` (1025 characters), expected at most 1024 printable characters");
    insta::assert_snapshot!(refusal(&made.arn, "two\nlines"), @"
    reason is `two
    lines`, expected at most 1024 printable characters
    ");
    assert_eq!(registry.describe(&made.arn).unwrap(), made);
    let longest = "ä".repeat(1024);
    registry.set_approval(&made.arn, ApprovalStatus::Rejected, Some(&longest)).unwrap();
}

#[test]
fn an_approval_is_never_read_by_halves() {
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

#[test]
fn a_version_that_cannot_be_read_is_named() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    registry.create_version(&version("job-1")).unwrap();
    let directory = scratch.path.join("machine-downtime");
    let document = fs_err::read(directory.join("1/model_package.json")).unwrap();
    let refusal = || {
        let arn = "arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2";
        let one = chain(&registry.describe(arn).unwrap_err());
        let approval = registry.set_approval(arn, ApprovalStatus::Approved, None);
        assert_eq!(chain(&approval.unwrap_err()), one);
        one.replace(scratch.path.as_str(), "<models>")
    };
    fs_err::write(directory.join("2"), "").unwrap();
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: failed to open file `<models>/machine-downtime/2/model_package.json`: Not a directory (os error 20)");
    fs_err::remove_file(directory.join("2")).unwrap();
    fs_err::create_dir(directory.join("2")).unwrap();
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: failed to open file `<models>/machine-downtime/2/model_package.json`: No such file or directory (os error 2)");
    fs_err::create_dir(directory.join("2/model_package.json")).unwrap();
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: failed to read from file `<models>/machine-downtime/2/model_package.json`: Is a directory (os error 21)");
    fs_err::remove_dir(directory.join("2/model_package.json")).unwrap();
    // A copy of version 1 is not version 2, nor may a document lead out of the registry.
    fs_err::write(directory.join("2/model_package.json"), &document).unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: describes version 1 of machine-downtime, arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/1, expected arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2");
    let document = String::from_utf8(document).unwrap().replace("downtime/1", "downtime/2");
    let document = document.replace(r#""version": 1"#, r#""version": 2"#);
    let document = document.replace(r#""group": ""#, r#""group": "../../"#);
    fs_err::write(directory.join("2/model_package.json"), &document).unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: describes version 2 of ../../machine-downtime, arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2, expected arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2");
    fs_err::write(directory.join("2/model_package.json"), b"\xff\0").unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: is not a model package: expected value at line 1 column 1");
}
