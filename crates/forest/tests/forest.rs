//! The forest as its users see it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use forest::{
    ClassWeight, Criterion, FitError, MaxFeatures, Node, RandomForest, RandomForestParams, Samples,
    TrainingSet, Tree, Watch,
};
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

fn set(table: &Dataset<f32, usize, ndarray::Ix1>) -> TrainingSet<'_> {
    TrainingSet { records: table.records().view(), labels: table.targets().view(), weights: None }
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
    let set = set(&table);
    let share = |trees| params.fit_share(trees, &set, &()).map(|fitted| fitted.forest);
    let whole = params.fit_with(&set, &()).unwrap().forest;
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
        let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
        params.fit_with(&set, &()).unwrap_err().to_string()
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
    assert_eq!(
        refused(Array2::zeros((1, 65_536)), vec![0]),
        "the table has 65536 features, expected at most 65535"
    );
    let weighted = |weights: Array1<f32>| {
        let table = DatasetBase::new(Array2::<f32>::zeros((2, 1)), array![0_usize, 1]);
        params().fit(&table.with_weights(weights)).unwrap_err().to_string()
    };
    assert_eq!(weighted(array![1.0, -1.0]), "row 1 has weight -1, expected a finite number from 0");
    assert_eq!(weighted(array![0.0, 0.0]), "every row has weight 0, expected one above it");
    let table = table(20, 9);
    assert!(matches!(params().n_estimators(0).fit(&table), Err(FitError::Params(_))));
}

/// Stops when so many trees are done.
struct StopsAt(usize, AtomicUsize);

impl Watch for StopsAt {
    fn grown(&self, trees: usize) {
        self.1.fetch_max(trees, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn who_looks_on_can_stop_the_work() {
    let table = table(200, 7);
    let params = params().n_estimators(100_000).check().unwrap();
    let stop = StopsAt(5, AtomicUsize::new(0));
    let error = params.fit_with(&set(&table), &stop).unwrap_err();
    let FitError::Stopped { done, all } = error else { panic!("{error}") };
    assert!((5..50_000).contains(&done), "{done}");
    assert_eq!(all, 100_000);
}

/// Stops when it was asked so often.
struct StopsAfter(usize, AtomicUsize);

impl Watch for StopsAfter {
    fn stopped(&self) -> bool {
        self.1.fetch_add(1, Ordering::Relaxed) >= self.0
    }
}

#[test]
fn work_stops_before_a_tree_is_done() {
    let stopped = |params: RandomForestParams, rows, asked| {
        let (table, params) = (table(rows, 7), params.n_estimators(1).check().unwrap());
        let watch = StopsAfter(asked, AtomicUsize::new(0));
        params.fit_with(&set(&table), &watch).map_err(|error| error.to_string())
    };
    let error = Err("stopped after 0 of 1 trees".to_owned());
    // Asked before each feature is sorted, when the table is made, and before a tree.
    let asked = table(20, 7).records.ncols() + 2;
    for asked in 0..asked {
        assert_eq!(stopped(RandomForest::params(), 20, asked), error);
    }
    assert!(stopped(RandomForest::params(), 20, asked).is_ok());
    // Some dozen million rows are moved for the one tree.
    assert_eq!(stopped(RandomForest::params(), 300_000, asked), error);
    // And while features are shuffled.
    assert_eq!(stopped(RandomForest::params().permutation_importances(true), 20, asked), error);
}

#[test]
fn a_node_may_have_several_parents() {
    let split = |next| Node { feature: 0, threshold: 0.0, next };
    let leaf = Node::leaf;
    // The last two nodes are four steps down by 1, 3, 5, and three by 2, 7.
    let nodes = [
        split(1),
        split(3),
        split(7),
        split(5),
        leaf(0),
        split(9),
        leaf(0),
        split(9),
        leaf(0),
        leaf(1),
        leaf(0),
    ];
    let tree = Tree { nodes: nodes.to_vec(), shares: vec![1.0, 0.0, 0.0, 1.0] };
    let forest = RandomForest::from_trees(vec![tree], vec![1], 2).unwrap();
    for rows in [1, 20] {
        let records = Array2::from_elem((rows, 1), -1.0);
        assert_eq!(forest.predict_proba(records.view()).unwrap()[[rows - 1, 1]], 1.0);
    }
}

#[test]
fn classes_of_very_different_weights_are_still_parted() {
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
    let empty = "expected at least 1, 1 (and at most 65536) and 2";
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
            .min_samples_leaf(Samples::Count(leaf))
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

/// A table whose classes are told apart by nothing simpler than a forest: 3 features in few values,
/// 3 in many.
fn mixed(rows: usize, classes: usize) -> Dataset<f32, usize, ndarray::Ix1> {
    let table = table(rows, 11);
    let mut records = table.records().clone();
    for mut column in records.columns_mut().into_iter().step_by(2) {
        column.mapv_inplace(|value| (value * 7.0).floor());
    }
    let label = |row: ndarray::ArrayView1<'_, f32>| {
        (row[0] + 3.0 * row[1] + row[3] * row[3] * 5.0) as usize % classes
    };
    let labels = records.rows().into_iter().map(label).collect();
    Dataset::new(records, labels)
}

#[test]
fn two_classes_counted_are_two_classes_of_many() {
    // Weights of 1 take the way of weighted rows and many classes, which must come to the same trees.
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
    ] {
        assert_eq!(params.fit(&table).unwrap(), params.fit(&weighted).unwrap(), "{params:?}");
    }
    let balanced = params().class_weight(ClassWeight::Balanced);
    let [one, other] =
        [&table, &weighted].map(|table| accuracy(&balanced.fit(table).unwrap(), table));
    // Sums of other weights round otherwise, and what gains about the same may go either way.
    assert!((one - other).abs() < 0.02, "{one} {other}");
}

#[test]
fn a_wide_table_is_a_narrow_one_with_features_that_say_nothing() {
    // 70 features do not fit in a record; the constant ones are drawn and passed over.
    let narrow = mixed(400, 2);
    let wide = |features| {
        let mut records = Array2::ones((400, features));
        records.slice_mut(ndarray::s![.., ..6]).assign(narrow.records());
        Dataset::new(records, narrow.targets().clone())
    };
    for bins in [16, 65_536] {
        let params = params().max_features(MaxFeatures::All).max_bins(Some(bins));
        // All features are looked at, but in an order that hangs on their number: what gains the
        // same may go either way.
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
fn a_row_of_weight_two_is_two_rows() {
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
    // Without a bootstrap, which would draw from more rows.
    let params = params().bootstrap(false).max_features(MaxFeatures::Count(2));
    let one = params.fit(&table.clone().with_weights(weights)).unwrap();
    assert_eq!(one, params.fit(&twice).unwrap());
}

#[test]
fn a_row_of_weight_zero_is_no_row() {
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
    // The values of the rows that do not count still lie between those that do.
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
fn a_feature_times_a_power_of_two_is_the_same_feature() {
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
fn tables_of_one_kind_of_row() {
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
    // More values than codes: 65,537 of them, each in a row of its own.
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
fn rows_out_of_the_bag_foretell_the_accuracy() {
    let learned = table(3_000, 14);
    let params = params().oob_score(true).permutation_importances(true);
    let params = params.check().unwrap();
    let fitted = params.fit_with(&set(&learned), &()).unwrap();
    let (found, expected) =
        (fitted.oob_score.unwrap(), accuracy(&fitted.forest, &table(3_000, 15)));
    // Each is a share of 3,000 rows: a standard deviation of 0.005.
    assert!((found - expected).abs() < 0.03, "{found} {expected}");
    let lost = fitted.permutation_importances.unwrap();
    for noise in [0, 2, 3, 5] {
        assert!(lost[noise].abs() < 0.02 && lost[1].min(lost[4]) > 0.1, "{lost:?}");
    }
    let plain = self::params().check().unwrap().fit_with(&set(&learned), &()).unwrap();
    assert_eq!(plain.forest, fitted.forest);
    assert_eq!((plain.oob_score, plain.permutation_importances), (None, None));
}

#[test]
fn entropy_and_weights_of_classes() {
    let table = table(2_000, 16);
    let fit = |params: RandomForestParams| params.fit(&table).unwrap();
    let entropy = fit(params().criterion(Criterion::Entropy));
    assert_ne!(entropy, fit(params()));
    assert!(accuracy(&entropy, &self::table(2_000, 17)) > 0.92);
    let each = |weights: [f64; 2]| fit(params().class_weight(ClassWeight::Each(weights.to_vec())));
    assert_eq!(each([1.0, 1.0]), fit(params()));
    // A class that weighs more is found more often.
    let found = |forest: RandomForest| forest.predict(table.records()).sum();
    assert!(found(each([1.0, 9.0])) > found(each([9.0, 1.0])));
}

#[test]
fn one_row_and_many_are_scored_alike() {
    let table = mixed(1_200, 3);
    // Trees of more than 65,536 nodes are walked with larger numbers.
    let mut random = Xoshiro256PlusPlus::seed_from_u64(18);
    let large = Dataset::new(
        Array2::from_shape_fn((100_000, 1), |(row, _)| row as f32),
        Array1::from_shape_simple_fn(100_000, || (random.next_u32() & 1) as usize),
    );
    let large_params = RandomForest::params().bootstrap(false).max_bins(Some(65_536));
    for (table, params) in [
        (&table, params().n_estimators(29).max_depth(None)),
        (&large, large_params.n_estimators(9)),
    ] {
        let forest = params.fit(table).unwrap();
        let rows = table.records().slice(ndarray::s![..1_111, ..]);
        let all = forest.predict_proba(rows).unwrap();
        for (row, expected) in rows.axis_chunks_iter(Axis(0), 1).zip(all.rows()) {
            assert_eq!(forest.predict_proba(row).unwrap().row(0), expected);
        }
        // As the trees say, one by one; what is no number goes right.
        let mut odd = rows.row(7).to_owned();
        odd[0] = f32::NAN;
        for row in [rows.row(5).to_owned(), odd, Array1::from_elem(rows.ncols(), f32::INFINITY)] {
            let mut sums = Array1::<f64>::zeros(forest.classes());
            for tree in forest.trees() {
                let mut node = tree.nodes[0];
                while !node.is_leaf() {
                    let left = row[node.feature as usize] <= node.threshold;
                    node = tree.nodes[node.next as usize + usize::from(!left)];
                }
                let shares = &tree.shares[node.next as usize * forest.classes()..];
                for (sum, &share) in sums.iter_mut().zip(shares) {
                    *sum += f64::from(share);
                }
            }
            let found = forest.predict_proba(row.insert_axis(Axis(0)).view()).unwrap();
            assert_eq!(found.row(0), sums / forest.trees().len() as f64);
        }
    }
}
