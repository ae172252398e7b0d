//! The cache of results.

use serde_json::{Value, json};

use super::{definition, processing, property};
use crate::{Place, names, step};

#[test]
fn a_cached_result_belongs_to_one_step() {
    let place = Place::new();
    place.program("count", "echo x >> $SAGEMAKER_BASE_DIR/../../../../calls; echo 1 > $SAGEMAKER_BASE_DIR/processing/out/one");
    let cached = |name: &str, output: &str, inputs: &[(&str, Value)]| {
        let mut step = processing(name, "count", &[], inputs);
        step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": "P1D" });
        step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["OutputName"] = output.into();
        step
    };
    let mut second = cached("B", "out", &[]);
    second["DependsOn"] = json!(["A"]);
    let last = processing("C", "count", &[], &[("in", property("B"))]);
    let steps = [cached("A", "out", &[]), second, last];
    let result = place.foreign(0, &definition(&json!([]), &steps), &[]);
    assert_eq!(names(&result), ["A", "B", "C"]);
    let again = place.foreign(0, &definition(&json!([]), &steps), &[]);
    assert_eq!(
        ["A", "B", "C"].map(|name| step(&again, name)["cached"] == true),
        [true, true, false]
    );
    // Another step name or another output name is another cache key.
    for other in [cached("A2", "out", &[]), cached("A", "renamed", &[])] {
        let result = place.foreign(0, &definition(&json!([]), &[other]), &[]);
        assert_eq!(result["steps"][0]["cached"], false);
    }
    assert_eq!(fs_err::read_to_string(place.path("runs/calls")).unwrap().lines().count(), 6);
}

/// The age at which a result expires is written as the service's guide and the Python SDK write it.
#[test]
fn a_result_expires_at_the_age_that_the_definition_names() {
    let place = Place::new();
    place.program("nothing", "true");
    let minute = 60;
    let day = 24 * 60 * minute;
    for (text, seconds) in [
        ("T16m", 16 * minute),
        ("5m", 150 * day),
        ("30dT5h", 30 * day + 300 * minute),
        ("p30d", 30 * day),
        ("T12H", 720 * minute),
        ("5y", 5 * 365 * day),
    ] {
        let mut step = processing(text, "nothing", &[], &[]);
        step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": text });
        let definition = definition(&json!([]), &[step]);
        let file = place.file("definition.json", &definition);
        place.orchestrator(&["validate", "--definition", file.as_str()]).expect(0);
        place.foreign(0, &definition, &[]);
        for (age, cached) in [(seconds - minute, true), (seconds + minute, false)] {
            make_older(&place, age);
            let again = place.foreign(0, &definition, &[]);
            assert_eq!(again["steps"][0]["cached"], cached, "{text} after {age} s");
        }
        fs_err::remove_dir_all(place.path("runs")).unwrap();
    }
}

/// Makes the only result in the cache this many seconds old.
fn make_older(place: &Place, seconds: i64) {
    let mut entries = fs_err::read_dir(place.path("runs/cache")).unwrap();
    let path = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none(), "one result");
    let mut entry: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    entry["finished_at"] = (i64::try_from(now.as_secs()).unwrap() - seconds).into();
    entry.as_object_mut().unwrap().remove("sha256");
    fs_err::write(path, common::json::seal(&entry).unwrap()).unwrap();
}

#[test]
fn an_empty_output_is_cached_too() {
    let place = Place::new();
    place.program("nothing", "true");
    let mut step = processing("Nothing", "nothing", &[], &[]);
    step["CacheConfig"] = json!({ "Enabled": true, "ExpireAfter": "P1D" });
    let text = definition(&json!([]), &[step]);
    assert_eq!(place.foreign(0, &text, &[])["steps"][0]["cached"], false);
    assert_eq!(place.foreign(0, &text, &[])["steps"][0]["cached"], true);
}
