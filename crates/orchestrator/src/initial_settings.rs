//! Writes the settings of a table that was profiled: the commented file that `init` leaves.

use std::fmt::Write;

use camino::Utf8Path;
use profile::{ColumnProfile, Gates, Kind, LabelProfile, TableProfile};

/// The settings, with `{{...}}` where they depend on the table. What does not is the default.
const TEMPLATE: &str = include_str!("initial_settings.yaml");
/// The key of the raw table if the file's name cannot be a part of a key.
const DEFAULT_TABLE: &str = "raw/machine_downtime.csv";
/// The column at which the comments of columns begin, if these are not longer.
const COMMENTS: usize = 48;
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
        let schema = format!("# yaml-language-server: $schema={SCHEMA_FILE}\n");
        let parts = [
            ("{{head}}", self.head()),
            ("{{schema}}\n", if self.has_schema { schema } else { String::new() }),
            ("{{input_dataset}}", scalar(&self.input_key())),
            ("{{table}}", self.table()),
            ("{{gates}}", gates(self.profile.gates.as_ref())),
        ];
        // A text of the table that looks like a place of the template is no such place: each part of
        // the template is written once, from the beginning to the end.
        let mut rest = TEMPLATE;
        let mut text = String::new();
        for (place, part) in parts {
            if let Some((before, after)) = rest.split_once(place) {
                text.push_str(before);
                text.push_str(part.trim_end_matches('\n'));
                let is_line = !part.is_empty() && place.ends_with('\n');
                text.push_str(if is_line { "\n" } else { "" });
                rest = after;
            }
        }
        text + rest
    }

    fn head(&self) -> String {
        let TableProfile { rows, columns, files, .. } = self.profile;
        let files = match files.len() {
            1 => String::new(),
            count => format!(" in {count} files"),
        };
        format!(
            "# The settings of the pipeline for {}: {rows} rows, {} columns{files}.\n\
             # Written by `orchestrator init`. They run as they are:\n\
             #   {}\n\
             # What must be set before `deploy` is marked \"TO SET\".\n#",
            comment(self.input.as_str()),
            columns.len(),
            comment(self.next),
        )
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

    /// Returns the settings of the table, below `preprocessing`.
    fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write_table(&mut text);
        text
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        let profile = self.profile;
        write_label(out, &profile.label)?;
        writeln!(out)?;
        writeln!(
            out,
            "  # The columns, in the order of the model's features. A header is recognised by its name in any\n\
             \x20 # letter case, with or without a unit; `spellings` are alternative names. If a header names\n\
             \x20 # another known unit (Pa for bar, °F for °C), the values are converted. `kind` is number,\n\
             \x20 # yes_no or category; `missing_markers` stand for a missing value in the column."
        )?;
        writeln!(out, "  columns:")?;
        for column in profile.used() {
            write_column(out, column)?;
        }
        write_left_out(out, profile)?;
        writeln!(
            out,
            "\n  # Engineered features: expressions of columns, numbers, + - * /, parentheses, the functions\n\
             \x20 # abs sqrt ln log1p exp min max, and the statistics median mean std of a column over the training\n\
             \x20 # rows, such as `Power: Torque * Speed`. They are stored in the model, so a new feature needs no\n\
             \x20 # new image."
        )?;
        writeln!(out, "  engineered_features: {{}}\n")?;
        let missing = if profile.has_missing_cells { "median" } else { "drop" };
        let bad = if profile.has_bad_cells { "missing" } else { "error" };
        let duplicates = if profile.keeps_duplicates { "keep" } else { "drop" };
        let markers = list(&profile.missing_markers);
        setting(
            out,
            &format!("missing_values: {missing}"),
            "a row with an empty cell: drop, or median of the training rows",
        )?;
        setting(
            out,
            &format!("bad_cells: {bad}"),
            "a cell that is not a number: error, drop its row, or missing",
        )?;
        setting(
            out,
            &format!("missing_markers: {markers}"),
            "what else stands for a missing value in every column",
        )?;
        setting(
            out,
            &format!("duplicates: {duplicates}"),
            "rows equal in every column of the file: drop, keep, or {by: [Date, Machine_ID]}",
        )?;
        writeln!(
            out,
            "\n  # The format of the files is found by looking at each of them. What is set here is not looked for:\n\
             \x20 # encoding (utf-8, utf-16, windows-1252), separator (\",\", \";\", \"|\", tab, blank), decimal (\".\" or \",\"),\n\
             \x20 # thousands (\".\" \",\" \"'\" or blank), header_line (from 1; 0 for none)."
        )?;
        let mut format = Vec::new();
        if profile.format.has_no_header {
            format.push("header_line: 0".to_owned());
        }
        format.extend(profile.format.decimal.map(|mark| format!("decimal: \"{mark}\"")));
        match &format[..] {
            [] => writeln!(out, "  format: {{}}"),
            declared => writeln!(out, "  format: {{ {} }}", declared.join(", ")),
        }
    }
}

/// Writes a setting with its comment.
fn setting(out: &mut String, text: &str, about: &str) -> std::fmt::Result {
    writeln!(out, "  {text:<26} # {about}")
}

fn write_label(out: &mut String, label: &LabelProfile) -> std::fmt::Result {
    let LabelProfile { column, why, why_positive, failures, sound, .. } = label;
    writeln!(
        out,
        "  # The label column and the words of its classes. Letter case and blanks are ignored; \"\" is an\n\
         \x20 # empty cell. Found, since {}; {}.\n\
         \x20 # {failures} of {} rows with a label ({:.1} %) are failures.",
        comment(why),
        comment(why_positive),
        failures + sound,
        100.0 * label.failure_share()
    )?;
    writeln!(out, "  label:")?;
    writeln!(out, "    column: {}", quoted(column))?;
    writeln!(out, "    positive: {}", list(&label.positive))?;
    writeln!(out, "    negative: {}", list(&label.negative))
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
    let columns = profile.columns.iter().filter_map(|c| Some((c, c.left_out.as_ref()?)));
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
                quality_gates:\n  accuracy: 0.00\n"
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
    text
}

/// Returns a text that stays within a comment of one line.
fn comment(text: &str) -> String {
    const MAX_LETTERS: usize = 200;
    let is_plain = |letter: char| !letter.is_control() && !is_line_break(letter);
    let mut letters = text.chars().map(|letter| if is_plain(letter) { letter } else { ' ' });
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
            letter if letter.is_control() || is_line_break(letter) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}
