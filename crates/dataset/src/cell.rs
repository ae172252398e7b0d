//! Parses the cell of a sensor column.

use crate::categories;
use crate::number::{self, ShortDecimals};
use crate::schema::{ColumnKind, fold_word};
use crate::units::{self, Conversion};
use crate::words::{is_missing, yes_or_no};

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    /// The decimal mark, `.` or `,`.
    pub point: u8,
    /// What separates groups of three digits before the decimal mark.
    pub thousands: Option<char>,
    /// Whether a number that is not so may have a decimal comma: cells of a workbook that are numbers have
    /// a decimal point, and those that are texts may be as people write them.
    pub comma_in_text: bool,
}

impl NumberFormat {
    /// Returns a format in which all numbers are written alike.
    pub const fn new(point: u8, thousands: Option<char>) -> Self {
        Self { point, thousands, comma_in_text: false }
    }
}

impl Default for NumberFormat {
    fn default() -> Self {
        Self::new(b'.', None)
    }
}

/// Parses the cells of one column.
pub(crate) struct CellParser {
    kind: ColumnKind,
    /// The power of ten to parse numbers with.
    power: i32,
    /// Whether a parsed number is the reading: it needs no other conversion, and none is missing.
    is_plain: bool,
    conversion: Conversion,
    format: NumberFormat,
    /// The unit of readings, if it is known: a cell may name another one behind its number.
    unit: Option<String>,
    /// Numbers that stand for a missing value, as they are parsed in the file's unit.
    missing_numbers: Vec<f64>,
    /// Words that stand for a missing value, folded.
    missing_words: Vec<String>,
}

impl CellParser {
    /// Creates a parser of a column of this kind.
    pub(crate) fn of_kind(
        kind: ColumnKind,
        markers: &[String],
        conversion: Conversion,
        format: NumberFormat,
    ) -> Self {
        Self { kind, ..Self::new(markers, conversion, format) }
    }

    /// Creates a parser of numbers.
    pub(crate) fn new(markers: &[String], conversion: Conversion, format: NumberFormat) -> Self {
        let power = conversion.power();
        let mut parser = Self {
            kind: ColumnKind::Number,
            power,
            is_plain: false,
            conversion,
            format,
            unit: None,
            missing_numbers: Vec::new(),
            missing_words: markers.iter().map(|marker| fold_word(marker)).collect(),
        };
        // A marker of the settings may be written with a decimal point where the file's numbers have
        // a comma.
        let number = |marker: &String| {
            let marker = marker.trim();
            parser.number(marker).or_else(|| scaled(marker, power))
        };
        parser.missing_numbers = markers.iter().filter_map(number).collect();
        parser.is_plain =
            parser.missing_numbers.is_empty() && matches!(conversion, Conversion::Power(_));
        parser
    }

    /// Sets the unit of readings. A cell such as `60 °C` is then a number, converted from its own unit.
    #[must_use]
    pub(crate) fn with_unit(mut self, unit: Option<String>) -> Self {
        self.unit = unit;
        self
    }

    /// Parses the number at the start of `text` and returns it with its length in bytes, or `None`
    /// where that takes more care. The caller checks that the number ends there, and that the column
    /// holds numbers.
    #[inline]
    pub(crate) fn leading(&self, text: &[u8]) -> Option<(f64, usize)> {
        let (number, length) = number::leading_f64(text, self.power, self.format.point)?;
        // Its digits and power are so few that the number is finite as an `f32`.
        let reading = if self.is_plain { number } else { self.reading(number) };
        (!reading.is_infinite()).then_some((reading, length))
    }

    /// Parses a whole cell. Returns NaN where the cell is missing, which the word `inf` is as well, and
    /// `None` where the cell is not of the column's kind or the number is not finite as an `f32`. A
    /// category's reading is the code of its value.
    pub(crate) fn parse(&self, cell: &[u8]) -> Option<f64> {
        match self.kind {
            ColumnKind::Number => self.parse_number(cell).filter(|number| !number.is_infinite()),
            ColumnKind::YesNo | ColumnKind::Category => self.parse_word(cell),
        }
    }

    /// Returns whether a cell is a number that is not finite as an `f32`.
    pub(crate) fn is_out_of_range(&self, cell: &[u8]) -> bool {
        self.is_of_numbers() && self.parse_number(cell).is_some_and(f64::is_infinite)
    }

    /// Returns whether the column holds numbers.
    pub(crate) fn is_of_numbers(&self) -> bool {
        self.kind == ColumnKind::Number
    }

    fn parse_word(&self, cell: &[u8]) -> Option<f64> {
        let text = String::from_utf8_lossy(cell);
        let value = categories::value(&text);
        if is_missing(value) || self.is_marker(value) {
            return Some(f64::NAN);
        }
        if self.kind == ColumnKind::YesNo {
            return yes_or_no(&fold_word(value)).map(|yes| f64::from(u8::from(yes)));
        }
        Some(categories::code(value) as f64)
    }

    /// Parses a number, and returns an infinity where it is not finite as an `f32`.
    fn parse_number(&self, cell: &[u8]) -> Option<f64> {
        if let Some((number, length)) = self.leading(cell)
            && length == cell.len()
        {
            return Some(number);
        }
        let text = std::str::from_utf8(cell).ok()?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        if let Some(number) = self.number(text).or_else(|| self.number(&written_plainly(text)?)) {
            let is_word = !text.bytes().any(|byte| byte.is_ascii_digit());
            return Some(if is_word { f64::NAN } else { self.reading(number) });
        }
        if let Some(reading) = self.number_with_unit(text) {
            return Some(reading);
        }
        (is_missing(text) || self.is_marker(text)).then_some(f64::NAN)
    }

    /// Parses a number with its unit behind it.
    fn number_with_unit(&self, text: &str) -> Option<f64> {
        let own = self.unit.as_deref()?;
        let (number, unit) = number_and_unit(text)?;
        let conversion = units::between(unit, own).ok()?;
        let parser = Self::new(&[], conversion, self.format);
        parser.number(number).or_else(|| parser.number(&written_plainly(number)?)).map(|number| {
            let is_marker = conversion == self.conversion && self.missing_numbers.contains(&number);
            if is_marker { f64::NAN } else { parser.reading(number) }
        })
    }

    /// Returns whether the settings say that a trimmed cell stands for a missing value.
    fn is_marker(&self, text: &str) -> bool {
        !self.missing_words.is_empty() && self.missing_words.contains(&fold_word(text))
    }

    /// Returns the reading of a number, which is what [`Self::parse`] returns for its shortest text. It is
    /// infinite where that returns `None`.
    #[inline]
    pub(crate) fn of_f64(&self, number: f64, decimals: &mut ShortDecimals) -> f64 {
        if !number.is_finite() {
            return f64::NAN;
        }
        if self.power == 0 || number == 0.0 {
            return self.reading(number);
        }
        self.of_decimal(decimals.of_f64(number)).unwrap_or_else(|| {
            let scaled = scaled(zmij::Buffer::new().format_finite(number), self.power);
            scaled.map_or(f64::NAN, |number| self.reading(number))
        })
    }

    /// Does the same for a number of 32 bits: 0.1 is read as 0.1, not as 0.10000000149011612.
    #[inline]
    pub(crate) fn of_f32(&self, number: f32, decimals: &mut ShortDecimals) -> f64 {
        if !number.is_finite() {
            return f64::NAN;
        }
        if number == 0.0 {
            return self.reading(number.into());
        }
        self.of_decimal(decimals.of_f32(number)).unwrap_or_else(|| {
            let scaled = scaled(zmij::Buffer::new().format_finite(number), self.power);
            scaled.map_or(f64::NAN, |number| self.reading(number))
        })
    }

    #[inline]
    fn of_decimal(&self, decimal: Option<(f64, i32)>) -> Option<f64> {
        let (units, places) = decimal?;
        number::from_decimal(units, self.power - places).map(|number| self.reading(number))
    }

    /// Parses a trimmed text as a number times the conversion's power of ten.
    fn number(&self, text: &str) -> Option<f64> {
        let power = self.power;
        let plain = match self.format {
            NumberFormat { point: b'.', thousands: None, comma_in_text } => {
                let comma = || scaled(&text.replacen(',', ".", 1), power);
                let may_have_comma = comma_in_text && !text.contains('.');
                return scaled(text, power).or_else(|| comma().filter(|_| may_have_comma));
            }
            NumberFormat { point: b',', .. } if text.contains('.') => None,
            NumberFormat { point: b',', .. } => scaled(&text.replacen(',', ".", 1), power),
            _ => scaled(text, power),
        };
        plain.or_else(|| scaled(&self.without_groups(text)?, power))
    }

    /// Returns a number without the separators of its groups of three digits, and with a decimal
    /// point; `None` where the groups are not such.
    fn without_groups(&self, text: &str) -> Option<String> {
        let separator = self.format.thousands?;
        let is_separator = |letter: char| match separator {
            // Exports write any of these blanks.
            ' ' => matches!(letter, ' ' | '\u{A0}' | '\u{2009}' | '\u{202F}'),
            '\'' => matches!(letter, '\'' | '\u{2019}'),
            _ => letter == separator,
        };
        let point = char::from(self.format.point);
        let (whole, fraction) = match text.split_once(point) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let sign = if whole.starts_with(['-', '+']) { &whole[..1] } else { "" };
        let mut groups = whole[sign.len()..].split(is_separator);
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let first = groups.next()?;
        if !(1..=3).contains(&first.len()) || !is_digits(first) {
            return None;
        }
        let mut plain = format!("{sign}{first}");
        let mut groups = groups.peekable();
        // Nobody writes 0.892 for 892.
        if first.starts_with('0') && groups.peek().is_some() {
            return None;
        }
        for group in groups {
            if group.len() != 3 || !is_digits(group) {
                return None;
            }
            plain.push_str(group);
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(plain)
    }

    /// Returns a number in the column's unit, NaN where it stands for a missing value, or an infinity where
    /// it is not finite as an `f32`.
    #[inline]
    fn reading(&self, number: f64) -> f64 {
        if self.missing_numbers.contains(&number) {
            return f64::NAN;
        }
        let converted = self.conversion.apply(number);
        let fits = (number as f32).is_finite() && (converted as f32).is_finite();
        if fits { converted } else { f64::INFINITY }
    }
}

/// Splits a number from the known unit behind it: `60 °C`, `9.81m/s2`. A unit of one letter is
/// none: `3 A` may be a name. Returns `None` where there is no unit.
pub(crate) fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let is_part = |letter: char| {
        letter.is_ascii_digit()
            || matches!(letter, '+' | '-' | '.' | ',' | '\'' | '\u{2019}' | '\u{2212}' | ' ')
            || matches!(letter, '\u{a0}' | '\u{2009}' | '\u{202f}')
    };
    let (number, unit) = text.split_at(text.find(|letter| !is_part(letter))?);
    let number = number.trim_end();
    let is_number = number.ends_with(|last: char| last.is_ascii_digit() || last == '.');
    (is_number && units::is_plain(unit)).then_some((number, unit))
}

/// Returns a number without its sign of percent, and with a minus in front: `12 %`, `\u{2212}0,5`, `0.5-`
/// as SAP writes it, and `(0.5)` as accountants do; and the number of `="0.5"`, by which Excel is kept from
/// changing it. `None` if it has none of these.
fn written_plainly(text: &str) -> Option<String> {
    let is_number = |text: &&str| text.starts_with(|first: char| first.is_ascii_digit());
    if let Some(quoted) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        return Some(quoted.trim().to_owned());
    }
    if let Some(percent) = text.strip_suffix('%') {
        return Some(percent.trim_end().to_owned());
    }
    let negative = text
        .strip_prefix('\u{2212}')
        .or_else(|| text.strip_suffix('-'))
        .or_else(|| text.strip_prefix('(')?.strip_suffix(')'));
    negative.filter(is_number).map(|number| format!("-{number}"))
}

/// Parses `text * 10^power`, correctly rounded: the power is added to the decimal exponent before
/// the number is parsed, so that 693372.4915 Pa and 6.933724915 bar have the same bits.
fn scaled(text: &str, power: i32) -> Option<f64> {
    if power == 0 {
        return text.parse().ok();
    }
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
            format!("{digits}e{}", exponent.saturating_add(power)).parse().ok()
        }
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(power: i32) -> CellParser {
        CellParser::new(&[], Conversion::Power(power), NumberFormat::default())
    }

    #[test]
    fn signs_may_be_behind_a_number_or_around_it() {
        let parse = |text: &str| parser(0).parse(text.as_bytes());
        for text in ["-0.5", "\u{2212}0.5", "0.5-", "(0.5)", " (0.5) "] {
            assert_eq!(parse(text), Some(-0.5), "{text}");
        }
        assert_eq!(
            (parse("49 %"), parse("49.5%"), parse("-3 %")),
            (Some(49.0), Some(49.5), Some(-3.0))
        );
        for text in ["%", "--0.5", "5--", "(-5)", "()", "(5", "5 %%", "\u{2212}", "1-2"] {
            assert_eq!(parse(text), None, "{text}");
        }
        let comma = NumberFormat::new(b',', Some('.'));
        let parser = CellParser::new(&[], Conversion::Power(0), comma);
        assert_eq!(parser.parse("1.234,5-".as_bytes()), Some(-1234.5));
    }

    #[test]
    fn a_number_may_have_its_unit_behind_it() {
        let parser = |unit: Option<&str>, point| {
            let format = NumberFormat::new(point, None);
            let markers = ["-999".to_owned()];
            CellParser::new(&markers, Conversion::NONE, format).with_unit(unit.map(str::to_owned))
        };
        let celsius = parser(Some("°C"), b'.');
        for (text, reading) in [
            ("60 °C", 60.0),
            ("60°C", 60.0),
            ("-5.5 degC", -5.5),
            ("212 °F", 100.0),
            ("60", 60.0),
            ("6e1", 60.0),
        ] {
            assert_eq!(celsius.parse(text.as_bytes()), Some(reading), "{text}");
        }
        assert!(celsius.parse("-999 °C".as_bytes()).is_some_and(f64::is_nan));
        for text in ["60 bar", "60 x", "°C", "60 °C or so", "60 60 °C", "2024-01-02T10:00", "6e1 C"]
        {
            assert_eq!(celsius.parse(text.as_bytes()), None, "{text}");
        }
        // A letter may be a multiplier or a part of a name, and letter case tells units apart.
        for (unit, text) in [
            ("K", "3.3K"),
            ("K", "3 K"),
            ("A", "1A"),
            ("mV", "0.5 MV"),
            ("dB", "85 dB"),
            ("V", "5V"),
        ] {
            assert_eq!(parser(Some(unit), b'.').parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parser(Some("kV"), b',').parse(b"0,5 kV"), Some(0.5));
        assert_eq!(parser(None, b'.').parse(b"85 bar"), None);
        assert_eq!(parser(None, b'.').parse(b"=\"38.5\""), Some(38.5));
    }

    #[test]
    fn words_are_categories_or_yes_and_no() {
        let parser = |kind| {
            let markers = ["?".to_owned()];
            CellParser::of_kind(kind, &markers, Conversion::Power(0), NumberFormat::default())
        };
        let category = parser(ColumnKind::Category);
        assert_eq!(category.parse(b" L "), category.parse(b"L"));
        assert_ne!(category.parse(b"L"), category.parse(b"l"));
        assert_ne!(category.parse(b"1"), category.parse(b"1.0"));
        let yes_or_no = parser(ColumnKind::YesNo);
        assert_eq!(yes_or_no.parse(b"TRUE"), Some(1.0));
        assert_eq!(yes_or_no.parse(b"nein"), Some(0.0));
        assert_eq!(yes_or_no.parse(b"maybe"), None);
        for missing in [&b""[..], b" n/a ", b"?"] {
            assert!(category.parse(missing).is_some_and(f64::is_nan));
            assert!(yes_or_no.parse(missing).is_some_and(f64::is_nan));
        }
    }

    fn parse_reading(cell: &[u8], power: i32) -> Option<f64> {
        parser(power).parse(cell)
    }

    #[test]
    fn units_change_the_decimal_exponent_only() {
        assert_eq!(parse_reading(b"693372.4915", -5), parse_reading(b"6.933724915", 0));
        assert_eq!(parse_reading(b" 7104000 ", -5), Some(71.04));
        assert_eq!(parse_reading(b"6.9e5", -5), Some(6.9));
        assert_eq!(parse_reading(b".5", 3), Some(500.0));
        assert_eq!(parse_reading(b"5.", 3), Some(5000.0));
        assert_eq!(parse_reading(b"-2E-1", 3), Some(-200.0));
    }

    #[test]
    fn missing_cells_are_told_from_bad_ones() {
        for text in ["", "  ", "NaN", "n/a", "NULL", "None", "inf", "-Infinity"] {
            for power in [0, 3] {
                assert!(parse_reading(text.as_bytes(), power).is_some_and(f64::is_nan), "{text}");
            }
        }
        for text in ["broken", "1,5", "0x1f", "12 bar", "--1", "1e", "e5", "1e5x"] {
            for power in [0, 3] {
                assert_eq!(parse_reading(text.as_bytes(), power), None, "{text}");
            }
        }
        assert_eq!(parse_reading(b"\xff1", 0), None);
    }

    #[test]
    fn decimal_commas_and_groups_of_digits_are_read_where_they_are_declared() {
        let parse = |text: &str, point, thousands| {
            let format = NumberFormat::new(point, thousands);
            CellParser::new(&[], Conversion::NONE, format).parse(text.as_bytes())
        };
        for (text, thousands) in [
            ("25892,5", None),
            ("25.892,5", Some('.')),
            ("25 892,5", Some(' ')),
            ("25\u{202F}892,5", Some(' ')),
            ("25'892,5", Some('\'')),
            ("25\u{2019}892,5", Some('\'')),
            ("2,58925e4", None),
        ] {
            assert_eq!(parse(text, b',', thousands), Some(25_892.5), "{text}");
        }
        assert_eq!(parse("-1,234,567.5", b'.', Some(',')), Some(-1_234_567.5));
        assert_eq!(parse("1,5", b'.', Some(',')), None);
        assert_eq!(parse("1234.567", b',', Some('.')), None);
        // 25.892 is no number with a decimal comma unless groups are declared: it has two meanings.
        assert_eq!(parse("25.892", b',', None), None);
        assert_eq!(parse("25.892", b',', Some('.')), Some(25_892.0));
    }

    #[test]
    fn a_number_that_32_bits_do_not_hold_is_neither_missing_nor_a_reading() {
        let (mut short, mut long) = (ShortDecimals::default(), ShortDecimals::default());
        // The greatest number of 32 bits is 3.4028235e38.
        for cell in ["1e308", "-1e39", "3.5e38", "1e999", "1e308 %", "(1e308)"] {
            assert_eq!(parser(0).parse(cell.as_bytes()), None, "{cell}");
            assert!(parser(0).is_out_of_range(cell.as_bytes()), "{cell}");
        }
        assert_eq!(parser(0).parse(b"3.4e38"), Some(3.4e38));
        assert!(!parser(0).is_out_of_range(b"3.4e38") && !parser(0).is_out_of_range(b"x"));
        // 10^36 kilometres are 10^39 metres, and 10^40 metres are 10^37 kilometres.
        assert!(parser(3).is_out_of_range(b"1e36"));
        assert_eq!(parser(-3).parse(b"1e40"), Some(1e37));
        assert!(parser(0).of_f64(1e308, &mut long).is_infinite());
        assert!(parser(3).of_f32(1e36, &mut short).is_infinite());
        assert!(parser(0).of_f64(f64::INFINITY, &mut long).is_nan());
        let marked =
            CellParser::new(&["1e308".to_owned()], Conversion::NONE, NumberFormat::default());
        assert!(marked.parse(b"1e308").is_some_and(f64::is_nan));
    }

    #[test]
    fn binary_numbers_are_read_as_their_shortest_text() {
        let mut random = 1_u64;
        let (mut short, mut long) = (ShortDecimals::default(), ShortDecimals::default());
        for round in 0..50_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Numbers of any bits, and sensor readings with a few decimal places.
            let places = 10_f64.powi((round % 7) as i32);
            let reading = ((random >> 20) as i32 % 10_000_000) as f64 / places;
            let wide = if round % 2 == 0 { reading } else { f64::from_bits(random) };
            let narrow =
                if round % 3 == 0 { f32::from_bits(random as u32) } else { reading as f32 };
            for power in [0, -5, 3] {
                let parser = parser(power);
                let text = zmij::Buffer::new().format(wide).to_owned();
                let found = parser.of_f64(wide, &mut long);
                let bits = |found: f64| Some(found.to_bits()).filter(|_| !found.is_infinite());
                let parsed = |text: &str| parser.parse(text.as_bytes()).map(f64::to_bits);
                assert_eq!(parsed(&text), bits(found), "{text}");
                let text = zmij::Buffer::new().format(narrow).to_owned();
                let found = parser.of_f32(narrow, &mut short);
                assert_eq!(parsed(&text), bits(found), "{text}");
            }
        }
        // A marker is the number that it says, not a neighbour.
        let parser =
            CellParser::new(&["-999.9".to_owned()], Conversion::NONE, NumberFormat::default());
        assert!(
            parser.of_f32(-999.9, &mut short).is_nan() && parser.of_f64(-999.9, &mut long).is_nan()
        );
        assert_eq!(parser.of_f32(-0.0, &mut short).to_bits(), (-0.0_f64).to_bits());
    }

    #[test]
    fn markers_are_missing_whatever_the_unit() {
        let markers = ["-999", "n.a.", "?", "Bad", "#DIV/0!", "\\N"].map(str::to_owned);
        for conversion in [Conversion::NONE, Conversion::Power(-5)] {
            let parser = CellParser::new(&markers, conversion, NumberFormat::default());
            for cell in ["-999", "-999.0", " -999 ", "N.A.", "?", "bad", "#DIV/0!", "\\n"] {
                assert!(parser.parse(cell.as_bytes()).is_some_and(f64::is_nan), "{cell}");
            }
            assert!(parser.parse(b"-998").is_some_and(|number| !number.is_nan()));
            assert_eq!(parser.parse(b"worse"), None);
        }
        let fahrenheit = units::between("\u{b0}F", "\u{b0}C").unwrap();
        let parser = CellParser::new(&markers, fahrenheit, NumberFormat::default());
        assert!(parser.parse(b"-999").is_some_and(f64::is_nan));
        assert_eq!(parser.parse(b"212"), Some(100.0));
    }
}
