//! The metrics of a binary classifier.

use crate::measure::Measure;

/// The confusion matrix. Class 1, the positive class, is a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// Rows of class 0 that were predicted as class 0.
    pub true_negatives: u64,
    /// Rows of class 0 that were predicted as class 1.
    pub false_positives: u64,
    /// Rows of class 1 that were predicted as class 0.
    pub false_negatives: u64,
    /// Rows of class 1 that were predicted as class 1.
    pub true_positives: u64,
}

/// The metrics of a set of predictions. An undefined metric is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// The confusion matrix.
    pub confusion: ConfusionMatrix,
    /// Name and value of each metric, in the order of the report.
    metrics: [(&'static str, f64); 10],
    /// The ROC curve: false and true positive rates, from (0, 0) to (1, 1). Empty if there is only
    /// one class.
    pub roc_curve: Vec<(f64, f64)>,
    /// The precision-recall curve: precision and recall, from the highest threshold to the lowest.
    /// Empty if no row is a failure.
    pub precision_recall_curve: Vec<(f64, f64)>,
}

/// The maximum number of points of a curve in the report. More cannot be seen in a plot, and the
/// report stays small for any number of rows.
const MAX_CURVE_POINTS: usize = 200;
/// The log loss clips probabilities to this distance from 0 and 1, where it would be infinite. As
/// in scikit-learn, it is the machine epsilon of f64.
const LOG_LOSS_CLIP: f64 = f64::EPSILON;

impl Scores {
    /// Computes the metrics from the class of each row and its predicted probability of class 1. A
    /// row is predicted as class 1 if its probability is greater than 0.5.
    pub fn of(labels: &[usize], probabilities: &[f64]) -> Self {
        let mut confusion = ConfusionMatrix::default();
        let (mut log_loss, mut brier) = (0.0, 0.0);
        for (&label, &probability) in labels.iter().zip(probabilities) {
            let count = match (label, probability > 0.5) {
                (0, false) => &mut confusion.true_negatives,
                (0, true) => &mut confusion.false_positives,
                (_, false) => &mut confusion.false_negatives,
                (_, true) => &mut confusion.true_positives,
            };
            *count += 1;
            let probability_of_label = if label == 0 { 1.0 - probability } else { probability };
            log_loss -= libm::log(probability_of_label.clamp(LOG_LOSS_CLIP, 1.0 - LOG_LOSS_CLIP));
            brier += (1.0 - probability_of_label).powi(2);
        }
        let ConfusionMatrix {
            true_negatives: tn,
            false_positives: fp,
            false_negatives: fn_,
            true_positives: tp,
        } = confusion;
        let (positives, negatives) = (tp + fn_, tn + fp);
        let rows = positives + negatives;
        let curves = Curves::of(labels, probabilities, positives, negatives);
        let metrics = [
            ("accuracy", ratio(tp + tn, rows)),
            ("precision", ratio(tp, tp + fp)),
            ("recall", ratio(tp, positives)),
            ("f1_score", ratio(2 * tp, 2 * tp + fp + fn_)),
            ("roc_auc", curves.roc_auc),
            ("pr_auc", curves.average_precision),
            ("specificity", ratio(tn, negatives)),
            ("npv", ratio(tn, tn + fn_)),
            ("log_loss", log_loss / rows as f64),
            ("brier_score", brier / rows as f64),
        ];
        Self {
            confusion,
            metrics,
            roc_curve: downsample(curves.roc),
            precision_recall_curve: downsample(curves.precision_recall),
        }
    }

    /// Returns the name and value of every metric.
    pub fn metrics(&self) -> impl Iterator<Item = (&'static str, Measure)> {
        self.metrics.into_iter().map(|(name, value)| (name, Measure(value)))
    }

    /// Returns the value of the metric of that name, if there is one.
    pub fn metric(&self, name: &str) -> Option<Measure> {
        self.metrics().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Returns the F-beta score, which weighs recall `beta` times as much as precision.
    pub(crate) fn f_score(&self, beta: f64) -> f64 {
        let ConfusionMatrix { true_positives, false_positives, false_negatives, .. } =
            self.confusion;
        let square = beta * beta;
        let hits = (1.0 + square) * true_positives as f64;
        let misses = square * false_negatives as f64 + false_positives as f64;
        hits / (hits + misses)
    }

    /// Returns the names of the undefined metrics, each with the reason.
    pub fn explanations(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let undefined = self.metrics.into_iter().filter(|(_, value)| !value.is_finite());
        undefined.map(|(name, _)| {
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

fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

struct Curves {
    roc: Vec<(f64, f64)>,
    roc_auc: f64,
    precision_recall: Vec<(f64, f64)>,
    average_precision: f64,
}

impl Curves {
    /// Computes the curves by lowering the threshold from the highest probability to the lowest.
    /// Rows of equal probability are counted together, because no threshold separates them.
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
        // Twice the area under the ROC curve, in units of one positive by one negative row. These
        // are integers, so there is no rounding.
        let mut area = 0_u128;
        for tied in order.chunk_by(|a, b| a.0 == b.0) {
            let hits = tied.iter().filter(|(_, failed)| *failed).count() as u64;
            let misses = tied.len() as u64 - hits;
            area += u128::from(misses) * u128::from(2 * tp + hits);
            tp += hits;
            fp += misses;
            let precision = ratio(tp, tp + fp);
            curves.average_precision += ratio(hits, positives) * precision;
            curves.roc.push((ratio(fp, negatives), ratio(tp, positives)));
            curves.precision_recall.push((precision, ratio(tp, positives)));
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

/// Reduces a curve to at most [`MAX_CURVE_POINTS`] evenly spaced points, including the first and
/// the last.
fn downsample(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= MAX_CURVE_POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..MAX_CURVE_POINTS).map(|step| points[step * last / (MAX_CURVE_POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(scores: &Scores, name: &str) -> f64 {
        scores.metric(name).unwrap().0
    }

    #[test]
    fn metrics_match_values_computed_by_hand() {
        // Class 1 at 0.9, 0.6 and 0.2; class 0 at 0.6, 0.3, 0.1 and 0.5, which is not above 0.5.
        let labels = [1, 1, 1, 0, 0, 0, 0];
        let scores = Scores::of(&labels, &[0.9, 0.6, 0.2, 0.6, 0.3, 0.1, 0.5]);
        let expected = ConfusionMatrix {
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
            // Of 12 pairs, 0.9 wins 4; 0.6 wins 3 and ties 1; 0.2 wins 1: 8.5.
            ("roc_auc", 8.5 / 12.0),
            // Precision 1 at 0.9, 2/3 at 0.6, 3/6 at 0.2; each adds a third of recall.
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
    fn undefined_metrics_of_a_single_class_have_reasons() {
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
        // A wrong prediction with probability 0 still has a finite loss.
        assert!(value(&Scores::of(&[1], &[0.0]), "log_loss").is_finite());
    }

    #[test]
    fn curves_are_downsampled_with_their_ends() {
        let labels: Vec<usize> = (0..5_000).map(|row| usize::from(row % 3 == 0)).collect();
        let probabilities: Vec<f64> = (0..5_000).map(|row| f64::from(row) / 5_000.0).collect();
        let scores = Scores::of(&labels, &probabilities);
        assert_eq!(scores.roc_curve.len(), MAX_CURVE_POINTS);
        assert_eq!(scores.roc_curve[MAX_CURVE_POINTS - 1], (1.0, 1.0));
        assert_eq!(scores.precision_recall_curve[MAX_CURVE_POINTS - 1].1, 1.0);
    }
}
