//! The logs of jobs.

use std::io::{Read, Seek, SeekFrom};

use camino::Utf8Path;

/// The maximum number of a log's last lines that are shown.
const TAIL: usize = 20;
/// The maximum number of bytes that are read for these lines.
const LONGEST_TAIL: u64 = 16 << 10;

/// Returns the last lines of a log. Only the log's end is read, whatever its length; a log that
/// cannot be read has no lines.
pub fn tail(log: &Utf8Path) -> Vec<String> {
    let end = || {
        let mut log = fs_err::File::open(log)?;
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(LONGEST_TAIL)))?;
        let mut text = Vec::new();
        log.take(LONGEST_TAIL).read_to_end(&mut text)?;
        std::io::Result::Ok(text)
    };
    let text = end().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].iter().map(|&line| line.to_owned()).collect()
}
