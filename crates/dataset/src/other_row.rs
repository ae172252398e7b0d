//! Tells the rows of a file that are no part of its table.

/// A row that is no part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherRow {
    /// A row of totals, which spreadsheets have below a table.
    Totals,
    /// The header again, where files were joined one after another.
    Header,
    /// A row without any value, such as the separators below a table.
    Blank,
}

/// Returns whether a line has nothing but blanks and what old programs end files with.
pub(crate) fn is_blank_line(count: usize, first: &[u8]) -> bool {
    count == 1 && first.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\0' | 0x1a))
}

impl OtherRow {
    /// Returns what a row is that lacks something or cannot be read, or `None` if it is a part of the
    /// table. It has `count` fields, of which `field` returns each; `header` has the columns' names, and
    /// `units_line` the cells of the line of units below them.
    pub(crate) fn of<'f>(
        header: &[impl AsRef<str>],
        units_line: &[String],
        count: usize,
        field: impl Fn(usize) -> &'f [u8],
    ) -> Option<Self> {
        if (0..count).all(|index| field(index).trim_ascii().is_empty()) {
            Some(Self::Blank)
        } else if is_totals_row((0..count).map(&field)) {
            Some(Self::Totals)
        } else if is_header(header, count, &field) || is_header(units_line, count, field) {
            Some(Self::Header)
        } else {
            None
        }
    }
}

/// Returns whether a row that lacks something is a row of totals, which spreadsheets and reports put
/// below a table: its first field that is not empty says so.
pub fn is_totals_row<'f>(fields: impl Iterator<Item = &'f [u8]>) -> bool {
    const WORDS: [&str; 14] = [
        "total",
        "totals",
        "grand total",
        "sum",
        "subtotal",
        "average",
        "mean",
        "count",
        "summe",
        "gesamt",
        "mittelwert",
        "durchschnitt",
        "somme",
        "moyenne",
    ];
    let first = fields.map(<[u8]>::trim_ascii).find(|field| !field.is_empty());
    let word = first.map(|field| String::from_utf8_lossy(field).to_lowercase()).unwrap_or_default();
    WORDS.contains(&word.trim_end_matches([':', '.']).trim())
}

/// Returns whether a row is the header again: `count` fields, of which `field` returns each, are the names,
/// letter by letter but for blanks around them.
pub(crate) fn is_header<'f>(
    names: &[impl AsRef<str>],
    count: usize,
    field: impl Fn(usize) -> &'f [u8],
) -> bool {
    let is_name = |field: &[u8], name: &str| {
        std::str::from_utf8(field)
            .is_ok_and(|text| text.trim_start_matches('\u{feff}').trim() == name)
    };
    // Either may end with separators.
    let named = names.iter().rposition(|name| !name.as_ref().is_empty()).map_or(0, |last| last + 1);
    let is_blank = |index: usize| field(index).trim_ascii().is_empty();
    named > 0
        && count >= named
        && (named..count).all(is_blank)
        && names[..named]
            .iter()
            .enumerate()
            .all(|(index, name)| is_name(field(index), name.as_ref()))
}
