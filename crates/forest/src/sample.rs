//! Which rows a tree is grown from.

use crate::params::RandomForestValidParams;
use crate::stream::Stream;

/// How often a row is drawn at most: what a record has room for. One of a million draws of a
/// million rows would fall on such a row once in 10^213 trees, and is lost.
const MOST: u8 = 127;

/// How many rows are drawn from at a time: what is counted of more does not stay in the cache, and
/// a draw takes ten times as long.
const BLOCK: usize = 1 << 18;

/// How often each row was drawn for a tree.
pub(crate) struct Sample {
    pub(crate) drawn: Vec<u8>,
    /// How many draws fall on each block of rows.
    blocks: Vec<u32>,
    /// How many draws a tree takes, at most one for each row; none where it takes each row once.
    draws: Option<usize>,
}

impl Sample {
    pub(crate) fn new(rows: usize, params: &RandomForestValidParams) -> Self {
        let blocks = vec![0; rows.div_ceil(BLOCK)];
        Self { drawn: vec![1; rows], blocks, draws: params.draws(rows) }
    }

    /// Draws the rows of one tree, with replacement.
    pub(crate) fn draw(&mut self, stream: &mut Stream) {
        let Some(draws) = self.draws else { return };
        // First which block, where there are several, then which row of it.
        if let [only] = &mut self.blocks[..] {
            *only = draws as u32;
        } else {
            self.blocks.fill(0);
            stream.each_below(self.drawn.len() as u32, draws, |row| {
                self.blocks[row as usize / BLOCK] += 1;
            });
        }
        for (drawn, &draws) in self.drawn.chunks_mut(BLOCK).zip(&self.blocks) {
            drawn.fill(0);
            stream.each_below(drawn.len() as u32, draws as usize, |row| {
                let drawn = &mut drawn[row as usize];
                *drawn += u8::from(*drawn < MOST);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::*;
    use crate::{RandomForest, Samples};

    fn drawn(params: crate::RandomForestParams, rows: usize) -> Vec<u8> {
        let mut sample = Sample::new(rows, &params.check().unwrap());
        sample.draw(&mut Stream::new(1, 2));
        sample.drawn
    }

    #[test]
    fn a_bootstrap_draws_as_often_as_asked() {
        let draws = |drawn: &[u8]| drawn.iter().map(|&drawn| usize::from(drawn)).sum::<usize>();
        let all = drawn(RandomForest::params(), 1000);
        assert_eq!(draws(&all), 1000);
        // (1 - 1/1000)^1000 = 0.3677 of the rows are never drawn, with standard deviation 0.0098.
        let never = all.iter().filter(|&&drawn| drawn == 0).count();
        assert!(never.abs_diff(368) < 50, "{never}");
        let third = RandomForest::params().max_samples(Some(Samples::Fraction(0.3)));
        assert_eq!(draws(&drawn(third, 1000)), 300);
        let seven = RandomForest::params().max_samples(Some(Samples::Count(7)));
        assert_eq!(draws(&drawn(seven, 1000)), 7);
        assert_eq!(drawn(RandomForest::params().bootstrap(false), 3), [1, 1, 1]);
        // Three blocks, the last one of a single row; each row of them as likely.
        let rows = 2 * BLOCK + 1;
        let many = drawn(RandomForest::params(), rows);
        assert_eq!(draws(&many), rows);
        for block in many.chunks(BLOCK).take(2) {
            // With standard deviation sqrt(BLOCK / 2) = 362.
            assert!(draws(block).abs_diff(BLOCK) < 5 * 362, "{}", draws(block));
            // And sqrt(BLOCK * 0.3679 * 0.6321) = 247.
            let never = block.iter().filter(|&&drawn| drawn == 0).count();
            assert!(never.abs_diff(BLOCK * 3679 / 10_000) < 5 * 247, "{never}");
        }
    }
}
