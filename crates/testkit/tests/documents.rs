//! What the front page and the documentation promise of themselves and of the checkout.

use camino::{Utf8Path, Utf8PathBuf};
use regex::Regex;

fn repository() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_readme_is_a_front_page() {
    let readme = fs_err::read_to_string(repository().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
}

/// `scripts/push-images` refuses a checkout with files that git does not know, and whoever follows the
/// documentation writes some before that step.
#[test]
fn git_ignores_what_the_documented_commands_write() {
    let ignored = fs_err::read_to_string(repository().join(".gitignore")).unwrap();
    let ignored: Vec<Regex> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('/'))
        .map(|pattern| Regex::new(&format!("^{}$", regex::escape(pattern).replace(r"\*", ".*"))))
        .collect::<Result<_, _>>()
        .unwrap();
    let mut pages: Vec<Utf8PathBuf> = vec![repository().join("README.md")];
    for entry in repository().join("docs").read_dir_utf8().unwrap() {
        pages.push(entry.unwrap().into_path());
    }
    // Help texts have examples, too.
    pages.push(repository().join("crates/orchestrator/src/cli.rs"));
    let command = Regex::new(r"orchestrator (?:-- )?[a-z].*").unwrap();
    let written = Regex::new(r" (?:>|--output) ([A-Za-z_]+\.[a-z.]+)").unwrap();
    let mut names = Vec::new();
    for page in pages {
        let text = fs_err::read_to_string(&page).unwrap();
        for line in command.find_iter(&text).map(|found| found.as_str()) {
            names.extend(written.captures_iter(line).map(|found| found[1].to_owned()));
        }
    }
    assert!(names.len() > 10, "{names:?}");
    names.retain(|name| !ignored.iter().any(|pattern| pattern.is_match(name)));
    assert!(names.is_empty(), "not in .gitignore: {names:?}");
}
