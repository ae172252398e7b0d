//! Content types: in which format a request is, and in which one its answer is wanted.

use config::serving::{CSV, JSON, JSON_LINES};
use hyper::{HeaderMap, StatusCode, header};
use inference::{CsvFormat, CsvHeader, Format};

use crate::refusal::Refusal;

/// The content types that are read, with those by other names.
const READ: [(&str, Format); 6] = [
    (CSV, Format::Csv),
    (JSON, Format::Json),
    (JSON_LINES, Format::JsonLines),
    ("application/x-jsonlines", Format::JsonLines),
    ("application/jsonl", Format::JsonLines),
    ("application/x-ndjson", Format::JsonLines),
];

/// The separators by name.
const SEPARATORS: [(&str, u8); 4] =
    [("comma", b','), ("semicolon", b';'), ("tab", b'\t'), ("pipe", b'|')];

/// The parameters that mean something here.
const PARAMETERS: [&str; 4] = ["charset", "header", "separator", "decimal"];

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The format.
    pub format: Format,
    /// Whether a CSV begins with a line of names.
    pub header: bool,
}

/// Returns the content type of a format.
pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::Csv => CSV,
        Format::Json => JSON,
        Format::JsonLines => JSON_LINES,
    }
}

/// Returns the format of a request, and what it says of a CSV.
pub fn request_format(headers: &HeaderMap) -> Result<(Format, CsvFormat), Refusal> {
    let expected = || format!("expected {CSV}, {JSON} or {JSON_LINES}");
    let unsupported = |reason: String| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason);
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let encoding = common::one_line(&String::from_utf8_lossy(encoding.as_bytes()));
        let reason = format!("the request has Content-Encoding `{encoding}`, expected none");
        return Err(unsupported(reason));
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(given) = types.next() else {
        return Err(unsupported(format!("the request has no Content-Type, {}", expected())));
    };
    // Another program on the way may have read the other one.
    if types.next().is_some() {
        return Err(Refusal::bad_request("the request has several Content-Types, expected one"));
    }
    let given = String::from_utf8_lossy(given.as_bytes());
    let mut parts = given.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let Some((_, format)) = READ.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
        let shown = common::one_line(&given);
        return Err(unsupported(format!("the request has Content-Type `{shown}`, {}", expected())));
    };
    let mut csv = CsvFormat::default();
    let mut known: Vec<(String, String)> = Vec::new();
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), unquoted(value));
        if let Some(other) = contradicted(&mut known, &name, &value) {
            let value = common::one_line(&value);
            let reason = format!(
                "the request has {name}=`{other}` and {name}=`{value}`, expected one of them"
            );
            return Err(unsupported(reason));
        }
        let refused = |expected: &str| {
            let value = common::one_line(&value);
            unsupported(format!("the request has {name}=`{value}`, expected {expected}"))
        };
        match name.as_str() {
            "charset" if matches!(value.as_str(), "utf-8" | "utf8" | "us-ascii") => {}
            "charset" => return Err(refused("utf-8")),
            "header" => {
                csv.header = match value.as_str() {
                    "present" => CsvHeader::Present,
                    "absent" => CsvHeader::Absent,
                    _ => return Err(refused("present or absent")),
                }
            }
            "separator" => {
                let known = SEPARATORS.iter().find(|(name, _)| *name == value);
                let known = known.ok_or_else(|| refused("comma, semicolon, tab or pipe"))?;
                csv.separator = Some(known.1);
            }
            "decimal" => {
                csv.decimal = match value.as_str() {
                    "point" => Some(b'.'),
                    "comma" => Some(b','),
                    _ => return Err(refused("point or comma")),
                }
            }
            // Other parameters, such as `label_size`, say nothing that matters here.
            _ => {}
        }
    }
    Ok((*format, csv))
}

/// Returns the other value that a parameter was given before, and else keeps this one.
fn contradicted(known: &mut Vec<(String, String)>, name: &str, value: &str) -> Option<String> {
    if !PARAMETERS.contains(&name) {
        return None;
    }
    if let Some((_, other)) = known.iter().find(|(known, _)| known == name) {
        return (other != value).then(|| common::one_line(other));
    }
    known.push((name.to_owned(), value.to_owned()));
    None
}

/// Returns the value of a parameter in lower case and without quotes.
fn unquoted(value: &str) -> String {
    value.trim().trim_matches('"').to_ascii_lowercase()
}

/// Returns the format in which an answer is wanted: that of the request unless `Accept` names another one.
pub fn answer_format(headers: &HeaderMap, request: Format) -> Result<Wanted, Refusal> {
    let as_asked = Wanted { format: request, header: false };
    // What most clients send, if they send anything, is not divided into its parts.
    let mut values = headers.get_all(header::ACCEPT).iter();
    match (values.next(), values.next()) {
        (None, _) => return Ok(as_asked),
        (Some(only), None) if only.as_bytes() == b"*/*" => return Ok(as_asked),
        _ => {}
    }
    let given: Vec<String> = (headers.get_all(header::ACCEPT).iter())
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let given = given.join(",");
    if given.trim().is_empty() {
        return Ok(as_asked);
    }
    let ranges = given.split(',').map(Range::parse).collect::<Result<Vec<_>, _>>()?;
    // What a range names is refused by its own quality of 0, whatever wider ranges say.
    let is_refused = |format: Format| {
        let quality = |is_own: &dyn Fn(&Range) -> bool| {
            let own = ranges.iter().filter(|range| is_own(range));
            own.map(|range| range.quality).reduce(f64::max)
        };
        let whole = if format == Format::Csv { "text/*" } else { "application/*" };
        quality(&|range| range.format() == Some(format))
            .or_else(|| quality(&|range| range.name == whole))
            .is_some_and(|quality| quality <= 0.0)
    };
    let mut best: Option<(f64, Wanted)> = None;
    for range in &ranges {
        let own = range.format();
        let formats: &[Format] = match (range.name.as_str(), request) {
            ("*/*", _) => &[request, Format::Json, Format::Csv, Format::JsonLines],
            ("text/*", _) => &[Format::Csv],
            ("application/*", Format::Csv) => &[Format::Json, Format::JsonLines],
            ("application/*", _) => &[request, Format::Json, Format::JsonLines],
            _ => own.as_slice(),
        };
        let format = formats.iter().copied().find(|format| !is_refused(*format));
        // The first of several that are wanted as much wins.
        if let Some(format) = format
            && range.quality > 0.0
            && best.is_none_or(|(best, _)| range.quality > best)
        {
            let header = range.header && format == Format::Csv;
            best = Some((range.quality, Wanted { format, header }));
        }
    }
    best.map(|(_, wanted)| wanted).ok_or_else(|| {
        let given = common::one_line(&given);
        let reason = format!(
            "the request accepts `{given}`, expected {CSV}, {JSON} or {JSON_LINES} among it"
        );
        Refusal::new(StatusCode::NOT_ACCEPTABLE, reason)
    })
}

/// What a request accepts: a content type, or all of a kind.
struct Range {
    name: String,
    quality: f64,
    /// Whether a CSV is to begin with a line of names.
    header: bool,
}

impl Range {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut range = Self { name, quality: 1.0, header: false };
        let may_be_csv =
            ["*/*", "text/*"].contains(&range.name.as_str()) || range.format() == Some(Format::Csv);
        let mut known = Vec::new();
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), unquoted(value));
            match name.as_str() {
                "q" => range.quality = value.parse().unwrap_or(0.0),
                // Other formats have no line of names.
                "header" if may_be_csv => {
                    let value = common::one_line(&value);
                    let not_acceptable =
                        |reason: String| Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, reason));
                    if let Some(other) = contradicted(&mut known, &name, &value) {
                        return not_acceptable(format!(
                            "the request accepts header=`{other}` and header=`{value}`, expected one of them"
                        ));
                    }
                    range.header = match value.as_str() {
                        "present" => true,
                        "absent" => false,
                        _ => {
                            return not_acceptable(format!(
                                "the request accepts header=`{value}`, expected present or absent"
                            ));
                        }
                    };
                }
                _ => {}
            }
        }
        Ok(range)
    }

    /// Returns the format that the range names alone.
    fn format(&self) -> Option<Format> {
        READ.iter().find(|(known, _)| *known == self.name).map(|(_, format)| *format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn content_types_with_parameters_are_read() {
        let read = |text: &str| request_format(&headers(header::CONTENT_TYPE, text));
        for (text, format, header) in [
            ("text/csv", Format::Csv, CsvHeader::IfNamed),
            ("text/csv; charset=utf-8", Format::Csv, CsvHeader::IfNamed),
            ("Text/CSV;header=present", Format::Csv, CsvHeader::Present),
            ("text/csv; label_size=0; header=absent", Format::Csv, CsvHeader::Absent),
            ("application/json; charset=\"UTF-8\"", Format::Json, CsvHeader::IfNamed),
            ("application/x-ndjson", Format::JsonLines, CsvHeader::IfNamed),
        ] {
            assert_eq!(
                read(text),
                Ok((format, CsvFormat { header, ..CsvFormat::default() })),
                "{text}"
            );
        }
        let (_, csv) = read("text/csv; separator=semicolon; decimal=\"comma\"").unwrap();
        assert_eq!((csv.separator, csv.decimal), (Some(b';'), Some(b',')));
        for text in [
            "text/html",
            "",
            "text/csv; charset=utf-16",
            "text/csv; header=maybe",
            "text/csv; decimal=.",
        ] {
            assert_eq!(read(text).unwrap_err().status, 415, "{text}");
        }
        for text in [
            "text/csv; header=present; header=absent",
            "text/csv; separator=comma; separator=tab",
            "text/csv; decimal=point; decimal=comma",
        ] {
            let refusal = read(text).unwrap_err();
            assert_eq!(refusal.status, 415, "{text}");
            assert!(refusal.reason.ends_with("expected one of them"), "{refusal:?}");
        }
        assert!(read("text/csv; header=absent; HEADER=\"absent\"; x=1; x=2").is_ok());
        assert_eq!(request_format(&HeaderMap::new()).unwrap_err().status, 415);
        let mut several = headers(header::CONTENT_TYPE, "text/csv");
        several.append(header::CONTENT_TYPE, "text/csv".parse().unwrap());
        assert_eq!(request_format(&several).unwrap_err().status, 400);
    }

    #[test]
    fn the_answer_is_in_the_best_format_that_is_accepted() {
        let wanted = |text: &str, request| answer_format(&headers(header::ACCEPT, text), request);
        let format = |text: &str| wanted(text, Format::JsonLines).unwrap().format;
        for text in ["*/*", "", "application/jsonlines", "application/*", "text/html, */*;q=0.1"] {
            assert_eq!(format(text), Format::JsonLines, "{text}");
        }
        assert_eq!(format("text/csv, application/json"), Format::Csv);
        assert_eq!(format("text/csv;q=0.5, application/json"), Format::Json);
        assert_eq!(wanted("application/*", Format::Csv).unwrap().format, Format::Json);
        assert_eq!(
            wanted("text/csv; header=present", Format::Json),
            Ok(Wanted { format: Format::Csv, header: true })
        );
        for (text, request, expected) in [
            ("text/csv;q=0, */*", Format::Csv, Format::Json),
            ("*/*, text/csv;q=0", Format::Csv, Format::Json),
            ("text/*;q=0, */*", Format::Csv, Format::Json),
            ("text/csv, text/*;q=0", Format::Csv, Format::Csv),
            ("application/json;q=0, application/*", Format::Csv, Format::JsonLines),
            ("application/json;q=0, */*", Format::Json, Format::Csv),
        ] {
            assert_eq!(wanted(text, request).map(|wanted| wanted.format), Ok(expected), "{text}");
        }
        for text in
            ["*/*; header=present", "text/*;HEADER=\"present\"", "text/csv; header = present"]
        {
            assert!(wanted(text, Format::Csv).unwrap().header, "{text}");
        }
        for text in ["text/csv; header=absent", "application/json; header=yes"] {
            assert!(!wanted(text, Format::Csv).unwrap().header, "{text}");
        }
        for (text, reason) in [
            ("text/csv; header=yes", "header=`yes`, expected present or absent"),
            ("text/csv; header", "header=``, expected present or absent"),
            (
                "text/csv; header=present; header=absent",
                "header=`present` and header=`absent`, expected one of them",
            ),
        ] {
            let refusal = wanted(text, Format::Csv).unwrap_err();
            assert_eq!(refusal.status, 406, "{text}");
            assert_eq!(refusal.reason, format!("the request accepts {reason}"));
        }
        for text in [
            "application/*;q=0, application/json;q=0",
            "text/html",
            "text/csv;q=0",
            "x",
            "application/x-recordio-protobuf",
        ] {
            assert_eq!(wanted(text, Format::Csv).unwrap_err().status, 406, "{text}");
        }
    }
}
