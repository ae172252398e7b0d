//! Rows that were there before.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_64;

/// The rows of a table by what is in them: 8 bytes for each, whatever its width.
#[derive(Default)]
pub(crate) struct Seen(HashTable<Row>);

struct Row {
    hash: u32,
    index: u32,
}

/// What became of a row.
pub(crate) enum Found {
    New,
    Before,
    /// There is no room for its index.
    NoRoom,
}

impl Seen {
    /// Takes the row that will be the table's at `index`, unless one of the same hash is there that
    /// `is_same`.
    pub(crate) fn take(
        &mut self,
        hash: u32,
        index: usize,
        is_same: impl Fn(usize) -> bool,
    ) -> Found {
        let same = |other: &Row| other.hash == hash && is_same(other.index as usize);
        match self.0.entry(spread(hash), same, |other| spread(other.hash)) {
            Entry::Occupied(_) => Found::Before,
            Entry::Vacant(place) => match u32::try_from(index) {
                Ok(index) => {
                    place.insert(Row { hash, index });
                    Found::New
                }
                Err(_) => Found::NoRoom,
            },
        }
    }
}

/// A hash of readings and label, equal where those are. `bytes` is room for what is hashed.
pub(crate) fn hash(row: &[f32], label: u8, bytes: &mut Vec<u8>) -> u32 {
    bytes.clear();
    for reading in row {
        bytes.extend_from_slice(&bits(*reading).to_le_bytes());
    }
    bytes.push(label);
    xxh3_64(bytes) as u32
}

/// Whether the readings are the same.
pub(crate) fn same(row: &[f32], other: &[f32]) -> bool {
    row.iter().zip(other).all(|(reading, other)| bits(*reading) == bits(*other))
}

/// A reading's bits. 0.0 and -0.0 are one number; all missing readings are the one NaN.
fn bits(reading: f32) -> u32 {
    (reading + 0.0).to_bits()
}

/// 32 bits over 64: the set finds a row by the low ones and tells it from others by the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_hash_are_told_apart() {
        let mut seen = Seen::default();
        assert!(matches!(seen.take(7, 0, |_| true), Found::New));
        assert!(matches!(seen.take(7, 1, |other| other != 0), Found::New));
        assert!(matches!(seen.take(7, 2, |other| other == 1), Found::Before));
        assert!(matches!(seen.take(8, 1 << 32, |_| true), Found::NoRoom));
    }

    #[test]
    fn zero_is_one_number_and_missing_one_reading() {
        let hash = |row: &[f32], label| hash(row, label, &mut Vec::new());
        assert_eq!(hash(&[0.0, f32::NAN], 1), hash(&[-0.0, f32::NAN], 1));
        assert_ne!(hash(&[0.0, 1.0], 1), hash(&[0.0, 1.0], 0));
        assert!(same(&[0.0, f32::NAN], &[-0.0, f32::NAN]));
        assert!(!same(&[0.0, 1.0], &[0.0, f32::NAN]));
    }
}
