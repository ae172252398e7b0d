//! Reading a file and computing its digest in one pass.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// A reader that computes the SHA-256 digest of the bytes read through it.
pub(crate) struct DigestReader<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> DigestReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, hash: Sha256::new() }
    }

    /// Returns the digest of what was read, in hexadecimal digits.
    pub(crate) fn digest(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
