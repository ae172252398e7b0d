//! Random numbers that are the same on every machine and in every version of every library.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// The random stream of one tree.
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of tree `index` of a forest seeded with `seed`. The seed is spread over 64 bits
    /// before the index is added, so that neighbouring seeds share no tree.
    pub(crate) fn new(seed: u64, index: usize) -> Self {
        let spread = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        Self(Xoshiro256PlusPlus::seed_from_u64(spread.wrapping_add(index as u64)))
    }

    /// A number below `bound`, which is not 0, each as likely as any other.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_fixed_for_ever() {
        let draw = |seed, index| {
            let mut stream = Stream::new(seed, index);
            [(); 5].map(|()| stream.below(1000))
        };
        assert_eq!(draw(42, 0), draw(42, 0));
        assert_ne!(draw(42, 0), draw(42, 1));
        assert_ne!(draw(42, 1), draw(43, 0));
        assert_eq!(draw(42, 0), FIXED);
    }

    const FIXED: [u32; 5] = [311, 796, 904, 510, 372];

    #[test]
    fn every_number_below_the_bound_is_as_likely() {
        let mut stream = Stream::new(1, 2);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // 10,000 each; the standard deviation is sqrt(70000 * 1/7 * 6/7) = 93.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 5 * 93), "{counts:?}");
    }
}
