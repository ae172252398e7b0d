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
//! features is exact, and all its terms are positive: nothing cancels, however deep a tree is. One walk
//! over a tree computes the products of all paths at all points.

use ndarray::{ArrayView1, ArrayView2};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::model::{PredictError, RandomForest};
use crate::tree::{Node, Tree};

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

/// A node in the order of the tree.
#[derive(Clone, Copy, Debug)]
struct ExplainedNode {
    /// The feature of a split, or [`Node::LEAF`].
    feature: u32,
    threshold: f32,
    /// The left child, which the right child follows.
    next: u32,
    /// The share of its parent's rows.
    share: f64,
    /// The probability of class 1 of a leaf.
    value: f64,
}

/// Explains the probability of class 1 that a forest of two or more classes gives to a row.
#[derive(Clone, Debug)]
pub struct Explainer {
    trees: Vec<Vec<ExplainedNode>>,
    features: usize,
    /// The maximum depth of a tree.
    depth: usize,
    /// The quadrature rule on the interval from 0 to 1.
    rule: Vec<RulePoint>,
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
        let mut explained = Vec::with_capacity(forest.trees().len());
        let (mut features_of_path, mut base) = (1, 0.0);
        for tree in forest.trees() {
            let prepared = PreparedTree::of(tree, forest.classes())?;
            features_of_path = features_of_path.max(prepared.features_of_path);
            base += prepared.base;
            explained.push(prepared.nodes);
        }
        Ok(Self {
            base: base / explained.len() as f64,
            trees: explained,
            features: forest.features(),
            depth,
            rule: gauss_legendre(features_of_path.div_ceil(2)),
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
        match self.rule.len() {
            0..=2 => self.explain_at::<2>(records, values),
            3..=4 => self.explain_at::<4>(records, values),
            5..=6 => self.explain_at::<6>(records, values),
            _ => self.explain_at::<MOST_POINTS>(records, values),
        }
        Ok(())
    }

    /// Does the work of [`Self::explain`] with this number of points at a time, which is a constant for
    /// the compiler.
    fn explain_at<const POINTS: usize>(&self, records: ArrayView2<'_, f32>, values: &mut Vec<f64>) {
        let begin = values.len();
        values.resize(begin + records.len(), 0.0);
        let outs = values[begin..].chunks_exact_mut(self.features.max(1));
        let pairs: Vec<_> = records.rows().into_iter().zip(outs).collect();
        let walks = || -> Vec<Walk<POINTS>> {
            self.rule.chunks(POINTS).map(|rule| Walk::new(self, rule)).collect()
        };
        let explain = |walks: &mut Vec<Walk<POINTS>>, (row, out): (_, &mut [f64])| {
            walks.iter_mut().for_each(|walk| walk.explain(&self.trees, row, out));
        };
        if pairs.len() <= SINGLE_THREAD_ROWS {
            let mut walks = walks();
            pairs.into_iter().for_each(|pair| explain(&mut walks, pair));
        } else {
            pairs.into_par_iter().for_each_init(walks, explain);
        }
    }
}

/// A tree that is prepared for explanations.
struct PreparedTree {
    nodes: Vec<ExplainedNode>,
    /// The maximum number of different features on a path.
    features_of_path: usize,
    /// The mean value of the tree's rows.
    base: f64,
}

impl PreparedTree {
    fn of(tree: &Tree, classes: usize) -> Result<Self, ExplainError> {
        if tree.covers.is_empty() {
            return Err(ExplainError::NoCovers);
        }
        let count = tree.nodes.len();
        let mut covers = vec![0.0; count];
        let mut nodes = Vec::with_capacity(count);
        for node in &tree.nodes {
            let value = if node.is_leaf() {
                f64::from(tree.shares(node.next as usize, classes)[1])
            } else {
                0.0
            };
            let Node { feature, threshold, next } = *node;
            nodes.push(ExplainedNode { feature, threshold, next, share: 1.0, value });
        }
        // Children come after their parents.
        for (index, node) in tree.nodes.iter().enumerate().rev() {
            let next = node.next as usize;
            covers[index] = if node.is_leaf() {
                f64::from(tree.covers[next])
            } else {
                covers[next] + covers[next + 1]
            };
        }
        let mut base = 0.0;
        for (index, node) in tree.nodes.iter().enumerate() {
            if node.is_leaf() {
                base += nodes[index].value * covers[index] / covers[0];
                continue;
            }
            let next = node.next as usize;
            for child in [next, next + 1] {
                nodes[child].share = covers[child] / covers[index];
            }
        }
        let features_of_path = Self::features_of_path(&nodes, 0, &mut Vec::new());
        Ok(Self { nodes, features_of_path, base })
    }

    /// Returns the maximum number of different features on a path from a node to a leaf, with those of
    /// `path` above it.
    fn features_of_path(nodes: &[ExplainedNode], index: usize, path: &mut Vec<u32>) -> usize {
        let node = &nodes[index];
        if node.feature == Node::LEAF {
            return path.len();
        }
        let is_new = !path.contains(&node.feature);
        if is_new {
            path.push(node.feature);
        }
        let next = node.next as usize;
        let most = [next, next + 1].map(|child| Self::features_of_path(nodes, child, path));
        if is_new {
            path.pop();
        }
        most[0].max(most[1])
    }
}

/// What the splits by a feature do on a path.
#[derive(Clone, Copy)]
struct Factor<const POINTS: usize> {
    /// 1 if the row passes all splits by the feature, else 0.
    passed: f64,
    /// The share of the rows that pass them.
    share: f64,
    /// 1 over `(1 - t) share + t passed` at each point.
    inverse: [f64; POINTS],
}

/// What a walk knows of the node at one depth.
#[derive(Clone, Copy)]
struct Level<const POINTS: usize> {
    /// The factor of the feature by which the node's parent is split.
    factor: Factor<POINTS>,
    /// The product of all factors on the path, times the weight, at each point.
    product: [f64; POINTS],
    /// The sum over the leaves below.
    sum: [f64; POINTS],
}

/// The walk over a tree for one row.
struct Walk<const POINTS: usize> {
    points: [f64; POINTS],
    weights: [f64; POINTS],
    /// The level that has the factor of each feature; the first level if the path has none.
    level_of: Vec<u32>,
    levels: Vec<Level<POINTS>>,
    /// The row, whose values are adjacent.
    row: Vec<f32>,
    /// The value of each feature, whose points are not added up yet.
    values: Vec<[f64; POINTS]>,
}

impl<const POINTS: usize> Walk<POINTS> {
    /// Creates a walk at some points of the explainer's rule. Points beyond them weigh nothing.
    fn new(explainer: &Explainer, rule: &[RulePoint]) -> Self {
        let point =
            |at: usize| rule.get(at).copied().unwrap_or(RulePoint { point: 0.5, weight: 0.0 });
        let factor = Factor { passed: 1.0, share: 1.0, inverse: [1.0; POINTS] };
        let level = Level { factor, product: [0.0; POINTS], sum: [0.0; POINTS] };
        Self {
            points: std::array::from_fn(|at| point(at).point),
            weights: std::array::from_fn(|at| point(at).weight),
            level_of: vec![0; explainer.features],
            levels: vec![level; explainer.depth + 2],
            row: Vec::with_capacity(explainer.features),
            values: vec![[0.0; POINTS]; explainer.features],
        }
    }

    /// Adds to `out` what these points contribute to the values of a row.
    fn explain(&mut self, trees: &[Vec<ExplainedNode>], row: ArrayView1<'_, f32>, out: &mut [f64]) {
        self.values.fill([0.0; POINTS]);
        let mut values = std::mem::take(&mut self.row);
        values.clear();
        values.extend(row);
        for nodes in trees {
            // A tree without a split explains nothing.
            if nodes[0].feature != Node::LEAF {
                self.levels[0].product = self.weights;
                self.split(nodes, &values, nodes[0], 0);
            }
        }
        self.row = values;
        for (out, value) in out.iter_mut().zip(&self.values) {
            *out += value.iter().sum::<f64>() / trees.len() as f64;
        }
    }

    /// Adds what a split and those below it contribute. The sum of its level is then that over the leaves
    /// below of value times product times weight, at each point. All arrays are in the levels: a deep
    /// tree must not need a deep stack.
    fn split(&mut self, nodes: &[ExplainedNode], row: &[f32], node: ExplainedNode, depth: usize) {
        let feature = node.feature as usize;
        let level_before = self.level_of[feature];
        let before = self.levels[level_before as usize].factor;
        let here = &mut self.levels[depth];
        here.sum = [0.0; POINTS];
        // The product without the factor of this feature.
        for at in 0..POINTS {
            here.product[at] *= before.inverse[at];
        }
        // NaN goes right, as in a prediction.
        let goes_left = row[feature] <= node.threshold;
        let next = node.next as usize;
        for (child, goes_here) in [(next, goes_left), (next + 1, !goes_left)] {
            let child = nodes[child];
            let passed = if goes_here { before.passed } else { 0.0 };
            let share = before.share * child.share;
            let difference = passed - share;
            // The factor of the deepest split by a feature replaces that of the ones above it.
            let (gain, loss) = (difference, before.passed - before.share);
            let [here, below] = &mut self.levels[depth..depth + 2] else { return };
            if child.feature == Node::LEAF {
                // Arrays of their own, so that the compiler knows that they do not overlap.
                let (mut value, mut sum) = (self.values[feature], here.sum);
                // The factor and its inverse cancel.
                for at in 0..POINTS {
                    let factor = share + self.points[at] * difference;
                    let weight = here.product[at] * child.value;
                    value[at] += weight * (gain - loss * before.inverse[at] * factor);
                    sum[at] += weight * factor;
                }
                (self.values[feature], here.sum) = (value, sum);
                continue;
            }
            (below.factor.passed, below.factor.share) = (passed, share);
            for at in 0..POINTS {
                let factor = share + self.points[at] * difference;
                below.factor.inverse[at] = 1.0 / factor;
                below.product[at] = here.product[at] * factor;
            }
            self.level_of[feature] = depth as u32 + 1;
            self.split(nodes, row, child, depth + 1);
            let [here, below] = &mut self.levels[depth..depth + 2] else { return };
            let (mut value, mut sum) = (self.values[feature], here.sum);
            for at in 0..POINTS {
                let change = gain * below.factor.inverse[at] - loss * before.inverse[at];
                value[at] += below.sum[at] * change;
                sum[at] += below.sum[at];
            }
            (self.values[feature], here.sum) = (value, sum);
        }
        self.level_of[feature] = level_before;
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
