//! The files in an image, and those that its containers write.

use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::Sandbox;

use crate::IMAGES;
use crate::docker::{docker, image};

/// Returns mode, owner and path of everything in the layers of an image.
fn listing(step: &str) -> Vec<String> {
    let mut save =
        Command::new("docker").args(["save", &image(step)]).stdout(Stdio::piped()).spawn().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar")
        .args(["-x", "-C"])
        .arg(directory.path())
        .stdin(save.stdout.take().unwrap())
        .status();
    assert!(unpacked.unwrap().success() && save.wait().unwrap().success());
    let manifest = fs_err::read(directory.path().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut found = Vec::new();
    for layer in manifest[0]["Layers"].as_array().unwrap() {
        let layer = directory.path().join(layer.as_str().unwrap());
        let output = Command::new("tar")
            .args(["--list", "--verbose", "--numeric-owner", "--file"])
            .arg(layer)
            .output()
            .unwrap();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            found.push(format!("{} {} {}", words[0], words[1], words[5]));
        }
    }
    found.sort();
    found
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn an_image_is_one_program() {
    for step in IMAGES {
        let mut expected = vec![
            format!("-rwxr-xr-x 0/0 usr/local/bin/{step}"),
            "drwxr-xr-x 0/0 usr/".to_owned(),
            "drwxr-xr-x 0/0 usr/local/".to_owned(),
            "drwxr-xr-x 0/0 usr/local/bin/".to_owned(),
        ];
        if step == "register" {
            expected.extend([
                "-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt".to_owned(),
                "drwxr-xr-x 0/0 etc/".to_owned(),
                "drwxr-xr-x 0/0 etc/ssl/".to_owned(),
                "drwxr-xr-x 0/0 etc/ssl/certs/".to_owned(),
            ]);
        }
        expected.sort();
        assert_eq!(listing(step), expected);
    }
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn an_image_is_small_and_names_its_source() {
    for (step, megabytes) in
        [("preprocess", 8), ("train", 4), ("evaluate", 4), ("register", 15), ("serve", 5)]
    {
        let inspected: Value =
            serde_json::from_str(&docker(&["image", "inspect", &image(step)])).unwrap();
        let size = inspected[0]["Size"].as_u64().unwrap();
        assert!(size <= megabytes * 1_000_000, "{step}: {size} bytes");
        let config = &inspected[0]["Config"];
        assert_eq!(config["Entrypoint"], serde_json::json!([format!("/usr/local/bin/{step}")]));
        let label = |name: &str| {
            config["Labels"][format!("org.opencontainers.image.{name}")]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
        assert!(label("revision").len() >= 40, "{}", label("revision"));
        label("source");
    }
}

/// The root file system is writable here, unlike in the other tests.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn nothing_is_written_elsewhere() {
    let trained = crate::jobs::train();
    let empty = Sandbox::new();
    for (step, sandbox) in
        [("preprocess", &empty), ("train", &trained), ("evaluate", &empty), ("register", &empty)]
    {
        let mount = format!("{}:/opt/ml", sandbox.base());
        let container = docker(&["create", "--network=none", "--volume", &mount, &image(step)]);
        let _ = Command::new("docker").args(["start", "--attach", &container]).output();
        let changed = docker(&["diff", &container]);
        docker(&["rm", "--force", &container]);
        // The engine creates the directory of the mount.
        let written: Vec<_> = (changed.lines())
            .filter(|line| !matches!(*line, "A /opt" | "A /opt/ml"))
            .filter(|line| {
                !["/dev", "/etc", "/proc", "/sys"].iter().any(|place| line[2..].starts_with(place))
            })
            .collect();
        assert!(written.is_empty(), "{step}: {written:?}");
    }
}
