//! Counts of the rows in a bin or a node, for two classes.

/// Counts of a set of rows that are added and subtracted as a unit.
pub(crate) trait Tally: Copy + Default + PartialEq + Send + Sync {
    /// Returns the counts of one row of class `class` that was drawn `drawn` times; those of a row
    /// that was not drawn are 0.
    fn new(class: u8, drawn: u32) -> Self;

    fn plus(self, other: Self) -> Self;

    fn minus(self, other: Self) -> Self;

    /// Returns the number of draws of each class, less than 2^31.
    fn draws(self) -> [u32; 2];

    /// Returns the number of distinct rows. Types that do not count rows return 1 if there are any,
    /// else 0.
    fn rows(self) -> usize;
}

// Packs the draws of both classes into the two halves of one number.
macro_rules! draws {
    ($(#[$doc:meta])* $name:ident, $number:ident, $half:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(crate) struct $name($number);

        impl Tally for $name {
            #[inline]
            fn new(class: u8, drawn: u32) -> Self {
                Self($number::from(drawn as $half) << ($half::BITS * u32::from(class & 1)))
            }

            #[inline]
            fn plus(self, other: Self) -> Self {
                Self(self.0.wrapping_add(other.0))
            }

            #[inline]
            fn minus(self, other: Self) -> Self {
                Self(self.0.wrapping_sub(other.0))
            }

            #[inline]
            fn draws(self) -> [u32; 2] {
                [u32::from(self.0 as $half), u32::from((self.0 >> $half::BITS) as $half)]
            }

            #[inline]
            fn rows(self) -> usize {
                usize::from(self.0 > 0)
            }
        }
    };
}

draws! {
    /// The draws of each class.
    Draws, u64, u32
}

draws! {
    /// The draws of each class, fewer than 2^16. A table of such counts takes half the cache of
    /// [`Draws`].
    FewDraws, u32, u16
}

/// The draws of each class and the number of distinct rows, which the limits on leaves refer to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(16))]
pub(crate) struct DrawsAndRows([u32; 4]);

impl Tally for DrawsAndRows {
    #[inline]
    fn new(class: u8, drawn: u32) -> Self {
        let mut counts = [0, 0, drawn.min(1), 0];
        counts[usize::from(class & 1)] = drawn;
        Self(counts)
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place].wrapping_add(other.0[place])))
    }

    #[inline]
    fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|place| self.0[place].wrapping_sub(other.0[place])))
    }

    #[inline]
    fn draws(self) -> [u32; 2] {
        [self.0[0], self.0[1]]
    }

    #[inline]
    fn rows(self) -> usize {
        self.0[2] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adds_up<T: Tally + std::fmt::Debug>() -> T {
        let all = [(0, 3), (1, 1), (1, 2)].map(|(class, drawn)| T::new(class, drawn));
        let sum = all.into_iter().fold(T::default(), T::plus);
        assert_eq!(sum.draws(), [3, 3]);
        assert_eq!(sum.minus(all[2]).draws(), [3, 1]);
        assert_eq!(T::default().rows(), 0);
        sum
    }

    #[test]
    fn draws_and_rows_add_up() {
        assert_eq!(adds_up::<Draws>().rows(), 1);
        assert_eq!(adds_up::<FewDraws>().rows(), 1);
        assert_eq!(adds_up::<DrawsAndRows>().rows(), 3);
    }
}
