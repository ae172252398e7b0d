//! Checks the lengths and counts that a Parquet file claims, before the library believes them.
//!
//! The library reserves memory for what a header says and walks the tree of columns by recursion. A
//! few bytes may say a terabyte or a tree of a million levels, and neither ends in an error that
//! could be returned. The headers are in Thrift's compact protocol.

/// The maximum depth of the tree of columns, and of structures in a header.
const MAX_DEPTH: usize = 32;
/// The length of a page of texts that is always allowed.
const SMALL_PAGE: u64 = 16 << 20;
/// The maximum ratio between a larger page of texts and its compressed length.
const MAX_RATIO: u64 = 1000;
/// What a page of numbers may have besides its numbers: levels, indices, headers of blocks.
const PAGE_OVERHEAD: u64 = 1 << 16;

/// Reads Thrift's compact protocol. Every method returns `None` where the bytes are malformed.
struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The types of fields and elements that are told apart.
const BOOLEANS: [u8; 2] = [1, 2];
const BYTE: u8 = 3;
const INTEGERS: [u8; 3] = [4, 5, 6];
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LISTS: [u8; 2] = [9, 10];
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

impl<'a> Compact<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, count: u64) -> Option<()> {
        let rest = (self.bytes.len() - self.at) as u64;
        if count > rest {
            return None;
        }
        self.at += count as usize;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let zigzag = self.unsigned()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// Returns the number of elements and their type. Each has at least one byte.
    fn list(&mut self) -> Option<(u64, u8)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.unsigned()?,
            count => u64::from(count),
        };
        let rest = (self.bytes.len() - self.at) as u64;
        (count <= rest).then_some((count, header & 0xf))
    }

    /// Passes the number and the type of each field of a structure to `visit`, which reads it.
    fn fields(&mut self, mut visit: impl FnMut(&mut Self, i64, u8) -> Option<()>) -> Option<()> {
        let mut id = 0;
        loop {
            let header = self.byte()?;
            if header & 0xf == 0 {
                return Some(());
            }
            id = match header >> 4 {
                0 => self.integer()?,
                delta => i64::from(delta) + id,
            };
            visit(self, id, header & 0xf)?;
        }
    }

    /// Skips the value of a field.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if BOOLEANS.contains(&kind) {
            // The type of the field is its value.
            return Some(());
        }
        self.skip_element(kind, depth)
    }

    fn skip_element(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth == MAX_DEPTH {
            return None;
        }
        match kind {
            BYTE => self.take(1),
            DOUBLE => self.take(8),
            UUID => self.take(16),
            BINARY => {
                let length = self.unsigned()?;
                self.take(length)
            }
            STRUCT => self.fields(|compact, _, kind| compact.skip(kind, depth + 1)),
            MAP => {
                let count = self.unsigned()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.skip_element(kinds >> 4, depth + 1)?;
                    self.skip_element(kinds & 0xf, depth + 1)?;
                }
                Some(())
            }
            _ if BOOLEANS.contains(&kind) => self.take(1),
            _ if INTEGERS.contains(&kind) => self.integer().map(|_| ()),
            _ if LISTS.contains(&kind) => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, depth + 1))
            }
            _ => None,
        }
    }
}

/// Checks the metadata at the end of a file: its lengths, its counts, and that the tree of columns
/// is no deeper than a table's.
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), &'static str> {
    let checked = Compact::new(bytes).fields(|compact, id, kind| match id {
        2 if LISTS.contains(&kind) => check_schema(compact),
        _ => compact.skip(kind, 0),
    });
    checked.ok_or("its metadata is malformed or too deeply nested")
}

/// Checks the list of columns: each says how many of the next ones are below it.
fn check_schema(compact: &mut Compact<'_>) -> Option<()> {
    let (count, kind) = compact.list()?;
    if kind != STRUCT {
        return None;
    }
    // The number of columns that are still missing below each open one.
    let mut open: Vec<u64> = Vec::new();
    for index in 0..count {
        let mut children = 0;
        compact.fields(|compact, id, kind| {
            if id == 5 && INTEGERS.contains(&kind) {
                children = compact.integer()?;
                return Some(());
            }
            compact.skip(kind, 0)
        })?;
        let children = u64::try_from(children).ok().filter(|n| *n < count - index)?;
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(missing) = open.last_mut() {
            *missing -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > MAX_DEPTH {
            return None;
        }
    }
    Some(())
}

/// What the header of a page claims.
#[derive(Debug, Default)]
struct PageHeader {
    length: i64,
    compressed: i64,
    /// The number of values.
    values: i64,
    /// The lengths of the levels.
    levels: [i64; 2],
    is_dictionary: bool,
}

/// Reads the header of a page, and returns it with its length.
fn page_header(bytes: &[u8]) -> Option<(PageHeader, usize)> {
    let mut compact = Compact::new(bytes);
    let mut header = PageHeader::default();
    compact.fields(|compact, id, kind| {
        match (id, kind) {
            (2, 5) => header.length = compact.integer()?,
            (3, 5) => header.compressed = compact.integer()?,
            (5 | 7 | 8, STRUCT) => {
                header.is_dictionary = id == 7;
                compact.fields(|compact, inner, kind| {
                    match (inner, kind) {
                        (1, 5) => header.values = compact.integer()?,
                        (5, 5) if id == 8 => header.levels[0] = compact.integer()?,
                        (6, 5) if id == 8 => header.levels[1] = compact.integer()?,
                        _ => compact.skip(kind, 1)?,
                    }
                    Some(())
                })?;
            }
            _ => compact.skip(kind, 0)?,
        }
        Some(())
    })?;
    Some((header, compact.at))
}

/// Checks the pages of a column's chunk. `width` is the length of a number in bytes, or `None` for
/// texts.
///
/// A page has at most one value for each of the chunk's `rows`, and at most 16 MiB or a thousand
/// times its compressed length.
pub(crate) fn check_pages(chunk: &[u8], rows: u64, width: Option<u64>) -> Result<(), String> {
    let mut at = 0;
    while at < chunk.len() {
        let Some((header, length)) = page_header(&chunk[at..]) else {
            return Err("the header of a page is malformed".to_owned());
        };
        at += length;
        let PageHeader { length, compressed, values, levels, is_dictionary } = header;
        let rest = (chunk.len() - at) as u64;
        let [Ok(length), Ok(compressed), Ok(values)] =
            [length, compressed, values].map(u64::try_from)
        else {
            return Err("a length in the header of a page is negative".to_owned());
        };
        if compressed > rest {
            return Err(format!("a page has {compressed} bytes, and {rest} are left"));
        }
        if levels.iter().any(|levels| *levels < 0 || *levels as u64 > length) {
            return Err("the levels of a page are longer than the page".to_owned());
        }
        let max_values = if is_dictionary { length } else { rows };
        if values > max_values {
            return Err(format!("a page claims {values} values, expected at most {max_values}"));
        }
        let limit = match width {
            // A value besides has its index or its levels.
            Some(width) => PAGE_OVERHEAD.saturating_add(rows.saturating_mul(width + 8)),
            None => SMALL_PAGE.max(MAX_RATIO.saturating_mul(compressed)),
        };
        if length > limit {
            return Err(format!(
                "a page of {compressed} bytes claims {length} bytes of content, expected at most \
                 {limit}"
            ));
        }
        at += compressed as usize;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_metadata_is_refused() {
        // A structure that ends at once, and one that does not end.
        assert_eq!(check_footer(&[0]), Ok(()));
        assert!(check_footer(&[]).is_err());
        // Field 1 is a text of 2^40 bytes.
        assert!(check_footer(&[0x18, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0]).is_err());
        // Field 1 is a list of 2^28 numbers.
        assert!(check_footer(&[0x19, 0xf5, 0x80, 0x80, 0x80, 0x80, 0x01, 0]).is_err());
        // Structures within structures: 0x1c is field 1, a structure.
        let nested = |depth| [vec![0x1c; depth], vec![0; depth + 1]].concat();
        assert_eq!(check_footer(&nested(MAX_DEPTH - 1)), Ok(()));
        assert!(check_footer(&nested(1_000_000)).is_err());
    }

    #[test]
    fn a_tree_of_columns_is_shallow_and_has_the_columns_it_claims() {
        // Field 2 is a list of structures, each with the number of its children as field 5.
        let schema = |children: &[u8]| {
            let mut bytes = vec![0x29, 0xfc, children.len() as u8];
            children.iter().for_each(|count| bytes.extend([0x55, 2 * count, 0]));
            bytes.push(0);
            bytes
        };
        assert_eq!(check_footer(&schema(&[2, 0, 0])), Ok(()));
        assert!(check_footer(&schema(&[3, 0, 0])).is_err());
        let chain = |depth: usize| [vec![1; depth], vec![0]].concat();
        assert_eq!(check_footer(&schema(&chain(MAX_DEPTH))), Ok(()));
        assert!(check_footer(&schema(&chain(MAX_DEPTH + 1))).is_err());
    }

    #[test]
    fn pages_that_claim_too_much_are_refused() {
        // Fields 1 to 3: the type 0, the length and the compressed length; field 5 with the values.
        let page = |length: u8, compressed: u8, values: u8| {
            let mut bytes = vec![0x15, 0, 0x15, 2 * length, 0x15, 2 * compressed, 0x2c];
            bytes.extend([0x15, 2 * values, 0, 0]);
            bytes.extend(vec![7; compressed as usize]);
            bytes
        };
        assert_eq!(check_pages(&page(8, 8, 1), 1, Some(8)), Ok(()));
        assert_eq!(check_pages(&[page(8, 8, 1), page(8, 8, 1)].concat(), 2, None), Ok(()));
        let too_many = "a page claims 3 values, expected at most 2";
        assert_eq!(check_pages(&page(8, 8, 3), 2, None), Err(too_many.to_owned()));
        let cut = &page(8, 8, 1)[..12];
        assert_eq!(check_pages(cut, 2, None), Err("a page has 8 bytes, and 1 are left".to_owned()));
        // 2^34 bytes of content from none: 2 * 2^34 has the seven-bit digits 0, 0, 0, 0, 0, 1.
        let mut bomb = page(8, 0, 1);
        bomb.splice(3..4, [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
        for width in [None, Some(8)] {
            assert!(
                check_pages(&bomb, 1, width).unwrap_err().contains("17179869184 bytes of content")
            );
        }
    }
}
