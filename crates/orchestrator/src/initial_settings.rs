//! Writes the settings of a table that was profiled: the commented file that `init` leaves.

use std::fmt::Write;

use camino::Utf8Path;
use profile::{ColumnProfile, FormatProfile, Gates, Kind, LabelProfile, TableProfile};

/// The settings, with `{{...}}` where they depend on the table. What does not is the default.
const TEMPLATE: &str = include_str!("initial_settings.yaml");
/// The key of the raw table if the file's name cannot be a part of a key.
const DEFAULT_TABLE: &str = "raw/machine_downtime.csv";
/// The maximum length of the table's name in the names of pipeline, model group and bucket: a bucket's name has
/// at most 63 letters, of which account and region take up to 28.
const MAX_PLANT: usize = 35;
/// The column at which the comments of columns begin, if these are not longer.
const COMMENTS: usize = 48;
/// The width of a setting with a comment beside it.
const SETTING: usize = 26;
/// The maximum number of columns that are named as left out for one reason.
const LEFT_OUT: usize = 60;
/// The file with the JSON schema of the settings, which editors use if it is beside them.
pub(crate) const SCHEMA_FILE: &str = "pipeline_config.schema.json";

/// What the settings are written for.
pub(crate) struct InitialSettings<'a> {
    pub(crate) profile: &'a TableProfile,
    /// The table that was read.
    pub(crate) input: &'a Utf8Path,
    /// The command that runs the settings.
    pub(crate) next: &'a str,
    /// Whether the JSON schema is beside the file.
    pub(crate) has_schema: bool,
}

impl InitialSettings<'_> {
    /// Returns the file.
    pub(crate) fn to_yaml(&self) -> String {
        let profile = self.profile;
        let missing_values = if profile.has_missing_cells { "median" } else { "drop" };
        let bad_cells = if profile.has_bad_cells { "missing" } else { "error" };
        let duplicates = if profile.keeps_duplicates { "keep" } else { "drop" };
        let setting = |text: String| format!("{text:<SETTING$}");
        let parts = [
            ("{{head}}\n", self.head()),
            ("{{schema}}\n", self.schema()),
            ("{{pipeline}}", format!("{}-downtime", self.plant())),
            ("{{bucket}}", format!("{}-${{AWS_ACCOUNT_ID}}-${{AWS_REGION}}", self.plant())),
            ("{{input_dataset}}", format!("{:<27}", scalar(&self.input_key()))),
            ("{{group}}", format!("{}-downtime-models", self.plant())),
            ("{{split}}", split(profile.time_column.as_deref())),
            ("{{label}}\n", label(&profile.label)),
            ("{{columns}}\n", columns(profile)),
            ("{{categories}}", categories(profile.widest_category)),
            ("{{missing_values}}", setting(format!("missing_values: {missing_values}"))),
            ("{{bad_cells}}", setting(format!("bad_cells: {bad_cells}"))),
            (
                "{{missing_markers}}",
                setting(format!("missing_markers: {}", list(&profile.missing_markers))),
            ),
            ("{{duplicates}}", setting(format!("duplicates: {duplicates}"))),
            ("{{format}}", format(&profile.format)),
            ("{{gates}}\n", gates(profile.gates.as_ref())),
        ];
        // A text of the table that looks like a place of the template is no such place: the template
        // is filled once, from the beginning to the end.
        let mut rest = TEMPLATE;
        let mut text = String::new();
        for (place, part) in parts {
            if let Some((before, after)) = rest.split_once(place) {
                text.push_str(before);
                text.push_str(&part);
                rest = after;
            }
        }
        text + rest
    }

    /// Returns the line by which editors find the JSON schema, and a blank one.
    fn schema(&self) -> String {
        match self.has_schema {
            true => format!("# yaml-language-server: $schema={SCHEMA_FILE}\n\n"),
            false => "\n".to_owned(),
        }
    }

    fn head(&self) -> String {
        let TableProfile { rows, files, .. } = self.profile;
        let files = match files.len() {
            1 => String::new(),
            count => format!(" in {count} files"),
        };
        format!(
            "# The settings of the pipeline for {}: {rows} rows, {} columns{files}.\n\
             # Written by `orchestrator init`. They run as they are:\n\
             #   {}\n#\n",
            comment(self.input.as_str()),
            self.profile.shown().count(),
            comment(self.next),
        )
    }

    /// Returns the table's name as SageMaker takes it, so that the pipelines and the models of two tables
    /// are kept apart: letters and digits with hyphens between them.
    fn plant(&self) -> String {
        let stem = self.input.file_name().unwrap_or_default().split('.').next().unwrap_or_default();
        let words = stem.split(|letter: char| !letter.is_ascii_alphanumeric());
        let name = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
        let name: String = name.to_lowercase().chars().take(MAX_PLANT).collect();
        match name.trim_end_matches('-') {
            "" => "machine".to_owned(),
            name => name.to_owned(),
        }
    }

    /// Returns the key of the raw table: that which `deploy --upload` gives it.
    fn input_key(&self) -> String {
        let name = self.input.file_name().unwrap_or_default();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
        if name.is_empty() || !name.chars().all(is_plain) || name.len() > 200 {
            return DEFAULT_TABLE.to_owned();
        }
        let end = if self.input.is_dir() { "/" } else { "" };
        format!("raw/{name}{end}")
    }
}

/// Returns how categories become features. Shares of the rows in place of values lose what a value
/// tells, so every value that is not rare gets a feature: by `min_frequency` there are at most 100,
/// and one for the rare ones.
fn categories(widest: usize) -> String {
    const DEFAULT: usize = 16;
    if widest <= DEFAULT {
        return format!("categories: {{ max_one_hot: {DEFAULT}, min_frequency: 0.01 }}");
    }
    format!(
        "categories: {{ max_one_hot: 101, min_frequency: 0.01 }} # one has {widest} features; \
         {DEFAULT} by default"
    )
}

/// Returns what must be declared of the format.
fn format(format: &FormatProfile) -> String {
    let mut declared = Vec::new();
    if format.has_no_header {
        declared.push("header_line: 0".to_owned());
    }
    declared.extend(format.decimal.map(|mark| format!("decimal: \"{mark}\"")));
    declared.extend(format.sheet.iter().map(|sheet| format!("sheet: {}", quoted(sheet))));
    match &declared[..] {
        [] => "format: {}".to_owned(),
        declared => format!("format: {{ {} }}", declared.join(", ")),
    }
}

/// Returns how the rows are split, with the other ways as a comment.
fn split(time_column: Option<&str>) -> String {
    let time = time_column.map_or_else(|| "Date".to_owned(), |column| comment(&scalar(column)));
    format!(
        "split: random              # or {{time: {time}}}: the test rows are the last; or {{by_machine: \
         COLUMN}}: no machine is in both"
    )
}

/// Returns the label, below `preprocessing`, and a blank line.
fn label(label: &LabelProfile) -> String {
    let LabelProfile { column, why, why_positive, failures, sound, .. } = label;
    format!(
        "  # Found, since {}; {}.\n  # {failures} of {} rows with a label ({}) are failures.\n  label:\n    \
         column: {}\n    positive: {}\n    negative: {}\n\n",
        comment(why),
        comment(why_positive),
        failures + sound,
        percent(label.failure_share()),
        quoted(column),
        list(&label.positive),
        list(&label.negative)
    )
}

/// Returns the columns, those that are left out as a comment, and a blank line.
fn columns(profile: &TableProfile) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = profile.used().try_for_each(|column| write_column(&mut text, column));
    let _ = write_left_out(&mut text, profile);
    text.push('\n');
    text
}

fn write_column(out: &mut String, column: &ColumnProfile) -> std::fmt::Result {
    let mut settings = Vec::new();
    match column.kind {
        Kind::YesNo if column.is_words => settings.push("kind: yes_no".to_owned()),
        Kind::Category => settings.push("kind: category".to_owned()),
        _ => settings.extend(column.unit.as_ref().map(|unit| format!("unit: {}", scalar(unit)))),
    }
    for (key, words) in
        [("spellings", &column.spellings), ("missing_markers", &column.missing_markers)]
    {
        if !words.is_empty() {
            settings.push(format!("{key}: {}", list(words)));
        }
    }
    let settings = match &settings[..] {
        [] => "{}".to_owned(),
        settings => format!("{{ {} }}", settings.join(", ")),
    };
    let text = format!("    {}: {settings}", scalar(&column.name));
    writeln!(out, "{text:<COMMENTS$} # {}", about(column))
}

/// Returns what was found of a column, for a comment.
fn about(column: &ColumnProfile) -> String {
    let missing = match column.missing_share {
        0.0 => String::new(),
        share => format!("; {} missing", percent(share)),
    };
    format!("{}{missing}", comment(&column.why))
}

/// Returns a share for people. One that is not 0 is not shown as 0.
pub(crate) fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent > 0.0 && percent < 0.1 => "< 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// Writes the columns that are left out, by reason.
fn write_left_out(out: &mut String, profile: &TableProfile) -> std::fmt::Result {
    let columns = profile.shown().filter_map(|c| Some((c, c.left_out.as_ref()?)));
    let columns: Vec<(&ColumnProfile, &String)> = columns.collect();
    if !columns.is_empty() {
        writeln!(out, "    # Left out:")?;
    }
    for (column, reason) in columns.iter().take(LEFT_OUT) {
        let (header, reason) = (comment(&column.header), comment(reason));
        writeln!(out, "    #   {header}: {reason} ({})", comment(&column.why))?;
    }
    if columns.len() > LEFT_OUT {
        writeln!(out, "    #   and {} more", columns.len() - LEFT_OUT)?;
    }
    Ok(())
}

/// Returns the gates.
fn gates(found: Option<&Gates>) -> String {
    let Some(gates) = found else {
        return "# There are too few rows to propose one: this one lets every model through.\n\
                quality_gates:\n  accuracy: 0.00\n\n"
            .to_owned();
    };
    let Gates { rows, failures, .. } = gates;
    let mut text = format!(
        "# A proposal: somewhat below what a forest of 100 trees reached on {rows} rows, {failures} of \
         them\n# failures, each judged by the trees that had not seen it (out of bag).\n"
    );
    if gates.is_chance {
        text.push_str(
            "# That forest was NO BETTER THAN CHANCE, and these gates let such a model through: raise them.\n",
        );
    }
    text.push_str("quality_gates:\n");
    let useful = gates.gates.iter().filter(|gate| gate.minimum > 0.0);
    let mut lines: Vec<String> = useful
        .map(|gate| {
            let setting = format!("{}: {:.2}", gate.metric, gate.minimum);
            format!("  {setting:<25}# out of bag {:.3}\n", gate.out_of_bag)
        })
        .collect();
    if lines.is_empty() {
        lines.push("  accuracy: 0.00           # lets every model through\n".to_owned());
    }
    text.extend(lines);
    text.push('\n');
    text
}

/// Returns a text that stays within a comment of one line.
fn comment(text: &str) -> String {
    const MAX_LETTERS: usize = 200;
    let is_plain = |letter: char| !letter.is_control() && !is_line_break(letter);
    let text = text.chars().map(|letter| if is_plain(letter) { letter } else { ' ' });
    let text = common::printable(&text.collect::<String>());
    let mut letters = text.chars();
    let mut shown: String = letters.by_ref().take(MAX_LETTERS).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Returns whether YAML takes a letter for a line break, or refuses it.
fn is_line_break(letter: char) -> bool {
    matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Returns a list of words.
fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
}

/// Returns a text as a YAML scalar: plain if it is a word that no version of YAML takes for
/// something else, quoted otherwise.
fn scalar(text: &str) -> String {
    /// Words that stand for a truth value or nothing in some version of YAML.
    const RESERVED: [&str; 11] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let begins = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '°');
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '°' | '²' | '³' | '·');
    let is_plain = begins && text.chars().all(is_part);
    if is_plain && !RESERVED.contains(&text.to_lowercase().as_str()) && !text.starts_with("_0") {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Returns a text in double quotes. `${` would be a variable of the environment.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.replace("${", "$${").chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter
                if letter.is_control()
                    || !common::is_printable(letter)
                    || is_line_break(letter) =>
            {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use config::{Preprocessing, Settings};
    use profile::{Profiler, Wishes};

    use super::*;
    use crate::arguments::settings::local_account;

    /// The copy of the shipped settings that tests use.
    const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/pipeline_config.yaml");

    fn written(table: &str) -> String {
        let mut profiler = Profiler::new();
        profiler.read_file("a.csv", Cursor::new(table.as_bytes().to_vec())).unwrap();
        let profile = profiler.finish(&Wishes::default()).unwrap();
        let settings = InitialSettings {
            profile: &profile,
            input: Utf8Path::new("in/a.csv"),
            next: "orchestrator run --config b.yaml --input in/a.csv",
            has_schema: true,
        };
        settings.to_yaml()
    }

    /// Returns a table with this header, whose last column is the label.
    fn table(header: &str, failure: &str) -> String {
        let row = |row: usize| {
            let cells = (1..header.split(',').count())
                .map(|cell| format!("{}.5,", row * (2 * cell + 5) % 41));
            cells.collect::<String>() + if row.is_multiple_of(3) { failure } else { "sound" } + "\n"
        };
        format!("{header}\n{}", (0..40).map(row).collect::<String>())
    }

    fn settings(yaml: &str) -> Settings {
        Settings::from_yaml("b.yaml", yaml, local_account)
            .unwrap_or_else(|error| panic!("{error}\n{yaml}"))
    }

    #[test]
    fn what_does_not_depend_on_the_table_is_the_default() {
        let mut found = settings(&written(&table("a,b,failure", "fail")));
        let shipped = fs_err::read_to_string(SHIPPED).unwrap();
        let shipped = settings(&shipped);
        assert_eq!(found.s3_paths.input_dataset, "raw/a.csv");
        found.s3_paths = shipped.s3_paths.clone();
        // The copy that the tests use names an account.
        assert_eq!(found.aws.account_id, "000000000000");
        found.aws = shipped.aws.clone();
        // Two tables have two pipelines and two groups of models.
        assert_eq!(found.pipeline.name, "a-downtime");
        assert_eq!(found.model_registry.model_package_group_name, "a-downtime-models");
        found.pipeline = shipped.pipeline.clone();
        found.model_registry = shipped.model_registry.clone();
        let Preprocessing { label, columns, .. } = found.preprocessing.clone();
        let columns = columns.named().map(|columns| columns.len());
        assert_eq!((label.column.as_str(), columns), ("failure", Some(2)));
        found.preprocessing.label = shipped.preprocessing.label.clone();
        found.preprocessing.columns = shipped.preprocessing.columns.clone();
        found.preprocessing.engineered_features = shipped.preprocessing.engineered_features.clone();
        found.quality_gates = shipped.quality_gates.clone();
        assert_eq!(found, shipped);
    }

    #[test]
    fn pipeline_and_group_are_named_as_the_table() {
        let mut profiler = Profiler::new();
        let bytes = table("a,b,failure", "fail").into_bytes();
        profiler.read_file("a.csv", Cursor::new(bytes)).unwrap();
        let profile = profiler.finish(&Wishes::default()).unwrap();
        for (input, plant) in [
            ("x/Press 7_(2026).csv.gz", "press-7-2026"),
            ("плант.csv", "machine"),
            ("--.csv", "machine"),
            (&format!("{}.csv", "a-".repeat(30)), &"a-".repeat(18)[..35]),
        ] {
            let input = Utf8Path::new(input);
            let settings =
                InitialSettings { profile: &profile, input, next: "", has_schema: false };
            assert_eq!(settings.plant(), plant);
            // Nobody has named an account yet.
            let settings = self::settings(&settings.to_yaml());
            assert_eq!(settings.s3_paths.bucket, format!("{plant}-000000000000-us-east-1"));
            assert!(settings.placeholder().is_some());
        }
    }

    #[test]
    fn texts_of_the_table_cannot_change_the_settings() {
        let header = "{{columns}},\"a: \"\"b\"\" # c\",${HOME},\u{85}\u{2028}x\u{1b},true,no,*y,Zähler [%],\
                      \"failure {{gates}}: \\ # ${X}\"";
        let yaml = written(&table(header, "fail \\ ' {{gates}}"));
        let found = settings(&yaml).preprocessing;
        assert_eq!(found.label.column, "failure {{gates}}: \\ # ${X}");
        assert_eq!(found.label.positive, ["fail \\ ' {{gates}}"]);
        let columns = found.columns.named().unwrap();
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        assert_eq!(names, ["columns", "a_b_c", "HOME", "x", "true", "no", "y", "Zähler"]);
        assert_eq!(columns["a_b_c"].spellings, ["a: \"b\" # c"]);
        assert_eq!(columns["HOME"].spellings, ["${HOME}"]);
        assert_eq!(columns["Zähler"].unit.as_deref(), Some("%"));
    }

    #[test]
    fn scalars_are_quoted_where_a_version_of_yaml_reads_something_else() {
        for plain in ["Torque", "°C", "m/s²", "1"] {
            let quoted = plain == "1";
            assert_eq!(scalar(plain).starts_with('"'), quoted, "{plain}");
        }
        for text in ["N", "yes", "null", "%", "1/s", "a: b", "-", "~", "", " a", "_0", "NaN"] {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(quoted("a\n\u{feff}"), "\"a\\U0000000a\\U0000feff\"");
        assert_eq!(quoted("\u{202e}a"), "\"\\U0000202ea\"");
        assert_eq!(comment("a\n\u{202e}b"), "a \\u{202e}b");
    }
}
