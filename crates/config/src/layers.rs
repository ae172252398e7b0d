//! Settings that stand in several files, of which a later one overrides an earlier one key by key.

use serde_yaml::{Mapping, Value};

use crate::error::{ConfigError, Violation};
use crate::limits;
use crate::location::Locations;
use crate::tree::Lenient;

/// A file of settings.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The file's name, as messages show it.
    pub file: &'a str,
    /// The file's text.
    pub text: &'a str,
}

/// The choices whose keys exclude one another: a later file replaces them as a whole.
const CHOICES: [&str; 2] = ["preprocessing.split", "preprocessing.duplicates"];

/// The trees of all files, merged, and the place of each key in them.
pub(crate) struct Layers<'a> {
    files: Vec<(&'a str, Locations)>,
    pub(crate) tree: Value,
}

impl<'a> Layers<'a> {
    /// Parses the files and merges them: a mapping is merged key by key; any other value, a list too,
    /// replaces the earlier one.
    pub(crate) fn parse(layers: &[Layer<'a>]) -> Result<Self, ConfigError> {
        let mut merged = Value::Null;
        let mut files = Vec::new();
        for Layer { file, text } in layers {
            let Lenient(tree) = limits::parse(file, text)?;
            // A file of comments alone overrides nothing.
            if !tree.is_null() {
                merge(&mut merged, tree, "");
            }
            files.push((*file, Locations::of(text)));
        }
        if merged.is_null() {
            merged = Value::Mapping(Mapping::new());
        }
        Ok(Self { files, tree: merged })
    }

    /// Returns the file, line and column of `path` in the last file that contains it, unless a later one
    /// replaces what it is part of.
    pub(crate) fn exact(&self, path: &str) -> Option<(&'a str, (usize, usize))> {
        for (file, places) in self.files.iter().rev() {
            if let Some(place) = places.exact(path) {
                return Some((file, place));
            }
            if replaces(places, path) {
                return None;
            }
        }
        None
    }

    /// Returns the place of `path`, or of the innermost enclosing key that a file contains.
    fn find(&self, path: &str) -> (&'a str, (usize, usize)) {
        let mut path = path;
        loop {
            if let Some(place) = self.exact(path) {
                return place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return (self.files.first().map_or("", |(file, _)| file), (1, 1)),
            }
        }
    }

    /// Returns whether a file contains a key twice.
    pub(crate) fn repeat_keys(&self) -> bool {
        self.files.iter().any(|(_, places)| !places.repeated.is_empty())
    }

    /// Returns faults, which are paths and messages, and the repeated keys as violations, sorted by their
    /// place.
    pub(crate) fn violations(&self, faults: Vec<(String, String)>) -> Vec<Violation> {
        let violation = |file: &str, (line, column), path, message| Violation {
            file: file.to_owned(),
            line,
            column,
            path,
            message,
        };
        let mut violations = Vec::new();
        for (path, message) in faults {
            let (file, place) = self.find(&path);
            violations.push(violation(file, place, path, message));
        }
        for (file, places) in &self.files {
            for (path, place, first) in &places.repeated {
                let message = format!("the same key again, first in line {first}");
                violations.push(violation(file, *place, path.clone(), message));
            }
        }
        let order = |file: &str| self.files.iter().position(|(name, _)| *name == file);
        violations.sort_by(|a, b| order(&a.file).cmp(&order(&b.file)).then_with(|| a.cmp(b)));
        violations.dedup();
        violations
    }
}

/// Returns whether a file contains the list or the choice that `path` is part of: they are replaced as a whole.
fn replaces(places: &Locations, path: &str) -> bool {
    let is_whole =
        |end: usize, separator: &str| separator == "[" || CHOICES.contains(&&path[..end]);
    path.match_indices(['.', '['])
        .any(|(end, separator)| is_whole(end, separator) && places.exact(&path[..end]).is_some())
}

/// Merges `over` into `tree`. Both are what stands at `path`.
fn merge(tree: &mut Value, over: Value, path: &str) {
    match (tree, over) {
        (Value::Mapping(entries), Value::Mapping(over)) if !CHOICES.contains(&path) => {
            for (key, value) in over {
                let name = key.as_str().unwrap_or_default();
                let below =
                    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                match entries.get_mut(&key) {
                    // A section of comments alone overrides nothing.
                    Some(Value::Mapping(before)) if value.is_null() && !before.is_empty() => {}
                    Some(before) => merge(before, value, &below),
                    None => drop(entries.insert(key, value)),
                }
            }
        }
        (tree, over) => *tree = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers<'a>(texts: &[&'a str]) -> Layers<'a> {
        let files = ["base.yaml", "prod.yaml"];
        let layers = files.iter().zip(texts).map(|(file, text)| Layer { file, text });
        Layers::parse(&layers.collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn later_files_override_key_by_key() {
        let base =
            "a: {x: 1, y: [1, 2]}\nb: 1\npreprocessing: {split: {time: Date}, test_size: 0.2}\n";
        let over = "a: {y: [3], z: 4}\npreprocessing:\n  split: {by_machine: Machine_ID}\n";
        let merged = layers(&[base, over]);
        let expected = "{a: {x: 1, y: [3], z: 4}, b: 1, \
                        preprocessing: {split: {by_machine: Machine_ID}, test_size: 0.2}}";
        assert_eq!(merged.tree, serde_yaml::from_str::<Value>(expected).unwrap());
        assert_eq!(merged.exact("a.y"), Some(("prod.yaml", (1, 5))));
        assert_eq!(merged.exact("a.x"), Some(("base.yaml", (1, 5))));
        assert_eq!(merged.find("a.y[7]"), ("prod.yaml", (1, 5)));
        // What was replaced explains nothing.
        assert_eq!(merged.exact("a.y[1]"), None);
        assert_eq!(merged.exact("preprocessing.split.time"), None);
        assert_eq!(merged.find("c.d"), ("base.yaml", (1, 1)));
    }

    #[test]
    fn a_file_without_keys_overrides_nothing() {
        let merged = layers(&["a: 1\nb: {c: 2}\nd: 3\n", "# nothing yet\n"]);
        let expected = serde_yaml::from_str::<Value>("{a: 1, b: {c: 2}, d: 3}").unwrap();
        assert_eq!(merged.tree, expected);
        // Neither does a section; a value that is nothing is a value.
        let merged = layers(&["a: 1\nb: {c: 2}\nd: 3\n", "b:\n  # c: 3\nd: null\n"]);
        let expected = serde_yaml::from_str::<Value>("{a: 1, b: {c: 2}, d: null}").unwrap();
        assert_eq!(merged.tree, expected);
    }

    #[test]
    fn violations_are_sorted_by_file_and_place() {
        let merged = layers(&["b: 1\na: 1\n", "a: {x: 1, x: 2}\n"]);
        let faults = ["a.x", "b", "missing"].map(|path| (path.to_owned(), "wrong".to_owned()));
        let places = merged.violations(faults.to_vec());
        let places: Vec<_> = places.iter().map(|v| (v.file.as_str(), v.path.as_str())).collect();
        let expected = [
            ("base.yaml", "b"),
            ("base.yaml", "missing"),
            ("prod.yaml", "a.x"),
            ("prod.yaml", "a.x"),
        ];
        assert_eq!(places, expected);
        assert!(merged.repeat_keys());
    }
}
