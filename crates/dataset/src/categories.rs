//! The values of category columns.
//!
//! The reading of a category is the code of its value, a hash of 53 bits, which a 64-bit float
//! holds exactly. So a value has the same code in every block, file and server, and no reader needs
//! to know which values there are. Among 10,000 values, two have the same code with a probability
//! of 10^-8, which is an error and not a confusion.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

/// The maximum number of different values of one column. A column with more is an identifier or a
/// text, of which a model learns nothing.
pub(crate) const MAX_VALUES: usize = 10_000;

/// Returns a cell's value: its text without the blanks around it.
pub(crate) fn value(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}')
}

/// Returns the code of a value.
pub(crate) fn code(value: &str) -> u64 {
    xxh3_64(value.as_bytes()) >> 11
}

/// Returns the code that is a reading.
pub(crate) fn code_of(reading: f64) -> u64 {
    reading as u64
}

/// The values of one column that occur in a table, by their codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(BTreeMap<u64, String>);

/// The reason for which the values of a column cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValuesError {
    /// There are more than [`MAX_VALUES`].
    TooMany,
    /// Two values have the same code.
    SameCode,
}

impl Values {
    /// Adds the value of a cell.
    pub(crate) fn add(&mut self, cell: &[u8]) -> Result<(), ValuesError> {
        let text = String::from_utf8_lossy(cell);
        let text = value(&text);
        self.add_value(code(text), text)
    }

    /// Adds the values of another block.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), ValuesError> {
        other.0.iter().try_for_each(|(&code, value)| self.add_value(code, value))
    }

    fn add_value(&mut self, code: u64, value: &str) -> Result<(), ValuesError> {
        match self.0.get(&code) {
            Some(known) if known == value => return Ok(()),
            Some(_) => return Err(ValuesError::SameCode),
            None => {}
        }
        if self.0.len() == MAX_VALUES {
            return Err(ValuesError::TooMany);
        }
        self.0.insert(code, value.to_owned());
        Ok(())
    }

    /// Returns the value with this code.
    pub(crate) fn get(&self, code: u64) -> Option<&str> {
        self.0.get(&code).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_whole_number_that_a_float_holds() {
        for value in ["L", "M", "überlast", ""] {
            let code = code(value);
            assert_eq!(code_of(code as f64), code);
            assert!((code as f64 as f32).is_finite());
        }
    }

    #[test]
    fn values_are_bounded() {
        let mut values = Values::default();
        for value in 0..MAX_VALUES {
            values.add(format!(" {value}\t").as_bytes()).unwrap();
        }
        assert_eq!(values.add(b"7"), Ok(()));
        assert_eq!(values.get(code("7")), Some("7"));
        assert_eq!(values.add(b"x"), Err(ValuesError::TooMany));
        let mut other = Values::default();
        other.add(b"y").unwrap();
        assert_eq!(values.merge(&other), Err(ValuesError::TooMany));
        values.0.insert(code("z"), "not z".to_owned());
        assert_eq!(values.add(b"z"), Err(ValuesError::SameCode));
    }
}
