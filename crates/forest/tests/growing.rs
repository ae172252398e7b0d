//! Properties of the trees that a fit grows: limits, weights, classes, bins and invariances.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{accuracy, mixed, params, table};
use forest::{
    ClassWeight, Criterion, MaxFeatures, RandomForest, RandomForestParams, Samples, TrainingSet,
    Tree,
};
use linfa::Dataset;
use linfa::prelude::{Fit, ParamGuard, Predict};
use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;

#[test]
fn balanced_weights_raise_the_share_of_the_rare_class() {
    // The only feature is constant: each tree is a leaf. 90 rows of class 0, 10 of class 1.
    let records = Array2::from_elem((100, 1), 1.0_f32);
    let labels: Array1<usize> = (0..100).map(|row| usize::from(row < 10)).collect();
    let table = Dataset::new(records.clone(), labels);
    let rare = |weight| {
        let forest = params().n_estimators(400).class_weight(weight).fit(&table).unwrap();
        assert!(forest.trees().iter().all(|tree| tree.nodes.len() == 1));
        assert_eq!(forest.feature_importances(), [0.0]);
        forest.predict_proba(records.view()).unwrap()[[0, 1]]
    };
    // A tree's share is the mean of 100 draws: 0.1 with standard deviation 0.03, and 0.0015 over
    // 400 trees. Balanced weights give 10 * 5 and 90 * 0.5556, about half each.
    assert!((rare(ClassWeight::Uniform) - 0.1).abs() < 0.008);
    assert!((rare(ClassWeight::Balanced) - 0.5).abs() < 0.03);
}

#[test]
fn constant_features_are_skipped() {
    // One feature of six separates the classes, the others are constant; each split considers one.
    let mut records = Array2::zeros((60, 6));
    for row in 0..60 {
        records[[row, 3]] = row as f32;
    }
    let labels: Array1<usize> = (0..60).map(|row| usize::from(row >= 30)).collect();
    let table = Dataset::new(records, labels);
    let forest = params().max_features(MaxFeatures::Count(1)).fit(&table).unwrap();
    for tree in forest.trees() {
        assert_eq!(tree.nodes[0].feature, 3);
        assert_eq!(tree.nodes.len(), 3);
    }
    assert_eq!(forest.feature_importances(), [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
}

#[test]
fn several_classes_are_predicted() {
    let records = Array2::from_shape_fn((90, 2), |(row, column)| (row / 30 + column) as f32);
    let labels: Array1<usize> = (0..90).map(|row| row / 30 * 2).collect();
    let table = Dataset::new(records.clone(), labels.clone());
    let forest = params().fit(&table).unwrap();
    // Labels 0, 2 and 4: five classes, two of which never occur.
    assert_eq!(forest.classes(), 5);
    assert_eq!(forest.predict(&records), labels);
    let sums = forest.predict_proba(records.view()).unwrap().sum_axis(Axis(1));
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
}

#[test]
fn classes_of_very_different_weights_are_still_split() {
    let records = Array2::from_shape_fn((40, 1), |(row, _)| row as f32);
    let labels = Array1::from_shape_fn(40, |row| usize::from(row >= 20));
    let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
    for weights in [[1e9, 1e-9], [1e-9, 1e9]] {
        let params = RandomForest::params().class_weight(ClassWeight::Each(weights.to_vec()));
        let params = params.n_estimators(10).check().unwrap();
        let forest = params.fit_with(&set, &()).unwrap().forest;
        assert!(forest.trees().iter().all(|tree| tree.nodes.len() > 1));
    }
}

/// Returns the depth of a tree and the number of rows that end in each leaf.
fn walk(tree: &Tree, records: &Array2<f32>) -> (usize, Vec<usize>) {
    let mut depth = vec![0; tree.nodes.len()];
    for (index, node) in tree.nodes.iter().enumerate() {
        if !node.is_leaf() {
            depth[node.next as usize] = depth[index] + 1;
            depth[node.next as usize + 1] = depth[index] + 1;
        }
    }
    let mut leaves = vec![0; tree.shares.len() / 2];
    for row in records.rows() {
        let mut node = tree.nodes[0];
        while !node.is_leaf() {
            let right = row[node.feature as usize] > node.threshold;
            node = tree.nodes[node.next as usize + usize::from(right)];
        }
        leaves[node.next as usize] += 1;
    }
    (depth.into_iter().max().unwrap(), leaves)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn depth_and_leaf_limits_hold_for_any_table(
        cells in prop::collection::vec((-3_i8..3, -100.0_f32..100.0, 0_usize..2), 1..120),
        depth in 0_usize..6,
        leaf in 1_usize..5,
        seed: u64,
    ) {
        let records = Array2::from_shape_fn((cells.len(), 2), |(row, column)| {
            if column == 0 { f32::from(cells[row].0) } else { cells[row].1 }
        });
        let labels: Array1<usize> = cells.iter().map(|cell| cell.2).collect();
        let table = Dataset::new(records.clone(), labels);
        let forest = RandomForest::params()
            .n_estimators(5)
            .max_depth(Some(depth))
            .min_samples_leaf(Samples::Count(leaf))
            .class_weight(ClassWeight::Balanced)
            .random_state(seed)
            .fit(&table)
            .unwrap();
        for tree in forest.trees() {
            let (deepest, leaves) = walk(tree, &records);
            prop_assert!(deepest <= depth);
            // Each row of a bootstrap sample is a row of the table.
            prop_assert!(tree.nodes.len() == 1 || leaves.iter().all(|&rows| rows >= leaf));
        }
        let probabilities = forest.predict_proba(records.view()).unwrap();
        for row in probabilities.rows() {
            prop_assert!(row.iter().all(|share| (0.0..=1.0 + 1e-6).contains(share)));
            prop_assert!((row.sum() - 1.0).abs() < 1e-5);
        }
        let parts = (forest.trees().to_vec(), forest.gains().to_vec());
        prop_assert_eq!(RandomForest::from_trees(parts.0, parts.1, 2).unwrap(), forest);
    }
}

#[test]
fn counting_and_sorting_grow_the_same_trees() {
    // Row weights, even of 1, select the search by sorting, which must grow the same trees.
    let table = mixed(900, 2);
    let weighted = table.clone().with_weights(Array1::ones(900));
    let (two, three) = (Samples::Count(2), Samples::Count(3));
    for params in [
        params(),
        params().criterion(Criterion::Entropy).class_weight(ClassWeight::Each(vec![0.5, 2.0])),
        params().min_samples_leaf(three).max_features(MaxFeatures::All),
        params().max_bins(Some(16)).max_leaf_nodes(Some(20)).max_depth(None),
        params().min_samples_split(Samples::Fraction(0.05)).min_samples_leaf(two),
        params().bootstrap(false).max_features(MaxFeatures::Fraction(0.7)),
        params().max_samples(Some(Samples::Fraction(0.4))),
        params().class_weight(ClassWeight::Balanced),
    ] {
        assert_eq!(params.fit(&table).unwrap(), params.fit(&weighted).unwrap(), "{params:?}");
    }
}

#[test]
fn constant_features_do_not_change_the_accuracy_of_any_layout() {
    // 70 features do not fit in a packed record; constant ones are drawn and skipped.
    let narrow = mixed(400, 2);
    let wide = |features| {
        let mut records = Array2::ones((400, features));
        records.slice_mut(ndarray::s![.., ..6]).assign(narrow.records());
        Dataset::new(records, narrow.targets().clone())
    };
    for bins in [16, 65_536] {
        let params = params().max_features(MaxFeatures::All).max_bins(Some(bins));
        // All features are considered, but in an order that depends on their number: splits of
        // equal gain may be swapped.
        let found = [6, 15, 31, 63, 70].map(|features| {
            let table = wide(features);
            let forest = params.fit(&table).unwrap();
            assert!(
                forest
                    .trees()
                    .iter()
                    .flat_map(|tree| &tree.nodes)
                    .all(|node| { node.is_leaf() || node.feature < 6 })
            );
            accuracy(&forest, &table)
        });
        assert!(found.iter().all(|one| (one - found[0]).abs() < 0.02), "{found:?}");
    }
}

#[test]
fn a_row_of_weight_two_equals_two_rows() {
    let table = mixed(300, 3);
    let double = |row: usize| row.is_multiple_of(5);
    let weights = (0..300).map(|row| if double(row) { 2.0 } else { 1.0 }).collect();
    let rows: Vec<usize> = (0..300)
        .flat_map(|row| [row, row].into_iter().take(1 + usize::from(double(row))))
        .collect();
    let twice = Dataset::new(
        table.records().select(Axis(0), &rows),
        table.targets().select(Axis(0), &rows),
    );
    // A bootstrap would draw from a different number of rows.
    let params = params().bootstrap(false).max_features(MaxFeatures::Count(2));
    let one = params.fit(&table.clone().with_weights(weights)).unwrap();
    assert_eq!(one, params.fit(&twice).unwrap());
}

#[test]
fn a_row_of_weight_zero_is_ignored() {
    let table = mixed(300, 3);
    let kept: Vec<usize> = (0..300).filter(|row| row % 7 > 0).collect();
    let weights = (0..300).map(|row| f32::from(row % 7 > 0)).collect();
    let fewer = Dataset::new(
        table.records().select(Axis(0), &kept),
        table.targets().select(Axis(0), &kept),
    );
    let params = params().bootstrap(false);
    let one = params.fit(&table.with_weights(weights)).unwrap();
    let other = params.fit(&fewer).unwrap();
    // Thresholds differ: the values of the ignored rows still get bins.
    let nodes = |forest: &RandomForest| -> Vec<(u32, u32)> {
        forest.trees().iter().flat_map(|t| &t.nodes).map(|n| (n.feature, n.next)).collect()
    };
    assert_eq!(nodes(&one), nodes(&other));
}

#[test]
fn the_order_of_rows_does_not_matter_without_a_bootstrap() {
    let table = mixed(500, 2);
    let reversed: Vec<usize> = (0..500).rev().collect();
    let other = Dataset::new(
        table.records().select(Axis(0), &reversed),
        table.targets().select(Axis(0), &reversed),
    );
    let params = params().bootstrap(false);
    assert_eq!(params.fit(&table).unwrap(), params.fit(&other).unwrap());
}

#[test]
fn scaling_a_feature_by_a_power_of_two_scales_its_thresholds() {
    let table = mixed(500, 2);
    for power in [2.0_f32.powi(40), 2.0_f32.powi(-30)] {
        let mut records = table.records().clone();
        records.column_mut(1).mapv_inplace(|value| value * power);
        let scaled = Dataset::new(records, table.targets().clone());
        let (one, other) = (params().fit(&table).unwrap(), params().fit(&scaled).unwrap());
        for (one, other) in one.trees().iter().zip(other.trees()) {
            assert_eq!(one.shares, other.shares);
            for (one, other) in one.nodes.iter().zip(&other.nodes) {
                let factor = if one.feature == 1 { power } else { 1.0 };
                assert_eq!((one.feature, one.threshold * factor), (other.feature, other.threshold));
            }
        }
    }
}

#[test]
fn degenerate_tables_grow_single_leaves() {
    let forest = |records: Array2<f32>, labels: Vec<usize>| {
        params().fit(&Dataset::new(records, Array1::from(labels))).unwrap()
    };
    let leaves = |forest: &RandomForest| forest.trees().iter().all(|tree| tree.nodes.len() == 1);
    // One row, one class, one value.
    assert!(leaves(&forest(Array2::ones((1, 3)), vec![1])));
    let one_class = forest(table(100, 12).records().clone(), vec![1; 100]);
    assert!(leaves(&one_class));
    assert_eq!(one_class.predict(&Array2::<f32>::zeros((1, 6))), array![1]);
    let million = forest(Array2::ones((1_000_000, 1)), (0..1_000_000).map(|row| row % 2).collect());
    assert!(leaves(&million));
    // More distinct values than bins: 65,537, each in one row.
    let values = Array2::from_shape_fn((65_537, 1), |(row, _)| row as f32);
    let labels: Array1<usize> = (0..65_537).map(|row| usize::from(row > 40_000)).collect();
    let table = Dataset::new(values, labels);
    for bins in [None, Some(65_536)] {
        let forest = params().max_bins(bins).fit(&table).unwrap();
        assert!(accuracy(&forest, &table) > 0.998);
    }
}

#[test]
fn leaves_are_limited_and_the_best_splits_come_first() {
    let table = table(2_000, 13);
    let params = params().max_depth(None);
    let least = [2, 5, 20, 60].map(|limit| {
        let forest = params.clone().max_leaf_nodes(Some(limit)).fit(&table).unwrap();
        for tree in forest.trees() {
            assert_eq!(tree.shares.len() / 2, limit);
            assert_eq!(tree.nodes.len(), 2 * limit - 1);
        }
        accuracy(&forest, &table)
    });
    assert!(least.is_sorted(), "{least:?}");
}

#[test]
fn entropy_and_class_weights_change_the_trees() {
    let table = table(2_000, 16);
    let fit = |params: RandomForestParams| params.fit(&table).unwrap();
    let entropy = fit(params().criterion(Criterion::Entropy));
    assert_ne!(entropy, fit(params()));
    assert!(accuracy(&entropy, &common::table(2_000, 17)) > 0.92);
    let each = |weights: [f64; 2]| fit(params().class_weight(ClassWeight::Each(weights.to_vec())));
    assert_eq!(each([1.0, 1.0]), fit(params()));
    // A class of greater weight is predicted more often.
    let found = |forest: RandomForest| forest.predict(table.records()).sum();
    assert!(found(each([1.0, 9.0])) > found(each([9.0, 1.0])));
}
