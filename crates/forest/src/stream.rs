//! Random numbers that are the same on every machine and with every version of the libraries.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// The random stream of one tree.
pub(crate) struct RandomStream(Xoshiro256PlusPlus);

impl RandomStream {
    /// Returns the stream of tree `index` of a forest with seed `seed`. The seed is hashed to 64
    /// bits before the index is added, so that forests with neighbouring seeds share no tree.
    pub(crate) fn new(seed: u64, index: usize) -> Self {
        let spread = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        Self(Xoshiro256PlusPlus::seed_from_u64(spread.wrapping_add(index as u64)))
    }

    /// Returns a uniformly distributed number below `bound`, which must not be 0.
    ///
    /// Lemire, "Fast Random Integer Generation in an Interval", 2019, algorithm 5.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.0.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let least = bound.wrapping_neg() % bound;
            while (product as u32) < least {
                product = u64::from(self.0.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    /// Calls `with` with `count` uniformly distributed numbers below `bound`, which must not be 0.
    /// Each 64 random bits give two numbers.
    #[inline]
    pub(crate) fn for_each_below(
        &mut self,
        bound: u32,
        mut count: usize,
        mut with: impl FnMut(u32),
    ) {
        let least = bound.wrapping_neg() % bound;
        while count > 0 {
            let random = self.0.next_u64();
            for half in [random as u32, (random >> 32) as u32] {
                let product = u64::from(half) * u64::from(bound);
                if product as u32 >= least && count > 0 {
                    with((product >> 32) as u32);
                    count -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_stream_never_change() {
        let draw = |seed, index| {
            let mut stream = RandomStream::new(seed, index);
            [(); 5].map(|()| stream.below(1000))
        };
        assert_eq!(draw(42, 0), draw(42, 0));
        assert_ne!(draw(42, 0), draw(42, 1));
        assert_ne!(draw(42, 1), draw(43, 0));
        assert_eq!(draw(42, 0), FIXED);
    }

    const FIXED: [u32; 5] = [311, 796, 904, 510, 372];

    #[test]
    fn numbers_below_the_bound_are_uniformly_distributed() {
        let mut stream = RandomStream::new(1, 2);
        let mut counts = [[0_u32; 7]; 2];
        for _ in 0..70_000 {
            counts[0][stream.below(7) as usize] += 1;
        }
        stream.for_each_below(7, 70_000, |number| counts[1][number as usize] += 1);
        // 10,000 each; the standard deviation is sqrt(70000 * 1/7 * 6/7) = 93.
        let far = |count: &u32| count.abs_diff(10_000) >= 5 * 93;
        assert!(!counts.as_flattened().iter().any(far), "{counts:?}");
    }

    #[test]
    fn the_requested_count_is_returned_although_biased_numbers_are_rejected() {
        // With the last bound a quarter of all random numbers are rejected.
        for (bound, count) in [(1, 0), (1, 3), (7, 1), (7, 10), ((1 << 31) + (1 << 30) + 1, 1001)] {
            let mut numbers = Vec::new();
            RandomStream::new(3, 4).for_each_below(bound, count, |number| numbers.push(number));
            assert!(numbers.len() == count && numbers.iter().all(|&number| number < bound));
        }
    }
}
