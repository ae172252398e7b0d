//! What a skipped test prints, and that only one reason is accepted in CI.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use testkit::Outcome;

/// Set where [`a_skipped_test_says_why`] starts this program again as the test that is skipped.
const REASON: &str = "TESTKIT_TEST_REASON";
/// Likewise for [`the_real_table_is_the_one_that_is_named`].
const TABLE: &str = "TESTKIT_TEST_TABLE";

/// Runs one test of this program, whose output libtest captures as always.
fn run_test(name: &str, variables: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]).env_remove("CI").env_remove("REAL_TABLE");
    command.envs(variables.iter().copied()).output().unwrap().into()
}

#[test]
fn a_skipped_test_says_why() {
    if let Ok(reason) = std::env::var(REASON) {
        return testkit::skipped(&reason);
    }
    let skip = |reason: &str, ci: &str| {
        run_test("a_skipped_test_says_why", &[(REASON, reason), ("CI", ci)])
    };
    for ci in ["", "false"] {
        assert_eq!(skip("no moto server", ci).expect(0).stderr, "skipped: no moto server\n");
    }
    assert_eq!(skip("no real table", "true").expect(0).stderr, "skipped: no real table\n");
    let failed = skip("no moto server", "true").expect(101);
    assert_eq!(failed.stderr, "skipped: no moto server\n");
    let why = "no moto server: under CI=true every test runs, install what is missing";
    assert!(failed.stdout.contains(why), "{}", failed.stdout);
}

#[test]
fn the_real_table_is_the_one_that_is_named() {
    if let Ok(expected) = std::env::var(TABLE) {
        assert_eq!(testkit::real_table().unwrap(), expected);
        return;
    }
    let table = tempfile::NamedTempFile::new().unwrap();
    let path = table.path().to_str().unwrap();
    let find = |path: &str| {
        run_test("the_real_table_is_the_one_that_is_named", &[("REAL_TABLE", path), (TABLE, path)])
    };
    assert_eq!(find(path).expect(0).stderr, "");
    let failed = find("/nowhere.csv").expect(101);
    assert!(failed.stdout.contains("REAL_TABLE: /nowhere.csv is not a file"), "{}", failed.stdout);
}
