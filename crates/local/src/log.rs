//! The logs of jobs. A log has a bounded size: of a program that writes more, the begin and the end
//! are kept.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use camino::Utf8Path;

/// The number of bytes at the begin of a log that are kept.
const KEPT_HEAD: u64 = 8 << 20;
/// The number of bytes at the end of a log that are kept at least. While the program runs, the file
/// may have twice as many of them.
const KEPT_TAIL: u64 = 8 << 20;

/// The maximum number of a log's last lines that are shown.
const TAIL: usize = 20;
/// The maximum number of bytes that are read for these lines.
const LONGEST_TAIL: u64 = 16 << 10;

/// Copies what a program writes to its log until the program closes its output or `goes_on` returns
/// false.
///
/// # Errors
///
/// Fails where the log cannot be written. The output is read to its end nevertheless, because the
/// program would wait for that.
pub fn copy(mut output: impl Read, log: File, goes_on: impl Fn() -> bool) -> io::Result<()> {
    let mut log = BoundedLog::new(log, KEPT_HEAD, KEPT_TAIL);
    let mut written = Ok(());
    let mut piece = vec![0; 1 << 16];
    loop {
        let length = match output.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if !goes_on() {
            break;
        }
        if written.is_ok() {
            written = log.write(&piece[..length]);
        }
    }
    written.and_then(|()| log.finish())
}

/// A log of which the middle is cut out when it becomes too long.
struct BoundedLog {
    file: File,
    head: u64,
    tail: u64,
    /// The number of bytes in the file.
    length: u64,
    /// The number of bytes that were cut out.
    cut: u64,
    /// The number of bytes of the line that says so.
    notice: u64,
}

impl BoundedLog {
    /// Returns a log in an empty file that can be read and written.
    fn new(file: File, head: u64, tail: u64) -> Self {
        Self { file, head, tail, length: 0, cut: 0, notice: 0 }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.length += piece.len() as u64;
        // cutting out as much as is kept moves each byte once
        if self.length > self.head + self.notice + 2 * self.tail { self.shorten() } else { Ok(()) }
    }

    /// Cuts out what is too much at the end of the program.
    fn finish(&mut self) -> io::Result<()> {
        if self.length > self.head + self.notice + self.tail { self.shorten() } else { Ok(()) }
    }

    /// Leaves the first bytes, the number of those that were cut out, and the last bytes, from the
    /// begin of a line.
    fn shorten(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length - self.tail))?;
        let mut last = Vec::new();
        self.file.read_to_end(&mut last)?;
        let line = last.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let kept = &last[line..];
        self.cut += self.length - self.head - self.notice - kept.len() as u64;
        let notice = format!(
            "\n[{} bytes are cut out here: of a long log only the begin and the end are kept]\n",
            self.cut
        );
        self.notice = notice.len() as u64;
        self.length = self.head + self.notice + kept.len() as u64;
        self.file.seek(SeekFrom::Start(self.head))?;
        self.file.write_all(notice.as_bytes())?;
        self.file.write_all(kept)?;
        self.file.set_len(self.length)
    }
}

/// Returns the last lines of a log. Only the log's end is read, whatever its length; a log that
/// cannot be read has no lines.
pub fn tail(log: &Utf8Path) -> Vec<String> {
    let end = || {
        let mut log = fs_err::File::open(log)?;
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(LONGEST_TAIL)))?;
        let mut text = Vec::new();
        log.take(LONGEST_TAIL).read_to_end(&mut text)?;
        io::Result::Ok(text)
    };
    let text = end().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].iter().map(|&line| line.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the log, with a head of 8 bytes and a tail of 12, of a program that writes `pieces`,
    /// and the greatest length that the file had.
    fn logged(pieces: &[&str]) -> (String, u64) {
        let mut file = tempfile::tempfile().unwrap();
        let mut log = BoundedLog::new(file.try_clone().unwrap(), 8, 12);
        let mut greatest = 0;
        for piece in pieces {
            log.write(piece.as_bytes()).unwrap();
            greatest = greatest.max(file.metadata().unwrap().len());
        }
        log.finish().unwrap();
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        (text, greatest)
    }

    #[test]
    fn a_short_log_is_kept_as_it_is() {
        assert_eq!(logged(&["first\n", "second\n", "third\n"]).0, "first\nsecond\nthird\n");
        // 20 bytes: 8 and 12
        assert_eq!(logged(&["12345678901234567890"]).0, "12345678901234567890");
    }

    #[test]
    fn of_a_long_log_the_begin_and_the_end_are_kept() {
        let lines: Vec<String> = (100..200).map(|number| format!("{number}\n")).collect();
        let pieces: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (text, greatest) = logged(&pieces);
        // 400 bytes: 8 at the begin and 12 at the end
        let notice =
            "[380 bytes are cut out here: of a long log only the begin and the end are kept]";
        assert_eq!(text, format!("100\n101\n\n{notice}\n197\n198\n199\n"));
        assert!(greatest <= 8 + 2 * 12 + 4 + notice.len() as u64 + 2, "{greatest}");
        // without line ends
        let (text, _) = logged(&["12345678", "abcdefghijklmnopqrstuvwxyz"]);
        assert!(text.starts_with("12345678\n[14 bytes are cut out"), "{text}");
        assert!(text.ends_with("]\nopqrstuvwxyz"), "{text}");
    }

    #[test]
    fn a_log_that_cannot_be_written_does_not_stop_the_program() {
        let full = fs_err::OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let mut output = io::repeat(b'x').take(1 << 20);
        let error = copy(&mut output, full.into_parts().0, || true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(output.limit(), 0, "the output is read to its end");
    }
}
