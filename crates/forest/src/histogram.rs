//! Two classes, and weights that hang on the class alone: rows are counted in each bin of a
//! feature, in whole numbers, and a split is found in one walk over the bins.

use std::ops::Range;

use crate::Criterion;
use crate::grow::{Engine, Found, GROUP, Span, Split};
use crate::layout::Layout;
use crate::params::{Limits, RandomForestValidParams};
use crate::sample::Sample;
use crate::stream::Stream;
use crate::table::Table;
use crate::tally::Tally;
use crate::tree::append_shares;

/// A thread's rows and counts.
pub(crate) struct Histogram<'a, L: Layout, T> {
    table: &'a Table<'a>,
    layout: &'a L,
    measure: Measure,
    sample: Sample,
    /// What one record of each kind adds to a count.
    adds: [T; 256],
    /// The rows of nodes of even and of odd depth: a split moves them from one to the other.
    buffers: [Vec<L::Record>; 2],
    /// The counts of the nodes on both sides of a split.
    counts: [Counts<T>; 2],
}

/// What a split is judged by.
struct Measure {
    criterion: Criterion,
    weights: [f64; 2],
    limits: Limits,
}

impl Measure {
    fn weigh<T: Tally>(&self, tally: T) -> [f64; 2] {
        let [a, b] = tally.draws();
        // Through signed numbers, which processors convert in one step.
        [f64::from(a as i32) * self.weights[0], f64::from(b as i32) * self.weights[1]]
    }

    /// The best of the splits behind some parts, and what it gains; of equals the first.
    fn best<T: Tally>(&self, lefts: &[T], total: T) -> Option<(usize, f64)> {
        let total = self.weigh(total);
        // The choice of a criterion is no part of the loop.
        match self.criterion {
            Criterion::Gini => self.best_by(lefts, |left| Criterion::Gini.gain(left, total)),
            Criterion::Entropy => self.best_by(lefts, |left| Criterion::Entropy.gain(left, total)),
        }
    }

    fn best_by<T: Tally>(
        &self,
        lefts: &[T],
        gain: impl Fn([f64; 2]) -> f64,
    ) -> Option<(usize, f64)> {
        // Side by side and without a jump inside, which is what processors are quick at.
        let (mut best, mut places) = ([f64::NEG_INFINITY; LANES], [0_u64; LANES]);
        let (chunks, rest) = lefts.as_chunks::<LANES>();
        for (chunk, lefts) in (0..).zip(chunks) {
            let a = lefts.map(|left| f64::from(left.draws()[0] as i32) * self.weights[0]);
            let b = lefts.map(|left| f64::from(left.draws()[1] as i32) * self.weights[1]);
            for lane in 0..LANES {
                let gain = gain([a[lane], b[lane]]);
                let better = gain > best[lane];
                best[lane] = if better { gain } else { best[lane] };
                places[lane] = if better { chunk } else { places[lane] };
            }
        }
        let places = (0..).zip(places).map(|(lane, chunk)| chunk as usize * LANES + lane);
        let rest = (chunks.len() * LANES..).zip(rest.iter().map(|&left| gain(self.weigh(left))));
        let first_of_equals = |one: &(usize, f64), other: &(usize, f64)| {
            one.1.total_cmp(&other.1).then(other.0.cmp(&one.0))
        };
        let all = places.zip(best).chain(rest).filter(|&(_, gain)| gain > f64::NEG_INFINITY);
        all.max_by(first_of_equals)
    }
}

/// How many splits are judged side by side.
const LANES: usize = 4;

/// The counts of one node by up to [`GROUP`] features.
struct Counts<T> {
    /// How many bins a feature has room for.
    room: usize,
    /// For each feature and bin; all empty between two nodes.
    bins: Vec<T>,
    /// A bit for each bin that is not empty, where the node is `sparse`.
    marks: Vec<u64>,
    /// Few rows among many bins: it is quicker to mark those that occur than to look at all.
    sparse: bool,
    /// Those bins of one feature, ascending.
    occupied: Vec<u32>,
    /// The sum of each of them and those before it; where the node is not sparse, of each bin.
    lefts: Vec<T>,
}

impl<T: Tally> Counts<T> {
    fn new(room: usize) -> Self {
        let room = room.next_multiple_of(64);
        Self {
            room,
            bins: vec![T::default(); room * GROUP],
            marks: vec![0; room / 64 * GROUP],
            sparse: false,
            occupied: vec![0; room],
            lefts: vec![T::default(); room],
        }
    }

    /// Makes ready for a node of no more rows than its draws.
    fn expect(&mut self, total: T) {
        let [a, b] = total.draws();
        self.sparse = (a as usize + b as usize) * SPARSE < self.room;
    }

    fn add<L: Layout>(
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

    fn add_each<L: Layout, const N: usize, const MARK: bool>(
        &mut self,
        layout: &L,
        adds: &[T; 256],
        rows: &[L::Record],
        features: [u32; N],
    ) {
        let room = self.room;
        for row in rows {
            let add = adds[usize::from(L::kind(row))];
            for (place, feature) in features.into_iter().enumerate() {
                let bin = place * room + layout.code(row, feature as usize);
                self.bins[bin] = self.bins[bin].plus(add);
                if MARK {
                    self.marks[bin / 64] |= 1 << (bin % 64);
                }
            }
        }
    }

    /// The best split by the feature in a place, whose counts are then empty again.
    fn take(
        &mut self,
        place: usize,
        feature: u32,
        bins: usize,
        total: T,
        by: &Measure,
    ) -> Found<T> {
        let counts = &mut self.bins[place * self.room..][..bins];
        let mut left = T::default();
        // Behind which places a split leaves rows on both sides.
        let splits = if self.sparse {
            let words = self.room / 64;
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
            return Found::Constant;
        }
        let Some((place, gain)) = self.best(splits, total, by) else { return Found::TooSmall };
        let left = self.lefts[place];
        let (low, high) = match self.sparse {
            true => (self.occupied[place], self.occupied[place + 1]),
            false => {
                let next = self.lefts[place..].iter().position(|&other| other != left);
                (place as u32, (place + next.unwrap_or(0)) as u32)
            }
        };
        Found::Best(Split { feature, low, high, gain, sides: [left, total.minus(left)] })
    }

    /// The place of the best of some splits and its gain; of equals the first.
    fn best(&mut self, mut splits: Range<usize>, total: T, by: &Measure) -> Option<(usize, f64)> {
        // The left side grows with the place and the right one shrinks, so splits that leave enough
        // rows on both lie side by side.
        let leaf = by.limits.leaf;
        if leaf > 1 {
            let lefts = &self.lefts[splits.clone()];
            let few = lefts.partition_point(|left| left.rows() < leaf);
            let enough = lefts.partition_point(|&left| total.minus(left).rows() >= leaf);
            splits = splits.start + few..splits.start + enough;
        }
        let (place, gain) = by.best(self.lefts.get(splits.clone())?, total)?;
        Some((splits.start + place, gain))
    }
}

/// A node is sparse that has so many times fewer draws than its features have bins: from 1 to 8 it
/// makes a difference of a tenth.
const SPARSE: usize = 1;

impl<'a, L: Layout, T: Tally> Histogram<'a, L, T> {
    /// For a table of two classes and no weights of rows.
    pub(crate) fn new(
        table: &'a Table<'a>,
        layout: &'a L,
        params: &RandomForestValidParams,
    ) -> Self {
        let rows = table.labels.len();
        let room = table.most_bins();
        Self {
            table,
            layout,
            measure: Measure {
                criterion: params.criterion,
                weights: [table.class_weights[0], table.class_weights[1]],
                limits: params.limits(rows),
            },
            sample: Sample::new(rows, params),
            adds: std::array::from_fn(|kind| T::new(kind as u8 & 1, kind as u32 >> 1)),
            // One place more than rows, since one that is not drawn is written too.
            buffers: [vec![L::Record::default(); rows + 1], vec![L::Record::default(); rows]],
            counts: [Counts::new(room), Counts::new(room)],
        }
    }
}

/// How many bytes of rows are moved before they are counted: they are then still in the cache.
const CHUNK: usize = 1 << 14;

impl<L: Layout, T: Tally> Engine for Histogram<'_, L, T> {
    type Total = T;

    fn sample(&mut self, stream: &mut Stream) -> (Span, T) {
        self.sample.draw(stream);
        let rows = &mut self.buffers[0];
        let mut end = 0;
        let mut total = T::default();
        for (row, &drawn) in self.sample.drawn.iter().enumerate() {
            // No processor can foretell which rows are drawn: the others are written too, and
            // overwritten by the next.
            self.layout.copy(row, drawn, &mut rows[end]);
            total = total.plus(self.adds[usize::from(L::kind(&rows[end]))]);
            end += usize::from(drawn > 0);
        }
        (Span { rows: 0..end, depth: 0 }, total)
    }

    fn drawn(&self) -> &[u8] {
        &self.sample.drawn
    }

    fn divisible(&self, total: &T) -> bool {
        let Limits { split, leaf } = self.measure.limits;
        let enough = split <= 2 || total.rows() >= split.max(2 * leaf);
        enough && total.draws().iter().all(|&draws| draws > 0)
    }

    fn look(
        &mut self,
        side: usize,
        span: &Span,
        total: &T,
        features: &[u32],
        mut counted: bool,
    ) -> Found<T> {
        let mut found = Found::Constant;
        let counts = &mut self.counts[side];
        for group in features.chunks(GROUP) {
            if !counted {
                let rows = &self.buffers[span.depth % 2][span.rows.clone()];
                counts.expect(*total);
                counts.add(self.layout, &self.adds, rows, group);
            }
            counted = false;
            for (place, &feature) in group.iter().enumerate() {
                let bins = self.table.bins[feature as usize].len();
                found = found.or(counts.take(place, feature, bins, *total, &self.measure));
            }
        }
        found
    }

    fn part(&mut self, span: &Span, split: &Split<T>, features: [&[u32]; 2]) -> [Span; 2] {
        let [even, odd] = &mut self.buffers;
        let (source, target) = if span.depth.is_multiple_of(2) { (even, odd) } else { (odd, even) };
        let target = &mut target[span.rows.clone()];
        for (counts, total) in self.counts.iter_mut().zip(split.sides) {
            counts.expect(total);
        }
        // From both ends: nobody needs to know where they will meet.
        let (mut left, mut right) = (0, target.len());
        for chunk in source[span.rows.clone()].chunks(CHUNK / size_of::<L::Record>()) {
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
        [span.rows.start..middle, middle..span.rows.end].map(|rows| Span { rows, depth })
    }

    fn threshold(&self, split: &Split<T>) -> f32 {
        self.table.bins[split.feature as usize].threshold(split.low as usize, split.high as usize)
    }

    fn share(&self, total: &T, shares: &mut Vec<f32>) -> usize {
        let leaf = shares.len() / 2;
        append_shares(&self.measure.weigh(*total), shares);
        leaf
    }
}
