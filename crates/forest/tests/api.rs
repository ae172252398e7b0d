//! What the public interface promises: reproducible models, merged parts, scores, errors and stops.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{accuracy, mixed, params, table};
use forest::{FitError, Node, RandomForest, RandomForestParams, TrainingSet, Tree, Watch};
use linfa::prelude::{Fit, ParamGuard, Predict};
use linfa::{Dataset, DatasetBase};
use ndarray::{Array1, Array2, Axis, array};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

fn set(table: &Dataset<f32, usize, ndarray::Ix1>) -> TrainingSet<'_> {
    TrainingSet { records: table.records().view(), labels: table.targets().view(), weights: None }
}

#[test]
fn it_approaches_the_best_possible_accuracy() {
    let forest = params().fit(&table(3_000, 1)).unwrap();
    // 0.95 is the best possible accuracy: one label in twenty is wrong.
    let found = accuracy(&forest, &table(3_000, 2));
    assert!(found > 0.92, "{found}");
}

#[test]
fn importances_single_out_the_informative_features() {
    let forest = params().fit(&table(2_000, 3)).unwrap();
    let found = forest.feature_importances();
    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let least = found[1].min(found[4]);
    for noise in [0, 2, 3, 5] {
        assert!(found[noise] < least / 3.0, "{found:?}");
    }
}

#[test]
fn the_model_does_not_depend_on_the_number_of_threads() {
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
fn merged_parts_equal_the_whole_forest() {
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
    assert_eq!(error, "trees 5..8 are not a part of a forest of 7 trees");
    assert!(share(3..3).is_err());
    let other = RandomForest::params().n_estimators(1);
    let other = other.fit(&Dataset::new(Array2::zeros((2, 1)), array![0_usize, 1])).unwrap();
    let error = RandomForest::merge([whole, other]).unwrap_err().to_string();
    assert_eq!(error, "part 1 has 1 features or classes, expected 6 as in the parts before");
    assert!(RandomForest::merge([]).is_err());
}

#[test]
fn the_memory_order_of_records_does_not_matter() {
    let table = table(200, 6);
    let columns = table.records().t().as_standard_layout().to_owned().reversed_axes();
    assert!(!columns.is_standard_layout());
    let other = Dataset::new(columns.clone(), table.targets().clone());
    let forest = params().fit(&table).unwrap();
    assert_eq!(forest, params().fit(&other).unwrap());
    assert_eq!(forest.predict(table.records()), forest.predict(&columns));
}

#[test]
fn probabilities_are_means_over_trees() {
    let leaf = |share: f32| Tree {
        nodes: vec![Node::leaf(0)],
        shares: vec![1.0 - share, share],
        ..Tree::default()
    };
    let split = Tree {
        nodes: vec![Node { feature: 0, threshold: 2.0, next: 1 }, Node::leaf(0), Node::leaf(1)],
        shares: vec![1.0, 0.0, 0.25, 0.75],
        ..Tree::default()
    };
    let forest = RandomForest::from_trees(vec![leaf(0.5), split], vec![1 << 43], 2).unwrap();
    // x <= 2 goes left: (0.5 + 0) / 2 and (0.5 + 0.75) / 2.
    let found = forest.predict_proba(array![[2.0_f32], [2.5]].view()).unwrap();
    assert_eq!(found, array![[0.75, 0.25], [0.375, 0.625]]);
    assert_eq!(forest.predict(&array![[2.0_f32], [2.5]]), array![0, 1]);
}

#[test]
fn invalid_training_sets_are_errors() {
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
    assert_eq!(
        weighted(array![0.0, 0.0]),
        "every row has weight 0, expected at least one row with a positive weight"
    );
    let table = table(20, 9);
    assert!(matches!(params().n_estimators(0).fit(&table), Err(FitError::Params(_))));
}

/// Stops the fit after a number of trees.
struct StopsAfterTrees(usize, AtomicUsize);

impl Watch for StopsAfterTrees {
    fn grown(&self, trees: usize) {
        self.1.fetch_max(trees, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn a_watch_can_stop_the_fit() {
    let table = table(200, 7);
    let params = params().n_estimators(100_000).check().unwrap();
    let stop = StopsAfterTrees(5, AtomicUsize::new(0));
    let error = params.fit_with(&set(&table), &stop).unwrap_err();
    let FitError::Stopped { done, all } = error else { panic!("{error}") };
    assert!((5..50_000).contains(&done), "{done}");
    assert_eq!(all, 100_000);
}

/// Stops the fit after a number of checks.
struct StopsAfterChecks(usize, AtomicUsize);

impl Watch for StopsAfterChecks {
    fn stopped(&self) -> bool {
        self.1.fetch_add(1, Ordering::Relaxed) >= self.0
    }
}

#[test]
fn a_fit_stops_before_a_tree_is_complete() {
    let stopped = |params: RandomForestParams, rows, asked| {
        let (table, params) = (table(rows, 7), params.n_estimators(1).check().unwrap());
        let watch = StopsAfterChecks(asked, AtomicUsize::new(0));
        params.fit_with(&set(&table), &watch).map_err(|error| error.to_string())
    };
    let error = Err("stopped after 0 of 1 trees".to_owned());
    // Checks take place before each feature is sorted, after that, and before a tree.
    let asked = table(20, 7).records.ncols() + 2;
    for asked in 0..asked {
        assert_eq!(stopped(RandomForest::params(), 20, asked), error);
    }
    assert!(stopped(RandomForest::params(), 20, asked).is_ok());
    // The tree moves some dozen million rows.
    assert_eq!(stopped(RandomForest::params(), 300_000, asked), error);
    // Checks take place between shuffled features, too.
    assert_eq!(stopped(RandomForest::params().permutation_importances(true), 20, asked), error);
}

#[test]
fn malformed_trees_are_errors() {
    let refused = |nodes: Vec<Node>, shares: Vec<f32>| {
        RandomForest::from_trees(vec![Tree { nodes, shares, ..Tree::default() }], vec![1, 1], 2)
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
    // Two parents for both children, for one of them, and a node and a pair without a parent.
    let pairs = |next: &[u32], count: usize| {
        let splits = next.iter().map(|&next| split(0, 0.0, next));
        let nodes = splits.chain(std::iter::repeat(Node::leaf(0)));
        nodes.take(count).collect::<Vec<Node>>()
    };
    for (next, count) in
        [(&[1, 3, 3][..], 5), (&[1, 3, 3], 7), (&[1, 2], 4), (&[1, 2, 4], 6), (&[2], 4), (&[1], 5)]
    {
        assert_eq!(
            refused(pairs(next, count), fair.clone()),
            "tree 0 cannot be used: a node has several parents, or none"
        );
    }
    for next in [&[1, 3][..], &[1, 5, 3], &[1, 3, 5]] {
        let nodes = pairs(next, 2 * next.len() + 1);
        let tree = Tree { nodes, shares: fair.clone(), ..Tree::default() };
        RandomForest::from_trees(vec![tree], vec![1], 2).unwrap();
    }
    assert_eq!(
        refused(with(split(0, f32::NAN, 1)), fair.clone()),
        "tree 0 cannot be used: a threshold is not a number"
    );
    assert_eq!(
        refused(vec![Node::leaf(0)], vec![0.5]),
        "tree 0 cannot be used: it has too many nodes, or an incomplete leaf"
    );
    for shares in [vec![0.5, 0.4], vec![2.0, -1.0], vec![f32::NAN, 1.0]] {
        assert_eq!(
            refused(vec![Node::leaf(0)], shares),
            "tree 0 cannot be used: a leaf's class shares do not add up to 1"
        );
    }
    let sound = vec![Tree { nodes: vec![Node::leaf(0)], shares: fair, ..Tree::default() }];
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

#[test]
fn one_row_and_many_rows_get_the_same_scores() {
    let table = mixed(1_200, 3);
    // Trees of more than 65,536 nodes need 32-bit indices.
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
        // The scores equal those of a plain traversal of each tree; NaN goes right.
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

#[test]
fn the_out_of_bag_score_estimates_the_accuracy() {
    let learned = table(3_000, 14);
    let params = params().oob_score(true).permutation_importances(true);
    let params = params.check().unwrap();
    let fitted = params.fit_with(&set(&learned), &()).unwrap();
    let (found, expected) =
        (fitted.oob_score.unwrap(), accuracy(&fitted.forest, &table(3_000, 15)));
    // Both are shares of 3,000 rows, with a standard deviation of 0.005.
    assert!((found - expected).abs() < 0.03, "{found} {expected}");
    // The score is that of the shares: of 30 trees, each row is out of the bag of about 11.
    let shares = fitted.oob_decision_function.unwrap();
    let right = shares.rows().into_iter().zip(learned.targets());
    let right = right.filter(|(shares, label)| (shares[1] > shares[0]) == (**label == 1)).count();
    assert_eq!((shares.dim(), right as f64 / 3_000.0), ((3_000, 2), found));
    assert!(shares.rows().into_iter().all(|shares| (shares.sum() - 1.0).abs() < 1e-12));
    let lost = fitted.permutation_importances.unwrap();
    for noise in [0, 2, 3, 5] {
        assert!(lost[noise].abs() < 0.02 && lost[1].min(lost[4]) > 0.1, "{lost:?}");
    }
    let plain = common::params().check().unwrap().fit_with(&set(&learned), &()).unwrap();
    assert_eq!(plain.forest, fitted.forest);
    assert_eq!((plain.oob_score, plain.permutation_importances), (None, None));
    assert_eq!(plain.oob_decision_function, None);
}
