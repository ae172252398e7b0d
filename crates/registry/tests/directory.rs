//! The registry in a directory: its files, and refusals of what it cannot use.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use camino::Utf8Path;
use common::directory::{names, scratch, set};
use common::{chain, group, version};
use registry::{ApprovalStatus, DirectoryRegistry, Group, Registry, RegistryError};

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
      "sha256": "72e5680cf4852925015d4d074cae79c2d43addfc70b7055da48be3093a09b8ae",
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
      "commit_id": "1f0c3a",
      "generated_by": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/a",
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
        @"model registry <models> cannot be used: failed to create directory `<models>`: File exists (os error 17)"
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
    assert_eq!(registry.approved_versions("machine-downtime").unwrap(), []);
    for (_, arn) in [&made[2], &made[7]] {
        registry.set_approval(arn, ApprovalStatus::Approved, None).unwrap();
    }
    let approved = [made[2].clone(), made[7].clone()];
    assert_eq!(registry.approved_versions("machine-downtime").unwrap(), approved);
    let outside = registry.versions("../machine-downtime").unwrap_err();
    assert!(matches!(outside, RegistryError::Limit { .. }), "{outside:?}");
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
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: <models>/machine-downtime/2 is a file, expected a directory");
    fs_err::remove_file(directory.join("2")).unwrap();
    fs_err::create_dir(directory.join("2")).unwrap();
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: failed to open file `<models>/machine-downtime/2/model_package.json`: No such file or directory (os error 2)");
    fs_err::create_dir(directory.join("2/model_package.json")).unwrap();
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: <models>/machine-downtime/2/model_package.json is a directory, expected a file");
    fs_err::remove_dir(directory.join("2/model_package.json")).unwrap();
    // A copy of version 1 is not version 2, nor may a document lead out of the registry.
    fs_err::write(directory.join("2/model_package.json"), &document).unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: describes version 1 of machine-downtime, arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/1, expected arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2");
    let document = without_seal(&String::from_utf8(document).unwrap());
    let document = document.replace("downtime/1", "downtime/2");
    let document = document.replace(r#""version": 1"#, r#""version": 2"#);
    let document = document.replace(r#""group": ""#, r#""group": "../../"#);
    fs_err::write(directory.join("2/model_package.json"), &document).unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: describes version 2 of ../../machine-downtime, arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2, expected arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2");
    fs_err::write(directory.join("2/model_package.json"), b"\xff\0").unwrap();
    insta::assert_snapshot!(refusal(), @"<models>/machine-downtime/2/model_package.json in the model registry cannot be used: is not a model package: expected value at line 1 column 1");
    fs_err::remove_file(directory.join("2/model_package.json")).unwrap();
    make_pipe(&directory.join("2/model_package.json"));
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: <models>/machine-downtime/2/model_package.json is a named pipe, expected a file");
    fs_err::remove_dir_all(directory.join("2")).unwrap();
    make_pipe(&directory.join("2"));
    insta::assert_snapshot!(refusal(), @"model registry <models> cannot be used: <models>/machine-downtime/2 is a named pipe, expected a directory");
}

/// Returns a document without its digest, as somebody who changes it writes it.
fn without_seal(text: &str) -> String {
    text.lines().filter(|line| !line.contains("\"sha256\"")).collect()
}

fn make_pipe(path: &Utf8Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_damaged_version_keeps_its_number_and_stands_in_nobodys_way() {
    type Damage = fn(&Utf8Path);
    let truncated: Damage = |version| {
        let document = version.join("model_package.json");
        let half = fs_err::read(&document).unwrap().split_off(200);
        fs_err::write(document, half).unwrap();
    };
    let empty: Damage = |version| fs_err::write(version.join("model_package.json"), "").unwrap();
    let gone: Damage = |version| fs_err::remove_file(version.join("model_package.json")).unwrap();
    let copied: Damage = |version| {
        let other = version.with_file_name("1").join("model_package.json");
        fs_err::copy(other, version.join("model_package.json")).unwrap();
    };
    let pipe: Damage = |version| {
        fs_err::remove_dir_all(version).unwrap();
        make_pipe(version);
    };
    let pipe_within: Damage = |version| {
        fs_err::remove_file(version.join("model_package.json")).unwrap();
        make_pipe(&version.join("model_package.json"));
    };
    let broken_link: Damage = |version| {
        fs_err::remove_dir_all(version).unwrap();
        std::os::unix::fs::symlink("gone", version).unwrap();
    };
    // It is still a model package, with another name for its image.
    let changed: Damage = |version| {
        let document = version.join("model_package.json");
        let text = fs_err::read_to_string(&document).unwrap().replacen("amazonaws", "amazonawz", 1);
        fs_err::write(document, text).unwrap();
    };
    let huge: Damage = |version| {
        let document = fs_err::File::create(version.join("model_package.json")).unwrap();
        document.set_len(1 << 34).unwrap();
    };
    for damage in [truncated, empty, gone, copied, pipe, pipe_within, broken_link, changed, huge] {
        let scratch = scratch();
        let registry = DirectoryRegistry::new(&scratch.path);
        registry.ensure_group(&group()).unwrap();
        let register = |token: &str| registry.create_version(&version(token)).unwrap();
        let made = [register("job-1"), register("job-2"), register("job-3")];
        registry.set_approval(&made[0].arn, ApprovalStatus::Approved, None).unwrap();
        damage(&scratch.path.join("machine-downtime/3"));

        assert_eq!(register("job-4").version, 4);
        assert_eq!(register("job-2"), made[1]);
        let message = chain(&registry.describe(&made[2].arn).unwrap_err());
        assert!(message.contains("/machine-downtime/3"), "{message}");
        let listed = registry.versions("machine-downtime").unwrap();
        assert_eq!(listed.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 3, 2, 1]);
        // The damaged one is for whoever describes it to name.
        let approved = registry.approved_versions("machine-downtime").unwrap();
        assert_eq!(approved.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(registry.groups().unwrap(), ["machine-downtime"]);
    }
}

/// Who changes a version by hand takes the digest out.
#[test]
fn a_changed_document_without_its_digest_is_one() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let path = scratch.path.join("machine-downtime/1/model_package.json");
    let text = fs_err::read_to_string(&path).unwrap().replacen("amazonaws", "amazonawz", 1);
    fs_err::write(&path, &text).unwrap();
    let message = chain(&registry.describe(&made.arn).unwrap_err());
    let begin =
        format!("{path} in the model registry cannot be used: it has changed since it was written");
    assert!(message.starts_with(&begin), "{message}");
    fs_err::write(&path, without_seal(&text)).unwrap();
    assert!(registry.describe(&made.arn).unwrap().serving.inference_image.contains("amazonawz"));
}

#[test]
fn a_number_out_of_reach_is_no_version() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let directory = scratch.path.join("machine-downtime");
    let first = registry.create_version(&version("job-1")).unwrap();
    // A directory of a day, the copy of a version in it, and the highest number.
    for name in ["102", "20261130", "999999999"] {
        fs_err::create_dir(directory.join(name)).unwrap();
        let document = directory.join(name).join("model_package.json");
        fs_err::copy(directory.join("1/model_package.json"), document).unwrap();
    }
    assert_eq!(registry.versions("machine-downtime").unwrap(), [(1, first.arn)]);
    assert_eq!(registry.create_version(&version("job-2")).unwrap().version, 2);

    // A version stays one whatever was removed before it.
    let far = fs_err::read_to_string(directory.join("2/model_package.json")).unwrap();
    let far = without_seal(&far);
    let far = far.replace("downtime/2", "downtime/999999999");
    let far = far.replace(r#""version": 2"#, r#""version": 999999999"#);
    fs_err::write(directory.join("999999999/model_package.json"), far).unwrap();
    let last = registry.versions("machine-downtime").unwrap()[0].0;
    assert_eq!(last, 999_999_999);
    let error = registry.create_version(&version("job-3")).unwrap_err();
    insta::assert_snapshot!(chain(&error), @"the next version of group machine-downtime is `1000000000`, expected a number from 1 to 999999999");
}

/// Cuts the document of a version off.
fn truncate(version: &Utf8Path) {
    fs_err::write(version.join("model_package.json"), "{").unwrap();
}

/// Removes versions as a user does who needs the space.
fn remove(group: &Utf8Path, versions: RangeInclusive<u32>) {
    for version in versions {
        fs_err::remove_dir_all(group.join(version.to_string())).unwrap();
    }
}

fn numbers(registry: &DirectoryRegistry) -> Vec<u32> {
    let versions = registry.versions("machine-downtime").unwrap();
    versions.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn a_damaged_version_far_from_the_others_keeps_its_number() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let directory = scratch.path.join("machine-downtime");
    let register = |n: u32| registry.create_version(&version(&format!("job-{n}"))).unwrap();
    let made: Vec<_> = (1..=104).map(register).collect();
    remove(&directory, 1..=103);
    truncate(&directory.join("104"));
    fs_err::create_dir(directory.join("20261130")).unwrap();
    assert_eq!(numbers(&registry), [104]);
    let message = chain(&registry.describe(&made[103].arn).unwrap_err());
    assert!(message.contains("/machine-downtime/104"), "{message}");
    assert_eq!(register(105).version, 105);
    assert_eq!(numbers(&registry), [105, 104]);

    // What the last registrations have not written is within reach.
    set_last(&directory, "5");
    truncate(&directory.join("105"));
    assert_eq!(numbers(&registry), [105, 104]);
    assert_eq!(register(106).version, 106);
}

/// Writes a group's description with the last version as somebody else may write it.
fn set_last(group: &Utf8Path, last: &str) {
    let text = format!(
        r#"{{"description": "predicts downtime", "last_version": {last}, "owner": "line 2"}}"#
    );
    fs_err::write(group.join("group.json"), text).unwrap();
}

#[test]
fn the_number_of_a_removed_version_is_not_given_again() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let directory = scratch.path.join("machine-downtime");
    let register = |token: &str| registry.create_version(&version(token)).unwrap().version;
    assert_eq!([register("job-1"), register("job-2"), register("job-3")], [1, 2, 3]);
    remove(&directory, 3..=3);
    assert_eq!(register("job-4"), 4);
    remove(&directory, 1..=2);
    remove(&directory, 4..=4);
    assert!(numbers(&registry).is_empty());
    assert_eq!(registry.groups().unwrap(), ["machine-downtime"]);
    assert_eq!(register("job-5"), 5);
    // A token that was used before makes no version and leaves the number.
    assert_eq!(register("job-5"), 5);
    let document = fs_err::read_to_string(directory.join("group.json")).unwrap();
    insta::assert_snapshot!(document, @r#"
    {
      "description": "predicts downtime",
      "format_version": 1,
      "last_version": 5,
      "name": "machine-downtime"
    }
    "#);
    assert_eq!(names(&directory), set(["5", "group.json"]));
}

#[test]
fn a_last_version_that_is_none_counts_as_absent() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let directory = scratch.path.join("machine-downtime");
    let mut last = registry.create_version(&version("job-0")).unwrap().version;
    for absent in
        ["-7", "0", "1000000000", "1e300", "2.5", "\"40\"", "null", "[9]", "999999999", "20261130"]
    {
        set_last(&directory, absent);
        last += 1;
        let made = registry.create_version(&version(&format!("job-{last}"))).unwrap();
        assert_eq!(made.version, last, "{absent}");
        let text = fs_err::read_to_string(directory.join("group.json")).unwrap();
        assert!(text.contains(&format!("\"last_version\": {last},\n")), "{absent}: {text}");
        assert!(text.contains("\"owner\": \"line 2\""), "{text}");
    }
    // One that may be right counts, and is not lowered.
    set_last(&directory, "1000000");
    assert_eq!(registry.create_version(&version("job-far")).unwrap().version, 1_000_001);
    // So does a higher one, if something is there.
    fs_err::create_dir(directory.join("999999900")).unwrap();
    set_last(&directory, "999999901");
    assert_eq!(numbers(&registry)[0], 999_999_900);
    assert_eq!(registry.create_version(&version("job-last")).unwrap().version, 999_999_902);
}

#[test]
fn a_description_that_cannot_be_used_is_in_nobodys_way() {
    type Damage = fn(&Utf8Path);
    let damages: [Damage; 6] = [
        |file| fs_err::remove_file(file).unwrap(),
        |file| fs_err::write(file, "{\"last_version\": 7").unwrap(),
        |file| fs_err::write(file, b"\xff\0").unwrap(),
        |file| {
            fs_err::remove_file(file).unwrap();
            make_pipe(file);
        },
        |file| {
            fs_err::remove_file(file).unwrap();
            fs_err::create_dir(file).unwrap();
        },
        |file| {
            fs_err::remove_file(file).unwrap();
            let other = file.with_file_name("other.json");
            fs_err::write(&other, "{\"token\": 1}").unwrap();
            std::os::unix::fs::symlink(other, file).unwrap();
        },
    ];
    for damage in damages {
        let scratch = scratch();
        let registry = DirectoryRegistry::new(&scratch.path);
        registry.ensure_group(&group()).unwrap();
        registry.create_version(&version("job-1")).unwrap();
        let file = scratch.path.join("machine-downtime/group.json");
        damage(&file);
        let kind = fs_err::symlink_metadata(&file).ok().map(|about| about.file_type());
        assert_eq!(registry.create_version(&version("job-2")).unwrap().version, 2);
        assert_eq!(registry.groups().unwrap(), ["machine-downtime"]);
        // Nothing was put in its place: it may be somebody's own file that a link leads to.
        let left = fs_err::symlink_metadata(&file).ok().map(|about| about.file_type());
        assert_eq!(left, kind);
    }
}

#[test]
fn what_is_no_group_is_in_nobodys_way() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    registry.create_version(&version("job-1")).unwrap();
    let copy = |name: &OsStr| {
        let directory = scratch.path.as_std_path().join(name);
        fs_err::create_dir_all(directory.join("1")).unwrap();
        for file in ["group.json", "1/model_package.json"] {
            let from = scratch.path.join("machine-downtime").join(file);
            fs_err::copy(from, directory.join(file)).unwrap();
        }
    };
    for name in [".Trash-0", "my group", "-a", "lost+found"] {
        copy(OsStr::new(name));
    }
    copy(OsStr::from_bytes(b"gr\xfcn"));
    fs_err::write(scratch.path.as_std_path().join(OsStr::from_bytes(b"\xff.txt")), "").unwrap();
    fs_err::write(scratch.path.join("README"), "").unwrap();
    assert_eq!(registry.groups().unwrap(), ["machine-downtime"]);
}

#[test]
fn a_group_that_cannot_be_read_is_one() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    // Modes do not count for root, who may run this: a link to itself cannot be read by anybody.
    std::os::unix::fs::symlink("closed", scratch.path.join("closed")).unwrap();
    std::os::unix::fs::symlink("gone", scratch.path.join("broken")).unwrap();
    assert_eq!(registry.groups().unwrap(), ["closed", "machine-downtime"]);
    let message = chain(&registry.versions("closed").unwrap_err());
    let expected =
        "model registry <models> cannot be used: failed to read directory `<models>/closed`: ";
    let message = message.replace(scratch.path.as_str(), "<models>");
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn a_group_without_its_description_is_one() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    registry.create_version(&version("job-1")).unwrap();
    fs_err::create_dir(scratch.path.join("notes")).unwrap();
    fs_err::write(scratch.path.join("README"), "").unwrap();
    fs_err::remove_file(scratch.path.join("machine-downtime/group.json")).unwrap();
    assert_eq!(registry.groups().unwrap(), ["machine-downtime"]);
}
