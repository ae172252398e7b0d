//! Growing one tree.

use crate::codes::Column;
use crate::params::RandomForestValidParams;
use crate::stream::Stream;
use crate::tree::{Node, Tree};

/// What all trees of a forest grow from.
pub(crate) struct Table {
    /// The features.
    pub(crate) columns: Vec<Column>,
    /// Each row's class.
    pub(crate) labels: Vec<u32>,
    /// What a row of each class weighs.
    pub(crate) weights: Vec<f64>,
}

/// A tree, and how much each feature lowered the weighted impurity in it.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) gains: Vec<f64>,
}

/// A node whose rows are `rows[start..end]`, still to be split or made a leaf.
struct Pending {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
}

/// Rows up to rank `low` of a feature go left; the next rank that occurs in the node is `high`.
#[derive(Clone, Copy)]
struct Split {
    feature: usize,
    low: u32,
    high: u32,
    score: f64,
}

/// What looking at one feature of a node found.
enum Found {
    /// All rows have one value.
    Constant,
    /// There are several, but no split leaves enough rows on both sides.
    TooSmall,
    /// The best split.
    Best(Split),
}

/// The buffers of one thread, used for tree after tree.
pub(crate) struct Grower<'a> {
    table: &'a Table,
    params: &'a RandomForestValidParams,
    /// How often the bootstrap drew each row.
    drawn: Vec<u32>,
    /// The rows drawn at least once; each node owns a range.
    rows: Vec<u32>,
    /// For each rank, the drawn count of each class and then the number of rows; all zero between
    /// two features.
    counts: Vec<u32>,
    /// The ranks that occur in the node, ascending.
    ranks: Vec<u32>,
    /// A bit for each rank, to put `ranks` in order; all zero between two features.
    occupied: Vec<u64>,
    /// The features, to be drawn from.
    features: Vec<usize>,
    /// The drawn count of each class: in the node, and left of a split.
    total: Vec<u32>,
    left: Vec<u32>,
}

impl<'a> Grower<'a> {
    pub(crate) fn new(table: &'a Table, params: &'a RandomForestValidParams) -> Self {
        let distinct = table.columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let classes = table.weights.len();
        Self {
            table,
            params,
            drawn: vec![0; table.labels.len()],
            rows: Vec::with_capacity(table.labels.len()),
            counts: vec![0; distinct * (classes + 1)],
            ranks: Vec::new(),
            occupied: vec![0; distinct.div_ceil(64)],
            features: (0..table.columns.len()).collect(),
            total: vec![0; classes],
            left: vec![0; classes],
        }
    }

    /// Grows tree `index`.
    pub(crate) fn grow(&mut self, index: usize) -> Grown {
        let mut stream = Stream::new(self.params.random_state, index);
        self.bootstrap(&mut stream);
        self.features.sort_unstable();
        let mut tree = Tree { nodes: vec![Node::leaf(0)], shares: Vec::new() };
        let mut gains = vec![0.0; self.table.columns.len()];
        let mut pending = vec![Pending { node: 0, start: 0, end: self.rows.len(), depth: 0 }];
        while let Some(Pending { node, start, end, depth }) = pending.pop() {
            self.count_classes(start, end);
            let Some(split) = self.split(start, end, depth, &mut stream) else {
                tree.nodes[node] = self.leaf(&mut tree.shares);
                continue;
            };
            gains[split.feature] += split.score - score(&self.total, &self.table.weights);
            let middle = self.part(start, end, split);
            let left = tree.nodes.len();
            tree.nodes[node] = Node {
                feature: split.feature as u32,
                threshold: self.table.columns[split.feature].threshold(split.low, split.high),
                next: left as u32,
            };
            tree.nodes.extend([Node::leaf(0); 2]);
            let depth = depth + 1;
            pending.push(Pending { node: left + 1, start: middle, end, depth });
            pending.push(Pending { node: left, start, end: middle, depth });
        }
        Grown { tree, gains }
    }

    /// Draws as many rows as there are, with replacement.
    fn bootstrap(&mut self, stream: &mut Stream) {
        self.drawn.fill(0);
        let rows = self.drawn.len() as u32;
        for _ in 0..rows {
            self.drawn[stream.below(rows) as usize] += 1;
        }
        self.rows.clear();
        self.rows.extend(
            self.drawn
                .iter()
                .enumerate()
                .filter(|(_, drawn)| **drawn > 0)
                .map(|(row, _)| row as u32),
        );
    }

    fn count_classes(&mut self, start: usize, end: usize) {
        self.total.fill(0);
        for &row in &self.rows[start..end] {
            self.total[self.table.labels[row as usize] as usize] += self.drawn[row as usize];
        }
    }

    /// The best split of a node over features drawn without replacement: `max_features` of them,
    /// and more only while all drawn so far were constant.
    fn split(
        &mut self,
        start: usize,
        end: usize,
        depth: usize,
        stream: &mut Stream,
    ) -> Option<Split> {
        let rows = end - start;
        let pure = self.total.iter().filter(|&&count| count > 0).count() < 2;
        if pure
            || rows < self.params.min_samples_split
            || rows < 2 * self.params.min_samples_leaf
            || self.params.max_depth.is_some_and(|limit| depth >= limit)
        {
            return None;
        }
        let wanted = self.params.max_features.of(self.features.len());
        let mut best: Option<Split> = None;
        let mut all_constant = true;
        for drawn in 0..self.features.len() {
            if drawn >= wanted && !all_constant {
                break;
            }
            let other = drawn + stream.below((self.features.len() - drawn) as u32) as usize;
            self.features.swap(drawn, other);
            match self.look(self.features[drawn], start, end) {
                Found::Constant => {}
                Found::TooSmall => all_constant = false,
                Found::Best(split) => {
                    all_constant = false;
                    if best.is_none_or(|best| split.score > best.score) {
                        best = Some(split);
                    }
                }
            }
        }
        best
    }

    /// The best split of a node by one feature.
    fn look(&mut self, feature: usize, start: usize, end: usize) -> Found {
        let column = &self.table.columns[feature];
        let weights = &self.table.weights;
        let classes = weights.len();
        let slot = classes + 1;
        let words = column.values.len().div_ceil(64);
        // Few rows are quicker sorted than found among many ranks.
        let by_bits = end - start >= words;
        self.ranks.clear();
        for &row in &self.rows[start..end] {
            let row = row as usize;
            let rank = column.codes[row];
            let counts = &mut self.counts[rank as usize * slot..][..slot];
            if by_bits {
                self.occupied[rank as usize / 64] |= 1 << (rank % 64);
            } else if counts[classes] == 0 {
                self.ranks.push(rank);
            }
            counts[self.table.labels[row] as usize] += self.drawn[row];
            counts[classes] += 1;
        }
        if by_bits {
            for (index, word) in self.occupied[..words].iter_mut().enumerate() {
                while *word != 0 {
                    self.ranks.push(index as u32 * 64 + word.trailing_zeros());
                    *word &= *word - 1;
                }
            }
        } else {
            self.ranks.sort_unstable();
        }

        let least = self.params.min_samples_leaf;
        let mut best: Option<Split> = None;
        let mut rows_left = 0;
        self.left.fill(0);
        for pair in self.ranks.windows(2) {
            let counts = &self.counts[pair[0] as usize * slot..][..slot];
            for (left, count) in self.left.iter_mut().zip(counts) {
                *left += count;
            }
            rows_left += counts[classes] as usize;
            if rows_left < least || end - start - rows_left < least {
                continue;
            }
            let mut sides = [(0.0, 0.0); 2];
            for ((&left, &total), weight) in self.left.iter().zip(&self.total).zip(weights) {
                for (side, count) in sides.iter_mut().zip([left, total - left]) {
                    let weighted = f64::from(count) * weight;
                    side.0 += weighted * weighted;
                    side.1 += weighted;
                }
            }
            let score = sides[0].0 / sides[0].1 + sides[1].0 / sides[1].1;
            if best.is_none_or(|best| score > best.score) {
                best = Some(Split { feature, low: pair[0], high: pair[1], score });
            }
        }
        for &rank in &self.ranks {
            self.counts[rank as usize * slot..][..slot].fill(0);
        }
        match best {
            Some(split) => Found::Best(split),
            None if self.ranks.len() < 2 => Found::Constant,
            None => Found::TooSmall,
        }
    }

    /// Moves the rows that go left to the front of the range; where the others begin.
    fn part(&mut self, start: usize, end: usize, split: Split) -> usize {
        let codes = &self.table.columns[split.feature].codes;
        let (mut front, mut back) = (start, end);
        while front < back {
            if codes[self.rows[front] as usize] <= split.low {
                front += 1;
            } else {
                back -= 1;
                self.rows.swap(front, back);
            }
        }
        front
    }

    /// A leaf with the weighted share of each class.
    fn leaf(&self, shares: &mut Vec<f32>) -> Node {
        let weighted = || {
            self.total
                .iter()
                .zip(&self.table.weights)
                .map(|(&count, weight)| f64::from(count) * weight)
        };
        let sum: f64 = weighted().sum();
        let leaf = shares.len() / self.total.len();
        shares.extend(weighted().map(|share| (share / sum) as f32));
        Node::leaf(leaf as u32)
    }
}

/// `sum(w_c^2) / sum(w_c)` of a set of rows. The Gini impurity times the weight is
/// `sum(w_c) - sum(w_c^2) / sum(w_c)`, so the split with the greatest sum over both sides lowers the
/// impurity most, and by the difference to the parent's.
fn score(counts: &[u32], weights: &[f64]) -> f64 {
    let weighted = || counts.iter().zip(weights).map(|(&count, weight)| f64::from(count) * weight);
    weighted().map(|weight| weight * weight).sum::<f64>() / weighted().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;
    use ndarray::{Array2, array};

    use super::*;
    use crate::{ClassWeight, MaxFeatures, RandomForest, RandomForestParams, codes};

    fn table(records: &Array2<f32>, labels: &[u32], weights: [f64; 2]) -> Table {
        Table {
            columns: codes::rank(records.view()).unwrap(),
            labels: labels.to_vec(),
            weights: weights.to_vec(),
        }
    }

    fn one_tree() -> RandomForestParams {
        RandomForest::params().n_estimators(1).max_features(MaxFeatures::All)
    }

    /// A grower whose bootstrap drew row `i` `drawn[i]` times.
    fn grower<'a>(
        table: &'a Table,
        params: &'a RandomForestValidParams,
        drawn: &[u32],
    ) -> Grower<'a> {
        let mut grower = Grower::new(table, params);
        grower.drawn = drawn.to_vec();
        grower.rows = (0..drawn.len() as u32).filter(|&row| drawn[row as usize] > 0).collect();
        grower.count_classes(0, grower.rows.len());
        grower
    }

    #[test]
    fn the_best_split_by_hand() {
        // Value 1 2 3 4, class 0 0 1 0, drawn 2 1 3 1 times, weight 1 and 2.
        // Weights: class 0 has 2 + 1 + 1 = 4, class 1 has 6; the parent's score (16 + 36) / 10 = 5.2.
        // After 1: left 2,0: 4/2 = 2; right 2,6: 40/8 = 5; together 7.
        // After 2: left 3,0: 9/3 = 3; right 1,6: 37/7 = 5.2857; together 8.2857, the best.
        // After 3: left 3,6: 45/9 = 5; right 1,0: 1; together 6.
        let table = table(&array![[1.0], [2.0], [3.0], [4.0]], &[0, 0, 1, 0], [1.0, 2.0]);
        let params = one_tree().check().unwrap();
        let mut grower = grower(&table, &params, &[2, 1, 3, 1]);
        let Found::Best(split) = grower.look(0, 0, 4) else { panic!("a split") };
        assert_eq!((split.low, split.high), (1, 2));
        assert!((split.score - (3.0 + 37.0 / 7.0)).abs() < 1e-12);
        assert!((score(&grower.total, &table.weights) - 5.2).abs() < 1e-12);
        assert_eq!(table.columns[0].threshold(split.low, split.high), 2.5);
        assert_eq!(grower.part(0, 4, split), 2);
        assert!(grower.counts.iter().all(|&count| count == 0));
    }

    #[test]
    fn leaf_limits_count_rows_and_not_draws() {
        // Rows 0 and 3 were drawn five times, but they are one row each.
        let table = table(&array![[1.0], [2.0], [3.0], [4.0]], &[0, 1, 1, 1], [1.0, 1.0]);
        let params = one_tree().min_samples_leaf(2).check().unwrap();
        let mut two = grower(&table, &params, &[5, 1, 1, 5]);
        let Found::Best(split) = two.look(0, 0, 4) else { panic!("a split") };
        assert_eq!((split.low, split.high), (1, 2));
        let params = one_tree().min_samples_leaf(3).check().unwrap();
        let mut three = grower(&table, &params, &[5, 1, 1, 5]);
        assert!(matches!(three.look(0, 0, 4), Found::TooSmall));
    }

    #[test]
    fn ranks_found_by_bits_and_by_sorting_give_one_split() {
        // 300 distinct values are five words: three rows are sorted, forty go through the bits.
        let records = Array2::from_shape_fn((300, 1), |(row, _)| ((row * 7919) % 300) as f32);
        let labels: Vec<u32> = (0..300).map(|row| u32::from((row * 7919) % 300 > 120)).collect();
        let table = table(&records, &labels, [1.0, 1.0]);
        let params = one_tree().check().unwrap();
        for rows in [3, 40] {
            let drawn: Vec<u32> = (0..300).map(|row| u32::from(row < rows)).collect();
            let mut grower = grower(&table, &params, &drawn);
            let Found::Best(split) = grower.look(0, 0, rows) else { panic!("a split") };
            let values = || (0..rows).map(|row| ((row * 7919) % 300) as u32);
            let low = values().filter(|&value| value <= 120).max().unwrap();
            let high = values().filter(|&value| value > 120).min().unwrap();
            assert_eq!((split.low, split.high), (low, high));
            assert!(grower.occupied.iter().all(|&word| word == 0));
        }
    }

    #[test]
    fn a_full_tree_knows_every_row_it_was_grown_from() {
        let records = Array2::from_shape_fn((200, 2), |(row, column)| {
            ((row * (31 + column * 26)) % 211) as f32 / 211.0
        });
        let labels: Vec<u32> = (0..200).map(|row| (row * row / 7) % 2).collect();
        let table = table(&records, &labels, [1.0, 1.0]);
        let params = RandomForest::params().class_weight(ClassWeight::Uniform).check().unwrap();
        let mut grower = Grower::new(&table, &params);
        let tree = grower.grow(3).tree;
        let mut out_of_bag = 0;
        for (row, &label) in labels.iter().enumerate() {
            if grower.drawn[row] == 0 {
                out_of_bag += 1;
                continue;
            }
            let leaf = tree.leaf(records.row(row).to_slice().unwrap());
            assert_eq!(tree.shares[2 * leaf + label as usize], 1.0);
        }
        // (1 - 1/200)^200 = 0.367 of the rows are never drawn: 73, with standard deviation 4.5.
        assert!((51..95).contains(&out_of_bag), "{out_of_bag}");
    }
}
