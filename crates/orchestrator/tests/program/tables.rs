//! Tables in several spellings and places, which give the same rows and the same model.

use crate::Place;

#[test]
fn the_same_table_under_another_name_is_read_once() {
    let place = Place::new();
    let rows = |input: &str| place.json(0, &["--input", input])["rows"]["rows_read"].clone();
    place.orchestrator(&["sample", "--rows", "600", "--output", "a.csv"]).expect(0);
    fs_err::create_dir_all(place.path("tables/deep/er")).unwrap();
    fs_err::copy(place.path("a.csv"), place.path("b.csv")).unwrap();
    fs_err::copy(place.path("a.csv"), place.path("tables/deep/er/c.csv")).unwrap();
    for input in ["a.csv", "b.csv", "tables"] {
        assert_eq!(rows(input), 600, "{input}");
    }
}

#[test]
fn the_sample_in_every_spelling_gives_the_same_model() {
    let place = Place::new();
    let sample = place.orchestrator(&["sample", "--output", "-"]).expect(0).stdout;
    assert_equal_models(&place, &sample);
}

#[test]
fn the_real_table() {
    let Some(table) = testkit::real_table() else { return };
    let place = Place::new();
    let result = place.json(0, &["--input", table.as_str()]);
    assert!(result["metrics"]["accuracy"].as_f64().unwrap() >= 0.97);
    assert_eq!(result["model_package"]["approval_status"], "PendingManualApproval");
    let missed = place.json(4, &["--input", table.as_str(), "-p", "MinRecall=0.9999"]);
    assert!(missed["model_package"].is_null());
    assert!(missed["failure_reason"].as_str().unwrap().contains("recall"));
    assert_equal_models(&place, &fs_err::read_to_string(&table).unwrap());
}

/// Runs the pipeline over a table and over each of its spellings, without the cache, and compares
/// the models.
#[track_caller]
fn assert_equal_models(place: &Place, table: &str) {
    let model = |contents: &[u8]| {
        let input = place.file("spelling.csv", contents);
        let result = place.json(0, &["--no-cache", "--input", input.as_str()]);
        fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap()
    };
    let expected = model(table.as_bytes());
    for spelling in testkit::spellings(table) {
        assert!(model(&spelling.bytes) == expected, "{}", spelling.name);
    }
}
