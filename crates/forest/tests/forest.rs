//! The forest as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use forest::{ClassWeight, FitError, MaxFeatures, Node, RandomForest, RandomForestParams, Tree};
use linfa::prelude::{Fit, ParamGuard, Predict};
use linfa::{Dataset, DatasetBase};
use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// 6 features, of which the label hangs on two; one row in twenty is wrong.
fn table(rows: usize, seed: u64) -> Dataset<f32, usize, ndarray::Ix1> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let records = Array2::from_shape_simple_fn((rows, 6), &mut uniform);
    let labels: Array1<usize> = records
        .rows()
        .into_iter()
        .map(|row| usize::from((row[1] * row[4] > 0.25) != (uniform() < 0.05)))
        .collect();
    Dataset::new(records, labels)
}

fn params() -> RandomForestParams {
    RandomForest::params().n_estimators(30).max_depth(Some(8)).random_state(42)
}

fn accuracy(forest: &RandomForest, table: &Dataset<f32, usize, ndarray::Ix1>) -> f64 {
    let predicted = forest.predict(table.records());
    let right = predicted.iter().zip(table.targets()).filter(|(a, b)| a == b).count();
    right as f64 / predicted.len() as f64
}

#[test]
fn it_learns() {
    let forest = params().fit(&table(3_000, 1)).unwrap();
    // 0.95 is the best there is: one label in twenty is wrong.
    let found = accuracy(&forest, &table(3_000, 2));
    assert!(found > 0.92, "{found}");
}

#[test]
fn importances_point_at_what_the_label_hangs_on() {
    let forest = params().fit(&table(2_000, 3)).unwrap();
    let found = forest.feature_importances();
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let least = found[1].min(found[4]);
    for noise in [0, 2, 3, 5] {
        assert!(found[noise] < least / 3.0, "{found:?}");
    }
}

#[test]
fn threads_do_not_show_in_a_model() {
    let table = table(700, 4);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params().fit(&table).unwrap())
    };
    let one = fit(1);
    assert_eq!(one, fit(2));
    assert_eq!(one, fit(7));
    assert_ne!(one, params().random_state(43).fit(&table).unwrap());
}

#[test]
fn a_forest_begins_with_the_trees_of_a_smaller_one() {
    let table = table(300, 5);
    let small = params().n_estimators(3).fit(&table).unwrap();
    let large = params().n_estimators(5).fit(&table).unwrap();
    assert_eq!(small.trees(), &large.trees()[..3]);
}

#[test]
fn shares_of_a_forest_are_the_forest() {
    let table = table(300, 5);
    let params = params().n_estimators(7).check().unwrap();
    let (records, labels) = (table.records().view(), table.targets().view());
    let goes_on = |_| ControlFlow::Continue(());
    let share = |trees| params.fit_share(trees, records, labels, &goes_on);
    let whole = params.fit_with(records, labels, &goes_on).unwrap();
    for cuts in [vec![0, 7], vec![0, 3, 7], vec![0, 1, 2, 4, 6, 7]] {
        let parts = cuts.windows(2).map(|cut| share(cut[0]..cut[1]).unwrap());
        assert_eq!(RandomForest::merge(parts).unwrap(), whole);
    }
    let error = share(5..8).unwrap_err().to_string();
    assert_eq!(error, "trees 5 to 8 of 7, expected some of the forest's");
    assert!(share(3..3).is_err());
    let other = RandomForest::params().n_estimators(1);
    let other = other.fit(&Dataset::new(Array2::zeros((2, 1)), array![0_usize, 1])).unwrap();
    let error = RandomForest::merge([whole, other]).unwrap_err().to_string();
    assert_eq!(error, "part 1 has 1 features or classes, expected 6 as in the parts before");
    assert!(RandomForest::merge([]).is_err());
}

#[test]
fn the_order_of_memory_does_not_matter() {
    let table = table(200, 6);
    let columns = table.records().t().as_standard_layout().to_owned().reversed_axes();
    assert!(!columns.is_standard_layout());
    let other = Dataset::new(columns.clone(), table.targets().clone());
    let forest = params().fit(&table).unwrap();
    assert_eq!(forest, params().fit(&other).unwrap());
    assert_eq!(forest.predict(table.records()), forest.predict(&columns));
}

#[test]
fn balanced_classes_lift_the_rare_one() {
    // Feature 0 says nothing: the leaf is the root's shares. 90 rows of class 0, 10 of class 1.
    let records = Array2::from_elem((100, 1), 1.0_f32);
    let labels: Array1<usize> = (0..100).map(|row| usize::from(row < 10)).collect();
    let table = Dataset::new(records.clone(), labels);
    let rare = |weight| {
        let forest = params().n_estimators(400).class_weight(weight).fit(&table).unwrap();
        assert!(forest.trees().iter().all(|tree| tree.nodes.len() == 1));
        assert_eq!(forest.feature_importances(), [0.0]);
        forest.predict_proba(records.view()).unwrap()[[0, 1]]
    };
    // A tree's share is a mean of 100 draws: 0.1 with standard deviation 0.03, and 0.0015 over 400
    // trees. Balanced: 10 * 5 against 90 * 0.5556, half each, nearly.
    assert!((rare(ClassWeight::Uniform) - 0.1).abs() < 0.008);
    assert!((rare(ClassWeight::Balanced) - 0.5).abs() < 0.03);
}

#[test]
fn a_constant_feature_is_passed_over() {
    // One feature of six tells the classes apart, the others are constant; each split looks at one.
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
fn several_classes() {
    let records = Array2::from_shape_fn((90, 2), |(row, column)| (row / 30 + column) as f32);
    let labels: Array1<usize> = (0..90).map(|row| row / 30 * 2).collect();
    let table = Dataset::new(records.clone(), labels.clone());
    let forest = params().fit(&table).unwrap();
    // Labels 0, 2 and 4: five classes, of which two never occur.
    assert_eq!(forest.classes(), 5);
    assert_eq!(forest.predict(&records), labels);
    let sums = forest.predict_proba(records.view()).unwrap().sum_axis(Axis(1));
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-6));
}

#[test]
fn probabilities_are_means_over_trees() {
    let leaf = |share: f32| Tree { nodes: vec![Node::leaf(0)], shares: vec![1.0 - share, share] };
    let split = Tree {
        nodes: vec![Node { feature: 0, threshold: 2.0, next: 1 }, Node::leaf(0), Node::leaf(1)],
        shares: vec![1.0, 0.0, 0.25, 0.75],
    };
    let forest = RandomForest::from_trees(vec![leaf(0.5), split], vec![1 << 43], 2).unwrap();
    // x <= 2 goes left: (0.5 + 0) / 2 and (0.5 + 0.75) / 2.
    let found = forest.predict_proba(array![[2.0_f32], [2.5]].view()).unwrap();
    assert_eq!(found, array![[0.75, 0.25], [0.375, 0.625]]);
    assert_eq!(forest.predict(&array![[2.0_f32], [2.5]]), array![0, 1]);
}

#[test]
fn what_cannot_be_learned_from_says_why() {
    let refused = |records: Array2<f32>, labels: Vec<usize>| {
        let params = params().check().unwrap();
        let labels = Array1::from(labels);
        let result = params.fit_with(records.view(), labels.view(), &|_| ControlFlow::Continue(()));
        result.unwrap_err().to_string()
    };
    assert_eq!(
        refused(Array2::zeros((0, 3)), vec![]),
        "the table has 0 rows and 3 features, expected at least one of each"
    );
    assert_eq!(refused(Array2::zeros((2, 1)), vec![0]), "there are 1 labels for 2 rows");
    assert_eq!(
        refused(array![[1.0, 2.0], [3.0, f32::NAN]], vec![0, 1]),
        "feature 1 of row 1 is NaN, expected a finite number"
    );
    assert_eq!(
        refused(Array2::zeros((2, 1)), vec![0, 70_000]),
        "row 1 has label 70000, expected less than 65536"
    );
    let table = DatasetBase::new(Array2::<f32>::zeros((1, 1)), array![0_usize])
        .with_weights(array![1.0_f32]);
    let error = params().fit(&table).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weights per row are not supported, expected class_weight instead"
    );
    assert!(matches!(params().n_estimators(0).fit(&table), Err(FitError::Params(_))));
}

#[test]
fn a_break_stops_the_work() {
    let table = table(200, 7);
    let stop = |done| if done < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    let params = params().n_estimators(100_000).check().unwrap();
    let error = params.fit_with(table.records().view(), table.targets().view(), &stop).unwrap_err();
    let FitError::Stopped { done, all } = error else { panic!("{error}") };
    assert!((5..50_000).contains(&done), "{done}");
    assert_eq!(all, 100_000);
}

#[test]
fn trees_that_lead_astray_are_refused() {
    let refused = |nodes: Vec<Node>, shares: Vec<f32>| {
        RandomForest::from_trees(vec![Tree { nodes, shares }], vec![1, 1], 2)
            .unwrap_err()
            .to_string()
    };
    let split = |feature, threshold, next| Node { feature, threshold, next };
    let leaves = [Node::leaf(0), Node::leaf(0)];
    let with = |node| [&[node], &leaves[..]].concat();
    let fair = vec![0.5, 0.5];
    assert_eq!(refused(vec![], fair.clone()), "tree 0 cannot be used: it has no nodes");
    assert_eq!(
        refused(vec![Node::leaf(1)], fair.clone()),
        "tree 0 cannot be used: a leaf has no class shares"
    );
    assert_eq!(
        refused(with(split(2, 0.0, 1)), fair.clone()),
        "tree 0 cannot be used: a split looks at a feature that does not exist"
    );
    for next in [0, 2, u32::MAX] {
        assert_eq!(
            refused(with(split(0, 0.0, next)), fair.clone()),
            "tree 0 cannot be used: a split's children are not behind it"
        );
    }
    assert_eq!(
        refused(with(split(0, f32::NAN, 1)), fair.clone()),
        "tree 0 cannot be used: a threshold is not a number"
    );
    assert_eq!(
        refused(vec![Node::leaf(0)], vec![0.5]),
        "tree 0 cannot be used: its sizes do not agree"
    );
    for shares in [vec![0.5, 0.4], vec![2.0, -1.0], vec![f32::NAN, 1.0]] {
        assert_eq!(
            refused(vec![Node::leaf(0)], shares),
            "tree 0 cannot be used: a leaf's class shares do not add up to 1"
        );
    }
    let sound = vec![Tree { nodes: vec![Node::leaf(0)], shares: fair }];
    let refused = |trees, gains, classes| {
        RandomForest::from_trees(trees, gains, classes).unwrap_err().to_string()
    };
    let empty = "expected at least 1, 1 and 2";
    assert!(refused(vec![], vec![1], 2).ends_with(empty));
    assert!(refused(sound.clone(), vec![], 2).ends_with(empty));
    assert!(refused(sound.clone(), vec![1], 1).ends_with(empty));
    assert_eq!(
        refused(sound, vec![1 << 43, u64::MAX], 2),
        "the features' gains add up to more than 1 trees can have"
    );
}

#[test]
fn rows_of_another_width_are_an_error() {
    let forest = params().fit(&table(50, 8)).unwrap();
    let error = forest.predict_proba(Array2::zeros((3, 5)).view()).unwrap_err();
    assert_eq!(error.to_string(), "rows have 5 features, expected 6");
}

/// How deep a tree is, and how many of `rows` end in each leaf.
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
    fn limits_hold_whatever_the_table(
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
            .min_samples_leaf(leaf)
            .class_weight(ClassWeight::Balanced)
            .random_state(seed)
            .fit(&table)
            .unwrap();
        for tree in forest.trees() {
            let (deepest, leaves) = walk(tree, &records);
            prop_assert!(deepest <= depth);
            // Rows of the bootstrap are rows of the table.
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
