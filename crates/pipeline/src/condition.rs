//! The conditions of a Condition step.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;

/// One condition of a Condition step. All conditions of the step's list must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "ConditionJson", into = "ConditionJson")]
pub enum Condition {
    /// A comparison of two values.
    Compare {
        /// The comparison operator.
        operator: Operator,
        /// `LeftValue`
        left: Expression,
        /// `RightValue`
        right: Expression,
    },
    /// Holds if a value equals one of several.
    In {
        /// `QueryValue`
        query: Expression,
        /// `Values`
        values: Vec<Expression>,
    },
    /// Holds if the inner condition does not.
    Not(Box<Condition>),
    /// Holds if all inner conditions hold.
    And(Vec<Condition>),
    /// Holds if at least one inner condition holds.
    Or(Vec<Condition>),
}

impl Condition {
    /// Returns the condition `left <operator> right`.
    pub fn compare(
        left: impl Into<Expression>,
        operator: Operator,
        right: impl Into<Expression>,
    ) -> Self {
        Self::Compare { operator, left: left.into(), right: right.into() }
    }
}

/// The five comparison operators of the language.
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
    /// Returns the operator's mathematical sign.
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

/// The JSON form of a condition.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "Type", rename_all_fields = "PascalCase", deny_unknown_fields)]
enum ConditionJson {
    Equals(Sides),
    GreaterThan(Sides),
    GreaterThanOrEqualTo(Sides),
    LessThan(Sides),
    LessThanOrEqualTo(Sides),
    In {
        query_value: Expression,
        values: Vec<Expression>,
    },
    // Older versions of the official SDK write `Expression`.
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

impl From<ConditionJson> for Condition {
    fn from(document: ConditionJson) -> Self {
        let (operator, sides) = match document {
            ConditionJson::Equals(sides) => (Operator::Equals, sides),
            ConditionJson::GreaterThan(sides) => (Operator::GreaterThan, sides),
            ConditionJson::GreaterThanOrEqualTo(sides) => (Operator::GreaterThanOrEqualTo, sides),
            ConditionJson::LessThan(sides) => (Operator::LessThan, sides),
            ConditionJson::LessThanOrEqualTo(sides) => (Operator::LessThanOrEqualTo, sides),
            ConditionJson::In { query_value: query, values } => return Self::In { query, values },
            ConditionJson::Not { condition } => return Self::Not(condition),
            ConditionJson::And { conditions } => return Self::And(conditions),
            ConditionJson::Or { conditions } => return Self::Or(conditions),
        };
        Self::Compare { operator, left: sides.left_value, right: sides.right_value }
    }
}

impl From<Condition> for ConditionJson {
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
    fn every_form_survives_a_round_trip() {
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
    fn an_invalid_condition_is_refused_with_the_reason() {
        let message =
            |value: Value| serde_json::from_value::<Condition>(value).unwrap_err().to_string();
        insta::assert_snapshot!(message(json!({"Type": "Equal", "LeftValue": 1, "RightValue": 1})), @"unknown variant `Equal`, expected one of `Equals`, `GreaterThan`, `GreaterThanOrEqualTo`, `LessThan`, `LessThanOrEqualTo`, `In`, `Not`, `And`, `Or`");
        insta::assert_snapshot!(message(json!({"Type": "Equals", "LeftValue": 1})), @"missing field `RightValue`");
        insta::assert_snapshot!(message(json!({"Type": "In", "LeftValue": 1, "Values": []})), @"unknown field `LeftValue`, expected `QueryValue` or `Values`");
        insta::assert_snapshot!(message(json!({"LeftValue": 1, "RightValue": 1})), @"missing field `Type`");
    }
}
