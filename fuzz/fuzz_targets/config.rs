//! Reads settings, writes them, reads them again, and passes them to every step. Settings without a
//! default are prepended where the text lacks them, and the lines of a text that begins with `=` are
//! single settings; otherwise almost no input would reach the steps.

#![no_main]

use config::Settings;
use config::steps::{Argument, Evaluate, Hyperparameters, Preprocess, TableSettings};
use libfuzzer_sys::fuzz_target;

const REQUIRED: &str = "s3_paths: {bucket: b-1}\n\
    aws: {account_id: '000000000000', role_arn: 'arn:aws:iam::000000000000:role/r'}\n";

/// The settings that accept almost any text, one a line; a missing one is `x`.
fn texts_only(lines: &str) -> String {
    let mut lines = lines.split('\n');
    // JSON is YAML.
    let mut next = || serde_json::Value::from(lines.next().unwrap_or("x")).to_string();
    let tags = format!("tags: {{{}: {}}}\n", next(), next());
    let columns =
        format!("columns: {{A: {{unit: {}, spellings: [{}, {}]}}}}", next(), next(), next());
    let features = format!("engineered_features: {{F: {}}}", next());
    let label = format!("{{column: {}, positive: [{}], negative: [{}]}}", next(), next(), next());
    let description = format!("pipeline: {{description: {}}}\n", next());
    let share = format!("hyperparameters: {{max_features: {}}}\n", next());
    format!("{tags}{description}{share}preprocessing: {{{columns}, {features}, label: {label}}}\n")
}

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "A" => "us-west-2",
        "N" => "7",
        "F" => "1e-3",
        "EMPTY" => "",
        "LIST" => "[1, {a: b}]",
        "AGAIN" => "${A}",
        "BAD" => "{",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Result<Settings, config::ConfigError> {
    Settings::from_yaml("config.yaml", text, environment)
}

fn texts(arguments: &[Argument]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

fuzz_target!(|text: &str| {
    let text = match text.strip_prefix('=') {
        Some(lines) => &format!("{REQUIRED}{}", texts_only(lines)),
        None if text.contains("s3_paths") => text,
        None => &format!("{REQUIRED}{text}"),
    };
    let settings = match read(text) {
        Ok(settings) => settings,
        Err(error) => {
            assert!(!error.violations.is_empty(), "refused without a word");
            // An error at the end of the text names the line after the last. YAML has more line ends
            // than Rust.
            let ends = ['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}'];
            let lines = text.split(ends).count() + 1;
            for violation in &error.violations {
                assert!((1..=lines).contains(&violation.line), "{violation:?}");
                assert!(!violation.message.is_empty(), "{violation:?}");
            }
            return;
        }
    };
    // The text with the variables' values contains no variable.
    let written = serde_yaml::to_string(&settings).unwrap().replace("${", "$${");
    let again = read(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again, settings);

    let hyperparameters = Hyperparameters::from_map(&settings.hyperparameters.to_map()).unwrap();
    assert_eq!(hyperparameters.settings, settings.hyperparameters);
    let preprocess = settings.preprocess();
    let parsed = Preprocess::parse(&texts(&preprocess.to_arguments())).unwrap();
    assert_eq!(parsed.settings, preprocess);
    let table = settings.table();
    assert_eq!(TableSettings::from_json(table.to_json().as_bytes()).unwrap(), table);
    let evaluate = settings.evaluate();
    let parsed = Evaluate::parse(&texts(&evaluate.to_arguments())).unwrap();
    assert_eq!(parsed.settings, evaluate);
});
