//! The walls between the crates: what each may know is in `docs/architecture.md`, and the manifests
//! and sources agree with it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use regex::Regex;

/// The crates of this workspace that each crate may use beside `common`, which all may use.
const MAY_USE: [(&str, &[&str]); 21] = [
    ("common", &[]),
    ("config", &[]),
    ("dataset", &[]),
    ("forest", &[]),
    ("container", &[]),
    ("pipeline", &[]),
    ("aws", &[]),
    ("artifacts", &["dataset", "forest"]),
    ("profile", &["dataset", "forest"]),
    ("inference", &["artifacts", "dataset", "forest"]),
    ("table_settings", &["config", "dataset"]),
    ("infrastructure", &["config", "pipeline"]),
    ("registry", &["aws"]),
    ("local", &["pipeline", "container"]),
    ("cloud", &["pipeline", "infrastructure", "registry", "aws"]),
    ("preprocess", &["config", "container", "dataset", "artifacts", "table_settings"]),
    ("train", &["config", "container", "dataset", "forest", "artifacts"]),
    ("evaluate", &["config", "container", "dataset", "forest", "artifacts"]),
    ("register", &["config", "container", "registry"]),
    ("serve", &["config", "container", "inference"]),
    (
        "orchestrator",
        &[
            "config",
            "dataset",
            "table_settings",
            "profile",
            "inference",
            "pipeline",
            "infrastructure",
            "registry",
            "aws",
            "local",
            "cloud",
        ],
    ),
];

/// The crate for tests. It may use none of ours, and only tests may use it.
const TESTKIT: &str = "testkit";

/// The crates whose programs are the pipeline's steps.
const STEPS: [&str; 4] = ["preprocess", "train", "evaluate", "register"];

fn crates() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn names() -> BTreeSet<String> {
    let entries = crates().read_dir_utf8().unwrap().map(Result::unwrap);
    let names: BTreeSet<_> = entries.map(|entry| entry.file_name().to_owned()).collect();
    assert!(names.len() > MAY_USE.len(), "{names:?}");
    names
}

fn read(name: &str, file: &str) -> String {
    fs_err::read_to_string(crates().join(name).join(file)).unwrap()
}

/// Returns the names in a section of a manifest, such as `dependencies`.
fn section(manifest: &str, section: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

/// Returns what one crate uses and may not.
fn breaches(name: &str, manifest: &str, ours: &BTreeSet<String>) -> Vec<String> {
    let allowed = MAY_USE.iter().find(|(other, _)| *other == name).map(|(_, allowed)| *allowed);
    let Some(allowed) = allowed.or((name == TESTKIT).then_some(&[])) else {
        return vec![format!("{name} is not in the list of crates and what they may use")];
    };
    let is_allowed = |used: &str| {
        (used == "common" && name != "common" && name != TESTKIT) || allowed.contains(&used)
    };
    let used = section(manifest, "dependencies")
        .into_iter()
        .chain(section(manifest, "build-dependencies"));
    let used = used.filter(|used| ours.contains(used) && !is_allowed(used));
    let used = used.map(|used| format!("{name} uses {used}"));
    // A test may stand on the test crate, but sees no further than the crate itself.
    let tests = section(manifest, "dev-dependencies").into_iter();
    let tests = tests.filter(|used| ours.contains(used) && used != TESTKIT && !is_allowed(used));
    used.chain(tests.map(|used| format!("the tests of {name} use {used}"))).collect()
}

#[test]
fn every_crate_uses_only_what_it_may() {
    let ours = names();
    let breaches: Vec<_> =
        ours.iter().flat_map(|name| breaches(name, &read(name, "Cargo.toml"), &ours)).collect();
    assert_eq!(breaches, [""; 0]);
}

#[test]
fn a_dependency_through_a_wall_is_found() {
    let ours = names();
    let manifest = "[dependencies]\ncommon.workspace = true\nforest = { workspace = true }\n\
                    serde.workspace = true\n\n[dev-dependencies]\ntestkit.workspace = true\n\
                    cloud.workspace = true\n\n[features]\naws = []\n";
    assert_eq!(
        breaches("pipeline", manifest, &ours),
        ["pipeline uses forest", "the tests of pipeline use cloud"]
    );
    let manifest = "[dependencies]\ntestkit.workspace = true\n";
    assert_eq!(breaches("train", manifest, &ours), ["train uses testkit"]);
    assert_eq!(breaches("plot", "", &ours).len(), 1);
}

#[test]
fn every_crate_says_what_it_knows_and_what_it_must_not() {
    for name in names() {
        let lib = read(&name, "src/lib.rs");
        let head: Vec<_> = lib.lines().take_while(|line| line.starts_with("//!")).collect();
        let head = head.join(" ");
        assert!(head.contains("Knows "), "{name}: its front page does not say what it knows");
        assert!(
            head.contains("ust never "),
            "{name}: its front page does not say what it must not"
        );
    }
}

/// Returns the lines below `directory`, without comments, that the pattern matches.
fn lines_with(directory: &Utf8Path, pattern: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir_utf8().unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                open.push(path.to_owned());
            } else if path.extension() == Some("rs") {
                let text = fs_err::read_to_string(path).unwrap();
                let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
                let lines = lines.enumerate().filter(|(_, line)| pattern.is_match(line));
                found.extend(
                    lines.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())),
                );
            }
        }
    }
    found
}

/// Asserts that the pattern is in the sources of a crate that may hold it, so that it would be found
/// elsewhere, and in none of the others.
fn assert_only_in(owner: &str, pattern: &str) {
    for name in names() {
        let found = lines_with(&crates().join(&name).join("src"), pattern);
        if name == owner {
            assert!(!found.is_empty(), "`{pattern}` is not in {name}");
        } else {
            assert_eq!(found, [""; 0], "only {owner} may hold `{pattern}`");
        }
    }
}

#[test]
fn only_the_orchestrator_has_a_command_line() {
    assert_only_in("orchestrator", r"\bclap(_complete)?::");
    for name in names() {
        let manifest = read(&name, "Cargo.toml");
        let uses_clap = section(&manifest, "dependencies").iter().any(|used| used == "clap");
        assert_eq!(uses_clap, name == "orchestrator", "{name}");
    }
}

#[test]
fn only_aws_names_the_sdk() {
    assert_only_in("aws", r"\baws_(sdk|config|smithy)(_\w+)?::");
    for name in names() {
        let manifest = read(&name, "Cargo.toml");
        let sections = ["dependencies", "dev-dependencies"].map(|name| section(&manifest, name));
        let uses_sdk = sections.concat().iter().any(|used| used.starts_with("aws-"));
        assert_eq!(uses_sdk, name == "aws", "{name}");
    }
}

/// Documents from outside have a size, a depth and no member twice where `common::json` reads them.
#[test]
fn json_is_parsed_in_one_place() {
    /// These check it themselves, with the place of a fault or without copying.
    const OTHERS: [&str; 4] = [
        "common/src/json.rs",
        "config/src/steps/table.rs",
        "pipeline/src/definition.rs",
        "inference/src/json.rs",
    ];
    let pattern = r"serde_json::(from_(slice|str|reader)|Deserializer)\b";
    for other in OTHERS {
        assert!(fs_err::read_to_string(crates().join(other)).unwrap().contains("serde_json::"));
    }
    for name in names().iter().filter(|name| *name != TESTKIT) {
        let mut found = lines_with(&crates().join(name).join("src"), pattern);
        found.retain(|line| !OTHERS.iter().any(|other| line.contains(other)));
        found.retain(|line| !is_in_tests(line));
        assert_eq!(found, [""; 0], "common::json reads documents");
    }
}

/// Returns whether a place such as `a.rs:7: code` is in the tests of the file.
fn is_in_tests(place: &str) -> bool {
    let mut parts = place.split(':');
    let (file, line) = (parts.next().unwrap(), parts.next().unwrap().parse::<usize>().unwrap());
    let text = fs_err::read_to_string(file).unwrap();
    text.lines().take(line).any(|line| line == "#[cfg(test)]")
}

#[test]
fn operations_neither_print_nor_read_the_environment() {
    /// The current directory or executable counts as well as a variable.
    const PATTERN: &str = r"\be?print(ln)?!|\bdbg!|\bstd(out|err)\(\)|\benv::\w+";
    for name in ["cloud", "local"] {
        assert_eq!(lines_with(&crates().join(name).join("src"), PATTERN), [""; 0]);
    }
    // It is in the command line's sources, and so it would be found.
    assert!(!lines_with(&crates().join("orchestrator/src"), PATTERN).is_empty());
}

#[test]
fn the_main_function_of_a_step_is_one_call() {
    for name in STEPS {
        let main = read(name, "src/main.rs");
        assert!(main.lines().count() <= 6, "{name}: its main.rs has more than six lines");
        assert!(
            main.contains("container::run("),
            "{name}: its main.rs does not call the container"
        );
    }
    let main = read("serve", "src/main.rs");
    assert!(main.lines().count() <= 6 && main.contains("container::serve("), "{main}");
}
