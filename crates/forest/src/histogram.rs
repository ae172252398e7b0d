//! The split search for two classes and weights that depend on the class alone: the rows in each
//! bin of a feature are counted in integers, and one pass over the bins finds the best split.

use std::ops::Range;

use crate::binned::BinnedTable;
use crate::layout::RecordLayout;
use crate::params::{Criterion, RandomForestValidParams, RowLimits};
use crate::sample::BootstrapSample;
use crate::split::{FEATURE_GROUP, NodeSpan, Split, SplitFinder, SplitOutcome};
use crate::stream::RandomStream;
use crate::tally::Tally;
use crate::tree::Tree;

/// The rows and counts of one thread.
pub(crate) struct HistogramFinder<'a, L: RecordLayout, T> {
    table: &'a BinnedTable<'a>,
    layout: &'a L,
    scorer: SplitScorer,
    sample: BootstrapSample,
    /// The counts that a record of each kind adds.
    adds: [T; 256],
    /// The rows of nodes of even and of odd depth: a split moves them from one buffer to the other.
    buffers: [Vec<L::Record>; 2],
    /// The counts of the nodes on both sides of a split.
    counts: [BinCounts<T>; 2],
}

/// Scores splits: the criterion, the weights of both classes and the row minimums.
struct SplitScorer {
    criterion: Criterion,
    weights: [f64; 2],
    limits: RowLimits,
}

impl SplitScorer {
    /// Returns the weight of a number of draws of a class.
    #[inline]
    fn class_weight(&self, class: usize, draws: u32) -> f64 {
        // Converts by way of signed integers, which processors convert in one instruction.
        f64::from(draws as i32) * self.weights[class]
    }

    /// Returns the weights of both classes.
    #[inline]
    fn class_weights<T: Tally>(&self, tally: T) -> [f64; 2] {
        let [a, b] = tally.draws();
        [self.class_weight(0, a), self.class_weight(1, b)]
    }

    /// Returns the index of the best split, given the counts left of each, and its gain; of equal
    /// splits the first.
    fn best<T: Tally>(&self, lefts: &[T], total: T) -> Option<(usize, f64)> {
        let total = self.class_weights(total);
        // The criterion is chosen outside the loop.
        match self.criterion {
            Criterion::Gini => self.best_by(lefts, |left| Criterion::Gini.gain(left, total)),
            Criterion::Entropy => self.best_by(lefts, |left| Criterion::Entropy.gain(left, total)),
        }
    }

    /// As [`Self::best`], by a gain given the weights left of a split.
    fn best_by<T: Tally>(
        &self,
        lefts: &[T],
        gain: impl Fn([f64; 2]) -> f64,
    ) -> Option<(usize, f64)> {
        // Several splits are scored at once without branches, so that the compiler vectorizes the
        // loop.
        let (mut best, mut places) = ([f64::NEG_INFINITY; GAIN_LANES], [0_u64; GAIN_LANES]);
        let (chunks, rest) = lefts.as_chunks::<GAIN_LANES>();
        for (chunk, lefts) in (0..).zip(chunks) {
            let a = lefts.map(|left| self.class_weight(0, left.draws()[0]));
            let b = lefts.map(|left| self.class_weight(1, left.draws()[1]));
            for lane in 0..GAIN_LANES {
                let gain = gain([a[lane], b[lane]]);
                let better = gain > best[lane];
                best[lane] = if better { gain } else { best[lane] };
                places[lane] = if better { chunk } else { places[lane] };
            }
        }
        let places = (0..).zip(places).map(|(lane, chunk)| chunk as usize * GAIN_LANES + lane);
        let rest = (chunks.len() * GAIN_LANES..)
            .zip(rest.iter().map(|&left| gain(self.class_weights(left))));
        let first_of_equals = |one: &(usize, f64), other: &(usize, f64)| {
            one.1.total_cmp(&other.1).then(other.0.cmp(&one.0))
        };
        let all = places.zip(best).chain(rest).filter(|&(_, gain)| gain > f64::NEG_INFINITY);
        all.max_by(first_of_equals)
    }
}

/// The number of splits that are scored at a time.
const GAIN_LANES: usize = 4;

/// The counts of one node by up to [`FEATURE_GROUP`] features.
struct BinCounts<T> {
    /// The number of bins that each feature has room for.
    capacity: usize,
    /// The count of each feature and bin; all 0 between two nodes.
    bins: Vec<T>,
    /// One bit per bin, set if the bin is not empty; used if the node is `sparse`.
    marks: Vec<u64>,
    /// Whether the node has few rows and many bins: marking the bins that occur is then faster than
    /// scanning all of them.
    sparse: bool,
    /// The bins of one feature that are not empty, ascending; used if the node is `sparse`.
    occupied: Vec<u32>,
    /// The sum of the counts up to and including each occupied bin, or each bin if the node is not
    /// `sparse`.
    lefts: Vec<T>,
}

impl<T: Tally> BinCounts<T> {
    fn new(capacity: usize) -> Self {
        let capacity = capacity.next_multiple_of(64);
        Self {
            capacity,
            bins: vec![T::default(); capacity * FEATURE_GROUP],
            marks: vec![0; capacity / 64 * FEATURE_GROUP],
            sparse: false,
            occupied: vec![0; capacity],
            lefts: vec![T::default(); capacity],
        }
    }

    /// Prepares for a node of these totals.
    fn prepare(&mut self, total: T) {
        let [a, b] = total.draws();
        self.sparse = (a as usize + b as usize) * SPARSE_FACTOR < self.capacity;
    }

    /// Counts rows by up to [`FEATURE_GROUP`] features.
    fn add<L: RecordLayout>(
        &mut self,
        layout: &L,
        adds: &[T; 256],
        rows: &[L::Record],
        features: &[u32],
    ) {
        match (features, self.sparse) {
            (&[a], false) => self.add_each::<L, 1, false>(layout, adds, rows, [a]),
            (&[a, b], false) => self.add_each::<L, 2, false>(layout, adds, rows, [a, b]),
            (&[a, b, c], false) => self.add_each::<L, 3, false>(layout, adds, rows, [a, b, c]),
            (&[a, b, c, d, ..], false) => {
                self.add_each::<L, 4, false>(layout, adds, rows, [a, b, c, d]);
            }
            (&[a], true) => self.add_each::<L, 1, true>(layout, adds, rows, [a]),
            (&[a, b], true) => self.add_each::<L, 2, true>(layout, adds, rows, [a, b]),
            (&[a, b, c], true) => self.add_each::<L, 3, true>(layout, adds, rows, [a, b, c]),
            (&[a, b, c, d, ..], true) => {
                self.add_each::<L, 4, true>(layout, adds, rows, [a, b, c, d]);
            }
            (&[], _) => {}
        }
    }

    /// Counts rows by `N` features, and marks the occupied bins if `MARK` is set.
    fn add_each<L: RecordLayout, const N: usize, const MARK: bool>(
        &mut self,
        layout: &L,
        adds: &[T; 256],
        rows: &[L::Record],
        features: [u32; N],
    ) {
        let capacity = self.capacity;
        for row in rows {
            let add = adds[usize::from(L::kind(row))];
            for (place, feature) in features.into_iter().enumerate() {
                let bin = place * capacity + layout.code(row, feature as usize);
                self.bins[bin] = self.bins[bin].plus(add);
                if MARK {
                    self.marks[bin / 64] |= 1 << (bin % 64);
                }
            }
        }
    }

    /// Returns the best split by the feature at `place` and resets its counts to 0.
    fn take_best_split(
        &mut self,
        place: usize,
        feature: u32,
        bins: usize,
        total: T,
        scorer: &SplitScorer,
    ) -> SplitOutcome<T> {
        let counts = &mut self.bins[place * self.capacity..][..bins];
        let mut left = T::default();
        // The range of indices into `lefts` after which a split leaves rows on both sides.
        let splits = if self.sparse {
            let words = self.capacity / 64;
            let mut found = 0;
            for (index, marks) in self.marks[place * words..][..words].iter_mut().enumerate() {
                let mut marks = std::mem::take(marks);
                while marks != 0 {
                    let bin = index * 64 + marks.trailing_zeros() as usize;
                    marks &= marks - 1;
                    left = left.plus(std::mem::take(&mut counts[bin]));
                    (self.occupied[found], self.lefts[found]) = (bin as u32, left);
                    found += 1;
                }
            }
            0..found.saturating_sub(1)
        } else {
            for (sum, &count) in self.lefts.iter_mut().zip(&*counts) {
                left = left.plus(count);
                *sum = left;
            }
            counts.fill(T::default());
            let lefts = &self.lefts[..bins];
            let first = lefts.partition_point(|&left| left == T::default());
            let last = first + lefts[first..].partition_point(|&left| left != total);
            first..last
        };
        if splits.is_empty() {
            return SplitOutcome::Constant;
        }
        let Some((place, gain)) = self.best(splits, total, scorer) else {
            return SplitOutcome::TooSmall;
        };
        let left = self.lefts[place];
        let (low, high) = if self.sparse {
            (self.occupied[place], self.occupied[place + 1])
        } else {
            let next = self.lefts[place..].iter().position(|&other| other != left);
            (place as u32, (place + next.unwrap_or(0)) as u32)
        };
        SplitOutcome::Best(Split { feature, low, high, gain, sides: [left, total.minus(left)] })
    }

    /// Returns the index and the gain of the best of some splits; of equal splits the first.
    fn best(
        &mut self,
        mut splits: Range<usize>,
        total: T,
        scorer: &SplitScorer,
    ) -> Option<(usize, f64)> {
        // The left side grows with the index and the right side shrinks, so the splits that leave
        // enough rows on both sides are adjacent.
        let leaf = scorer.limits.leaf;
        if leaf > 1 {
            let lefts = &self.lefts[splits.clone()];
            let few = lefts.partition_point(|left| left.rows() < leaf);
            let enough = lefts.partition_point(|&left| total.minus(left).rows() >= leaf);
            splits = splits.start + few..splits.start + enough;
        }
        let (place, gain) = scorer.best(self.lefts.get(splits.clone())?, total)?;
        Some((splits.start + place, gain))
    }
}

/// A node is sparse if its draws times this factor are fewer than the bins of a feature. Values
/// from 1 to 8 differ by a tenth in speed.
const SPARSE_FACTOR: usize = 1;

impl<'a, L: RecordLayout, T: Tally> HistogramFinder<'a, L, T> {
    /// Creates a finder for a table of two classes without row weights.
    pub(crate) fn new(
        table: &'a BinnedTable<'a>,
        layout: &'a L,
        params: &RandomForestValidParams,
    ) -> Self {
        let rows = table.labels.len();
        let capacity = table.max_bin_count();
        let sample = BootstrapSample::new(table, params);
        Self {
            table,
            layout,
            scorer: SplitScorer {
                criterion: params.criterion,
                weights: [sample.class_weights[0], sample.class_weights[1]],
                limits: params.limits(rows),
            },
            sample,
            adds: std::array::from_fn(|kind| T::new(kind as u8 & 1, kind as u32 >> 1)),
            // One place more than rows, because rows that were not drawn are written too.
            buffers: [vec![L::Record::default(); rows + 1], vec![L::Record::default(); rows]],
            counts: [BinCounts::new(capacity), BinCounts::new(capacity)],
        }
    }
}

/// The number of bytes of rows that are moved before they are counted: they are then still in the
/// cache.
const CHUNK_BYTES: usize = 1 << 14;

impl<L: RecordLayout, T: Tally> SplitFinder for HistogramFinder<'_, L, T> {
    type Total = T;

    fn draw_sample(&mut self, stream: &mut RandomStream) -> (NodeSpan, T) {
        self.sample.draw(stream);
        let rows = &mut self.buffers[0];
        let mut end = 0;
        let mut total = T::default();
        for (row, &drawn) in self.sample.draw_counts.iter().enumerate() {
            // Whether a row is drawn cannot be predicted: rows that are not drawn are written too,
            // and overwritten by the next row.
            self.layout.copy(row, drawn, &mut rows[end]);
            total = total.plus(self.adds[usize::from(L::kind(&rows[end]))]);
            end += usize::from(drawn > 0);
        }
        (NodeSpan { rows: 0..end, depth: 0 }, total)
    }

    fn draw_counts(&self) -> &[u8] {
        &self.sample.draw_counts
    }

    fn can_split(&self, total: &T) -> bool {
        let RowLimits { split, leaf } = self.scorer.limits;
        let enough = split <= 2 || total.rows() >= split.max(2 * leaf);
        enough && total.draws().iter().all(|&draws| draws > 0)
    }

    fn best_split(
        &mut self,
        side: usize,
        span: &NodeSpan,
        total: &T,
        features: &[u32],
        mut counted: bool,
    ) -> SplitOutcome<T> {
        let mut found = SplitOutcome::Constant;
        let counts = &mut self.counts[side];
        for group in features.chunks(FEATURE_GROUP) {
            if !counted {
                let rows = &self.buffers[span.depth % 2][span.rows.clone()];
                counts.prepare(*total);
                counts.add(self.layout, &self.adds, rows, group);
            }
            counted = false;
            for (place, &feature) in group.iter().enumerate() {
                let bins = self.table.bins[feature as usize].len();
                found =
                    found.or(counts.take_best_split(place, feature, bins, *total, &self.scorer));
            }
        }
        found
    }

    fn partition(
        &mut self,
        span: &NodeSpan,
        split: &Split<T>,
        features: [&[u32]; 2],
    ) -> [NodeSpan; 2] {
        let [even, odd] = &mut self.buffers;
        let (source, target) = if span.depth.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let target = &mut target[span.rows.clone()];
        for (counts, total) in self.counts.iter_mut().zip(split.sides) {
            counts.prepare(total);
        }
        // The sides are filled from both ends, so that their sizes need not be known beforehand.
        let (mut left, mut right) = (0, target.len());
        for chunk in source[span.rows.clone()].chunks(CHUNK_BYTES / size_of::<L::Record>()) {
            let (left_before, right_before) = (left, right);
            for row in chunk {
                let goes_left = self.layout.code(row, split.feature as usize) <= split.low as usize;
                target[if goes_left { left } else { right - 1 }] = *row;
                left += usize::from(goes_left);
                right -= usize::from(!goes_left);
            }
            for (counts, rows, features) in
                [(0, left_before..left, features[0]), (1, right..right_before, features[1])]
            {
                self.counts[counts].add(self.layout, &self.adds, &target[rows], features);
            }
        }
        let middle = span.rows.start + left;
        let depth = span.depth + 1;
        [span.rows.start..middle, middle..span.rows.end].map(|rows| NodeSpan { rows, depth })
    }

    fn threshold(&self, split: &Split<T>) -> f32 {
        self.table.bins[split.feature as usize].threshold(split.low as usize, split.high as usize)
    }

    fn push_leaf(&self, total: &T, tree: &mut Tree) -> usize {
        tree.push_leaf(&self.scorer.class_weights(*total))
    }
}
