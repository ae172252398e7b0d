//! What a Condition step asks.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;

/// One question of a Condition step. The step's own list is AND-ed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Document", into = "Document")]
pub enum Condition {
    /// Two values compared.
    Compare {
        /// How they are compared.
        operator: Operator,
        /// `LeftValue`
        left: Expression,
        /// `RightValue`
        right: Expression,
    },
    /// Whether a value is one of several.
    In {
        /// `QueryValue`
        query: Expression,
        /// What it may be.
        values: Vec<Expression>,
    },
    /// The opposite.
    Not(Box<Condition>),
    /// Whether all hold.
    And(Vec<Condition>),
    /// Whether at least one holds.
    Or(Vec<Condition>),
}

impl Condition {
    /// `left <operator> right`
    pub fn compare(
        left: impl Into<Expression>,
        operator: Operator,
        right: impl Into<Expression>,
    ) -> Self {
        Self::Compare { operator, left: left.into(), right: right.into() }
    }
}

/// The five comparisons of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equals,
    /// `>`
    GreaterThan,
    /// `>=`
    GreaterThanOrEqualTo,
    /// `<`
    LessThan,
    /// `<=`
    LessThanOrEqualTo,
}

impl Operator {
    /// The sign people write.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::GreaterThan => ">",
            Self::GreaterThanOrEqualTo => ">=",
            Self::LessThan => "<",
            Self::LessThanOrEqualTo => "<=",
        }
    }
}

/// A condition as its JSON object has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "Type", rename_all_fields = "PascalCase", deny_unknown_fields)]
enum Document {
    Equals(Sides),
    GreaterThan(Sides),
    GreaterThanOrEqualTo(Sides),
    LessThan(Sides),
    LessThanOrEqualTo(Sides),
    In {
        query_value: Expression,
        values: Vec<Expression>,
    },
    // older versions of the official SDK have the second name
    Not {
        #[serde(alias = "Expression")]
        condition: Box<Condition>,
    },
    And {
        conditions: Vec<Condition>,
    },
    Or {
        conditions: Vec<Condition>,
    },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Sides {
    left_value: Expression,
    right_value: Expression,
}

impl From<Document> for Condition {
    fn from(document: Document) -> Self {
        let (operator, sides) = match document {
            Document::Equals(sides) => (Operator::Equals, sides),
            Document::GreaterThan(sides) => (Operator::GreaterThan, sides),
            Document::GreaterThanOrEqualTo(sides) => (Operator::GreaterThanOrEqualTo, sides),
            Document::LessThan(sides) => (Operator::LessThan, sides),
            Document::LessThanOrEqualTo(sides) => (Operator::LessThanOrEqualTo, sides),
            Document::In { query_value: query, values } => return Self::In { query, values },
            Document::Not { condition } => return Self::Not(condition),
            Document::And { conditions } => return Self::And(conditions),
            Document::Or { conditions } => return Self::Or(conditions),
        };
        Self::Compare { operator, left: sides.left_value, right: sides.right_value }
    }
}

impl From<Condition> for Document {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Compare { operator, left, right } => {
                let sides = Sides { left_value: left, right_value: right };
                match operator {
                    Operator::Equals => Self::Equals(sides),
                    Operator::GreaterThan => Self::GreaterThan(sides),
                    Operator::GreaterThanOrEqualTo => Self::GreaterThanOrEqualTo(sides),
                    Operator::LessThan => Self::LessThan(sides),
                    Operator::LessThanOrEqualTo => Self::LessThanOrEqualTo(sides),
                }
            }
            Condition::In { query, values } => Self::In { query_value: query, values },
            Condition::Not(condition) => Self::Not { condition },
            Condition::And(conditions) => Self::And { conditions },
            Condition::Or(conditions) => Self::Or { conditions },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_form_goes_both_ways() {
        let mut conditions: Vec<Value> = [
            "Equals",
            "GreaterThan",
            "GreaterThanOrEqualTo",
            "LessThan",
            "LessThanOrEqualTo",
        ]
        .into_iter()
        .map(|name| json!({"Type": name, "LeftValue": {"Get": "Parameters.A"}, "RightValue": 1.5}))
        .collect();
        conditions.push(
            json!({"Type": "In", "QueryValue": {"Get": "Parameters.A"}, "Values": ["a", "b"]}),
        );
        conditions.push(json!({"Type": "Not", "Condition": conditions[0]}));
        conditions.push(json!({"Type": "Or", "Conditions": conditions}));
        for value in conditions {
            let condition: Condition = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(condition).unwrap(), value);
        }
    }

    #[test]
    fn what_is_no_condition_says_why() {
        let message =
            |value: Value| serde_json::from_value::<Condition>(value).unwrap_err().to_string();
        insta::assert_snapshot!(message(json!({"Type": "Equal", "LeftValue": 1, "RightValue": 1})), @"unknown variant `Equal`, expected one of `Equals`, `GreaterThan`, `GreaterThanOrEqualTo`, `LessThan`, `LessThanOrEqualTo`, `In`, `Not`, `And`, `Or`");
        insta::assert_snapshot!(message(json!({"Type": "Equals", "LeftValue": 1})), @"missing field `RightValue`");
        insta::assert_snapshot!(message(json!({"Type": "In", "LeftValue": 1, "Values": []})), @"unknown field `LeftValue`, expected `QueryValue` or `Values`");
        insta::assert_snapshot!(message(json!({"LeftValue": 1, "RightValue": 1})), @"missing field `Type`");
    }
}
