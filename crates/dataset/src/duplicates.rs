//! Finds rows that are equal to an earlier row.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use xxhash_rust::xxh3::xxh3_128;

/// The digests of a table's rows. Two different rows have one digest in a table of a billion rows
/// with a probability of 10^-21.
#[derive(Default)]
pub(crate) struct RowDigests(HashTable<u128>);

impl RowDigests {
    /// Inserts a row's digest, and returns whether no earlier row has it.
    pub(crate) fn insert(&mut self, digest: u128) -> bool {
        // The hash table finds its buckets by the low bits and compares some of the high ones.
        match self.0.entry(digest as u64, |other| *other == digest, |other| *other as u64) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(digest);
                true
            }
        }
    }
}

/// Collects the contents of one row and returns their digest.
#[derive(Default)]
pub(crate) struct RowDigester(Vec<u8>);

impl RowDigester {
    /// Starts a row of a file whose other columns, those that are digested as text, have this
    /// digest: rows of files with different columns are different.
    pub(crate) fn start(&mut self, columns: u128) {
        self.0.clear();
        self.0.extend_from_slice(&columns.to_le_bytes());
    }

    /// Adds a reading. 0.0 and -0.0 are the same number, and all missing readings are the same.
    pub(crate) fn reading(&mut self, reading: f64) {
        let reading = if reading.is_nan() { f64::NAN } else { reading + 0.0 };
        self.0.extend_from_slice(&reading.to_bits().to_le_bytes());
    }

    /// Adds the hash of a label's word.
    pub(crate) fn word(&mut self, hash: u64) {
        self.0.extend_from_slice(&hash.to_le_bytes());
    }

    /// Adds a text without the blanks around it.
    pub(crate) fn text(&mut self, text: &[u8]) {
        let text = text.trim_ascii();
        self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.0.extend_from_slice(text);
    }

    /// Returns the row's digest.
    pub(crate) fn digest(&self) -> u128 {
        xxh3_128(&self.0)
    }
}

/// Returns the digest of the names of columns.
pub(crate) fn digest_of_names<'a>(names: impl Iterator<Item = &'a str>) -> u128 {
    let mut digester = RowDigester::default();
    names.for_each(|name| digester.text(name.as_bytes()));
    digester.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(readings: &[f64], texts: &[&str]) -> u128 {
        let mut digester = RowDigester::default();
        digester.start(7);
        readings.iter().for_each(|reading| digester.reading(*reading));
        texts.iter().for_each(|text| digester.text(text.as_bytes()));
        digester.digest()
    }

    #[test]
    fn a_digest_is_inserted_once() {
        let mut digests = RowDigests::default();
        // Digests with the same low bits are different.
        assert!(digests.insert(7) && digests.insert(7 + (1 << 64)) && !digests.insert(7));
    }

    #[test]
    fn both_zeros_are_equal_and_missing_readings_are_equal() {
        assert_eq!(digest(&[0.0, f64::NAN], &["a"]), digest(&[-0.0, -f64::NAN], &[" a "]));
        assert_ne!(digest(&[0.0, 1.0], &[]), digest(&[0.0, 2.0], &[]));
        // The ends of texts are a part of the contents.
        assert_ne!(digest(&[], &["ab", "c"]), digest(&[], &["a", "bc"]));
    }
}
