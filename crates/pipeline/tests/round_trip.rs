//! Any definition survives a round trip through JSON, and no text makes the parser panic.

mod common;
mod generate;

use std::collections::BTreeSet;

use pipeline::{Definition, lint};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_definition_survives_its_json(definition in generate::definition()) {
        let text = definition.to_json();
        let again = Definition::from_json(&text).unwrap();
        prop_assert_eq!(&again, &definition);
        prop_assert_eq!(again.to_json(), text);
    }

    /// Lint and order accept every definition that parses, without a panic or an endless loop. An
    /// order has each step after its dependencies. Lint reports steps of the same name instead of
    /// a cycle.
    #[test]
    fn any_definition_can_be_linted_and_ordered(definition in generate::definition()) {
        let findings = lint(&definition);
        let graph = definition.graph();
        match graph.order() {
            Err(cycle) => {
                prop_assert_eq!(cycle.steps.first(), cycle.steps.last());
                let steps = definition.steps_recursive();
                let names: BTreeSet<_> = steps.iter().map(|placed| &placed.step.name).collect();
                let expected = if names.len() == steps.len() {
                    cycle.to_string()
                } else {
                    "a second step of this name".to_owned()
                };
                prop_assert!(findings.iter().any(|finding| finding.message.contains(&expected)));
            }
            Ok(order) => {
                for (index, step) in order.iter().enumerate() {
                    for need in graph.needs(step) {
                        let at = order.iter().position(|other| *other == need);
                        prop_assert!(at.is_none_or(|at| at < index));
                    }
                }
            }
        }
    }

    #[test]
    fn broken_text_is_refused_without_panic(cut in 0_usize..6000, byte in any::<u8>()) {
        let mut bytes = common::example().to_json().into_bytes();
        let at = cut % bytes.len();
        bytes[at] = byte;
        let changed = String::from_utf8_lossy(&bytes).into_owned();
        if let Err(error) = Definition::from_json(&changed) {
            prop_assert!(error.line >= 1, "{error}");
        }
        let short: String = changed.chars().take(cut % changed.chars().count()).collect();
        prop_assert!(Definition::from_json(&short).is_err());
    }
}
