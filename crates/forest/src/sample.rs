//! The bootstrap sample that a tree is grown from.

use crate::params::RandomForestValidParams;
use crate::stream::RandomStream;

/// The maximum draw count of a row, which is what a record has room for. In a million draws from a
/// million rows a count above it occurs once in 10^213 trees, and further draws are discarded.
const MAX_DRAWS_PER_ROW: u8 = 127;

/// The number of rows that are drawn from at a time. Counters for more rows do not stay in the
/// cache, and a draw takes ten times as long.
const BLOCK_ROWS: usize = 1 << 18;

/// The bootstrap sample of a tree: the draw count of each row.
pub(crate) struct BootstrapSample {
    pub(crate) draw_counts: Vec<u8>,
    /// The number of draws from each block of rows.
    blocks: Vec<u32>,
    /// The number of draws per tree, at most one for each row; `None` if each tree takes each row
    /// once.
    draws: Option<usize>,
}

impl BootstrapSample {
    pub(crate) fn new(rows: usize, params: &RandomForestValidParams) -> Self {
        let blocks = vec![0; rows.div_ceil(BLOCK_ROWS)];
        Self { draw_counts: vec![1; rows], blocks, draws: params.draws(rows) }
    }

    /// Draws the rows of one tree with replacement.
    pub(crate) fn draw(&mut self, stream: &mut RandomStream) {
        let Some(draws) = self.draws else { return };
        // With several blocks, the block of each draw is chosen first, and the row within it
        // second.
        if let [only] = &mut self.blocks[..] {
            *only = draws as u32;
        } else {
            self.blocks.fill(0);
            stream.for_each_below(self.draw_counts.len() as u32, draws, |row| {
                self.blocks[row as usize / BLOCK_ROWS] += 1;
            });
        }
        for (drawn, &draws) in self.draw_counts.chunks_mut(BLOCK_ROWS).zip(&self.blocks) {
            drawn.fill(0);
            stream.for_each_below(drawn.len() as u32, draws as usize, |row| {
                let drawn = &mut drawn[row as usize];
                *drawn += u8::from(*drawn < MAX_DRAWS_PER_ROW);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::*;
    use crate::params::{RandomForestParams, Samples};

    fn drawn(params: RandomForestParams, rows: usize) -> Vec<u8> {
        let mut sample = BootstrapSample::new(rows, &params.check().unwrap());
        sample.draw(&mut RandomStream::new(1, 2));
        sample.draw_counts
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
}
