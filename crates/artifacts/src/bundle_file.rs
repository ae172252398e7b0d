//! A file of a bundle, which may be in memory or not.

use std::io::{self, Cursor, Read};

/// The contents of a file, which are read when they are needed.
pub struct BundleFile<'a> {
    pub(crate) reader: Box<dyn Read + Send + 'a>,
    pub(crate) length: u64,
}

impl<'a> BundleFile<'a> {
    /// Makes a file of `length` bytes, which a reader gives.
    pub fn new(reader: impl Read + Send + 'a, length: u64) -> Self {
        Self { reader: Box::new(reader), length }
    }

    /// Returns the contents.
    pub(crate) fn read(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.take(self.length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl From<Vec<u8>> for BundleFile<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self::new(Cursor::new(bytes), length)
    }
}
