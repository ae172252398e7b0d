//! Checks of conditions: comparisons whose types do not fit.

use super::Linter;
use super::known::ValueType;
use crate::condition::{Condition, Operator};
use crate::expression::Expression;

impl Linter<'_> {
    pub(super) fn conditions(&mut self, place: &str, conditions: &[Condition]) {
        if conditions.is_empty() {
            self.error(place, "empty; at least one condition is needed");
        }
        for (index, condition) in conditions.iter().enumerate() {
            self.condition(&format!("{place}[{index}]"), condition);
        }
    }

    fn condition(&mut self, place: &str, condition: &Condition) {
        match condition {
            Condition::Compare { operator, left, right } => {
                self.comparison(place, *operator, left, right);
            }
            Condition::In { query, values } => {
                if values.is_empty() {
                    self.error(format!("{place}.Values"), "empty; nothing can be in it");
                }
                for (index, value) in values.iter().enumerate() {
                    let place = format!("{place}.Values[{index}]");
                    self.comparison(&place, Operator::Equals, query, value);
                }
            }
            Condition::Not(condition) => self.condition(&format!("{place}.Condition"), condition),
            Condition::And(conditions) => {
                self.warning(
                    place,
                    "And is not in the service's documentation; a Condition step's own list is \
                     AND-ed, and Not of Or of Nots says the same",
                );
                self.conditions(&format!("{place}.Conditions"), conditions);
            }
            Condition::Or(conditions) => {
                self.conditions(&format!("{place}.Conditions"), conditions);
            }
        }
    }

    fn comparison(
        &mut self,
        place: &str,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) {
        let (left_kind, right_kind) = (self.kind(left), self.kind(right));
        let number = |kind| matches!(kind, ValueType::Integer | ValueType::Float);
        let alike = left_kind == right_kind || (number(left_kind) && number(right_kind));
        let unknown = left_kind == ValueType::Unknown || right_kind == ValueType::Unknown;
        if !alike && !unknown {
            self.error(
                place,
                format!(
                    "compares {left}, {}, with {right}, {}",
                    left_kind.name(),
                    right_kind.name()
                ),
            );
        }
        for (side, kind) in [(left, left_kind), (right, right_kind)] {
            if kind == ValueType::Boolean && operator != Operator::Equals {
                self.error(place, format!("{side} is a boolean and has no order; use Equals"));
            }
        }
    }
}
