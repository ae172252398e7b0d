//! Finds rows that are equal to an earlier row.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

/// An index of a table's rows by their contents. It takes 8 bytes for each row, whatever the width
/// of the table.
#[derive(Default)]
pub(crate) struct RowIndex(HashTable<IndexedRow>);

struct IndexedRow {
    hash: u32,
    index: u32,
}

/// The result of an insertion into a [`RowIndex`].
pub(crate) enum Insertion {
    New,
    Duplicate,
    /// The row's index does not fit in 32 bits.
    Full,
}

impl RowIndex {
    /// Inserts the row that the table will have at `index`, unless an earlier row with the same
    /// hash satisfies `is_same`, which takes that row's index.
    pub(crate) fn insert(
        &mut self,
        hash: u32,
        index: usize,
        is_same: impl Fn(usize) -> bool,
    ) -> Insertion {
        let same = |other: &IndexedRow| other.hash == hash && is_same(other.index as usize);
        match self.0.entry(spread(hash), same, |other| spread(other.hash)) {
            Entry::Occupied(_) => Insertion::Duplicate,
            Entry::Vacant(place) => match u32::try_from(index) {
                Ok(index) => {
                    place.insert(IndexedRow { hash, index });
                    Insertion::New
                }
                Err(_) => Insertion::Full,
            },
        }
    }
}

/// Returns a hash of a row's readings and label, equal for equal rows. `buffer` is overwritten.
pub(crate) fn hash(row: &[f32], label: u8, buffer: &mut Vec<u8>) -> u32 {
    buffer.clear();
    for reading in row {
        buffer.extend_from_slice(&bits(*reading).to_le_bytes());
    }
    buffer.push(label);
    xxh3_64(buffer) as u32
}

/// Returns whether two rows have the same readings.
pub(crate) fn same(row: &[f32], other: &[f32]) -> bool {
    row.iter().zip(other).all(|(reading, other)| bits(*reading) == bits(*other))
}

/// Returns a reading's bits. 0.0 and -0.0 are the same number; missing readings are all the same
/// NaN.
fn bits(reading: f32) -> u32 {
    (reading + 0.0).to_bits()
}

/// Spreads a 32-bit hash over 64 bits: the hash table finds its buckets by the low bits and
/// compares the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_rows_with_one_hash_are_both_inserted() {
        let mut index = RowIndex::default();
        assert!(matches!(index.insert(7, 0, |_| true), Insertion::New));
        assert!(matches!(index.insert(7, 1, |other| other != 0), Insertion::New));
        assert!(matches!(index.insert(7, 2, |other| other == 1), Insertion::Duplicate));
        assert!(matches!(index.insert(8, 1 << 32, |_| true), Insertion::Full));
    }

    #[test]
    fn both_zeros_are_equal_and_missing_readings_are_equal() {
        let hash = |row: &[f32], label| hash(row, label, &mut Vec::new());
        assert_eq!(hash(&[0.0, f32::NAN], 1), hash(&[-0.0, f32::NAN], 1));
        assert_ne!(hash(&[0.0, 1.0], 1), hash(&[0.0, 1.0], 0));
        assert!(same(&[0.0, f32::NAN], &[-0.0, f32::NAN]));
        assert!(!same(&[0.0, 1.0], &[0.0, f32::NAN]));
    }
}
