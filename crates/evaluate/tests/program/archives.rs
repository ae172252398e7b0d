//! Models that cannot be read, hostile archives among them, and models of several hosts.

use serde_json::Value;
use tar::{Builder, EntryType};
use testkit::{Limits, Sandbox};

use crate::job::{
    self, EVALUATION, METRICS, MODEL, ModelFiles, SAMPLE, evaluated, explained, gzip, refused,
    refused_files, refused_model,
};

#[test]
fn a_missing_model() {
    let sandbox = SAMPLE.job();
    fs_err::remove_file(sandbox.path(MODEL)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3, &[]), @"cannot read an input: failed to open file `/opt/ml/processing/model/model.tar.gz`: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_is_not_an_archive_or_is_cut_short() {
    let archive = SAMPLE.archive();
    insta::assert_snapshot!(refused_model(""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: unexpected end of file");
    insta::assert_snapshot!(refused_model("PK\u{3}\u{4} not a tar"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: invalid gzip header");
    insta::assert_snapshot!(refused_model(&archive[..archive.len() / 2]), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: incomplete deflate stream");
    insta::assert_snapshot!(refused_model(&archive[..archive.len() - 1]), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: unexpected end of file");
}

#[test]
fn a_model_beyond_the_limit_of_the_settings() {
    let files = [
        ("metadata.json", SAMPLE.metadata.clone()),
        ("forest.bin", SAMPLE.forest.clone()),
        ("recipe.json", SAMPLE.recipe.clone()),
        ("more.bin", vec![0; 1 << 20]),
    ];
    let archive = job::archive(&files.map(|(name, bytes)| (name.to_owned(), bytes)).into());
    let sandbox = SAMPLE.job();
    sandbox.file(MODEL, &archive);
    insta::assert_snapshot!(refused(&sandbox, 3, &["--max-model-mb=1"]), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive unpacks to more than 1048576 bytes, the most that a model may have here");
    insta::assert_snapshot!(refused(&sandbox, 2, &["--max-model-mb=0"]), @"argument --max-model-mb is `0`, expected a number of MB from 1 to 1048576");
    sandbox.run("evaluate", &["--max-model-mb=64"]).expect(0);
}

#[test]
fn flipped_bits() {
    let archive = SAMPLE.archive();
    // The first ten bytes hold gzip's time stamp and system, which are not checked.
    for at in (10..archive.len()).step_by(archive.len() / 11).chain([archive.len() - 8]) {
        let mut flipped = archive.clone();
        flipped[at] ^= 0x10;
        let message = refused_model(flipped);
        let begins = "/opt/ml/processing/model/model.tar.gz holds no usable model: ";
        assert!(message.starts_with(begins), "{at}: {message}");
    }
    // In a file of an undamaged archive.
    let middle = SAMPLE.forest.len() / 2;
    let message = refused_files(|files| files.forest[middle] ^= 1);
    assert!(message.contains("forest.bin is damaged: its checksum is "), "{message}");
}

#[test]
fn a_forest_that_is_cut_short_or_of_another_version() {
    insta::assert_snapshot!(refused_files(|files| files.forest.truncate(5_000)), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin is cut short at byte 4996");
    insta::assert_snapshot!(refused_files(|files| files.forest.clear()), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin does not begin with `MDFOREST`, it is no forest");
    insta::assert_snapshot!(refused_files(|files| files.forest[8] = 4), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin has format version 4, expected 1, 2 or 3");
}

#[test]
fn documents_of_another_version_or_shape() {
    let replaced = |bytes: &[u8], from: &str, to: &str| {
        String::from_utf8(bytes.to_owned()).unwrap().replacen(from, to, 1).into_bytes()
    };
    let version = (r#""format_version": 2"#, r#""format_version": 7"#);
    insta::assert_snapshot!(
        refused_files(|files| files.metadata = replaced(&files.metadata, version.0, version.1)),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: metadata.json has format version 7, expected 1 or 2"
    );
    insta::assert_snapshot!(
        refused_files(|files| files.recipe = replaced(&files.recipe, version.0, version.1)),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: recipe.json has format version 7, expected 1 or 2"
    );
    insta::assert_snapshot!(
        refused_files(|files| files.metadata = replaced(&files.metadata, "data_digest", "digest")),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: metadata.json is not in its format: missing field `data_digest` at line 42 column 1"
    );
    let fewer = |files: &mut ModelFiles| {
        let mut recipe: Value = serde_json::from_slice(&files.recipe).unwrap();
        recipe["recipe"]["features"].as_array_mut().unwrap().pop();
        files.recipe = serde_json::to_vec(&recipe).unwrap();
    };
    insta::assert_snapshot!(refused_files(fewer), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the forest takes 15 features and the recipe makes 14");
}

#[test]
fn an_archive_without_the_model() {
    let mut model = Builder::new(Vec::new());
    job::add(&mut model, "model.pkl", b"");
    insta::assert_snapshot!(refused_model(gzip(&model.into_inner().unwrap())), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the model has no `forest.bin`; it has: model.pkl");
}

#[test]
fn the_report_on_the_model_of_several_hosts_is_that_of_one() {
    let reports = |sandbox: &Sandbox| {
        evaluated(sandbox, &[]);
        let mut report: Value = serde_json::from_str(&sandbox.read(EVALUATION)).unwrap();
        // The archives are not the same bytes.
        report["model"].as_object_mut().unwrap().remove("model_digest").unwrap();
        (report, sandbox.read(METRICS))
    };
    let one = reports(&SAMPLE.job());
    for count in [2, 5] {
        let sandbox = SAMPLE.job();
        sandbox.file(MODEL, job::archive(&job::model_of_hosts(count, "42")));
        assert!(reports(&sandbox) == one, "{count} hosts");
    }
}

#[test]
fn a_shard_that_is_missing_or_of_another_model() {
    let model = job::model_of_hosts(3, "42");
    let second = "forest-2-of-3.bin";
    let mut without = model.clone();
    without.remove(second);
    insta::assert_snapshot!(refused_model(job::archive(&without)), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the model has no `forest-2-of-3.bin`; it has: background.bin, forest-1-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    let foreign = job::model_of_hosts(3, "43")[second].clone();
    let with = |bytes| {
        let mut model = model.clone();
        model.insert(second.to_owned(), bytes);
        refused_model(job::archive(&model))
    };
    insta::assert_snapshot!(with(foreign), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(with(model["forest-1-of-3.bin"].clone()), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest-2-of-3.bin holds the same trees as forest-1-of-3.bin");
}

#[test]
fn hostile_archives() {
    let with = |path: &str, kind, link: &str| refused_model(SAMPLE.archive_with(path, kind, link));
    insta::assert_snapshot!(with("../../evil", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `../../evil`, expected one inside it");
    insta::assert_snapshot!(with("/etc/cron.d/evil", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `/etc/cron.d/evil`, expected one inside it");
    insta::assert_snapshot!(with("code/../../evil", EntryType::Directory, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `code/../../evil`, expected one inside it");
    insta::assert_snapshot!(with("weights", EntryType::Symlink, "/etc/passwd"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a symbolic link, expected files and directories");
    insta::assert_snapshot!(with("weights", EntryType::Link, "../../etc/passwd"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a hard link, expected files and directories");
    insta::assert_snapshot!(with("weights", EntryType::Char, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a device or a pipe, expected files and directories");
    insta::assert_snapshot!(with("forest.bin", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `forest.bin` twice");
}

#[test]
fn a_bomb_takes_little_memory() {
    let sandbox = SAMPLE.job();
    let bomb = job::bomb("forest.bin", 400 << 20);
    sandbox.file(MODEL, &bomb);
    let limits = Limits { address_space: 300 << 20, cpu_seconds: 10 };
    let outcome = sandbox.run_with_limits(limits, "evaluate", &[]).expect(3);
    let message = explained(&sandbox, &outcome);
    let limit = bomb.len() * 20 + (1 << 20);
    insta::assert_snapshot!(message.replace(&limit.to_string(), "N"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive unpacks to more than N bytes, 20 for each of its own");
    assert_eq!(sandbox.files("processing/evaluation"), Vec::<String>::new());
}
