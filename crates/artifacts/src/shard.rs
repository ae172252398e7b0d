//! Shards of a forest. Each host of a training job grows one.

use std::ops::Range;

use crate::names::FOREST_BIN;

/// The part of a forest that one host of a training job grows and writes to its own file. Shards
/// are contiguous ranges of trees, and their sizes differ by at most one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The index of the shard, from 0.
    pub index: u32,
    /// The number of shards.
    pub count: u32,
}

impl Shard {
    /// The only shard of a forest that one host grows.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Returns the indices of this shard's trees in a forest of `all` trees. Every tree is in
    /// exactly one shard.
    pub fn trees(self, all: u32) -> Range<u32> {
        let start = |index: u64| {
            let tree = (index * u64::from(all)).checked_div(self.count.into()).unwrap_or(0);
            tree.min(all.into()) as u32
        };
        let index = u64::from(self.index);
        start(index)..start(index + 1)
    }

    /// Returns the name of this host's copy of the file `name`: `forest.bin` for a single host,
    /// `forest-2-of-3.bin` for the second of three.
    pub fn file_name(self, name: &str) -> String {
        let Self { index, count } = self;
        if count == 1 {
            return name.to_owned();
        }
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        format!("{stem}-{}-of-{count}.{extension}", u64::from(index) + 1)
    }
}

/// Returns whether `name` is the file name of a forest or of a shard.
pub(crate) fn is_forest_file(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let shard = || {
        let (stem, extension) = FOREST_BIN.split_once('.')?;
        let rest = name.strip_prefix(stem)?.strip_prefix('-')?;
        rest.strip_suffix(extension)?.strip_suffix('.')?.split_once("-of-")
    };
    name == FOREST_BIN || shard().is_some_and(|(index, count)| is_number(index) && is_number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tree_is_in_exactly_one_shard() {
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
    fn forest_files_are_recognized_by_name() {
        assert_eq!(Shard::WHOLE.file_name(FOREST_BIN), "forest.bin");
        let second = Shard { index: 1, count: 12 };
        assert_eq!(second.file_name(FOREST_BIN), "forest-2-of-12.bin");
        for name in ["forest.bin", "forest-2-of-12.bin"] {
            assert!(is_forest_file(name), "{name}");
        }
        let others = ["forest-2.bin", "forest--of-.bin", "forest-a-of-b.bin", "a/forest.bin", ""];
        assert!(!others.into_iter().any(is_forest_file));
    }
}
