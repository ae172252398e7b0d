//! Proposes quality gates from a forest's out-of-bag scores on a sample of the rows.

use forest::{RandomForest, TrainingSet};
use linfa::ParamGuard;
use ndarray::{Array1, Array2};
use serde::Serialize;

use crate::features::Encoded;

/// The number of rows that the forest learns from, and more if fewer than [`LEAST_FAILURES`] of them
/// are of the rarer class.
pub(crate) const ROWS: usize = 5_000;
/// See [`ROWS`].
pub(crate) const LEAST_FAILURES: usize = 50;
/// The number of trees.
const TREES: usize = 100;
/// The share of the rows that a run tests on.
const TEST_SHARE: f64 = 0.2;
/// The number of standard errors that a gate is below the out-of-bag score.
const STANDARD_ERRORS: f64 = 2.5;
/// Gates are multiples of this.
const STEPS: f64 = 20.0;
/// The share of the rarer class below which accuracy says little.
const UNEVEN: f64 = 0.2;

/// The proposed gates, and the scores that they are from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Gates {
    /// The name of each metric, the proposed minimum and the out-of-bag score.
    pub gates: Vec<Gate>,
    /// The rows that the forest learned from, and how many are failures.
    pub rows: usize,
    /// The failures among them.
    pub failures: usize,
    /// The area under the ROC curve of the out-of-bag scores.
    pub roc_auc: f64,
    /// Whether the forest is no better than chance.
    pub is_chance: bool,
}

/// A proposed gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// The metric.
    pub metric: &'static str,
    /// The minimum.
    pub minimum: f64,
    /// The out-of-bag score.
    pub out_of_bag: f64,
}

/// Proposes gates for a table with `rows` rows that have a label. `sample` are the columns, and
/// `places` the rows of the sample that the forest learns from, with their classes.
pub(crate) fn propose(
    columns: &[Encoded],
    places: &[usize],
    classes: &[u8],
    rows: u64,
) -> Option<Gates> {
    let columns: Vec<Vec<f32>> = columns.iter().flat_map(|column| column.columns(places)).collect();
    let mut records = Array2::zeros((places.len(), columns.len()));
    for (index, column) in columns.iter().enumerate() {
        for (row, &number) in column.iter().enumerate() {
            records[[row, index]] = number;
        }
    }
    let labels: Array1<usize> = classes.iter().map(|&class| usize::from(class)).collect();
    let params = RandomForest::params()
        .n_estimators(TREES)
        .max_depth(Some(10))
        .max_bins(Some(64))
        .oob_score(true)
        .random_state(42)
        .check()
        .ok()?;
    // The weights are those of the rows and not of their classes, because balanced classes leave
    // hardly any failure out of the bag: each is drawn several times for each tree.
    let weights = balanced(classes);
    let set = TrainingSet {
        records: records.view(),
        labels: labels.view(),
        weights: Some(weights.view()),
    };
    let shares = params.fit_with(&set, &()).ok()?.oob_decision_function?;
    let scored = shares.rows().into_iter().zip(classes);
    let scored = scored.map(|(shares, &class)| (shares.get(1).copied().unwrap_or(f64::NAN), class));
    let scored: Vec<(f64, u8)> = scored.filter(|(share, _)| !share.is_nan()).collect();
    Some(from_scores(scored, rows))
}

/// Returns the weight of each row with which both classes have the same total weight.
fn balanced(classes: &[u8]) -> Array1<f32> {
    let failures = classes.iter().filter(|&&class| class == 1).count();
    let weight = |&class: &u8| {
        let of_class = if class == 1 { failures } else { classes.len() - failures };
        (classes.len() as f64 / (2.0 * of_class as f64)) as f32
    };
    classes.iter().map(weight).collect()
}

/// Computes scores and gates from the out-of-bag share of each row and its class.
fn from_scores(mut scored: Vec<(f64, u8)>, rows: u64) -> Gates {
    let count = |class: u8, above: bool| {
        scored.iter().filter(|(share, c)| *c == class && (*share > 0.5) == above).count() as f64
    };
    let (hits, misses, alarms, quiet) =
        (count(1, true), count(1, false), count(0, true), count(0, false));
    let (positives, negatives) = (hits + misses, alarms + quiet);
    let all = positives + negatives;
    let share = positives / all.max(1.0);
    let roc_auc = area(&mut scored, positives, negatives);
    let test = rows as f64 * TEST_SHARE;
    let (test_positives, test_negatives) = (test * share, test * (1.0 - share));
    let gate = |metric, score: f64, tested: f64, scored: f64| {
        let score = if score.is_finite() { score } else { 0.0 };
        // Two rows of each outcome are added, as to the interval of Agresti and Coull: a share of 1
        // is not certain either.
        let likely = (score * scored + 2.0) / (scored + 4.0);
        let variance = likely * (1.0 - likely) * (1.0 / tested.max(1.0) + 1.0 / scored.max(1.0));
        let low = score.min(likely) - STANDARD_ERRORS * variance.sqrt();
        let minimum = ((low * STEPS).floor() / STEPS).clamp(0.0, 0.95);
        Gate { metric, minimum, out_of_bag: score }
    };
    let f1_score = 2.0 * hits / (2.0 * hits + misses + alarms);
    let rarer_scored = positives.min(negatives);
    // The standard error of the area if the scores say nothing.
    let chance = area_variance(0.5, positives, negatives).sqrt();
    let is_chance = roc_auc.is_nan() || roc_auc <= 0.5 + 2.0 * chance;
    let first = if share.min(1.0 - share) < UNEVEN {
        let likely = (roc_auc * rarer_scored + 2.0) / (rarer_scored + 4.0);
        let variance = area_variance(likely, test_positives, test_negatives)
            + area_variance(likely, positives, negatives);
        area_gate(roc_auc, roc_auc.min(likely) - STANDARD_ERRORS * variance.sqrt(), is_chance)
    } else {
        gate("accuracy", (hits + quiet) / all, test, all)
    };
    let gates = vec![
        first,
        gate("f1_score", f1_score, test_positives, positives),
        gate("recall", hits / positives, test_positives, positives),
    ];
    Gates { gates, rows: all as usize, failures: positives as usize, roc_auc, is_chance }
}

/// Returns the gate of the area under the ROC curve. One below a half says nothing, so it is a half
/// for a forest that is better than chance.
fn area_gate(roc_auc: f64, low: f64, is_chance: bool) -> Gate {
    let least = if is_chance { 0.0 } else { 0.5 };
    let minimum = ((low * STEPS).floor() / STEPS).clamp(least, 0.95);
    let out_of_bag = if roc_auc.is_finite() { roc_auc } else { 0.0 };
    Gate { metric: "roc_auc", minimum, out_of_bag }
}

/// Returns the variance of an area under the ROC curve that is measured on so many rows (Hanley and
/// McNeil 1982).
fn area_variance(area: f64, positives: f64, negatives: f64) -> f64 {
    let (positives, negatives) = (positives.max(1.0), negatives.max(1.0));
    let square = area * area;
    let two_positives = area / (2.0 - area) - square;
    let two_negatives = 2.0 * square / (1.0 + area) - square;
    let pairs = positives * negatives;
    (area * (1.0 - area) + (positives - 1.0) * two_positives + (negatives - 1.0) * two_negatives)
        / pairs
}

/// Returns the area under the ROC curve: the share of pairs of a failure and another row in which
/// the failure has the greater score; equal ones count half.
fn area(scored: &mut [(f64, u8)], positives: f64, negatives: f64) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut pairs) = (0.0, 0.0);
    for group in scored.chunk_by(|a, b| a.0 == b.0) {
        let here = group.iter().filter(|(_, class)| *class == 0).count() as f64;
        let failures = group.len() as f64 - here;
        pairs += failures * (below + here / 2.0);
        below += here;
    }
    pairs / (positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_below_the_scores_by_what_a_small_test_set_may_differ() {
        // 400 rows, half of them failures; 180 failures and 190 others are told.
        let mut scored = vec![(0.9, 1); 180];
        scored.extend(vec![(0.1, 1); 20]);
        scored.extend(vec![(0.1, 0); 190]);
        scored.extend(vec![(0.9, 0); 10]);
        let gates = from_scores(scored.clone(), 100_000);
        let text = |gates: &Gates| {
            let gate =
                |gate: &Gate| format!("{} {:.3} {}", gate.metric, gate.out_of_bag, gate.minimum);
            gates.gates.iter().map(gate).collect::<Vec<_>>()
        };
        // Accuracy is 370 / 400, recall 180 / 200, F1 360 / (360 + 20 + 10). Of accuracy the
        // standard error of 400 rows is sqrt(0.92 * 0.08 / 400) = 0.013, and 0.925 - 2.5 * 0.013
        // is 0.89; of F1 and recall that of 200 rows is 0.019 and 0.021.
        assert_eq!(
            text(&gates),
            ["accuracy 0.925 0.85", "f1_score 0.923 0.85", "recall 0.900 0.8"]
        );
        assert!(!gates.is_chance);
        // Four test rows say next to nothing.
        let small = from_scores(scored, 20);
        assert!(small.gates.iter().all(|gate| gate.minimum <= 0.6), "{:?}", text(&small));
    }

    #[test]
    fn the_area_counts_pairs_and_shows_chance() {
        let mut scored = vec![(0.1, 0), (0.4, 1), (0.4, 0), (0.8, 1)];
        // Of four pairs, three are in order and one is equal.
        assert_eq!(area(&mut scored, 2.0, 2.0), 3.5 / 4.0);
        let chance: Vec<(f64, u8)> =
            (0..200).map(|row| (f64::from(row / 2), (row % 2) as u8)).collect();
        assert!(from_scores(chance, 200).is_chance);
    }

    #[test]
    fn a_rare_failure_is_judged_by_the_area_under_the_curve() {
        let mut scored = vec![(0.9, 1); 30];
        scored.extend(vec![(0.1, 0); 970]);
        let gates = from_scores(scored, 10_000);
        assert_eq!(gates.gates[0].metric, "roc_auc");
        assert_eq!(gates.roc_auc, 1.0);
    }

    #[test]
    fn a_forest_on_the_sample_tells_what_a_run_will_reach() {
        let numbers: Vec<f64> = (0..300).map(|row| f64::from(row * 37 % 100)).collect();
        let classes: Vec<u8> = numbers.iter().map(|number| u8::from(*number > 60.0)).collect();
        let places: Vec<usize> = (0..300).collect();
        let columns = [Encoded::Numbers(numbers)];
        let gates = propose(&columns, &places, &classes, 300).unwrap();
        assert!(gates.gates[0].out_of_bag > 0.98, "{gates:?}");
        assert_eq!((gates.rows, gates.is_chance), (300, false));
    }

    #[test]
    fn rare_failures_are_out_of_the_bag_of_some_trees() {
        let numbers: Vec<f64> = (0..1000).map(|row| f64::from(row * 37 % 100)).collect();
        let classes: Vec<u8> = numbers.iter().map(|number| u8::from(*number > 96.0)).collect();
        let places: Vec<usize> = (0..1000).collect();
        let gates = propose(&[Encoded::Numbers(numbers)], &places, &classes, 1000).unwrap();
        assert_eq!((gates.rows, gates.failures), (1000, 30));
        assert!(gates.roc_auc > 0.98, "{gates:?}");
    }
}
