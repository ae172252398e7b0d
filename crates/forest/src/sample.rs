//! The bootstrap sample that a tree is grown from.

use crate::binned::BinnedTable;
use crate::params::RandomForestValidParams;
use crate::stream::RandomStream;

/// The maximum draw count of a row, which is what a record has room for. Further draws are discarded.
/// In a million draws from a million rows a count above it occurs once in 10^213 trees.
const MAX_DRAWS_PER_ROW: u8 = 127;

/// The number of rows that are drawn from at a time. Counters for more rows do not stay in the
/// cache, and a draw takes ten times as long.
const BLOCK_ROWS: usize = 1 << 18;

/// The maximum mean draw count of the rows of a class. Where a class weight asks for more, each draw
/// counts several times. A count above [`MAX_DRAWS_PER_ROW`] then occurs once in 10^12 rows.
const MAX_MEAN_DRAWS: f64 = 64.0;

/// The bootstrap sample of a tree: the draw count of each row.
///
/// Class weights determine how many of the draws are from each class, as in scikit-learn since
/// version 1.9. Its number of draws from a class varies from tree to tree; here it is the mean of
/// that number.
pub(crate) struct BootstrapSample {
    pub(crate) draw_counts: Vec<u8>,
    /// The weight of one draw of a row of each class. It is the class weight if each tree takes each
    /// row once.
    pub(crate) class_weights: Vec<f64>,
    /// The parts that are drawn from: the whole table, or each class if the weights of classes
    /// differ; empty if each tree takes each row once.
    strata: Vec<Stratum>,
    /// The draw counts in the order of the strata; unused if there are fewer than two.
    stratum_counts: Vec<u8>,
    /// The position of each row in `stratum_counts`.
    positions: Vec<u32>,
}

/// A number of draws from a number of rows.
struct Stratum {
    rows: usize,
    draws: usize,
    /// The number of draws from each block of rows.
    blocks: Vec<u32>,
}

impl BootstrapSample {
    pub(crate) fn new(table: &BinnedTable<'_>, params: &RandomForestValidParams) -> Self {
        let (labels, weights) = (&table.labels[..], &table.class_weights);
        let mut class_rows = vec![0; weights.len()];
        for &label in labels {
            class_rows[label as usize] += 1;
        }
        let mut sample = Self {
            draw_counts: vec![1; labels.len()],
            class_weights: weights.clone(),
            strata: Vec::new(),
            stratum_counts: Vec::new(),
            positions: Vec::new(),
        };
        let Some(draws) = params.draws(labels.len()) else { return sample };
        let occurring = || class_rows.iter().zip(weights).filter(|(rows, _)| **rows > 0);
        if occurring().all(|(_, weight)| occurring().next().is_some_and(|(_, w)| w == weight)) {
            sample.strata.push(Stratum::new(labels.len(), draws));
            return sample;
        }
        let mut next = vec![0; weights.len()];
        for class in 1..next.len() {
            next[class] = next[class - 1] + class_rows[class - 1] as u32;
        }
        sample.positions = labels
            .iter()
            .map(|&label| {
                next[label as usize] += 1;
                next[label as usize] - 1
            })
            .collect();
        let sum: f64 = occurring().map(|(&rows, weight)| rows as f64 * weight).sum();
        for (&rows, weight) in class_rows.iter().zip(&mut sample.class_weights) {
            let mean_draws = draws as f64 * *weight / sum;
            *weight = (mean_draws / MAX_MEAN_DRAWS).ceil().max(1.0);
            let draws = (mean_draws * rows as f64 / *weight).round() as usize;
            // Each class is drawn at least once, so that each tree knows it.
            sample.strata.push(Stratum::new(rows, draws.max(usize::from(rows > 0))));
        }
        sample.stratum_counts = vec![0; labels.len()];
        sample
    }

    /// Draws the rows of one tree with replacement.
    pub(crate) fn draw(&mut self, stream: &mut RandomStream) {
        match &mut self.strata[..] {
            [] => {}
            [whole] => whole.draw(&mut self.draw_counts, stream),
            strata => {
                let mut rest = &mut self.stratum_counts[..];
                for stratum in strata {
                    let (counts, others) = rest.split_at_mut(stratum.rows);
                    stratum.draw(counts, stream);
                    rest = others;
                }
                for (count, &position) in self.draw_counts.iter_mut().zip(&self.positions) {
                    *count = self.stratum_counts[position as usize];
                }
            }
        }
    }
}

impl Stratum {
    fn new(rows: usize, draws: usize) -> Self {
        Self { rows, draws, blocks: vec![0; rows.div_ceil(BLOCK_ROWS)] }
    }

    /// Sets `counts` to the draw count of each row.
    fn draw(&mut self, counts: &mut [u8], stream: &mut RandomStream) {
        // With several blocks, the block of each draw is chosen first, and the row within it
        // second.
        if let [only] = &mut self.blocks[..] {
            *only = self.draws as u32;
        } else if self.rows > 0 {
            self.blocks.fill(0);
            stream.for_each_below(self.rows as u32, self.draws, |row| {
                self.blocks[row as usize / BLOCK_ROWS] += 1;
            });
        }
        for (counts, &draws) in counts.chunks_mut(BLOCK_ROWS).zip(&self.blocks) {
            counts.fill(0);
            stream.for_each_below(counts.len() as u32, draws as usize, |row| {
                let count = &mut counts[row as usize];
                *count += u8::from(*count < MAX_DRAWS_PER_ROW);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::params::{ClassWeight, RandomForestParams, Samples};
    use crate::training_set::TrainingSet;

    /// Returns the draw counts of a table with so many rows of each class, and the weight of a draw
    /// of each class.
    fn sampled(params: RandomForestParams, class_rows: [usize; 2]) -> (Vec<u8>, Vec<f64>) {
        let rows = class_rows.iter().sum();
        let records = Array2::zeros((rows, 1));
        let labels: Array1<usize> =
            (0..rows).map(|row| usize::from(row >= class_rows[0])).collect();
        let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
        let params = params.check().unwrap();
        let table = BinnedTable::new(&set, &[], &params, &()).unwrap().unwrap();
        let mut sample = BootstrapSample::new(&table, &params);
        sample.draw(&mut RandomStream::new(1, 2));
        (sample.draw_counts, sample.class_weights)
    }

    fn drawn(params: RandomForestParams, rows: usize) -> Vec<u8> {
        sampled(params, [rows, 0]).0
    }

    #[test]
    fn a_bootstrap_draws_the_requested_number_of_rows() {
        let draws = |drawn: &[u8]| drawn.iter().map(|&drawn| usize::from(drawn)).sum::<usize>();
        let all = drawn(RandomForestParams::default(), 1000);
        assert_eq!(draws(&all), 1000);
        // (1 - 1/1000)^1000 = 0.3677 of the rows are never drawn, with standard deviation 0.0098.
        let never = all.iter().filter(|&&drawn| drawn == 0).count();
        assert!(never.abs_diff(368) < 50, "{never}");
        let third = RandomForestParams::default().max_samples(Some(Samples::Fraction(0.3)));
        assert_eq!(draws(&drawn(third, 1000)), 300);
        let seven = RandomForestParams::default().max_samples(Some(Samples::Count(7)));
        assert_eq!(draws(&drawn(seven, 1000)), 7);
        assert_eq!(drawn(RandomForestParams::default().bootstrap(false), 3), [1, 1, 1]);
        // Three blocks, the last one of a single row; every row is equally likely.
        let rows = 2 * BLOCK_ROWS + 1;
        let many = drawn(RandomForestParams::default(), rows);
        assert_eq!(draws(&many), rows);
        for block in many.chunks(BLOCK_ROWS).take(2) {
            // The standard deviation is sqrt(BLOCK_ROWS / 2) = 362.
            assert!(draws(block).abs_diff(BLOCK_ROWS) < 5 * 362, "{}", draws(block));
            // The standard deviation is sqrt(BLOCK_ROWS * 0.3679 * 0.6321) = 247.
            let never = block.iter().filter(|&&drawn| drawn == 0).count();
            assert!(never.abs_diff(BLOCK_ROWS * 3679 / 10_000) < 5 * 247, "{never}");
        }
    }

    #[test]
    fn class_weights_determine_how_many_draws_are_from_each_class() {
        let draws = |counts: &[u8]| counts.iter().map(|&count| usize::from(count)).sum::<usize>();
        let balanced = || RandomForestParams::default().class_weight(ClassWeight::Balanced);
        let (counts, weights) = sampled(balanced(), [900, 100]);
        assert_eq!((draws(&counts[..900]), draws(&counts[900..])), (500, 500));
        assert_eq!(weights, [1.0, 1.0]);
        // Of the rare rows, exp(-5) are never drawn; of the others exp(-5/9), that is 516.
        let never = counts[..900].iter().filter(|&&count| count == 0).count();
        assert!(never.abs_diff(516) < 60, "{never}");
        // 2 * 900 and 1 * 100 of the weight are 947.4 and 52.6 of 1000 draws.
        let each = RandomForestParams::default().class_weight(ClassWeight::Each(vec![2.0, 1.0]));
        let (counts, _) = sampled(each, [900, 100]);
        assert_eq!((draws(&counts[..900]), draws(&counts[900..])), (947, 53));
        // Equal weights weigh nothing: 52 more or less than 100 would be 5 standard deviations.
        let equal = RandomForestParams::default().class_weight(ClassWeight::Each(vec![3.0, 3.0]));
        let (counts, weights) = sampled(equal, [900, 100]);
        assert!(draws(&counts[900..]).abs_diff(100) < 52);
        assert_eq!((draws(&counts), weights), (1000, vec![3.0, 3.0]));
    }

    #[test]
    fn a_draw_of_a_very_rare_class_counts_several_times() {
        // Half of 100,000 draws from 10 rows are 5000 draws from each, 64 at most: each counts
        // ceil(5000 / 64) = 79 times, so that 50,000 / 79 = 633 are drawn.
        let balanced = RandomForestParams::default().class_weight(ClassWeight::Balanced);
        let (counts, weights) = sampled(balanced, [99_990, 10]);
        assert_eq!(weights, [1.0, 79.0]);
        assert_eq!(counts[99_990..].iter().map(|&count| u32::from(count)).sum::<u32>(), 633);
        assert!(counts[99_990..].iter().all(|&count| count > 30 && count < MAX_DRAWS_PER_ROW));
        // A class whose share of the weight is next to nothing is drawn once.
        let weights = ClassWeight::Each(vec![1e9, 1e-9]);
        let (counts, _) = sampled(RandomForestParams::default().class_weight(weights), [20, 20]);
        assert_eq!(counts[20..].iter().map(|&count| u32::from(count)).sum::<u32>(), 1);
    }
}
