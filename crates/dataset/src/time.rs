//! Reads dates and times as people and machines write them.

/// The order of day and month in a date of numbers, where the year is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// The day is first, as in most of the world.
    DayFirst,
    /// The month is first, as in the United States.
    MonthFirst,
}

/// English and German month names by their first three letters, in lower case.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän"],
    &["feb"],
    &["mar", "mär", "mrz"],
    &["apr"],
    &["may", "mai"],
    &["jun"],
    &["jul"],
    &["aug"],
    &["sep"],
    &["oct", "okt"],
    &["nov"],
    &["dec", "dez"],
];

/// A part of a text: a number with its count of digits, a word, or any other letter.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number { value: u64, digits: usize },
    Word(String),
    Mark(char),
}

/// Parses a time and returns the seconds since 1970. A plain number, such as Unix time or a counter,
/// is returned as it is. Times with an offset are converted to UTC; all others are compared as they
/// are written. Returns `None` where the text is no time.
pub(crate) fn parse(text: &str, order: DateOrder) -> Option<f64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>()
        && number.is_finite()
        && !is_compact_date(text)
    {
        return Some(number);
    }
    let tokens = tokens(text)?;
    let mut rest = &tokens[..];
    let days = date(&mut rest, order)?;
    let seconds = time_of_day(&mut rest)?;
    rest.is_empty().then_some(days as f64 * 86_400.0 + seconds)
}

/// Returns whether a text is a time by which rows can be split.
pub fn is_time(text: &str) -> bool {
    [DateOrder::DayFirst, DateOrder::MonthFirst].iter().any(|order| parse(text, *order).is_some())
}

/// Returns the order that a date shows: one of its first two numbers is over 12.
pub(crate) fn shown_order(text: &str) -> Option<DateOrder> {
    let tokens = tokens(text.trim())?;
    let [
        Token::Number { value: first, digits: 1..=2 },
        Token::Mark(mark),
        Token::Number { value: second, digits: 1..=2 },
        ..,
    ] = &tokens[..]
    else {
        return None;
    };
    match (first, second) {
        // Nobody writes the month first with points.
        _ if *mark == '.' => Some(DateOrder::DayFirst),
        (13..=31, 1..=12) => Some(DateOrder::DayFirst),
        (1..=12, 13..=31) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

/// Returns whether a text is a date whose meaning depends on the order of day and month.
pub(crate) fn has_two_orders(text: &str) -> bool {
    let [day_first, month_first] =
        [DateOrder::DayFirst, DateOrder::MonthFirst].map(|order| parse(text, order));
    day_first.is_some() && month_first.is_some() && day_first != month_first
}

/// Writes the key of a time for people: seconds since 1970 as a date and a time, and a number that is
/// none of the years 1973 to 5138, such as a counter, as it is.
pub fn show_time(key: f64) -> String {
    if (1e8..1e11).contains(&key) { format(key) } else { key.to_string() }
}

/// Writes seconds since 1970 as a date and a time.
fn format(seconds: f64) -> String {
    let days = (seconds / 86_400.0).floor();
    let second = (seconds - days * 86_400.0) as u64;
    // Howard Hinnant's algorithm: years of 146,097 days in four centuries, beginning in March.
    let shifted = days as i64 + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Returns whether digits are a date such as 20240131 or 20240131235959.
fn is_compact_date(text: &str) -> bool {
    let part =
        |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<u32>().ok());
    matches!(text.len(), 8 | 14)
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && part(0, 4).is_some_and(|year| (1900..2100).contains(&year))
        && part(4, 6).is_some_and(|month| (1..=12).contains(&month))
        && part(6, 8).is_some_and(|day| (1..=31).contains(&day))
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    // Times are short; a long text is none.
    if text.len() > 60 {
        return None;
    }
    if is_compact_date(text) {
        let number = |from: usize, to: usize| {
            let value = text.get(from..to)?.parse().ok()?;
            Some(Token::Number { value, digits: to - from })
        };
        let mut tokens = vec![number(0, 4)?, Token::Mark('-'), number(4, 6)?, Token::Mark('-')];
        tokens.push(number(6, 8)?);
        if text.len() == 14 {
            tokens.push(Token::Mark(' '));
            for (from, mark) in [(8, Some(':')), (10, Some(':')), (12, None)] {
                tokens.push(number(from, from + 2)?);
                tokens.extend(mark.map(Token::Mark));
            }
        }
        return Some(tokens);
    }
    let mut tokens: Vec<Token> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if let Some(digit) = letter.to_digit(10) {
            let (mut value, mut digits) = (u64::from(digit), 1);
            while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
                value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
                digits += 1;
                letters.next();
            }
            tokens.push(Token::Number { value, digits });
        } else if letter.is_alphabetic() {
            let mut word = letter.to_lowercase().to_string();
            while let Some(letter) = letters.next_if(|letter| letter.is_alphabetic()) {
                word.extend(letter.to_lowercase());
            }
            tokens.push(Token::Word(word));
        } else if letter.is_whitespace() {
            if tokens.last() != Some(&Token::Mark(' ')) {
                tokens.push(Token::Mark(' '));
            }
        } else {
            tokens.push(Token::Mark(letter));
        }
    }
    Some(tokens)
}

/// Reads a date and returns the days since 1970.
fn date(rest: &mut &[Token], order: DateOrder) -> Option<i64> {
    let number = |token: &Token| match token {
        Token::Number { value, digits } => Some((*value, *digits)),
        Token::Word(_) | Token::Mark(_) => None,
    };
    let month_name = |token: &Token| match token {
        Token::Word(word) => {
            let begin: String = word.chars().take(3).collect();
            let month = MONTHS.iter().position(|names| names.contains(&begin.as_str()))?;
            Some(month as u64 + 1)
        }
        Token::Number { .. } | Token::Mark(_) => None,
    };
    // The parts of the date without what stands between them.
    let mut parts = Vec::new();
    while parts.len() < 3 {
        let (first, after) = rest.split_first()?;
        *rest = after;
        match first {
            Token::Mark('-' | '/' | '.' | ',' | ' ') if !parts.is_empty() => {}
            Token::Mark(_) => return None,
            Token::Number { .. } | Token::Word(_) => parts.push(first),
        }
    }
    let (year, month, day) = match &parts[..] {
        [first, second, third] => match (number(first), number(second), number(third)) {
            (Some((year, 4)), Some((month, _)), Some((day, _))) => ((year, 4), month, day),
            (Some((first, 1..=2)), Some((second, 1..=2)), Some(year)) => match order {
                DateOrder::DayFirst => (year, second, first),
                DateOrder::MonthFirst => (year, first, second),
            },
            // 31-Jan-2024, Jan 31, 2024 and 2024 Jan 31.
            (Some((year, 4)), None, Some((day, _))) => ((year, 4), month_name(second)?, day),
            (Some((day, 1..=2)), None, Some(year)) => (year, month_name(second)?, day),
            (None, Some((day, 1..=2)), Some(year)) => (year, month_name(first)?, day),
            _ => return None,
        },
        _ => return None,
    };
    let year = match year {
        (year, 4) => year,
        (year @ 0..70, 2) => 2000 + year,
        (year, 2) => 1900 + year,
        _ => return None,
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let (year, month, day) = (year as i64, month as i64, day as i64);
    // The inverse of the algorithm in `format`.
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let of_era = year.rem_euclid(400);
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + day_of_year;
    Some(year.div_euclid(400) * 146_097 + day_of_era - 719_468)
}

/// Reads what follows a date: nothing, or a time with an optional fraction, AM or PM, and offset.
fn time_of_day(rest: &mut &[Token]) -> Option<f64> {
    let Some((separator, after)) = rest.split_first() else { return Some(0.0) };
    let is_separator = match separator {
        Token::Mark(mark) => matches!(mark, ' ' | ',' | '_' | '-'),
        Token::Word(word) => word == "t",
        Token::Number { .. } => false,
    };
    if !is_separator {
        return None;
    }
    *rest = after;
    skip_blank(rest);
    if rest.is_empty() {
        return Some(0.0);
    }
    let mut hour = take_number(rest, 24)?;
    let (mut minute, mut second) = (0, 0.0);
    if take_mark(rest, &[':', '.']) {
        minute = take_number(rest, 59)?;
        if take_mark(rest, &[':', '.']) {
            second = take_number(rest, 60)? as f64;
            if take_mark(rest, &['.', ',']) {
                let (Token::Number { value, digits }, after) = rest.split_first()? else {
                    return None;
                };
                second += *value as f64 / 10_f64.powi(i32::try_from(*digits).ok()?);
                *rest = after;
            }
        }
    }
    skip_blank(rest);
    if let Some((Token::Word(word), after)) = rest.split_first()
        && matches!(word.as_str(), "am" | "pm")
    {
        *rest = after;
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if word == "pm" { 12 } else { 0 };
    }
    let offset = offset(rest)?;
    Some(hour as f64 * 3_600.0 + minute as f64 * 60.0 + second - offset)
}

/// Reads an optional offset from UTC, and returns its seconds.
fn offset(rest: &mut &[Token]) -> Option<f64> {
    skip_blank(rest);
    let (sign, after) = match rest.split_first() {
        None => return Some(0.0),
        Some((Token::Word(word), after)) if matches!(word.as_str(), "z" | "utc" | "gmt") => {
            *rest = after;
            return Some(0.0);
        }
        Some((Token::Mark('+'), after)) => (1.0, after),
        Some((Token::Mark('-' | '\u{2212}'), after)) => (-1.0, after),
        Some(_) => return None,
    };
    *rest = after;
    let (Token::Number { value, digits }, after) = rest.split_first()? else { return None };
    *rest = after;
    let (hours, minutes) = match digits {
        4 => (value / 100, value % 100),
        1..=2 if take_mark(rest, &[':']) => (*value, take_number(rest, 59)?),
        1..=2 => (*value, 0),
        _ => return None,
    };
    (hours <= 14).then_some(sign * (hours * 3_600 + minutes * 60) as f64)
}

fn skip_blank(rest: &mut &[Token]) {
    if let Some((Token::Mark(' '), after)) = rest.split_first() {
        *rest = after;
    }
}

fn take_mark(rest: &mut &[Token], marks: &[char]) -> bool {
    match rest.split_first() {
        Some((Token::Mark(mark), after)) if marks.contains(mark) => {
            *rest = after;
            true
        }
        _ => false,
    }
}

fn take_number(rest: &mut &[Token], most: u64) -> Option<u64> {
    match rest.split_first() {
        Some((Token::Number { value, digits: 1..=2 }, after)) if *value <= most => {
            *rest = after;
            Some(*value)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse(text, DateOrder::DayFirst).map(format)
    }

    #[test]
    fn times_in_many_forms_are_the_same_second() {
        for text in [
            "2024-01-31 13:05:09",
            "2024-01-31T13:05:09Z",
            "2024-01-31T14:05:09.000+01:00",
            "2024/01/31 13:05:09",
            "20240131130509",
            "31.01.2024 13:05:09",
            "31/1/24 13:05:09",
            "31-Jan-2024 01:05:09 PM",
            "Jan 31, 2024 1:05:09 pm",
            "31. Januar 2024, 13:05:09",
            "2024 Jan 31 13:05:09",
            " 2024-01-31  05:05:09 -0800 ",
        ] {
            assert_eq!(parsed(text).as_deref(), Some("2024-01-31 13:05:09"), "{text}");
        }
        assert_eq!(parsed("29.02.2000").as_deref(), Some("2000-02-29 00:00:00"));
        assert_eq!(parsed("31-12-69").as_deref(), Some("2069-12-31 00:00:00"));
        let month_first = parse("1/31/2024 00:00", DateOrder::MonthFirst);
        assert_eq!(month_first.map(format).as_deref(), Some("2024-01-31 00:00:00"));
        // The fraction counts.
        assert_eq!(parse("1970-01-02 00:00:00,25", DateOrder::DayFirst), Some(86_400.25));
    }

    #[test]
    fn counters_are_shown_as_numbers() {
        assert_eq!(show_time(1_706_706_309.0), "2024-01-31 13:05:09");
        assert_eq!(show_time(1200.5), "1200.5");
    }

    #[test]
    fn numbers_are_times() {
        for (text, seconds) in [("1706706309", 1_706_706_309.0), ("12.5", 12.5), ("-3", -3.0)] {
            assert_eq!(parse(text, DateOrder::DayFirst), Some(seconds));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "Mill-1",
            "2024-13-01",
            "2023-02-29",
            "31/31/2024",
            "2024-01-31 25:00",
            "12:30",
            "2024-01-31 13:05 xm",
            "2024-01-31 13:05:09 +99:00",
            "nan",
            "inf",
            "1-2",
            "0/0/0",
            "99999999999999999999-01-01",
            "2024-01-31 13 PM",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_shows_its_order_or_has_two() {
        assert_eq!(shown_order("31/12/2024"), Some(DateOrder::DayFirst));
        assert_eq!(shown_order("12/31/2024 10:00"), Some(DateOrder::MonthFirst));
        assert_eq!(shown_order("1.2.2024"), Some(DateOrder::DayFirst));
        assert_eq!(shown_order("1/2/2024"), None);
        assert_eq!(shown_order("2024-01-02"), None);
        assert!(has_two_orders("1/2/2024") && !has_two_orders("2/2/2024"));
        assert!(!has_two_orders("2024-01-02") && !has_two_orders("31/1/2024"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,30}") {
            parse(&text, DateOrder::DayFirst);
            shown_order(&text);
        }

        #[test]
        fn a_formatted_time_is_read_back(seconds in -60_000_000_000_i64..60_000_000_000) {
            let text = format(seconds as f64);
            prop_assume!(text.find('-') == Some(4));
            prop_assert_eq!(parse(&text, DateOrder::MonthFirst), Some(seconds as f64));
        }
    }
}
