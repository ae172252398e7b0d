//! `background.bin`: the training rows beside which a model explains, as little-endian numbers.
//!
//! ```text
//! magic            8 bytes   "MDBACKGR"
//! version          u32       1
//! training         u32       `Metadata::training_id`
//! rows             u32       1 to 100
//! features         u32
//! values           f32 for each feature of each row, row by row
//! checksum         u32       CRC-32 of all preceding bytes
//! ```

use forest::MAX_BACKGROUND_ROWS;
use ndarray::{Array2, ArrayView2};

use crate::names::{BACKGROUND_BIN, METADATA_JSON};

const MAGIC: &[u8; 8] = b"MDBACKGR";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;

/// The reason for which `background.bin` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{BACKGROUND_BIN} {fault}")]
pub struct BackgroundFileError {
    fault: BackgroundFault,
}

#[derive(Debug, thiserror::Error)]
enum BackgroundFault {
    /// The magic bytes are missing.
    #[error("does not begin with `MDBACKGR`, it has no training rows")]
    Magic,
    /// The format version is unknown.
    #[error("has format version {0}, expected {VERSION}")]
    Version(u32),
    /// The number of rows is out of range.
    #[error("has {0} rows, expected 1 to {MAX_BACKGROUND_ROWS}")]
    Rows(u32),
    /// The rows have other features than the forest.
    #[error("has rows of {found} features, expected {expected}, which the forest takes")]
    Features {
        /// The number of features of a row.
        found: u32,
        /// The number of features of the forest.
        expected: usize,
    },
    /// The length is not that of the rows.
    #[error("has {found} bytes, expected {expected}")]
    Length {
        /// The number of bytes.
        found: usize,
        /// The number of bytes that its rows take.
        expected: usize,
    },
    /// The checksum does not match.
    #[error("is damaged: its checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// The checksum of the bytes.
        found: u32,
        /// The checksum at the end of the file.
        expected: u32,
    },
    /// The rows were chosen by another training.
    #[error("is of another training than {METADATA_JSON}")]
    OtherTraining,
    /// A value is NaN or infinite.
    #[error("has the value {0}, expected a finite number")]
    NotFinite(f32),
}

/// Returns the bytes of the file of these rows.
pub(crate) fn write(rows: ArrayView2<'_, f32>, training_id: u32) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for number in [VERSION, training_id, rows.nrows() as u32, rows.ncols() as u32] {
        out.extend(number.to_le_bytes());
    }
    out.extend(rows.iter().flat_map(|value| value.to_le_bytes()));
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Reads the rows, which have this number of features and were chosen by the training `training_id`.
pub(crate) fn read(
    bytes: &[u8],
    training_id: u32,
    features: usize,
) -> Result<Array2<f32>, BackgroundFileError> {
    parse(bytes, training_id, features).map_err(|fault| BackgroundFileError { fault })
}

fn parse(bytes: &[u8], training_id: u32, features: usize) -> Result<Array2<f32>, BackgroundFault> {
    if bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(BackgroundFault::Magic);
    }
    let short = BackgroundFault::Length { found: bytes.len(), expected: HEADER_BYTES + 4 };
    let (Some(header), Some((body, checksum))) =
        (bytes.get(MAGIC.len()..HEADER_BYTES), bytes.split_last_chunk::<4>())
    else {
        return Err(short);
    };
    let header = header.as_chunks::<4>().0.iter().map(|&number| u32::from_le_bytes(number));
    let [version, training, rows, width] = header.collect::<Vec<_>>()[..] else {
        return Err(short);
    };
    if version != VERSION {
        return Err(BackgroundFault::Version(version));
    }
    if !(1..=MAX_BACKGROUND_ROWS as u32).contains(&rows) {
        return Err(BackgroundFault::Rows(rows));
    }
    if width as usize != features {
        return Err(BackgroundFault::Features { found: width, expected: features });
    }
    // A forest has at most 65,536 features.
    let expected = HEADER_BYTES + 4 * rows as usize * features + 4;
    if bytes.len() != expected {
        return Err(BackgroundFault::Length { found: bytes.len(), expected });
    }
    let (found, expected) = (crc32fast::hash(body), u32::from_le_bytes(*checksum));
    if found != expected {
        return Err(BackgroundFault::Checksum { found, expected });
    }
    if training != training_id {
        return Err(BackgroundFault::OtherTraining);
    }
    let values = body[HEADER_BYTES..].as_chunks::<4>().0;
    let values: Vec<f32> = values.iter().map(|&value| f32::from_le_bytes(value)).collect();
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(BackgroundFault::NotFinite(*value));
    }
    Array2::from_shape_vec((rows as usize, features), values).map_err(|_| short)
}
