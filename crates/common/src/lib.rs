//! The ground floor: what every other crate needs and none of them owns. Exit codes, error chains,
//! files that are written atomically and durably, JSON from outside, SHA-256 digests, the nearest name to a mistyped
//! one, text that is safe to print, names of buckets, and panics that are contained.
//!
//! Knows the operating system's files and text. Must never know SageMaker, tables, models, or any
//! other crate of this workspace.
//!
//! ```
//! use camino::Utf8Path;
//!
//! let directory = tempfile::tempdir()?;
//! let path = Utf8Path::from_path(directory.path()).unwrap().join("metrics/metrics.json");
//! // The file appears under its name only when it is complete.
//! common::write_file(&path, b"{}")?;
//! assert_eq!(common::sha256_hex(b"{}").len(), 64);
//!
//! assert_eq!(common::nearest("recal", ["accuracy", "recall"]), Some("recall"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bucket;
mod contained;
mod digest;
mod directory;
mod durable;
mod error;
mod exit;
mod files;
pub mod json;
mod nearest;
mod regular;

pub use bucket::{is_bucket_name, is_new_bucket_name};
pub use contained::{contained, containing};
pub use digest::{Sha256Reader, Sha256Writer, hex, is_sha256_hex, sha256, sha256_hex};
pub use directory::Directory;
pub use durable::{Durable, sync};
pub use error::{chain, is_printable, one_line, printable, shortened};
pub use exit::{Exit, Failure};
pub use files::{
    FileError, LARGEST_FILE, PARTIAL_PREFIX, read_at_most, read_text_at_most, write_all_or_none,
    write_file, write_with,
};
pub use nearest::{did_you_mean, nearest};
pub use regular::{copy_file, kind_of, open_regular, read_regular};
