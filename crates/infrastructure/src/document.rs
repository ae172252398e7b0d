//! A policy document.

use indexmap::IndexMap;
use serde::Serialize;

/// The version of the policy language.
pub(crate) const VERSION: &str = "2012-10-17";

/// Who it is attached to may do what its statements allow, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// Of the policy language.
    pub version: &'static str,
    /// In a fixed order.
    pub statement: Vec<Statement>,
}

/// Some actions on some resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// What it is for; letters and digits, unique in its policy.
    pub sid: &'static str,
    /// Always `Allow`: what no statement allows is denied.
    pub effect: &'static str,
    /// Such as `s3:GetObject`.
    pub action: Vec<String>,
    /// ARNs, or `*` where the action knows no resources.
    pub resource: Vec<String>,
    /// Values by operator and key.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub condition: IndexMap<String, IndexMap<String, Vec<String>>>,
}

impl Policy {
    /// A statement without resources grants nothing, and IAM would refuse it.
    pub(crate) fn new(statements: Vec<Statement>) -> Self {
        let statement = statements.into_iter().filter(|s| !s.resource.is_empty()).collect();
        Self { version: VERSION, statement }
    }

    /// The document as IAM takes it, indented by two blanks, with a line end at its end.
    pub fn to_json(&self) -> String {
        // Every key is a string and the writer is memory, so nothing can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Every action that it allows, in its order.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.statement.iter().flat_map(|statement| &statement.action).map(String::as_str)
    }
}

impl Statement {
    pub(crate) fn allow<A: Into<String>, R: Into<String>>(
        sid: &'static str,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            sid,
            effect: "Allow",
            action: actions.into_iter().map(Into::into).collect(),
            resource: resources.into_iter().map(Into::into).collect(),
            condition: IndexMap::new(),
        }
    }

    /// The same, but only where `key` compares to one of `values`.
    #[must_use]
    pub(crate) fn when<V: Into<String>>(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.condition.entry(operator.to_owned()).or_default().insert(key.to_owned(), values);
        self
    }
}
