//! The places of settings in the YAML text.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// The line and column, both from 1, of every key and list item, by paths such as
/// `hyperparameters.n_estimators` or `preprocessing.label.positive[2]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Locations {
    places: BTreeMap<String, (usize, usize)>,
    /// Duplicate keys of a mapping: path, place, and the line of the first occurrence.
    pub(crate) repeated: Vec<(String, (usize, usize), usize)>,
}

/// A collection whose end has not been parsed yet.
enum OpenCollection {
    Mapping { path: String, key: Option<String>, first: BTreeMap<String, usize> },
    Sequence { path: String, next: usize },
}

impl Locations {
    /// Parses the places of a YAML text. If the text is not YAML, these are the places before the
    /// fault.
    pub(crate) fn of(text: &str) -> Self {
        let mut places = BTreeMap::new();
        let mut repeated = Vec::new();
        let mut open: Vec<OpenCollection> = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let place = (span.start.line(), span.start.col() + 1);
            if let Event::MappingEnd | Event::SequenceEnd = event {
                open.pop();
                continue;
            }
            if !matches!(
                event,
                Event::Scalar(..)
                    | Event::Alias(_)
                    | Event::MappingStart(..)
                    | Event::SequenceStart(..)
            ) {
                continue;
            }
            let path = match open.last_mut() {
                None => String::new(),
                Some(OpenCollection::Sequence { path, next }) => {
                    let item = format!("{path}[{next}]");
                    *next += 1;
                    places.insert(item.clone(), place);
                    item
                }
                Some(OpenCollection::Mapping { path, key, first }) => match key.take() {
                    Some(key) => join(path, &key),
                    None => {
                        if let Event::Scalar(name, ..) = &event {
                            match first.get(name.as_ref()) {
                                Some(&line) => repeated.push((join(path, name), place, line)),
                                None => drop(first.insert(name.to_string(), place.0)),
                            }
                            places.insert(join(path, name), place);
                            *key = Some(name.to_string());
                        }
                        continue;
                    }
                },
            };
            match event {
                Event::MappingStart(..) => {
                    open.push(OpenCollection::Mapping { path, key: None, first: BTreeMap::new() });
                }
                Event::SequenceStart(..) => open.push(OpenCollection::Sequence { path, next: 0 }),
                _ => {}
            }
        }
        Self { places, repeated }
    }

    /// Returns the place of `path`, if the text contains it.
    pub(crate) fn exact(&self, path: &str) -> Option<(usize, usize)> {
        self.places.get(path).copied()
    }

    /// Returns the place of `path`, or of the innermost enclosing key that the text contains.
    pub(crate) fn find(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(&place) = self.places.get(path) {
                return place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return (1, 1),
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_paths_have_the_place_of_their_parent() {
        let text = "a:\n  b: [1, {c: 2}]\n  d:\n    - e: x\nf: y\n";
        let places = Locations::of(text);
        assert_eq!(places.find("a.b"), (2, 3));
        assert_eq!(places.find("a.b[1].c"), (2, 11));
        assert_eq!(places.find("a.d[0].e"), (4, 7));
        assert_eq!(places.find("f"), (5, 1));
        assert_eq!(places.find("a.missing.deeper"), (1, 1));
        assert_eq!(places.find("f.missing"), (5, 1));
        assert_eq!(places.repeated, []);
    }

    #[test]
    fn duplicate_keys_are_found_within_one_mapping() {
        let places = Locations::of("a: {x: 1}\nb: {x: 1, x: 2}\na: {x: 3}\n");
        let expected = [("b.x".to_owned(), (2, 11), 2), ("a".to_owned(), (3, 1), 1)];
        assert_eq!(places.repeated, expected);
    }
}
