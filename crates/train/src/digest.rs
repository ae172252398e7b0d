//! Reading and digesting in one pass.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// Hands on what it reads, and knows the SHA-256 of it.
pub(crate) struct Digesting<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> Digesting<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, hash: Sha256::new() }
    }

    /// In hexadecimal digits.
    pub(crate) fn digest(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
