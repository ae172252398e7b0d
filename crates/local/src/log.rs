//! What a job has printed.

use std::io::{Read, Seek, SeekFrom};

use camino::Utf8Path;

/// How many of a log's last lines are shown.
const TAIL: usize = 20;
/// And how much of them.
const LONGEST_TAIL: u64 = 16 << 10;

/// The end of a log, which may be of any length.
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
