//! Tells dates and times from other texts.

/// The names of months, of which three letters are enough.
const MONTHS: [&[u8]; 19] = [
    b"jan",
    b"feb",
    b"mar",
    b"apr",
    b"may",
    b"jun",
    b"jul",
    b"aug",
    b"sep",
    b"oct",
    b"nov",
    b"dec",
    b"okt",
    b"dez",
    b"mai",
    b"m\xc3\xa4r",
    b"ene",
    b"dic",
    b"avr",
];

/// Returns whether a cell is a date, a time, or both: `2026-11-29`, `29.11.2026 13:45`, `5/1/26`,
/// `2026-11-29T13:45:00.5Z`, `13:45:02`, `05-Jan-2026`.
pub(crate) fn is_date(cell: &[u8]) -> bool {
    let cell = cell.trim_ascii();
    if cell.len() > 40 {
        return false;
    }
    is_usual_date(cell) || is_date_in_words(cell)
}

/// Returns whether a cell is a date in one of the rarer forms that a split by time reads, such as
/// `05. Nov 2023`. A plain number is none.
fn is_date_in_words(cell: &[u8]) -> bool {
    // A day and a year have five digits.
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(cell).ok();
    digits >= 5 && text.is_some_and(|text| text.parse::<f64>().is_err() && dataset::is_time(text))
}

/// Returns whether a cell is a date, a time, or both in a usual form.
fn is_usual_date(cell: &[u8]) -> bool {
    let date_end = date(cell);
    match date_end {
        Some(end) if end == cell.len() => true,
        Some(end) => {
            let rest = &cell[end..];
            let rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
            let rest = rest.strip_prefix(b"T").unwrap_or(rest);
            is_time(rest)
        }
        None => is_time(cell),
    }
}

/// Returns the length of the date at the start of a text: three numbers, or two and the name of a
/// month, with the same separator between them.
fn date(text: &[u8]) -> Option<usize> {
    let first = digits(text);
    let separator = *text.get(first)?;
    if !(1..=4).contains(&first) || !matches!(separator, b'-' | b'/' | b'.' | b' ') {
        return None;
    }
    let rest = &text[first + 1..];
    let (second, is_name) = match digits(rest) {
        0 => (
            rest.iter().take_while(|byte| !byte.is_ascii() || byte.is_ascii_alphabetic()).count(),
            true,
        ),
        count => (count, false),
    };
    let word = &rest[..second];
    let is_month = if is_name {
        let lower = word.to_ascii_lowercase();
        MONTHS.iter().any(|month| lower.starts_with(month))
    } else {
        number(word).is_some_and(|month| (1..=31).contains(&month)) && separator != b' '
    };
    if !is_month || second == 0 || (!is_name && second > 2) {
        return None;
    }
    let rest = rest[second..].strip_prefix(&[separator])?;
    let third = digits(rest);
    if !(1..=4).contains(&third) || (first < 4 && third == 1) || (first == 4 && third > 2) {
        return None;
    }
    Some(first + 1 + second + 1 + third)
}

/// Returns whether a text is a time such as `13:45`, `13:45:02.25` or `1:45 PM`, with a zone or
/// without.
fn is_time(text: &[u8]) -> bool {
    let hours = digits(text);
    let minutes = text.get(hours + 1..).map_or(0, digits);
    if !(1..=2).contains(&hours) || text.get(hours) != Some(&b':') || minutes != 2 {
        return false;
    }
    let rest = &text[hours + 3..];
    let is_rest = |byte: &u8| byte.is_ascii_digit() || b":., +-ZzAaPpMmUTC".contains(byte);
    rest.iter().all(is_rest) && (rest.is_empty() || !rest[0].is_ascii_digit())
}

/// Returns the number of digits at the start of a text.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Returns whether a whole number is a date by its digits, such as 20261129, or by the seconds or
/// milliseconds since 1970, from the year 2001 to 2286.
pub(crate) fn is_numeric_date(number: f64) -> bool {
    let is_seconds = |seconds: f64| (1e9..1e10).contains(&seconds);
    let day = number as u64;
    let is_day = (19_000_101..=21_001_231).contains(&day)
        && (1..=12).contains(&(day / 100 % 100))
        && (1..=31).contains(&(day % 100));
    is_seconds(number) || is_seconds(number / 1e3) || (number.fract() == 0.0 && is_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_are_told_from_numbers_and_words() {
        for text in [
            "2026-11-29",
            "29.11.2026",
            "5/1/26",
            "2026/1/5 7:05",
            "2026-11-29T13:45:00.5Z",
            "2026-11-29 13:45:00+01:00",
            "29.11.2026, 13:45",
            "13:45",
            "13:45:02.25",
            "1:45 PM",
            "05-Jan-2026",
            "5 March 2026",
            "31-12-2021",
            "05. Nov 2023",
        ] {
            assert!(is_date(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "1.5",
            "1.234.567",
            "L-1-2",
            "3-4",
            "12 34 56",
            "10.0.0.1",
            "2026",
            "M14860",
            "a:b",
            "1:2",
            "1-2-x",
            "29.11",
            "12:345",
            "1 of 5",
        ] {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
        for (number, expected) in [
            (20_261_129.0, true),
            (1.7e9, true),
            (1.7e12, true),
            (20_261_329.0, false),
            (57.5, false),
        ] {
            assert_eq!(is_numeric_date(number), expected, "{number}");
        }
    }
}
