//! A forest in shards: one for each host that grew some of its trees.

use std::ops::Range;

use crate::bundle::FOREST_BIN;

/// What one host of a training grows of the forest, and writes to a file of its own. The shares are
/// as equal as whole trees allow, and follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

impl Shard {
    /// The only one, of a host that grows all trees.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Its trees of a forest of `all`, none of them in another shard and each of them in one.
    pub fn trees(self, all: u32) -> Range<u32> {
        let begin =
            |index: u64| (index * u64::from(all)).checked_div(self.count.into()).unwrap_or(0);
        let (index, last) = (u64::from(self.index), u64::from(all));
        let place = |tree: u64| tree.min(last) as u32;
        place(begin(index))..place(begin(index + 1))
    }

    /// What a file is called of which every host leaves its own: `forest.bin` where there is one
    /// host, `forest-2-of-3.bin` of the second of three.
    pub fn file_name(self, name: &str) -> String {
        let Self { index, count } = self;
        if count == 1 {
            return name.to_owned();
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        format!("{stem}-{}-of-{count}.{extension}", u64::from(index) + 1)
    }
}

/// Whether a file of this name holds a forest or a shard of one.
pub(crate) fn holds_trees(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = || name.strip_prefix("forest-")?.strip_suffix(".bin")?.split_once("-of-");
    name == FOREST_BIN || numbers().is_some_and(|(index, count)| number(index) && number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tree_is_in_one_shard() {
        let cut = |all, count| -> Vec<_> {
            (0..count).map(|index| Shard { index, count }.trees(all)).collect()
        };
        // 1 * 10 / 3 = 3, 2 * 10 / 3 = 6
        assert_eq!(cut(10, 3), [0..3, 3..6, 6..10]);
        for (all, count) in [(1, 1), (200, 1), (5, 5), (200, 7), (99_999, 100), (u32::MAX, 3)] {
            let shards = cut(all, count);
            assert!(shards.iter().all(|trees| !trees.is_empty()));
            assert!(shards.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((shards[0].start, shards[shards.len() - 1].end), (0, all));
        }
    }

    #[test]
    fn a_name_tells_shards_from_other_files() {
        assert_eq!(Shard::WHOLE.file_name(FOREST_BIN), "forest.bin");
        let second = Shard { index: 1, count: 12 };
        assert_eq!(second.file_name(FOREST_BIN), "forest-2-of-12.bin");
        for name in ["forest.bin", "forest-2-of-12.bin"] {
            assert!(holds_trees(name), "{name}");
        }
        let others = ["forest-2.bin", "forest--of-.bin", "forest-a-of-b.bin", "a/forest.bin", ""];
        assert!(!others.into_iter().any(holds_trees));
    }
}
