//! The same table in every spelling: the synthetic sample, and a real export where there is one.

use testkit::spellings;

use crate::job::{job, outputs, shipped_sample};

#[test]
fn every_spelling_of_the_sample_gives_the_same_outputs() {
    assert_equal_outputs(&shipped_sample());
}

#[test]
fn every_spelling_of_the_real_table_gives_the_same_outputs() {
    let Some(path) = testkit::real_table() else { return };
    assert_equal_outputs(&fs_err::read_to_string(path).unwrap());
}

#[track_caller]
fn assert_equal_outputs(table: &str) {
    let [recipe, _, test, train] = outputs(&job(table), &[]);
    for spelling in spellings(table) {
        let found = outputs(&job(&spelling.bytes), &[]);
        assert!(found[3] == train, "{}: other training rows", spelling.name);
        assert!(found[2] == test, "{}: other test rows", spelling.name);
        assert!(found[0] == recipe, "{}: another recipe", spelling.name);
    }
}
