//! Numbers from and to text, where that can be done quickly. The result is that of the standard
//! library, to the bit and to the letter, which does the rest.

use std::io::Write as _;
use std::ops::Range;

/// The powers of ten that an f64 holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Numbers whose shortest text is written without an exponent.
const WITHOUT_EXPONENT: Range<f32> = 1e-4..1e7;
/// The most digits that a u64 always holds.
const MOST_DIGITS: usize = 19;
/// The bits of an f64's mantissa that an f32 has no place for.
const LOST: u64 = (1 << 29) - 1;
/// Those bits of a number in the middle between two f32.
const MIDDLE: u64 = 1 << 28;

/// The number that a text begins with, times `10^power`, and how many bytes it takes. What follows
/// may belong to it, as an exponent does: the caller knows what ends a number. None where there is
/// no such number, or where it takes more care to round it correctly.
///
/// Digits and power of ten give an f64 by two roundings, the digits' and the quotient's, each of at
/// most half a unit in the last place: it is less than 3 units from the number itself and from the
/// f64 nearest to that. All three are the same f32 unless the middle between two f32 lies among
/// them.
pub(crate) fn leading(text: &[u8], power: i32) -> Option<(f32, usize)> {
    let negative = text.first() == Some(&b'-');
    let begin = usize::from(negative);
    let (mut mantissa, mut at) = digits(text, begin, 0);
    let (mut count, mut places) = (at - begin, 0);
    if text.get(at) == Some(&b'.') {
        let point = at + 1;
        (mantissa, at) = digits(text, point, mantissa);
        places = at - point;
        count += places;
    }
    if count > MOST_DIGITS {
        // Zeros in front, which small numbers have, take no place in a u64.
        let zeros = text[begin..at].iter().take_while(|byte| matches!(byte, b'0' | b'.'));
        count -= zeros.filter(|&&byte| byte == b'0').count().min(count - 1);
    }
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    let exponent = power - places as i32;
    let scale = *POWERS.get(exponent.unsigned_abs() as usize)?;
    let mantissa = mantissa as f64;
    let number = if exponent < 0 { mantissa / scale } else { mantissa * scale };
    let sure = number == 0.0 || (number.to_bits() & LOST).abs_diff(MIDDLE) > 3;
    if !sure || number > f64::from(f32::MAX) {
        return None;
    }
    let number = number as f32;
    Some((if negative { -number } else { number }, at))
}

/// The digits from `at` on, behind those of `before`, and where they end. Of more digits than a u64
/// holds it gives no number of use.
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

/// The number that eight letters are, the first in the lowest byte, if all of them are digits:
/// neighbours become numbers of two digits, these of four, these of eight.
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

/// Appends a number with as many digits as it takes to read the very same one back, and without an
/// exponent.
pub(crate) fn push(number: f32, text: &mut Vec<u8>) {
    if !WITHOUT_EXPONENT.contains(&number.abs()) || !push_shortest(number, text) {
        // A vector takes everything.
        let _ = write!(text, "{number}");
    }
}

/// Appends the shortest text of a number, unless another one of that length is as near: the standard
/// library takes the one that is farther from zero, 328.95313 for 328.953125. A number with so many
/// binary places has as many decimal ones, the last of them a 5; it is in the middle between two
/// texts where they have one place less.
fn push_shortest(number: f32, text: &mut Vec<u8>) -> bool {
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(number).as_bytes();
    let shortest = shortest.strip_suffix(b".0").unwrap_or(shortest);
    let exponent = (number.to_bits() >> 23 & 0xff) as i32 - 127;
    let places = 23 - exponent - (number.to_bits() | 1 << 23).trailing_zeros() as i32;
    let point = usize::try_from(places).ok().and_then(|places| shortest.len().checked_sub(places));
    let is_between = point.and_then(|point| shortest.get(point)) == Some(&b'.');
    if !is_between {
        text.extend_from_slice(shortest);
    }
    !is_between
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::*;

    /// By way of an f64, and directly.
    fn expected(text: &str) -> [u32; 2] {
        [(text.parse::<f64>().unwrap() as f32).to_bits(), text.parse::<f32>().unwrap().to_bits()]
    }

    #[test]
    fn quick_numbers_by_hand() {
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
            assert_eq!(leading(text.as_bytes(), 0), Some((number, length)), "{text}");
        }
        assert_eq!(leading(b"693372.4915", -5), leading(b"6.933724915", 0));
        // 2^24 + 1 is in the middle between two f32.
        for text in ["", ".", "-", "-.", "x", "+1", "inf", "16777217", "1234567890123456789012"] {
            assert_eq!(leading(text.as_bytes(), 0), None, "{text}");
        }
    }

    #[test]
    fn eight_digits_and_nothing_else() {
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
    #[ignore = "takes a minute; for another version of zmij"]
    fn every_number_is_written_as_the_standard_library_does() {
        let Range { start, end } = WITHOUT_EXPONENT;
        (start.to_bits()..end.to_bits()).into_par_iter().for_each(|bits| {
            for number in [f32::from_bits(bits), -f32::from_bits(bits)] {
                let mut text = Vec::new();
                push(number, &mut text);
                assert!(text == number.to_string().as_bytes(), "{number}");
            }
        });
    }

    proptest! {
        #[test]
        fn a_quick_number_is_the_standard_librarys(text in "-?[0-9]{0,12}(\\.[0-9]{0,20})?") {
            if let Some((number, length)) = leading(text.as_bytes(), 0) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!([number.to_bits(); 2], expected(&text));
            }
        }

        #[test]
        fn the_middle_between_two_is_seen(bits in any::<u32>(), tail in "0{0,3}[0-9]{0,2}") {
            let low = f32::from_bits(bits & 0x4fff_ffff);
            let middle = f64::from(low) / 2.0 + f64::from(low.next_up()) / 2.0;
            for text in [format!("{middle}{tail}"), format!("{}{tail}", middle.next_down())] {
                if let Some((number, length)) = leading(text.as_bytes(), 0) {
                    prop_assert_eq!(length, text.len());
                    prop_assert_eq!([number.to_bits(); 2], expected(&text));
                }
            }
        }

        #[test]
        fn a_power_of_ten_is_an_exponent(text in "[0-9]{1,10}\\.[0-9]{1,9}", power in -9..9_i32) {
            if let Some((number, _)) = leading(text.as_bytes(), power) {
                let text = format!("{text}e{power}");
                prop_assert_eq!([number.to_bits(); 2], expected(&text));
            }
        }

        #[test]
        fn a_number_is_written_as_the_standard_library_does(bits: u32) {
            let number = f32::from_bits(bits);
            let mut text = Vec::new();
            push(number, &mut text);
            prop_assert_eq!(String::from_utf8(text).unwrap(), number.to_string());
        }
    }
}
