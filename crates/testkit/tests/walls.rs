//! Every crate says what it knows, and its manifest agrees with README's table of rooms.

use std::collections::BTreeSet;

use camino::Utf8Path;

/// Which of our crates each crate may use. What is not listed may use none.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("artifacts", &["dataset", "forest"]),
    ("registry", &["aws"]),
    ("local", &["pipeline", "container"]),
    ("cloud", &["pipeline", "infrastructure", "registry", "aws"]),
    ("preprocess", &["config", "container", "dataset", "artifacts"]),
    ("train", &["config", "container", "dataset", "forest", "artifacts"]),
    ("evaluate", &["config", "container", "dataset", "forest", "artifacts"]),
    ("register", &["config", "container", "registry"]),
    ("infrastructure", &["config", "pipeline"]),
    (
        "orchestrator",
        &["config", "dataset", "pipeline", "registry", "infrastructure", "aws", "local", "cloud"],
    ),
];

#[test]
fn every_crate_keeps_to_its_room() {
    let crates = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let entries = crates.read_dir_utf8().unwrap().map(|entry| entry.unwrap());
    let names: BTreeSet<String> = entries.map(|entry| entry.file_name().to_owned()).collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in &names {
        let read = |file: &str| fs_err::read_to_string(crates.join(name).join(file)).unwrap();
        let head: Vec<_> = read("src/lib.rs")
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(str::to_owned)
            .collect();
        let head = head.join(" ");
        assert!(head.contains("Knows "), "{name}: its head comment does not say what it knows");
        assert!(
            head.contains("ust never "),
            "{name}: its head comment does not say what it must not"
        );

        let manifest = read("Cargo.toml");
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let used = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let allowed = MAY_USE.iter().find(|(other, _)| other == name).map_or(&[][..], |(_, a)| a);
        for used in used.filter(|used| *used != "common" && names.contains(*used)) {
            assert!(allowed.contains(&used), "{name} uses {used}");
        }
    }
}
