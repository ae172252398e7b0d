//! Exact Shapley values of a forest's probability, by the covers of its nodes.
//!
//! A coalition of features is worth the expected probability when the others are unknown: at a split by
//! an unknown feature a row goes both ways, with the shares of the training rows that went there
//! (path-dependent TreeSHAP, Lundberg et al. 2020). A leaf of value `v`, on whose path feature `j`
//! keeps the share `z` of the rows, contributes `v` times the product of `o` over the known features,
//! 1 if the row passes all splits by the feature and 0 if not, and of `z` over the unknown ones. The
//! Shapley value of such a game is an integral of its multilinear extension (Owen 1972):
//!
//! ```text
//! value of i = v (o - z) * integral from 0 to 1 of the product over j != i of ((1 - t) z + t o) dt
//! ```
//!
//! The integrand is a polynomial, so that a Gauss-Legendre rule with half as many points as a path has
//! features is exact, and nothing cancels, however deep a tree is. One walk over a tree computes the
//! products of all paths at all points.
//!
//! From one split to the next, only the factor of one feature changes, from `b` to `c`, and the value of
//! that feature by
//!
//! ```text
//! v (o_c - z_c) / c - v (o_b - z_b) / b = v (o_c z_b - o_b z_c) / (b c)
//! ```
//!
//! times the product of all factors. The shares `z` belong to the tree, and a row decides nothing but the
//! `o`. So the splits are a list: the way down computes products, and the way back sums over leaves, without
//! a branch that depends on the row. A constant that all leaves have in common explains nothing; values are
//! taken relative to the commonest one of a tree, and its leaves take no time.

use std::collections::BTreeMap;

use ndarray::{ArrayView1, ArrayView2};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::model::{PredictError, RandomForest};
use crate::tree::Tree;

/// The maximum depth of a tree that is explained.
pub(crate) const MAX_DEPTH: usize = 1_000;
/// The maximum number of points of a rule that one walk computes with. A rule of more takes several walks,
/// so that the stack of a walk stays small.
const MOST_POINTS: usize = 8;
/// Up to this number of rows, one thread is done before a second one wakes up.
pub(crate) const SINGLE_THREAD_ROWS: usize = 2;

/// The reason why a forest cannot be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The forest does not know the weights of its leaves.
    #[error(
        "the forest does not say how many training rows its leaves have, which explanations need"
    )]
    NoCovers,
    /// There are no rows of a background.
    #[error(
        "interventional explanations need training rows, of which the model has none: train it again"
    )]
    NoBackground,
    /// There are too many rows of a background.
    #[error("there are {found} rows to compare with, expected at most {most}")]
    LargeBackground {
        /// The number of rows.
        found: usize,
        /// The maximum.
        most: usize,
    },
    /// A tree is too deep.
    #[error(
        "a tree of the forest is deeper than {MAX_DEPTH} levels, at most that many are explained"
    )]
    TooDeep,
    /// Rows have the wrong width.
    #[error(transparent)]
    Width(#[from] PredictError),
}

/// A split of a path to a leaf that explains something.
#[derive(Clone, Copy, Debug)]
struct ExplainedSplit {
    threshold: f32,
    feature: u16,
    /// The feature of the split above, 0 for the root.
    feature_above: u16,
    /// The number of splits on the path with this one.
    level: u16,
    /// The level of the first split below the last one by the same feature, 0 if the path has none.
    before: u16,
    /// Whether it is the right child of the split above.
    is_right: bool,
    /// For each child, the share of the rows that pass all splits by the feature down to it.
    shares: [f64; 2],
    /// For each child, the value of a leaf, 0 if the child is a split or explains nothing.
    values: [f64; 2],
}

/// Trees whose paths need a rule of the same number of points.
#[derive(Clone, Debug)]
struct RuleGroup {
    /// The quadrature rule on the interval from 0 to 1.
    rule: Vec<RulePoint>,
    /// The splits of each tree, each before those below it, and those to the left before those to the right.
    trees: Vec<Vec<ExplainedSplit>>,
}

/// Explains the probability of class 1 that a forest of two or more classes gives to a row.
#[derive(Clone, Debug)]
pub struct Explainer {
    /// The trees by the number of points that they need.
    groups: Vec<RuleGroup>,
    /// The number of trees, also of those that explain nothing.
    trees: usize,
    features: usize,
    /// The maximum depth of a tree.
    depth: usize,
    base: f64,
}

impl Explainer {
    /// Prepares a forest.
    ///
    /// # Errors
    /// Returns an error if the forest was read from a file without covers, or if a tree is too deep.
    pub fn new(forest: &RandomForest) -> Result<Self, ExplainError> {
        let depth = forest.depth();
        if depth > MAX_DEPTH {
            return Err(ExplainError::TooDeep);
        }
        let mut groups = BTreeMap::<usize, Vec<Vec<ExplainedSplit>>>::new();
        let mut base = 0.0;
        for tree in forest.trees() {
            let prepared = PreparedTree::of(tree, forest)?;
            base += prepared.base;
            if !prepared.splits.is_empty() {
                let points = points(prepared.features_of_path);
                groups.entry(points).or_default().push(prepared.splits);
            }
        }
        let group = |(points, trees)| RuleGroup { rule: gauss_legendre(points), trees };
        Ok(Self {
            groups: groups.into_iter().map(group).collect(),
            trees: forest.trees().len(),
            features: forest.features(),
            depth,
            base: base / forest.trees().len() as f64,
        })
    }

    /// Returns the value of no features: the mean probability of the rows that the trees drew. A row's
    /// values and this add up to its probability.
    pub fn base(&self) -> f64 {
        self.base
    }

    /// Appends the value of each feature for each row of `records` to `values`.
    ///
    /// # Errors
    /// Returns an error if the rows have another number of features than the forest.
    pub fn explain(
        &self,
        records: ArrayView2<'_, f32>,
        values: &mut Vec<f64>,
    ) -> Result<(), ExplainError> {
        if records.ncols() != self.features {
            let error = PredictError { found: records.ncols(), expected: self.features };
            return Err(error.into());
        }
        let begin = values.len();
        values.resize(begin + records.len(), 0.0);
        let outs = values[begin..].chunks_exact_mut(self.features.max(1));
        let pairs: Vec<_> = records.rows().into_iter().zip(outs).collect();
        let explain =
            |walks: &mut Walks, (row, out): (_, &mut [f64])| walks.explain(self, row, out);
        if pairs.len() <= SINGLE_THREAD_ROWS {
            let mut walks = Walks::default();
            pairs.into_iter().for_each(|pair| explain(&mut walks, pair));
        } else {
            pairs.into_par_iter().for_each_init(Walks::default, explain);
        }
        Ok(())
    }
}

/// Returns the number of points of a rule for paths of this number of features: at least a half, and a
/// number for which there is a walk.
fn points(features: usize) -> usize {
    let least = features.div_ceil(2);
    least.next_multiple_of(if least <= MOST_POINTS { 2 } else { MOST_POINTS })
}

/// A tree that is prepared for explanations.
struct PreparedTree {
    splits: Vec<ExplainedSplit>,
    /// The maximum number of different features on a path to a leaf that explains something.
    features_of_path: usize,
    /// The mean value of the tree's rows.
    base: f64,
}

impl PreparedTree {
    fn of(tree: &Tree, forest: &RandomForest) -> Result<Self, ExplainError> {
        if tree.covers.is_empty() {
            return Err(ExplainError::NoCovers);
        }
        let mut covers = vec![0.0; tree.nodes.len()];
        let mut values = vec![0.0; tree.nodes.len()];
        let mut counts = BTreeMap::<u64, usize>::new();
        let mut base = 0.0;
        // Children come after their parents.
        for (index, node) in tree.nodes.iter().enumerate().rev() {
            let next = node.next as usize;
            if node.is_leaf() {
                covers[index] = f64::from(tree.covers[next]);
                values[index] = f64::from(tree.shares(next, forest.classes())[1]);
                base += values[index] * covers[index];
                *counts.entry(values[index].to_bits()).or_default() += 1;
            } else {
                covers[index] = covers[next] + covers[next + 1];
            }
        }
        let commonest = counts.into_iter().max_by_key(|(_, count)| *count);
        let reference = commonest.map_or(0.0, |(value, _)| f64::from_bits(value));
        let mut builder = Builder {
            tree,
            covers: &covers,
            values: &values,
            reference,
            path: Vec::new(),
            splits: Vec::new(),
            features_of_path: 0,
        };
        if !tree.nodes[0].is_leaf() {
            builder.split(0, 1, None);
        }
        let Builder { splits, features_of_path, .. } = builder;
        Ok(Self { splits, features_of_path, base: base / covers[0] })
    }
}

/// A feature by which the path to a node is split.
#[derive(Clone, Copy)]
struct PathFeature {
    feature: u32,
    /// The share of the rows that pass all splits by it.
    share: f64,
    /// The level below the last of them.
    level: u16,
}

/// Finds the splits of a tree that explain something.
struct Builder<'a> {
    tree: &'a Tree,
    /// The weight of each node.
    covers: &'a [f64],
    /// The value of each leaf, in the order of the nodes.
    values: &'a [f64],
    /// The value of a leaf that explains nothing.
    reference: f64,
    path: Vec<PathFeature>,
    splits: Vec<ExplainedSplit>,
    features_of_path: usize,
}

impl Builder<'_> {
    /// Appends a split and those below it, unless no leaf below it explains anything. `above` is the
    /// feature of the split above and whether this is its right child.
    fn split(&mut self, index: usize, level: u16, above: Option<(u16, bool)>) {
        let node = self.tree.nodes[index];
        let next = node.next as usize;
        let found = self.path.iter().position(|path| path.feature == node.feature);
        let place = found.unwrap_or(self.path.len());
        if found.is_none() {
            self.path.push(PathFeature { feature: node.feature, share: 1.0, level: 0 });
        }
        let before = self.path[place];
        let share = |child: usize| before.share * (self.covers[child] / self.covers[index]);
        let shares = [share(next), share(next + 1)];
        let begin = self.splits.len();
        // A model has at most 65,536 features.
        let feature = node.feature as u16;
        let (feature_above, is_right) = above.unwrap_or_default();
        self.splits.push(ExplainedSplit {
            threshold: node.threshold,
            feature,
            feature_above,
            level,
            before: before.level,
            is_right,
            shares,
            values: [0.0; 2],
        });
        for side in [0, 1] {
            let child = next + side;
            if !self.tree.nodes[child].is_leaf() {
                let path = PathFeature { share: shares[side], level: level + 1, ..before };
                self.path[place] = path;
                self.split(child, level + 1, Some((feature, side == 1)));
            } else if self.values[child] != self.reference {
                self.splits[begin].values[side] = self.values[child] - self.reference;
                self.features_of_path = self.features_of_path.max(self.path.len());
            }
        }
        if self.splits.len() == begin + 1 && self.splits[begin].values == [0.0; 2] {
            self.splits.pop();
        }
        if found.is_none() {
            self.path.pop();
        } else {
            self.path[place] = before;
        }
    }
}

/// What a walk knows of the split at one level, and of the factor above it.
#[derive(Clone, Copy)]
struct Level<const POINTS: usize> {
    /// 1 over the factor of the feature of the split above, `(1 - t) share + t passed`, at each point.
    inverse: [f64; POINTS],
    /// The product of the factors of all other features than this split's, times the weight.
    product: [f64; POINTS],
    /// 1 if the row passes all splits by the feature of the split above, down to this one, else 0.
    passed: f64,
    /// The same for this split's feature and each of its children.
    passes: [f64; 2],
    /// The shares of the children.
    shares: [f64; 2],
    /// By how much the value of each child counts, before it is multiplied by the inverse of both factors.
    changes: [f64; 2],
    /// The level of [`ExplainedSplit::before`].
    before: usize,
}

/// What the way down a tree keeps of a split for the way up.
#[derive(Clone, Copy)]
struct Kept<const POINTS: usize> {
    /// The sum over the leaves of the split of value times product times weight.
    sum: [f64; POINTS],
    /// What the sum over the leaves below is multiplied by for the feature of the split above.
    change: [f64; POINTS],
}

/// The walk over trees with this number of points at a time, which is a constant for the compiler.
#[derive(Default)]
struct Walk<const POINTS: usize> {
    levels: Vec<Level<POINTS>>,
    /// The sums over the leaves below the splits of each level that have the same split above.
    sums: Vec<[f64; POINTS]>,
    kept: Vec<Kept<POINTS>>,
    /// The value of each feature, whose points are not added up yet.
    values: Vec<[f64; POINTS]>,
}

impl<const POINTS: usize> Walk<POINTS> {
    /// Adds to `out` the sum over a group's trees of the values of a row.
    fn explain(&mut self, explainer: &Explainer, group: &RuleGroup, row: &[f32], out: &mut [f64]) {
        // The root is the left child of a level that has no factor.
        let level = Level {
            inverse: [1.0; POINTS],
            product: [0.0; POINTS],
            passed: 1.0,
            passes: [1.0, 0.0],
            shares: [1.0, 0.0],
            changes: [0.0; 2],
            before: 0,
        };
        self.levels.resize(explainer.depth + 1, level);
        self.sums.resize(explainer.depth + 2, [0.0; POINTS]);
        self.values.resize(explainer.features, [0.0; POINTS]);
        for rule in group.rule.as_chunks::<POINTS>().0 {
            self.values.fill([0.0; POINTS]);
            self.levels[0].product = rule.map(|at| at.weight);
            let points = rule.map(|at| at.point);
            for splits in &group.trees {
                self.down(splits, &points, row);
                self.up(splits);
            }
            for (out, value) in out.iter_mut().zip(&self.values) {
                *out += value.iter().sum::<f64>();
            }
        }
    }

    /// Computes the products of all paths, and adds what leaves contribute to the feature of the split above
    /// them.
    fn down(&mut self, splits: &[ExplainedSplit], points: &[f64; POINTS], row: &[f32]) {
        let Self { levels, kept, values, .. } = self;
        let none = Kept { sum: [0.0; POINTS], change: [0.0; POINTS] };
        if kept.len() < splits.len() {
            kept.resize(splits.len(), none);
        }
        for (split, kept) in splits.iter().zip(kept) {
            let level = usize::from(split.level);
            let side = usize::from(split.is_right);
            // Fields are copied one by one: a copy of a level would wait for what has just been written to it.
            let above = &levels[level - 1];
            let (passed, share, change) =
                (above.passes[side], above.shares[side], above.changes[side]);
            let (product, inverse_before) = (above.product, levels[above.before].inverse);
            let factor = points.map(|point| share + point * (passed - share));
            let inverse = factor.map(|factor| 1.0 / factor);
            kept.change = each(|at| change * inverse[at] * inverse_before[at]);
            levels[level].inverse = inverse;
            levels[level].passed = passed;
            let before = &levels[usize::from(split.before)];
            let (passed, inverse_before) = (before.passed, before.inverse);
            // NaN goes right, as in a prediction.
            let goes_left = row[usize::from(split.feature)] <= split.threshold;
            let left = passed * f64::from(u8::from(goes_left));
            let right = passed - left;
            let gain = left * split.shares[1] - right * split.shares[0];
            let here = &mut levels[level];
            here.before = usize::from(split.before);
            here.passes = [left, right];
            here.shares = split.shares;
            here.changes = [gain, -gain];
            // The leaves among the children.
            let [one, other] = split.values;
            let unknown = one * split.shares[0] + other * split.shares[1];
            let known = one * left + other * right;
            let weight = gain * (one - other);
            let product: [f64; POINTS] = each(|at| product[at] * factor[at] * inverse_before[at]);
            kept.sum = each(|at| product[at] * (unknown + points[at] * (known - unknown)));
            here.product = product;
            let value = values[usize::from(split.feature)];
            values[usize::from(split.feature)] =
                each(|at| value[at] + product[at] * (weight * inverse_before[at]));
        }
    }

    /// Adds what the leaves further below contribute to the feature of each split.
    fn up(&mut self, splits: &[ExplainedSplit]) {
        let Self { sums, kept, values, .. } = self;
        for (split, kept) in splits.iter().zip(kept).rev() {
            let level = usize::from(split.level);
            let (beside, below) = (sums[level], sums[level + 1]);
            let value = values[usize::from(split.feature_above)];
            let sum: [f64; POINTS] = each(|at| kept.sum[at] + below[at]);
            sums[level + 1] = [0.0; POINTS];
            sums[level] = each(|at| beside[at] + sum[at]);
            values[usize::from(split.feature_above)] =
                each(|at| value[at] + sum[at] * kept.change[at]);
        }
        sums[1] = [0.0; POINTS];
    }
}

/// Returns a value for each point.
#[inline(always)]
fn each<const POINTS: usize>(value: impl FnMut(usize) -> f64) -> [f64; POINTS] {
    std::array::from_fn(value)
}

/// The walks of one thread, of which each group needs one.
#[derive(Default)]
struct Walks {
    two: Walk<2>,
    four: Walk<4>,
    six: Walk<6>,
    eight: Walk<MOST_POINTS>,
    /// The row, whose values are adjacent.
    row: Vec<f32>,
}

impl Walks {
    /// Adds the values of a row to `out`.
    fn explain(&mut self, explainer: &Explainer, row: ArrayView1<'_, f32>, out: &mut [f64]) {
        self.row.clear();
        self.row.extend(row);
        for group in &explainer.groups {
            match group.rule.len() {
                2 => self.two.explain(explainer, group, &self.row, out),
                4 => self.four.explain(explainer, group, &self.row, out),
                6 => self.six.explain(explainer, group, &self.row, out),
                _ => self.eight.explain(explainer, group, &self.row, out),
            }
        }
        for value in out {
            *value /= explainer.trees as f64;
        }
    }
}

/// A point of a quadrature rule, and its weight.
#[derive(Clone, Copy, Debug)]
struct RulePoint {
    point: f64,
    weight: f64,
}

/// Returns the Gauss-Legendre rule on the interval from 0 to 1 with this number of points, which is exact
/// for polynomials of a degree below twice that number.
fn gauss_legendre(count: usize) -> Vec<RulePoint> {
    let point = |index: usize| {
        // Newton's method finds the root of the Legendre polynomial near this.
        let angle = std::f64::consts::PI * (index as f64 + 0.75) / (count as f64 + 0.5);
        let mut root = angle.cos();
        let mut slope = 1.0;
        for _ in 0..100 {
            let (value, found) = legendre(count, root);
            slope = found;
            let step = value / slope;
            root -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        let weight = 1.0 / ((1.0 - root * root) * slope * slope);
        RulePoint { point: (1.0 - root) / 2.0, weight }
    };
    (0..count).map(point).collect()
}

/// Returns the value and the slope of the Legendre polynomial of a degree, by its recurrence.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for n in 2..=degree {
        let n = n as f64;
        (before, value) = (value, ((2.0 * n - 1.0) * x * value - (n - 1.0) * before) / n);
    }
    let degree = degree as f64;
    (value, degree * (x * value - before) / (x * x - 1.0))
}

#[cfg(test)]
pub(crate) mod tests {
    use linfa::prelude::Fit;
    use ndarray::{Array1, Array2, array};

    use super::*;
    use crate::tree::Node;

    /// Returns random numbers from 0 to 1.
    pub(crate) fn random(seed: u64) -> impl FnMut() -> f32 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32
        }
    }

    /// Returns a forest that was fitted to random rows.
    pub(crate) fn forest(
        rows: usize,
        features: usize,
        depth: Option<usize>,
        seed: u64,
    ) -> RandomForest {
        let mut next = random(seed);
        let records = Array2::from_shape_fn((rows, features), |_| next());
        let labels: Array1<usize> = records
            .rows()
            .into_iter()
            .map(|row| usize::from(row[0] * row[1 % features] + 0.3 * next() > 0.4))
            .collect();
        let params = RandomForest::params().n_estimators(5).max_depth(depth).random_state(seed);
        params.fit(&linfa::Dataset::new(records, labels)).unwrap()
    }

    /// Returns what a coalition of features is worth in a tree, by definition.
    fn worth(
        tree: &Tree,
        row: &[f32],
        known: u32,
        node: usize,
        cover: &dyn Fn(usize) -> f64,
    ) -> f64 {
        let Node { feature, threshold, next } = tree.nodes[node];
        let next = next as usize;
        if tree.nodes[node].is_leaf() {
            return f64::from(tree.shares[2 * next + 1]);
        }
        let sides = [next, next + 1].map(|child| worth(tree, row, known, child, cover));
        if known >> feature & 1 == 1 {
            sides[usize::from(row[feature as usize] > threshold)]
        } else {
            let [left, right] = [cover(next), cover(next + 1)];
            (left * sides[0] + right * sides[1]) / (left + right)
        }
    }

    fn cover(tree: &Tree, node: usize) -> f64 {
        let next = tree.nodes[node].next as usize;
        if tree.nodes[node].is_leaf() {
            f64::from(tree.covers[next])
        } else {
            cover(tree, next) + cover(tree, next + 1)
        }
    }

    fn by_definition(forest: &RandomForest, row: &[f32]) -> Vec<f64> {
        shapley(forest.features(), |known| {
            let of_tree = |tree: &Tree| worth(tree, row, known, 0, &|node| cover(tree, node));
            forest.trees().iter().map(of_tree).sum::<f64>() / forest.trees().len() as f64
        })
    }

    /// Returns the Shapley values of a game by definition, a mean over all orders of the features.
    /// `worth` says what a coalition is worth, whose members are bits.
    pub(crate) fn shapley(features: usize, worth: impl Fn(u32) -> f64) -> Vec<f64> {
        let worth: Vec<f64> = (0..1_u32 << features).map(worth).collect();
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        let value = |feature: usize| {
            let others = (0..1_usize << features).filter(|known| known >> feature & 1 == 0);
            others
                .map(|known| {
                    let size = known.count_ones() as usize;
                    let orders = factorial(size) * factorial(features - size - 1);
                    orders / factorial(features) * (worth[known | 1 << feature] - worth[known])
                })
                .sum()
        };
        (0..features).map(value).collect()
    }

    #[test]
    fn values_are_those_of_the_definition() {
        for (features, depth, seed) in
            [(1, None, 1), (2, Some(3), 2), (4, Some(1), 3), (6, None, 4), (7, Some(6), 5)]
        {
            let forest = forest(120, features, depth, seed);
            let explainer = Explainer::new(&forest).unwrap();
            let mut next = random(99);
            for _ in 0..8 {
                let row: Vec<f32> = (0..features).map(|_| next() * 1.2 - 0.1).collect();
                let mut found = Vec::new();
                let records = ArrayView2::from_shape((1, features), &row).unwrap();
                explainer.explain(records, &mut found).unwrap();
                for (found, expected) in found.iter().zip(by_definition(&forest, &row)) {
                    assert!((found - expected).abs() < 1e-13, "{features}: {found} {expected}");
                }
            }
        }
    }

    /// A tree whose every split has a leaf and the next split, by the features in turn.
    pub(crate) fn comb(depth: usize, features: usize) -> RandomForest {
        let mut next = random(7);
        let mut nodes = vec![Node::leaf(0)];
        for level in 0..depth {
            // The last node is split: its left child is a leaf, and its right child is split next.
            let last = nodes.len() - 1;
            let (feature, threshold) = ((level % features) as u32, 0.1 + 0.8 * next());
            nodes[last] = Node { feature, threshold, next: nodes.len() as u32 };
            nodes.extend([level, level + 1].map(|leaf| Node::leaf(leaf as u32)));
        }
        let (mut shares, mut covers) = (Vec::new(), Vec::new());
        for leaf in 0..=depth {
            let share = next();
            shares.extend([1.0 - share, share]);
            covers.push(1.0 + (leaf % 3) as f32);
        }
        RandomForest::from_trees(vec![Tree { nodes, shares, covers }], vec![0; features], 2)
            .unwrap()
    }

    #[test]
    fn values_add_up_to_the_probability_at_any_depth() {
        for (depth, features) in
            [(1, 1), (2, 2), (10, 3), (60, 60), (200, 12), (200, 200), (999, 40)]
        {
            let forest = comb(depth, features);
            let explainer = Explainer::new(&forest).unwrap();
            let mut next = random(depth as u64);
            for _ in 0..5 {
                let records = Array2::from_shape_fn((1, features), |_| next());
                let mut values = Vec::new();
                explainer.explain(records.view(), &mut values).unwrap();
                let probability = forest.predict_proba(records.view()).unwrap()[[0, 1]];
                let sum = explainer.base() + values.iter().sum::<f64>();
                assert!(
                    (sum - probability).abs() < 1e-12,
                    "{depth} {features}: {sum} {probability}"
                );
            }
        }
        assert_eq!(Explainer::new(&comb(1_001, 3)).err(), Some(ExplainError::TooDeep));
    }

    #[test]
    fn a_missing_value_goes_right_as_in_a_prediction() {
        let forest = forest(120, 3, None, 8);
        let explainer = Explainer::new(&forest).unwrap();
        let records = array![[f32::NAN, 0.2, f32::INFINITY]];
        let mut values = Vec::new();
        explainer.explain(records.view(), &mut values).unwrap();
        let sum = explainer.base() + values.iter().sum::<f64>();
        assert!((sum - forest.predict_proba(records.view()).unwrap()[[0, 1]]).abs() < 1e-13);
        let narrow = explainer.explain(array![[0.5]].view(), &mut values).unwrap_err();
        assert_eq!(narrow.to_string(), "rows have 1 features, expected 3");
    }

    #[test]
    fn forests_without_covers_are_refused() {
        let tree = Tree { nodes: vec![Node::leaf(0)], shares: vec![0.5, 0.5], ..Tree::default() };
        let forest = RandomForest::from_trees(vec![tree], vec![0], 2).unwrap();
        assert_eq!(Explainer::new(&forest).err(), Some(ExplainError::NoCovers));
    }

    #[test]
    fn rules_are_exact_for_polynomials() {
        for count in [1, 2, 3, 5, 8, 16, 64, 256] {
            let rule = gauss_legendre(count);
            for degree in [0, 1, 2 * count - 1] {
                let terms = rule.iter();
                let found: f64 = terms.map(|at| at.weight * at.point.powi(degree as i32)).sum();
                let expected = 1.0 / (degree + 1) as f64;
                assert!((found - expected).abs() < 1e-14, "{count} {degree}: {found} {expected}");
            }
        }
    }
}
