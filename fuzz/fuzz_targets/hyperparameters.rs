//! Reads the steps' parameters. An object of strings is hyperparameters, another object the settings
//! of the table; the lines of any other text are container arguments, and for Register a line
//! `NAME=value` is an environment variable.

#![no_main]

use std::collections::BTreeMap;

use config::steps::{Argument, Evaluate, Hyperparameters, Preprocess, Register, TableSettings};
use libfuzzer_sys::fuzz_target;

fn texts(arguments: &[Argument]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

fn hyperparameters(map: &BTreeMap<String, String>) {
    let parsed = match Hyperparameters::from_map(map) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.faults.is_empty()),
    };
    assert!(parsed.unknown.iter().all(|name| map.contains_key(name)));
    let again = Hyperparameters::from_map(&parsed.settings.to_map()).unwrap();
    assert_eq!(again.settings, parsed.settings);
    assert!(again.unknown.is_empty(), "{:?}", again.unknown);
}

fn preprocess(arguments: &[String]) {
    let parsed = match Preprocess::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.faults.is_empty()),
    };
    assert!(parsed.unknown.iter().all(|argument| arguments.contains(argument)));
    let settings = parsed.settings;
    assert!(settings.test_size > 0.0 && settings.test_size < 1.0);
    let again = Preprocess::parse(&texts(&settings.to_arguments())).unwrap();
    assert_eq!(again.settings, settings);
    assert!(again.unknown.is_empty(), "{:?}", again.unknown);
}

fn table(text: &str) {
    let settings = match TableSettings::from_json(text.as_bytes()) {
        Ok(settings) => settings,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let document = settings.to_json();
    let again = TableSettings::from_json(document.as_bytes()).unwrap();
    assert_eq!(again, settings);
    assert_eq!(again.to_json(), document);
}

fn evaluate(arguments: &[String]) {
    let parsed = match Evaluate::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.faults.is_empty()),
    };
    assert!(parsed.settings.gates.iter().all(|gate| (0.0..=1.0).contains(&gate.minimum)));
    // Evaluate logs at least one metric, so an empty list has no arguments.
    if parsed.settings.metrics.is_empty() {
        return;
    }
    let again = Evaluate::parse(&texts(&parsed.settings.to_arguments())).unwrap();
    assert_eq!(again.settings, parsed.settings);
    assert!(again.unknown.is_empty(), "{:?}", again.unknown);
}

fn register(arguments: &[String]) {
    let variable = |name: &str| {
        let value = |line: &'_ String| -> Option<usize> {
            line.strip_prefix(name)?.starts_with('=').then_some(name.len() + 1)
        };
        arguments.iter().find_map(|line| value(line).map(|begin| &line[begin..]))
    };
    let parsed = match Register::parse(arguments, variable) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.faults.is_empty()),
    };
    let again = Register::parse(&texts(&parsed.settings.to_arguments()), variable).unwrap();
    assert_eq!(again.settings, parsed.settings);
    assert!(again.unknown.is_empty(), "{:?}", again.unknown);
}

fuzz_target!(|text: &str| {
    if let Ok(map) = serde_json::from_str(text) {
        return hyperparameters(&map);
    }
    table(text);
    let arguments: Vec<String> = text.lines().map(str::to_owned).collect();
    preprocess(&arguments);
    evaluate(&arguments);
    register(&arguments);
});
