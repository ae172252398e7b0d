//! Fast parsing and formatting of numbers. The results are those of the standard library, to the
//! bit and to the letter; it also handles the numbers for which there is no fast path.

use std::io::Write as _;
use std::ops::Range;

/// The powers of ten that an `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// The range of numbers whose shortest text has no exponent.
const WITHOUT_EXPONENT: Range<f32> = 1e-4..1e7;
/// The maximum number of digits that always fit in a `u64`.
const MAX_DIGITS: usize = 19;
/// The greatest number below which an `f64` holds every integer.
const MAX_EXACT: u64 = 1 << 53;
/// The bits of an `f64` mantissa that are rounded away in an `f32`.
const DROPPED_BITS: u64 = (1 << 29) - 1;
/// The value of those bits halfway between two `f32`.
const HALFWAY: u64 = 1 << 28;

/// Parses the number at the start of `text`, times `10^power`, and returns it with its length in
/// bytes. `point` is the decimal mark. What follows may belong to the number, as an exponent does:
/// the caller has to check that the number ends there. Returns `None` where there is no number, or
/// where rounding it correctly takes more care.
///
/// Digits and powers of ten that an `f64` holds exactly give the nearest `f64` by the one rounding
/// of their product or quotient.
#[inline]
pub(crate) fn leading_f64(text: &[u8], power: i32, point: u8) -> Option<(f64, usize)> {
    let Digits { negative, mantissa, places, end } = Digits::scan(text, point)?;
    let exponent = power - places;
    let scale = *POWERS.get(exponent.unsigned_abs() as usize)?;
    if mantissa > MAX_EXACT {
        return None;
    }
    let mantissa = mantissa as f64;
    let number = if exponent < 0 { mantissa / scale } else { mantissa * scale };
    Some((if negative { -number } else { number }, end))
}

/// Returns `mantissa * 10^exponent`, correctly rounded, for an integer of at most 53 bits; `None` where
/// that takes more care.
#[inline]
pub(crate) fn from_decimal(mantissa: f64, exponent: i32) -> Option<f64> {
    let scale = *POWERS.get(exponent.unsigned_abs() as usize)?;
    Some(if exponent < 0 { mantissa / scale } else { mantissa * scale })
}

/// Finds the shortest decimal number that is rounded to a binary one, for one value of a column
/// after another: most columns have a fixed number of decimal places.
#[derive(Default)]
pub(crate) struct ShortDecimals {
    /// The decimal places of the last number.
    places: usize,
    /// Whether the last number was not found, as numbers of all digits are not.
    is_long: bool,
}

impl ShortDecimals {
    /// The maximum number of places that are tried.
    const MAX_PLACES: usize = 8;
    /// What rounds a number below 2^51 to an integer by being added and subtracted.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// Below this many units of the last decimal place, two neighbours are more than one unit in the
    /// last place of an `f32` or an `f64` apart.
    const MAX_UNITS_F32: f64 = 8_388_608.0;
    const MAX_UNITS_F64: f64 = 2_251_799_813_685_248.0;

    /// Returns the integer and the number of decimal places that are the shortest decimal number which
    /// is rounded to `number`, with zeros behind it perhaps. `None` where there is no such number of
    /// few digits.
    #[inline]
    pub(crate) fn of_f32(&mut self, number: f32) -> Option<(f64, i32)> {
        self.find(number.into(), Self::MAX_UNITS_F32, |decimal| decimal as f32 == number)
    }

    /// Does the same for a number of 64 bits.
    #[inline]
    pub(crate) fn of_f64(&mut self, number: f64) -> Option<(f64, i32)> {
        self.find(number, Self::MAX_UNITS_F64, |decimal| decimal == number)
    }

    /// Of the numbers with some decimal places at most one is rounded to `number`, because they are
    /// further apart than that takes. If one is, then a shorter one would be it, with zeros behind.
    ///
    /// The quotient is the nearest `f64` of the decimal number. That it is then rounded to an `f32`
    /// makes no difference: a number of 23 bits over 10^8 is never halfway between two `f32`, nor
    /// nearer to halfway than an `f64` can tell.
    #[inline]
    fn find(
        &mut self,
        number: f64,
        max_units: f64,
        is_rounded_to: impl Fn(f64) -> bool,
    ) -> Option<(f64, i32)> {
        let with = |places: usize| {
            let units = number * POWERS[places];
            let units = (units + Self::ROUND) - Self::ROUND;
            let is_found = units.abs() < max_units && is_rounded_to(units / POWERS[places]);
            is_found.then_some((units, places as i32))
        };
        if let Some(found) = with(self.places) {
            self.is_long = false;
            return Some(found);
        }
        if self.is_long {
            return None;
        }
        let found = (0..=Self::MAX_PLACES).find_map(with);
        match found {
            Some((_, places)) => self.places = places as usize,
            None => self.is_long = true,
        }
        found
    }
}

/// Parses the number at the start of `text` as [`leading_f64`] does, with the decimal mark `.`.
///
/// The digits and the power of ten give an `f64` by two roundings, that of the digits and that of
/// the quotient, each of at most half a unit in the last place. The result is therefore less than 3
/// units from the exact number and from the `f64` nearest to it. All three round to the same `f32`
/// unless a halfway point between two `f32` lies among them.
pub(crate) fn leading_f32(text: &[u8]) -> Option<(f32, usize)> {
    let Digits { negative, mantissa, places, end } = Digits::scan(text, b'.')?;
    let mantissa = mantissa as f64;
    let number = mantissa / POWERS.get(places.unsigned_abs() as usize)?;
    let is_certain = number == 0.0 || (number.to_bits() & DROPPED_BITS).abs_diff(HALFWAY) > 3;
    if !is_certain || number > f64::from(f32::MAX) {
        return None;
    }
    let number = number as f32;
    Some((if negative { -number } else { number }, end))
}

/// A number's sign, digits and decimal mark.
struct Digits {
    negative: bool,
    /// The digits, without the decimal mark.
    mantissa: u64,
    /// The number of digits after the decimal mark.
    places: i32,
    /// The position after the last digit.
    end: usize,
}

impl Digits {
    /// Scans the number at the start of `text`. Returns `None` where there is none, or where its
    /// digits do not fit in a `u64`.
    fn scan(text: &[u8], point: u8) -> Option<Self> {
        let negative = text.first() == Some(&b'-');
        let begin = usize::from(negative);
        let (mut mantissa, mut at) = digits(text, begin, 0);
        let (mut count, mut places) = (at - begin, 0);
        if text.get(at) == Some(&point) {
            let begin = at + 1;
            (mantissa, at) = digits(text, begin, mantissa);
            places = at - begin;
            count += places;
        }
        if count > MAX_DIGITS {
            // Leading zeros, which small numbers have, take no space in a u64.
            let zeros = text[begin..at].iter().take_while(|&&byte| byte == b'0' || byte == point);
            count -= zeros.filter(|&&byte| byte == b'0').count().min(count - 1);
        }
        let places = i32::try_from(places).ok()?;
        (1..=MAX_DIGITS).contains(&count).then_some(Self { negative, mantissa, places, end: at })
    }
}

/// Appends the digits from `at` on to the number `before`, and returns the number and the end of
/// the digits. The number is meaningless if it does not fit in a `u64`.
fn digits(text: &[u8], mut at: usize, before: u64) -> (u64, usize) {
    let mut number = before;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let Some(eight) = eight_digits(u64::from_le_bytes(*eight)) else { break };
        number = number.wrapping_mul(100_000_000).wrapping_add(eight);
        at += 8;
    }
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&d| d < 10) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (number, at)
}

/// Returns the number that eight ASCII digits spell, the first of them in the lowest byte, or
/// `None` if a byte is not a digit. Neighbours are combined into numbers of two digits, then four,
/// then eight.
fn eight_digits(letters: u64) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let six_more = letters.wrapping_add(0x0606_0606_0606_0606);
    if letters & HIGH != ZEROS || six_more & HIGH != ZEROS {
        return None;
    }
    let ones = letters - ZEROS;
    let twos = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos * 100 + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours & 0xffff) * 10_000 + (fours >> 32))
}

/// Appends a number to `text` without an exponent, with as many digits as it takes to read the same
/// bits back.
pub(crate) fn push(number: f32, text: &mut Vec<u8>) {
    if !WITHOUT_EXPONENT.contains(&number.abs()) || !push_shortest(number, text) {
        // Writing to a vector cannot fail.
        let _ = write!(text, "{number}");
    }
}

/// Appends the shortest text of a number and returns true, or returns false if another text of that
/// length is as near: the standard library then takes the one that is farther from zero, 328.95313
/// for 328.953125.
///
/// A number with n binary places has n decimal places, the last of them a 5. It is halfway between
/// two texts if these have n - 1 places.
fn push_shortest(number: f32, text: &mut Vec<u8>) -> bool {
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(number).as_bytes();
    let shortest = shortest.strip_suffix(b".0").unwrap_or(shortest);
    let exponent = (number.to_bits() >> 23 & 0xff) as i32 - 127;
    let places = 23 - exponent - (number.to_bits() | 1 << 23).trailing_zeros() as i32;
    let point = usize::try_from(places).ok().and_then(|places| shortest.len().checked_sub(places));
    let is_halfway = point.and_then(|point| shortest.get(point)) == Some(&b'.');
    if !is_halfway {
        text.extend_from_slice(shortest);
    }
    !is_halfway
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the bits of the number as parsed through an `f64`, and directly.
    fn expected(text: &str) -> [u32; 2] {
        [(text.parse::<f64>().unwrap() as f32).to_bits(), text.parse::<f32>().unwrap().to_bits()]
    }

    fn assert_f64(found: f64, text: &str) {
        assert_eq!(found.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }

    #[test]
    fn plain_numbers_are_parsed() {
        for (text, number, length) in [
            ("0", 0.0, 1),
            ("-0.0,1", 0.0, 4),
            ("12.5\n", 12.5, 4),
            (".5", 0.5, 2),
            ("5.", 5.0, 2),
            ("-12345678.12345678901", -12_345_678.0, 21),
            ("0.0000012345678901234567", 1.234_567_9e-6, 24),
            ("1e5", 1.0, 1),
        ] {
            assert_eq!(leading_f32(text.as_bytes()), Some((number, length)), "{text}");
        }
        assert_eq!(leading_f64(b"693372.4915", -5, b'.'), leading_f64(b"6.933724915", 0, b'.'));
        assert_eq!(leading_f64(b"-1,25;", 3, b','), Some((-1250.0, 5)));
        assert_eq!(leading_f64(b"1,25", 0, b'.'), Some((1.0, 1)));
        // 2^24 + 1 is halfway between two f32.
        assert_eq!(leading_f32(b"16777217"), None);
        // 2^53 + 1 is halfway between two f64.
        assert_eq!(leading_f64(b"9007199254740993", 0, b'.'), None);
        for text in ["", ".", "-", "-.", "x", "+1", "inf", "1234567890123456789012"] {
            assert_eq!(leading_f32(text.as_bytes()), None, "{text}");
            assert_eq!(leading_f64(text.as_bytes(), 0, b'.'), None, "{text}");
        }
    }

    #[test]
    fn eight_bytes_that_are_not_all_digits_are_refused() {
        let eight = |text: &[u8; 8]| eight_digits(u64::from_le_bytes(*text));
        assert_eq!(eight(b"01234567"), Some(1_234_567));
        assert_eq!(eight(b"99999999"), Some(99_999_999));
        for place in 0..8 {
            for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
                let mut text = *b"90909090";
                text[place] = byte;
                assert_eq!(eight(&text), None, "{text:?}");
            }
        }
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        /// A prime, so that the sample has every pattern of low bits. With 1 the test covers every
        /// number and takes a minute: run it so when zmij is updated.
        const STEP: usize = 1009;
        let Range { start, end } = WITHOUT_EXPONENT;
        (start.to_bits()..end.to_bits()).step_by(STEP).for_each(|bits| {
            for number in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let mut text = Vec::new();
                push(number, &mut text);
                assert!(text == number.to_string().as_bytes(), "{number}");
            }
        });
    }

    proptest! {
        #[test]
        fn parsing_agrees_with_the_standard_library(text in "-?[0-9]{0,12}(\\.[0-9]{0,20})?") {
            if let Some((number, length)) = leading_f32(text.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!([number.to_bits(); 2], expected(&text));
            }
            if let Some((number, length)) = leading_f64(text.as_bytes(), 0, b'.') {
                prop_assert_eq!(length, text.len());
                assert_f64(number, &text);
            }
        }

        #[test]
        fn a_halfway_number_is_rounded_correctly(bits in any::<u32>(), tail in "0{0,3}[0-9]{0,2}") {
            let low = f32::from_bits(bits & 0x4fff_ffff);
            let middle = f64::from(low) / 2.0 + f64::from(low.next_up()) / 2.0;
            for text in [format!("{middle}{tail}"), format!("{}{tail}", middle.next_down())] {
                if let Some((number, length)) = leading_f32(text.as_bytes()) {
                    prop_assert_eq!(length, text.len());
                    prop_assert_eq!([number.to_bits(); 2], expected(&text));
                }
            }
        }

        #[test]
        fn a_power_is_parsed_like_an_exponent(text in "[0-9]{1,10}\\.[0-9]{1,9}", power in -9..9_i32) {
            if let Some((number, _)) = leading_f64(text.as_bytes(), power, b'.') {
                assert_f64(number, &format!("{text}e{power}"));
            }
        }

        #[test]
        fn writing_agrees_with_the_standard_library(bits: u32) {
            let number = f32::from_bits(bits);
            let mut text = Vec::new();
            push(number, &mut text);
            prop_assert_eq!(String::from_utf8(text).unwrap(), number.to_string());
        }
    }
}
