//! The dated list of instance types beside the SDK's.

use std::collections::BTreeSet;

use aws::sagemaker::types::{
    ProcessingInstanceType, ProductionVariantInstanceType, TrainingInstanceType,
};

#[test]
fn the_list_has_the_types_that_the_sdk_names() {
    let list = fs_err::read_to_string("../config/src/instance_types.txt").unwrap();
    let listed = |wanted: &str| -> BTreeSet<&str> {
        let lines = list.lines().filter(|line| line.starts_with("ml."));
        let words = lines.filter(|line| line.split(' ').skip(1).any(|word| word == wanted));
        words.filter_map(|line| line.split(' ').next()).collect()
    };
    let set = |names: &[&'static str]| -> BTreeSet<&str> { names.iter().copied().collect() };
    assert_eq!(listed("processing"), set(ProcessingInstanceType::values()));
    assert_eq!(listed("training"), set(TrainingInstanceType::values()));
    assert_eq!(listed("hosting"), set(ProductionVariantInstanceType::values()));
}
