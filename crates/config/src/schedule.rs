//! The rule for the times at which EventBridge starts executions.

use crate::rules::unless;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A field of a cron expression: its numbers, and the words that stand for them from the first on.
struct Field {
    kind: FieldKind,
    first: u32,
    last: u32,
    words: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum FieldKind {
    Plain,
    DayOfMonth,
    DayOfWeek,
}

/// The fields, as EventBridge documents them: minute, hour, day of the month, month, day of the week, year.
const FIELDS: [Field; 6] = [
    Field { kind: FieldKind::Plain, first: 0, last: 59, words: &[] },
    Field { kind: FieldKind::Plain, first: 0, last: 23, words: &[] },
    Field { kind: FieldKind::DayOfMonth, first: 1, last: 31, words: &[] },
    Field { kind: FieldKind::Plain, first: 1, last: 12, words: &MONTHS },
    Field { kind: FieldKind::DayOfWeek, first: 1, last: 7, words: &WEEKDAYS },
    Field { kind: FieldKind::Plain, first: 1970, last: 2199, words: &[] },
];

/// Accepts a schedule expression of EventBridge, which takes a day of the month or of the week, not both.
pub(crate) fn is_schedule(text: &str, _: &()) -> garde::Result {
    let inside = |word: &str| text.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')');
    let right = inside("rate").is_some_and(is_rate) || inside("cron").is_some_and(is_cron);
    unless(
        !right,
        "a schedule of EventBridge: rate(7 days), or cron(0 6 ? * MON *) of minute 0-59, hour 0-23, day of the month \
         1-31, month 1-12, day of the week 1-7 from Sunday on and year 1970-2199, with ? for one of the days",
    )
}

fn is_rate(rate: &str) -> bool {
    let Some((count, unit)) = rate.split_once(' ') else { return false };
    let one = unit.strip_suffix('s').unwrap_or(unit);
    let is_count = count.bytes().all(|byte| byte.is_ascii_digit()) && !count.starts_with('0');
    is_count && ["minute", "hour", "day"].contains(&one) && (count == "1") == (one == unit)
}

fn is_cron(cron: &str) -> bool {
    let texts: Vec<_> = cron.split(' ').collect();
    let [_, _, day, _, weekday, _] = texts[..] else { return false };
    (day == "?") != (weekday == "?")
        && FIELDS.iter().zip(texts).all(|(field, text)| field.accepts(text))
}

impl Field {
    fn accepts(&self, text: &str) -> bool {
        if text == "?" {
            return self.kind != FieldKind::Plain;
        }
        // The second Tuesday of a month, for example, and nothing beside it.
        if let (FieldKind::DayOfWeek, Some((day, nth))) = (self.kind, text.split_once('#')) {
            return self.is_value(day) && matches!(nth, "1" | "2" | "3" | "4" | "5");
        }
        text.split(',').all(|item| self.is_item(item))
    }

    /// Returns whether a text is a value, a range, all values, or one of them with an increment.
    fn is_item(&self, item: &str) -> bool {
        match self.kind {
            // The last day, and the weekday that is nearest to a day.
            FieldKind::DayOfMonth if item == "L" || item == "LW" => return true,
            FieldKind::DayOfMonth => {
                if let Some(day) = item.strip_suffix('W') {
                    return self.is_value(day);
                }
            }
            FieldKind::DayOfWeek => {
                if let Some(day) = item.strip_suffix('L') {
                    return day.is_empty() || self.is_value(day);
                }
            }
            FieldKind::Plain => {}
        }
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (base, Some(step)),
            None => (item, None),
        };
        let is_step = |step: &str| number(step).is_some_and(|step| (1..=self.last).contains(&step));
        let is_base = base == "*"
            || match base.split_once('-') {
                Some((from, to)) => self.is_value(from) && self.is_value(to),
                None => self.is_value(base),
            };
        is_base && step.is_none_or(|step| self.kind != FieldKind::DayOfWeek && is_step(step))
    }

    fn is_value(&self, text: &str) -> bool {
        self.words.iter().any(|word| word.eq_ignore_ascii_case(text))
            || number(text).is_some_and(|value| (self.first..=self.last).contains(&value))
    }
}

/// Reads a number of digits alone, without a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(text: &str) -> bool {
        is_schedule(text, &()).is_ok()
    }

    #[test]
    fn what_eventbridge_documents_is_accepted() {
        for fields in [
            "0 6 ? * MON *",
            "0/15 * * * ? *",
            "5,35 14 * * ? *",
            "15 10 ? * 6L 2026-2030",
            "0 12 L * ? *",
            "0 12 LW * ? *",
            "0 12 3W JAN-mar ? *",
            "0 12 ? * 3#2 *",
            "0 12 ? * TUE#2 *",
            "59 23 31 12 ? 2199",
            "0 0 1-15/2 1,2 ? 1970",
            "0/5 8-17 ? * MON-FRI *",
        ] {
            assert!(accepts(&format!("cron({fields})")), "{fields}");
        }
    }

    #[test]
    fn numbers_out_of_range_and_wildcards_of_other_fields_are_refused() {
        for fields in [
            "99 6 ? * MON *",
            "60 6 ? * MON *",
            "0 24 ? * MON *",
            "0 6 0 * ? *",
            "0 6 32 * ? *",
            "0 6 1 13 ? *",
            "0 6 1 XYZ ? *",
            "0 6 ? * 0 *",
            "0 6 ? * 8 *",
            "0 6 ? * MON 1969",
            "0 6 ? * MON 2200",
            "0 6 ? * ? *",
            "0 6 1 * MON *",
            "L 6 ? * MON *",
            "0 6 ? * 3W *",
            "0 6 ? * 3#6 *",
            "0 6 ? * 3#1,6#3 *",
            "0 6 ? * MON/2 *",
            "0/0 6 ? * MON *",
            "0/60 6 ? * MON *",
            "1- 6 ? * MON *",
            "1,,2 6 ? * MON *",
            "+1 6 ? * MON *",
            "0 6 ? * MON * *",
        ] {
            assert!(!accepts(&format!("cron({fields})")), "{fields}");
        }
    }
}
