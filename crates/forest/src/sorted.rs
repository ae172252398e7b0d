//! The split search for any number of classes and any weights: a node's rows are sorted by a
//! feature's bins, and one pass over them finds the best split.

use std::rc::Rc;

use crate::binned::BinnedTable;
use crate::layout::BinCode;
use crate::params::{Criterion, RandomForestValidParams, RowLimits};
use crate::sample::BootstrapSample;
use crate::split::{NodeSpan, Split, SplitFinder, SplitOutcome};
use crate::stream::RandomStream;
use crate::tree::Tree;

/// The weights of a node's classes.
#[derive(Debug)]
pub(crate) struct NodeWeights {
    classes: Vec<f64>,
    sum: f64,
    rows: usize,
}

/// The rows of one thread.
pub(crate) struct SortedFinder<'a, C> {
    table: &'a BinnedTable<'a>,
    /// The bins of the table's rows, one column per feature.
    codes: &'a [Vec<C>],
    criterion: Criterion,
    limits: RowLimits,
    sample: BootstrapSample,
    /// The rows of nodes of even and of odd depth: a split moves them from one buffer to the other.
    buffers: [Vec<u32>; 2],
    /// A node's rows sorted by a feature's bins: the bin in the upper half, the row in the lower
    /// half.
    order: Vec<u64>,
    /// The position of the next row of each bin in `order`.
    places: Vec<u32>,
    /// The weights of the classes left of a split.
    left: Vec<f64>,
}

impl<'a, C: BinCode> SortedFinder<'a, C> {
    pub(crate) fn new(
        table: &'a BinnedTable<'a>,
        codes: &'a [Vec<C>],
        params: &RandomForestValidParams,
    ) -> Self {
        let rows = table.labels.len();
        Self {
            table,
            codes,
            criterion: params.criterion,
            limits: params.limits(rows),
            sample: BootstrapSample::new(table, params),
            buffers: [Vec::with_capacity(rows), vec![0; rows]],
            order: Vec::new(),
            places: vec![0; table.max_bin_count() + 1],
            left: vec![0.0; table.class_weights.len()],
        }
    }

    /// Returns the weight of a row in the sample.
    fn weight(&self, row: usize) -> f64 {
        let weight = self.table.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let class = self.table.labels[row] as usize;
        f64::from(self.sample.draw_counts[row]) * self.sample.class_weights[class] * weight
    }

    /// Returns the weights of the classes of some rows.
    fn weights(&self, rows: &[u32]) -> NodeWeights {
        let mut classes = vec![0.0; self.table.class_weights.len()];
        for &row in rows {
            classes[self.table.labels[row as usize] as usize] += self.weight(row as usize);
        }
        NodeWeights { sum: classes.iter().sum(), classes, rows: rows.len() }
    }

    /// Sorts a node's rows by a feature's bins.
    fn sort_rows(&mut self, span: &NodeSpan, feature: u32) {
        let rows = &self.buffers[span.depth % 2][span.rows.clone()];
        let codes = &self.codes[feature as usize];
        let key = |&row: &u32| (codes[row as usize].get() as u64) << 32 | u64::from(row);
        self.order.clear();
        let bins = self.table.bins[feature as usize].len();
        if rows.len() < bins {
            self.order.extend(rows.iter().map(key));
            self.order.sort_unstable();
            return;
        }
        let places = &mut self.places[..=bins];
        places.fill(0);
        for &row in rows {
            places[codes[row as usize].get() + 1] += 1;
        }
        for bin in 1..bins {
            places[bin] += places[bin - 1];
        }
        self.order.resize(rows.len(), 0);
        for row in rows {
            let place = &mut places[codes[*row as usize].get()];
            self.order[*place as usize] = key(row);
            *place += 1;
        }
    }

    /// Returns the best split by one feature, without the totals of its sides.
    fn scan_feature(
        &mut self,
        span: &NodeSpan,
        total: &NodeWeights,
        feature: u32,
    ) -> SplitOutcome<()> {
        self.sort_rows(span, feature);
        let bin = |key: u64| (key >> 32) as u32;
        let (Some(&first), Some(&last)) = (self.order.first(), self.order.last()) else {
            return SplitOutcome::Constant;
        };
        if bin(first) == bin(last) {
            return SplitOutcome::Constant;
        }
        self.left.fill(0.0);
        let term = |weight| self.criterion.class_term(weight);
        let mut terms = [0.0, total.classes.iter().copied().map(term).sum()];
        let before = self.criterion.impurity(total.sum, terms[1]);
        let (mut left_sum, mut best) = (0.0, f64::NEG_INFINITY);
        let mut found = SplitOutcome::TooSmall;
        for (left_rows, pair) in (1..).zip(self.order.windows(2)) {
            let (low, high) = (bin(pair[0]), bin(pair[1]));
            let row = pair[0] as u32 as usize;
            let weight = self.weight(row);
            let class = self.table.labels[row] as usize;
            let (left, all) = (self.left[class], total.classes[class]);
            self.left[class] = left + weight;
            terms[0] += term(left + weight) - term(left);
            terms[1] += term(all - left - weight) - term(all - left);
            left_sum += weight;
            let least = self.limits.leaf;
            if low == high || left_rows < least || total.rows - left_rows < least {
                continue;
            }
            let gain = match (&self.left[..], &total.classes[..]) {
                // The same bits as the integer counts of the histogram give, if the weights are
                // integers.
                (&[a, b], &[all_a, all_b]) => self.criterion.gain([a, b], [all_a, all_b]),
                _ => {
                    before
                        - self.criterion.impurity(left_sum, terms[0])
                        - self.criterion.impurity(total.sum - left_sum, terms[1])
                }
            };
            if gain > best {
                best = gain;
                found = SplitOutcome::Best(Split { feature, low, high, gain, sides: [(), ()] });
            }
        }
        found
    }
}

impl<C: BinCode> SplitFinder for SortedFinder<'_, C> {
    type Total = Rc<NodeWeights>;

    fn draw_sample(&mut self, stream: &mut RandomStream) -> (NodeSpan, Rc<NodeWeights>) {
        self.sample.draw(stream);
        let mut rows = std::mem::take(&mut self.buffers[0]);
        rows.clear();
        rows.extend(
            (0..self.table.labels.len() as u32).filter(|&row| self.weight(row as usize) > 0.0),
        );
        let total = self.weights(&rows);
        self.buffers[0] = rows;
        (NodeSpan { rows: 0..total.rows, depth: 0 }, Rc::new(total))
    }

    fn draw_counts(&self) -> &[u8] {
        &self.sample.draw_counts
    }

    fn can_split(&self, total: &Rc<NodeWeights>) -> bool {
        total.rows >= self.limits.split.max(2 * self.limits.leaf)
            && total.classes.iter().filter(|&&weight| weight > 0.0).count() > 1
    }

    fn best_split(
        &mut self,
        _: usize,
        span: &NodeSpan,
        total: &Rc<NodeWeights>,
        features: &[u32],
        _: bool,
    ) -> SplitOutcome<Rc<NodeWeights>> {
        let mut found = SplitOutcome::Constant;
        for &feature in features {
            found = found.or(self.scan_feature(span, total, feature));
        }
        match found {
            SplitOutcome::Constant => SplitOutcome::Constant,
            SplitOutcome::TooSmall => SplitOutcome::TooSmall,
            SplitOutcome::Best(Split { feature, low, high, gain, .. }) => {
                let rows = &self.buffers[span.depth % 2][span.rows.clone()];
                let codes = &self.codes[feature as usize];
                let goes_left = |row: &u32| codes[*row as usize].get() <= low as usize;
                let (left, right): (Vec<u32>, Vec<u32>) =
                    rows.iter().partition(|row| goes_left(row));
                let sides = [left, right].map(|rows| Rc::new(self.weights(&rows)));
                SplitOutcome::Best(Split { feature, low, high, gain, sides })
            }
        }
    }

    fn partition(
        &mut self,
        span: &NodeSpan,
        split: &Split<Rc<NodeWeights>>,
        _: [&[u32]; 2],
    ) -> [NodeSpan; 2] {
        let [even, odd] = &mut self.buffers;
        let (source, target) = if span.depth.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let codes = &self.codes[split.feature as usize];
        let middle = span.rows.start + split.sides[0].rows;
        let (mut left, mut right) = (span.rows.start, middle);
        for &row in &source[span.rows.clone()] {
            let goes_left = codes[row as usize].get() <= split.low as usize;
            let side = if goes_left { &mut left } else { &mut right };
            target[*side] = row;
            *side += 1;
        }
        let depth = span.depth + 1;
        [span.rows.start..middle, middle..span.rows.end].map(|rows| NodeSpan { rows, depth })
    }

    fn threshold(&self, split: &Split<Rc<NodeWeights>>) -> f32 {
        self.table.bins[split.feature as usize].threshold(split.low as usize, split.high as usize)
    }

    fn push_leaf(&self, total: &Rc<NodeWeights>, tree: &mut Tree) -> usize {
        tree.push_leaf(&total.classes)
    }
}
