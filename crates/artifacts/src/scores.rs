//! How good answers are: the metrics of a binary classifier.

use crate::measure::Measure;

/// The counts of answers, right and wrong. Class 1 is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Sound and called sound.
    pub true_negatives: u64,
    /// Sound and called a failure.
    pub false_positives: u64,
    /// A failure and called sound.
    pub false_negatives: u64,
    /// A failure and called so.
    pub true_positives: u64,
}

/// The metrics of a set of answers; NaN where one has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The answers counted.
    pub confusion: Confusion,
    /// Name and value of each metric, in the order of reports.
    metrics: [(&'static str, f64); 10],
    /// False and true positive rates, from 0, 0 to 1, 1; none where there is only one class.
    pub roc_curve: Vec<(f64, f64)>,
    /// Precision and recall, from the highest threshold to the lowest; none without a failure.
    pub precision_recall_curve: Vec<(f64, f64)>,
}

/// The most points of a curve in a report: more cannot be seen, and a report stays small however
/// many rows were scored.
const MOST_POINTS: usize = 200;
/// Where a probability is no nearer to 0 or 1 for the log loss, whose value would be infinite. As
/// in scikit-learn: the spacing of f64 at 1.
const NEAREST: f64 = f64::EPSILON;

impl Scores {
    /// Scores probabilities of class 1 against the classes. An answer is a failure where its
    /// probability is greater than one half.
    pub fn of(labels: &[usize], probabilities: &[f64]) -> Self {
        let mut confusion = Confusion::default();
        let (mut log_loss, mut brier) = (0.0, 0.0);
        for (&label, &probability) in labels.iter().zip(probabilities) {
            let count = match (label, probability > 0.5) {
                (0, false) => &mut confusion.true_negatives,
                (0, true) => &mut confusion.false_positives,
                (_, false) => &mut confusion.false_negatives,
                (_, true) => &mut confusion.true_positives,
            };
            *count += 1;
            let of_label = if label == 0 { 1.0 - probability } else { probability };
            log_loss -= libm::log(of_label.clamp(NEAREST, 1.0 - NEAREST));
            brier += (1.0 - of_label).powi(2);
        }
        let Confusion {
            true_negatives: tn,
            false_positives: fp,
            false_negatives: fn_,
            true_positives: tp,
        } = confusion;
        let (positives, negatives) = (tp + fn_, tn + fp);
        let rows = positives + negatives;
        let curves = Curves::of(labels, probabilities, positives, negatives);
        let metrics = [
            ("accuracy", share(tp + tn, rows)),
            ("precision", share(tp, tp + fp)),
            ("recall", share(tp, positives)),
            ("f1_score", share(2 * tp, 2 * tp + fp + fn_)),
            ("roc_auc", curves.roc_auc),
            ("pr_auc", curves.average_precision),
            ("specificity", share(tn, negatives)),
            ("npv", share(tn, tn + fn_)),
            ("log_loss", log_loss / rows as f64),
            ("brier_score", brier / rows as f64),
        ];
        Self {
            confusion,
            metrics,
            roc_curve: thin(curves.roc),
            precision_recall_curve: thin(curves.precision_recall),
        }
    }

    /// Every metric by its name.
    pub fn metrics(&self) -> impl Iterator<Item = (&'static str, Measure)> {
        self.metrics.into_iter().map(|(name, value)| (name, Measure(value)))
    }

    /// A metric by its name.
    pub fn metric(&self, name: &str) -> Option<Measure> {
        self.metrics().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The F score that weighs recall `beta` times as much as precision.
    pub(crate) fn f_score(&self, beta: f64) -> f64 {
        let Confusion { true_positives, false_positives, false_negatives, .. } = self.confusion;
        let square = beta * beta;
        let hits = (1.0 + square) * true_positives as f64;
        let misses = square * false_negatives as f64 + false_positives as f64;
        hits / (hits + misses)
    }

    /// Why metrics have no value, for those that have none.
    pub fn explanations(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let without = self.metrics.into_iter().filter(|(_, value)| !value.is_finite());
        without.map(|(name, _)| {
            let reason = match name {
                "precision" => "no row was predicted to be a failure",
                "npv" => "no row was predicted to be sound",
                "recall" | "pr_auc" => "no row is a failure",
                "specificity" => "no row is sound",
                "f1_score" => "no row is a failure or was predicted to be one",
                "roc_auc" => "all rows are of one class",
                _ => "there are no rows",
            };
            (name, reason)
        })
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

struct Curves {
    roc: Vec<(f64, f64)>,
    roc_auc: f64,
    precision_recall: Vec<(f64, f64)>,
    average_precision: f64,
}

impl Curves {
    /// Walks the rows from the surest failure down. Rows of one probability come in together: no
    /// threshold parts them.
    fn of(labels: &[usize], probabilities: &[f64], positives: u64, negatives: u64) -> Self {
        let mut order: Vec<(f64, bool)> =
            probabilities.iter().zip(labels).map(|(&p, &label)| (p, label != 0)).collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut curves = Self {
            roc: vec![(0.0, 0.0)],
            roc_auc: 0.0,
            precision_recall: Vec::new(),
            average_precision: 0.0,
        };
        let (mut tp, mut fp) = (0_u64, 0_u64);
        // Twice the area in units of one positive by one negative: whole numbers, so no rounding.
        let mut area = 0_u128;
        for tied in order.chunk_by(|a, b| a.0 == b.0) {
            let hits = tied.iter().filter(|(_, failed)| *failed).count() as u64;
            let misses = tied.len() as u64 - hits;
            area += u128::from(misses) * u128::from(2 * tp + hits);
            tp += hits;
            fp += misses;
            let precision = share(tp, tp + fp);
            curves.average_precision += share(hits, positives) * precision;
            curves.roc.push((share(fp, negatives), share(tp, positives)));
            curves.precision_recall.push((precision, share(tp, positives)));
        }
        if positives == 0 || negatives == 0 {
            curves.roc.clear();
            curves.roc_auc = f64::NAN;
        } else {
            curves.roc_auc = area as f64 / (2.0 * positives as f64 * negatives as f64);
        }
        if positives == 0 {
            curves.precision_recall.clear();
            curves.average_precision = f64::NAN;
        }
        curves
    }
}

/// At most [`MOST_POINTS`], evenly spread, the first and the last among them.
fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..MOST_POINTS).map(|step| points[step * last / (MOST_POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(scores: &Scores, name: &str) -> f64 {
        scores.metric(name).unwrap().0
    }

    #[test]
    fn by_hand() {
        // Failures at 0.9, 0.6 and 0.2; sound at 0.6, 0.3, 0.1 and 0.5, which is not more than half.
        let labels = [1, 1, 1, 0, 0, 0, 0];
        let scores = Scores::of(&labels, &[0.9, 0.6, 0.2, 0.6, 0.3, 0.1, 0.5]);
        let expected = Confusion {
            true_negatives: 3,
            false_positives: 1,
            false_negatives: 1,
            true_positives: 2,
        };
        assert_eq!(scores.confusion, expected);
        for (name, expected) in [
            ("accuracy", 5.0 / 7.0),
            ("precision", 2.0 / 3.0),
            ("recall", 2.0 / 3.0),
            ("f1_score", 4.0 / 6.0),
            ("specificity", 3.0 / 4.0),
            ("npv", 3.0 / 4.0),
            // Of 12 pairs: 0.9 beats 4; 0.6 beats 3 and ties with 1; 0.2 beats 1: 8.5.
            ("roc_auc", 8.5 / 12.0),
            // Steps: 0.9 with precision 1; 0.6 with 2/3; 0.2 with 3/6; a third of recall each.
            ("pr_auc", (1.0 + 2.0 / 3.0 + 0.5) / 3.0),
            // 0.01 + 0.16 + 0.64 + 0.36 + 0.09 + 0.01 + 0.25 = 1.52
            ("brier_score", 1.52 / 7.0),
            (
                "log_loss",
                -[0.9_f64, 0.6, 0.2, 0.4, 0.7, 0.9, 0.5].map(f64::ln).iter().sum::<f64>() / 7.0,
            ),
        ] {
            assert!((value(&scores, name) - expected).abs() < 1e-12, "{name}");
        }
        assert_eq!(scores.explanations().count(), 0);
        assert_eq!(scores.roc_curve.first(), Some(&(0.0, 0.0)));
        assert_eq!(scores.roc_curve.last(), Some(&(1.0, 1.0)));
        // F2 = 5 * 2 / (5 * 2 + 4 * 1 + 1)
        assert!((scores.f_score(2.0) - 10.0 / 15.0).abs() < 1e-12);
        assert_eq!(scores.f_score(1.0), value(&scores, "f1_score"));
    }

    #[test]
    fn one_class_has_reasons_and_no_crash() {
        let reasons = |labels: &[usize], probabilities: &[f64]| {
            let scores = Scores::of(labels, probabilities);
            scores.explanations().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(reasons(&[1, 1], &[0.9, 0.9]), ["roc_auc", "specificity", "npv"]);
        assert_eq!(
            reasons(&[0, 0], &[0.1, 0.1]),
            ["precision", "recall", "f1_score", "roc_auc", "pr_auc"]
        );
        assert_eq!(reasons(&[], &[]).len(), 10);
        // Certain and wrong: finite all the same.
        assert!(value(&Scores::of(&[1], &[0.0]), "log_loss").is_finite());
    }

    #[test]
    fn curves_stay_small() {
        let labels: Vec<usize> = (0..5_000).map(|row| usize::from(row % 3 == 0)).collect();
        let probabilities: Vec<f64> = (0..5_000).map(|row| f64::from(row) / 5_000.0).collect();
        let scores = Scores::of(&labels, &probabilities);
        assert_eq!(scores.roc_curve.len(), MOST_POINTS);
        assert_eq!(scores.roc_curve[MOST_POINTS - 1], (1.0, 1.0));
        assert_eq!(scores.precision_recall_curve[MOST_POINTS - 1].1, 1.0);
    }
}
