//! SHA-256 digests in hexadecimal.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// A reader that computes the SHA-256 digest of everything that passes through it.
#[derive(Debug)]
pub struct Sha256Reader<R> {
    input: R,
    hash: Sha256,
}

impl<R: Read> Sha256Reader<R> {
    /// Wraps `input`.
    pub fn new(input: R) -> Self {
        Self { input, hash: Sha256::new() }
    }

    /// Returns the digest of the bytes read so far as 64 hexadecimal digits.
    pub fn digest(self) -> String {
        hex(&self.hash.finalize())
    }

    /// Reads `input` to its end and returns the digest as 64 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// Fails where reading fails.
    pub fn digest_to_end(mut self) -> io::Result<String> {
        let mut buffer = vec![0; 1 << 16];
        while self.read(&mut buffer)? > 0 {}
        Ok(self.digest())
    }
}

impl<R: Read> Read for Sha256Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// A writer that computes the SHA-256 digest of everything that passes through it.
#[derive(Debug)]
pub struct Sha256Writer<W> {
    output: W,
    hash: Sha256,
}

impl<W: Write> Sha256Writer<W> {
    /// Wraps `output`.
    pub fn new(output: W) -> Self {
        Self { output, hash: Sha256::new() }
    }

    /// Returns the digest of the bytes written so far as 64 hexadecimal digits.
    pub fn digest(self) -> String {
        hex(&self.hash.finalize())
    }
}

impl<W: Write> Write for Sha256Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Returns the SHA-256 digest of `bytes`.
pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Returns the SHA-256 digest of `bytes` as 64 hexadecimal digits.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&sha256(bytes))
}

/// Returns whether a text is a SHA-256 digest as [`sha256_hex`] writes it.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Formats bytes as lower-case hexadecimal digits, two for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first test vector of FIPS 180-4.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_reader_and_a_slice_give_the_same_digest() {
        assert_eq!(sha256_hex("abc"), ABC);
        assert_eq!(Sha256Reader::new(&b"abc"[..]).digest_to_end().unwrap(), ABC);
        let mut reader = Sha256Reader::new(&b"abcdef"[..]);
        reader.read_exact(&mut [0; 3]).unwrap();
        assert_eq!(reader.digest(), ABC);
        let mut writer = Sha256Writer::new(Vec::new());
        writer.write_all(b"abc").unwrap();
        assert_eq!(writer.digest(), ABC);
    }
}
