//! The sections of a template, which its parts fill.

use serde_yaml::{Mapping, Value};

use super::value::{equals, list};

/// The sections of a template.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) parameters: Mapping,
    pub(super) conditions: Mapping,
    pub(super) resources: Mapping,
    pub(super) outputs: Mapping,
}

impl Sections {
    pub(super) fn parameter(&mut self, name: &str, parameter: Value) {
        self.parameters.insert(name.into(), parameter);
    }

    /// Adds a parameter that is true or false, with the condition of the same name that it is true.
    pub(super) fn choice(&mut self, name: &str, description: &str) {
        self.parameter(
            name,
            object! {
                "Description": description,
                "Type": "String",
                "AllowedValues": list(["true", "false"]),
                "Default": "true",
            },
        );
        self.condition(name, equals(name, "true"));
    }

    pub(super) fn condition(&mut self, name: &str, condition: Value) {
        self.conditions.insert(name.into(), condition);
    }

    pub(super) fn resource(&mut self, name: &str, resource: Value) {
        self.resources.insert(name.into(), resource);
    }

    pub(super) fn output(&mut self, name: &str, output: Value) {
        self.outputs.insert(name.into(), output);
    }
}
