//! Any number of classes and any weights: the rows of a node are put in a feature's order, and a
//! split is found in one walk over them.

use std::rc::Rc;

use crate::Criterion;
use crate::grow::{Engine, Found, Span, Split};
use crate::layout::Code;
use crate::params::{Limits, RandomForestValidParams};
use crate::sample::Sample;
use crate::stream::Stream;
use crate::table::Table;
use crate::tree::append_shares;

/// What a node's classes weigh.
#[derive(Debug)]
pub(crate) struct Weights {
    classes: Vec<f64>,
    sum: f64,
    rows: usize,
}

/// A thread's rows.
pub(crate) struct Sorted<'a, C> {
    table: &'a Table<'a>,
    /// The bins of the table's rows, a column for each feature.
    codes: &'a [Vec<C>],
    criterion: Criterion,
    limits: Limits,
    sample: Sample,
    /// The rows of nodes of even and of odd depth: a split moves them from one to the other.
    buffers: [Vec<u32>; 2],
    /// A node's rows in the order of a feature's bins: the bin above, the row below.
    order: Vec<u64>,
    /// Where the next row of each bin goes.
    places: Vec<u32>,
    /// What the classes weigh left of a split.
    left: Vec<f64>,
}

impl<'a, C: Code> Sorted<'a, C> {
    pub(crate) fn new(
        table: &'a Table<'a>,
        codes: &'a [Vec<C>],
        params: &RandomForestValidParams,
    ) -> Self {
        let rows = table.labels.len();
        Self {
            table,
            codes,
            criterion: params.criterion,
            limits: params.limits(rows),
            sample: Sample::new(rows, params),
            buffers: [Vec::with_capacity(rows), vec![0; rows]],
            order: Vec::new(),
            places: vec![0; table.most_bins() + 1],
            left: vec![0.0; table.class_weights.len()],
        }
    }

    /// What a row of the sample weighs.
    fn weight(&self, row: usize) -> f64 {
        f64::from(self.sample.drawn[row]) * self.table.weight(row)
    }

    fn weights(&self, rows: &[u32]) -> Weights {
        let mut classes = vec![0.0; self.table.class_weights.len()];
        for &row in rows {
            classes[self.table.labels[row as usize] as usize] += self.weight(row as usize);
        }
        Weights { sum: classes.iter().sum(), classes, rows: rows.len() }
    }

    /// Puts a node's rows in the order of a feature's bins.
    fn sort(&mut self, span: &Span, feature: u32) {
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

    /// The best split by one feature, its sides left to be weighed.
    fn walk(&mut self, span: &Span, total: &Weights, feature: u32) -> Found<()> {
        self.sort(span, feature);
        let bin = |key: u64| (key >> 32) as u32;
        let (Some(&first), Some(&last)) = (self.order.first(), self.order.last()) else {
            return Found::Constant;
        };
        if bin(first) == bin(last) {
            return Found::Constant;
        }
        self.left.fill(0.0);
        let part = |weight| self.criterion.part(weight);
        let mut parts = [0.0, total.classes.iter().copied().map(part).sum()];
        let before = self.criterion.of_sum(total.sum, parts[1]);
        let (mut left_sum, mut best) = (0.0, f64::NEG_INFINITY);
        let mut found = Found::TooSmall;
        for (left_rows, pair) in (1..).zip(self.order.windows(2)) {
            let (low, high) = (bin(pair[0]), bin(pair[1]));
            let row = pair[0] as u32 as usize;
            let weight = self.weight(row);
            let class = self.table.labels[row] as usize;
            let (left, all) = (self.left[class], total.classes[class]);
            self.left[class] = left + weight;
            parts[0] += part(left + weight) - part(left);
            parts[1] += part(all - left - weight) - part(all - left);
            left_sum += weight;
            let least = self.limits.leaf;
            if low == high || left_rows < least || total.rows - left_rows < least {
                continue;
            }
            let gain = match (&self.left[..], &total.classes[..]) {
                // To the last bit what whole numbers give, where the weights are such.
                (&[a, b], &[all_a, all_b]) => self.criterion.gain([a, b], [all_a, all_b]),
                _ => {
                    before
                        - self.criterion.of_sum(left_sum, parts[0])
                        - self.criterion.of_sum(total.sum - left_sum, parts[1])
                }
            };
            if gain > best {
                best = gain;
                found = Found::Best(Split { feature, low, high, gain, sides: [(), ()] });
            }
        }
        found
    }
}

impl<C: Code> Engine for Sorted<'_, C> {
    type Total = Rc<Weights>;

    fn sample(&mut self, stream: &mut Stream) -> (Span, Rc<Weights>) {
        self.sample.draw(stream);
        let mut rows = std::mem::take(&mut self.buffers[0]);
        rows.clear();
        rows.extend(
            (0..self.table.labels.len() as u32).filter(|&row| self.weight(row as usize) > 0.0),
        );
        let total = self.weights(&rows);
        self.buffers[0] = rows;
        (Span { rows: 0..total.rows, depth: 0 }, Rc::new(total))
    }

    fn drawn(&self) -> &[u8] {
        &self.sample.drawn
    }

    fn divisible(&self, total: &Rc<Weights>) -> bool {
        total.rows >= self.limits.split.max(2 * self.limits.leaf)
            && total.classes.iter().filter(|&&weight| weight > 0.0).count() > 1
    }

    fn look(
        &mut self,
        _: usize,
        span: &Span,
        total: &Rc<Weights>,
        features: &[u32],
        _: bool,
    ) -> Found<Rc<Weights>> {
        let mut found = Found::Constant;
        for &feature in features {
            found = found.or(self.walk(span, total, feature));
        }
        match found {
            Found::Constant => Found::Constant,
            Found::TooSmall => Found::TooSmall,
            Found::Best(Split { feature, low, high, gain, .. }) => {
                let rows = &self.buffers[span.depth % 2][span.rows.clone()];
                let codes = &self.codes[feature as usize];
                let goes_left = |row: &u32| codes[*row as usize].get() <= low as usize;
                let (left, right): (Vec<u32>, Vec<u32>) =
                    rows.iter().partition(|row| goes_left(row));
                let sides = [left, right].map(|rows| Rc::new(self.weights(&rows)));
                Found::Best(Split { feature, low, high, gain, sides })
            }
        }
    }

    fn part(&mut self, span: &Span, split: &Split<Rc<Weights>>, _: [&[u32]; 2]) -> [Span; 2] {
        let [even, odd] = &mut self.buffers;
        let (source, target) = if span.depth.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let codes = &self.codes[split.feature as usize];
        let middle = span.rows.start + split.sides[0].rows;
        let (mut left, mut right) = (span.rows.start, middle);
        for &row in &source[span.rows.clone()] {
            let side = match codes[row as usize].get() <= split.low as usize {
                true => &mut left,
                false => &mut right,
            };
            target[*side] = row;
            *side += 1;
        }
        let depth = span.depth + 1;
        [span.rows.start..middle, middle..span.rows.end].map(|rows| Span { rows, depth })
    }

    fn threshold(&self, split: &Split<Rc<Weights>>) -> f32 {
        self.table.bins[split.feature as usize].threshold(split.low as usize, split.high as usize)
    }

    fn share(&self, total: &Rc<Weights>, shares: &mut Vec<f32>) -> usize {
        let leaf = shares.len() / total.classes.len();
        append_shares(&total.classes, shares);
        leaf
    }
}
