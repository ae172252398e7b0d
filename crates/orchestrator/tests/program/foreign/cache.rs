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
