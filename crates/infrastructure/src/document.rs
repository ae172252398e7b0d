//! IAM policy documents.

use indexmap::IndexMap;
use serde::Serialize;

/// The version of the policy language.
pub(crate) const VERSION: &str = "2012-10-17";

/// An IAM policy document. It allows what its statements allow, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// The version of the policy language.
    pub version: &'static str,
    /// The statements, in a fixed order.
    pub statement: Vec<Statement>,
}

/// A statement of a policy: it allows actions on resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// The statement's id, which says what it is for: letters and digits, unique in the policy.
    pub sid: &'static str,
    /// Always `Allow`. IAM denies what no statement allows.
    pub effect: &'static str,
    /// The actions, such as `s3:GetObject`.
    pub action: Vec<String>,
    /// The ARNs of the resources, or `*` for actions without resources.
    pub resource: Vec<String>,
    /// The conditions: values by operator and key.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub condition: IndexMap<String, IndexMap<String, Vec<String>>>,
}

impl Policy {
    /// Creates a policy of these statements. Statements without resources are left out, since IAM
    /// refuses them.
    pub(crate) fn new(statements: Vec<Statement>) -> Self {
        let statement = statements.into_iter().filter(|s| !s.resource.is_empty()).collect();
        Self { version: VERSION, statement }
    }

    /// Returns the document as JSON, indented by two spaces, with a newline at the end.
    pub fn to_json(&self) -> String {
        // Serialization into memory with string keys cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Returns every allowed action, in the order of the statements.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.statement.iter().flat_map(|statement| &statement.action).map(String::as_str)
    }
}

impl Statement {
    /// Creates a statement that allows actions on resources.
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

    /// Adds the condition that `key` matches one of `values`, compared with `operator`.
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
