//! Writes values that files have in binary form as the text that stands for them in a CSV file.

use std::io::Write as _;

/// The number of nanoseconds of a day.
pub(crate) const DAY_NANOS: i64 = 86_400_000_000_000;
/// The greatest number below which an `f64` holds every integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Appends the shortest text that is parsed as this number; an integer has no decimal mark. NaN is
/// missing: it has no text.
pub(crate) fn push_number(number: f64, text: &mut Vec<u8>) {
    if number.is_nan() {
        return;
    }
    if number.fract() == 0.0 && number.abs() < MAX_EXACT {
        if number.is_sign_negative() && number == 0.0 {
            text.push(b'-');
        }
        return push_integer(number as i64, text);
    }
    text.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
}

/// Appends the shortest text that is parsed as this number of 32 bits.
pub(crate) fn push_short_number(number: f32, text: &mut Vec<u8>) {
    if number.fract() == 0.0 && number.abs() < 1e7 || number.is_nan() {
        return push_number(number.into(), text);
    }
    text.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
}

/// Appends an integer.
pub(crate) fn push_integer(number: impl std::fmt::Display, text: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(text, "{number}");
}

/// Appends an integer divided by `10^scale`.
pub(crate) fn push_decimal(unscaled: i128, scale: u32, text: &mut Vec<u8>) {
    if unscaled < 0 {
        text.push(b'-');
    }
    let digits = unscaled.unsigned_abs().to_string();
    let scale = scale as usize;
    let missing = (scale + 1).saturating_sub(digits.len());
    let digits = format!("{}{digits}", "0".repeat(missing));
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    text.extend_from_slice(whole.as_bytes());
    if !fraction.is_empty() {
        text.push(b'.');
        text.extend_from_slice(fraction.as_bytes());
    }
}

/// Appends the date that is this number of days after 1970-01-01, in the Gregorian calendar.
pub(crate) fn push_date(days: i64, text: &mut Vec<u8>) {
    // Days since 0000-03-01, so that the leap day is the last of a year; 400 years have 146 097 days.
    // http://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let days = i128::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + i128::from(month <= 2);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
}

/// Appends the time of a day that is this number of nanoseconds after midnight. A fraction of a
/// second has as many digits as it needs, by threes.
pub(crate) fn push_time(nanos: i64, text: &mut Vec<u8>) {
    let (seconds, fraction) = (nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000));
    let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    let _ = write!(text, "{hour:02}:{minute:02}:{second:02}");
    let _ = match fraction {
        0 => Ok(()),
        _ if fraction % 1_000_000 == 0 => write!(text, ".{:03}", fraction / 1_000_000),
        _ if fraction % 1000 == 0 => write!(text, ".{:06}", fraction / 1000),
        _ => write!(text, ".{fraction:09}"),
    };
}

/// Appends a date and a time in the form of ISO 8601: `units` since 1970 of which a second has
/// `per_second`, at most a billion.
pub(crate) fn push_timestamp(units: i64, per_second: i64, text: &mut Vec<u8>) {
    let per_day = 86_400 * per_second;
    push_date(units.div_euclid(per_day), text);
    text.push(b'T');
    push_time(units.rem_euclid(per_day) * (1_000_000_000 / per_second), text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(push: impl Fn(&mut Vec<u8>)) -> String {
        let mut text = Vec::new();
        push(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn numbers_have_their_shortest_text() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1500.0, "1500"),
            (-25.5, "-25.5"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (f64::NAN, ""),
        ] {
            assert_eq!(text(|text| push_number(number, text)), expected);
        }
        for number in [1e300, -5e-324, 9_007_199_254_740_994.0, f64::INFINITY] {
            let text = text(|text| push_number(number, text));
            assert_eq!(text.parse::<f64>().unwrap(), number);
        }
        assert_eq!(text(|text| push_short_number(0.1, text)), "0.1");
        assert_eq!(text(|text| push_short_number(-3.0, text)), "-3");
        assert_eq!(text(|text| push_short_number(f32::NAN, text)), "");
    }

    #[test]
    fn decimals_have_their_scale() {
        for (unscaled, scale, expected) in
            [(12_345, 2, "123.45"), (-5, 3, "-0.005"), (7, 0, "7"), (0, 1, "0.0")]
        {
            assert_eq!(text(|text| push_decimal(unscaled, scale, text)), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        // 2024 is a leap year: its first day is 54 * 365 + 13 leap days = 19723 days after 1970-01-01,
        // and its 29 February 31 + 28 = 59 days later. 1900 was none.
        for (days, expected) in [
            (0, "1970-01-01"),
            (19_723, "2024-01-01"),
            (19_723 + 59, "2024-02-29"),
            (19_723 + 60, "2024-03-01"),
            (-1, "1969-12-31"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
        ] {
            assert_eq!(text(|text| push_date(days, text)), expected);
        }
        // Nothing overflows.
        for days in [i64::MIN, i64::MAX] {
            text(|text| push_date(days, text));
            text(|text| push_timestamp(days, 1_000_000_000, text));
            text(|text| push_timestamp(days, 1000, text));
        }
    }

    #[test]
    fn times_have_the_digits_that_they_need() {
        // 1.5 s before 1970, and 12 h 34 min 56.000789 s = 45_296_000_789 µs after midnight.
        assert_eq!(text(|text| push_timestamp(-1500, 1000, text)), "1969-12-31T23:59:58.500");
        let expected = "1970-01-02T12:34:56.000789";
        let micros = 86_400_000_000 + 45_296_000_789;
        assert_eq!(text(|text| push_timestamp(micros, 1_000_000, text)), expected);
        assert_eq!(text(|text| push_time(1, text)), "00:00:00.000000001");
        assert_eq!(text(|text| push_time(DAY_NANOS - 1_000_000_000, text)), "23:59:59");
    }
}
