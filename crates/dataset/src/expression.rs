//! Parses and evaluates the expressions of engineered features.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::statistics::ColumnSummary;

/// The maximum length of an expression in bytes.
const MAX_BYTES: usize = 1_000;
/// The maximum nesting. The parser and the evaluation recurse once for each level.
const MAX_DEPTH: usize = 64;

/// A parsed expression. Columns are referred to by their index.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
    statistics: Vec<Statistic>,
}

/// A statistic of a column over the training rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statistic {
    pub(crate) kind: StatisticKind,
    pub(crate) column: usize,
}

/// The statistics that an expression can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatisticKind {
    Median,
    Mean,
    Std,
}

impl StatisticKind {
    /// Returns this statistic from a column's summary.
    pub(crate) fn of(self, summary: &ColumnSummary) -> f64 {
        match self {
            Self::Median => summary.median,
            Self::Mean => summary.mean,
            Self::Std => summary.std,
        }
    }
}

/// A node of the syntax tree.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64),
    Column(usize),
    /// A statistic by its index in the expression's list.
    Statistic(usize),
    Negative(Box<Node>),
    Call(Function, Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
}

impl Node {
    fn add_columns(&self, columns: &mut BTreeSet<usize>) {
        match self {
            Self::Number(_) | Self::Statistic(_) => {}
            Self::Column(column) => {
                columns.insert(*column);
            }
            Self::Negative(operand) | Self::Call(_, operand) => operand.add_columns(columns),
            Self::Binary(_, left, right) => {
                left.add_columns(columns);
                right.add_columns(columns);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Sqrt,
    Ln,
    Log1p,
    Exp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Min,
    Max,
}

const FUNCTIONS: [(&str, Function); 5] = [
    ("abs", Function::Abs),
    ("sqrt", Function::Sqrt),
    ("ln", Function::Ln),
    ("log1p", Function::Log1p),
    ("exp", Function::Exp),
];
const STATISTICS: [(&str, StatisticKind); 3] =
    [("median", StatisticKind::Median), ("mean", StatisticKind::Mean), ("std", StatisticKind::Std)];
const EXTREMES: [(&str, Operator); 2] = [("min", Operator::Min), ("max", Operator::Max)];

fn lookup<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
}

/// A syntax error or an unknown name in an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`, character {position}: {problem}")]
pub struct ExpressionError {
    /// The whole expression.
    pub text: String,
    /// The position of the error in characters, from 1.
    pub position: usize,
    /// The description of the error: what was found and what was expected.
    pub problem: String,
}

impl Expression {
    /// Returns the indices of the columns that the expression uses.
    pub(crate) fn columns(&self) -> BTreeSet<usize> {
        let mut columns = self.statistics.iter().map(|statistic| statistic.column).collect();
        self.root.add_columns(&mut columns);
        columns
    }

    /// Parses an expression over these columns in the grammar
    ///
    /// ```text
    /// sum       = product { ("+" | "-") product }
    /// product   = factor { ("*" | "/") factor }
    /// factor    = "-" factor | number | column | statistic "(" column ")"
    ///           | function "(" sum { "," sum } ")" | "(" sum ")"
    /// statistic = "median" | "mean" | "std"
    /// function  = "abs" | "sqrt" | "ln" | "log1p" | "exp" | "min" | "max"
    /// ```
    ///
    /// # Errors
    /// Returns an error with the position of the first character that is wrong; for an unknown name
    /// it suggests the nearest known one.
    pub fn parse(text: &str, columns: &[&str]) -> Result<Self, ExpressionError> {
        let mut parser = Parser { text, at: 0, columns, statistics: Vec::new(), depth: 0 };
        if text.len() > MAX_BYTES {
            let shown: String = text.chars().take(40).collect();
            let problem = format!("longer than {MAX_BYTES} bytes");
            return Err(ExpressionError { text: format!("{shown}…"), position: 1, problem });
        }
        let root = parser.sum()?;
        parser.skip_blanks();
        match parser.rest().chars().next() {
            None => Ok(Self { root, statistics: parser.statistics }),
            Some(letter) => {
                Err(parser.error(parser.at, format!("found `{letter}`, expected an operator")))
            }
        }
    }

    /// Returns the statistics that the expression uses, each once.
    pub(crate) fn statistics(&self) -> &[Statistic] {
        &self.statistics
    }

    /// Evaluates the expression for a row. `statistics` holds the values of [`Self::statistics`].
    /// The result is not finite where the arithmetic is undefined or overflows.
    pub(crate) fn evaluate(&self, row: &[f64], statistics: &[f64]) -> f64 {
        evaluate(&self.root, row, statistics)
    }
}

fn evaluate(node: &Node, row: &[f64], statistics: &[f64]) -> f64 {
    match node {
        Node::Number(number) => *number,
        Node::Column(column) => row[*column],
        Node::Statistic(index) => statistics[*index],
        Node::Negative(inner) => -evaluate(inner, row, statistics),
        Node::Call(function, inner) => {
            let value = evaluate(inner, row, statistics);
            match function {
                Function::Abs => value.abs(),
                Function::Sqrt => value.sqrt(),
                Function::Ln => libm::log(value),
                Function::Log1p => libm::log1p(value),
                Function::Exp => libm::exp(value),
            }
        }
        Node::Binary(operator, left, right) => {
            let left = evaluate(left, row, statistics);
            let right = evaluate(right, row, statistics);
            match operator {
                Operator::Add => left + right,
                Operator::Subtract => left - right,
                Operator::Multiply => left * right,
                Operator::Divide => left / right,
                // f64::min and f64::max would ignore a NaN.
                Operator::Min | Operator::Max if left.is_nan() || right.is_nan() => f64::NAN,
                Operator::Min => left.min(right),
                Operator::Max => left.max(right),
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    columns: &'a [&'a str],
    statistics: Vec<Statistic>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Skips blanks, consumes the next character if it is `letter`, and returns whether it was.
    fn take(&mut self, letter: char) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(letter);
        if is_next {
            self.at += letter.len_utf8();
        }
        is_next
    }

    /// Consumes `letter`, or returns an error if another character is next.
    fn expect(&mut self, letter: char) -> Result<(), ExpressionError> {
        if self.take(letter) {
            return Ok(());
        }
        Err(self.error(self.at, format!("found {}, expected `{letter}`", self.describe_next())))
    }

    /// Describes the next character for a message.
    fn describe_next(&self) -> String {
        let next = self.rest().chars().next();
        next.map_or_else(|| "the end".to_owned(), |letter| format!("`{letter}`"))
    }

    /// Returns an error at the byte `at`.
    fn error(&self, at: usize, problem: String) -> ExpressionError {
        let position = self.text[..at].chars().count() + 1;
        ExpressionError { text: self.text.to_owned(), position, problem }
    }

    fn sum(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.product()?;
        loop {
            let operator = if self.take('+') {
                Operator::Add
            } else if self.take('-') {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = self.binary(operator, left, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.factor()?;
        loop {
            let operator = if self.take('*') {
                Operator::Multiply
            } else if self.take('/') {
                Operator::Divide
            } else {
                return Ok(left);
            };
            left = self.binary(operator, left, Self::factor)?;
        }
    }

    /// Parses the right operand with `right`.
    fn binary(
        &mut self,
        operator: Operator,
        left: Node,
        right: fn(&mut Self) -> Result<Node, ExpressionError>,
    ) -> Result<Node, ExpressionError> {
        Ok(Node::Binary(operator, Box::new(left), Box::new(right(self)?)))
    }

    fn factor(&mut self) -> Result<Node, ExpressionError> {
        self.skip_blanks();
        if self.depth == MAX_DEPTH {
            return Err(self.error(self.at, format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let node = self.factor_within_depth();
        self.depth -= 1;
        node
    }

    fn factor_within_depth(&mut self) -> Result<Node, ExpressionError> {
        if self.take('-') {
            return Ok(Node::Negative(Box::new(self.factor()?)));
        }
        if self.take('(') {
            let inner = self.sum()?;
            self.expect(')')?;
            return Ok(inner);
        }
        match self.rest().chars().next() {
            Some(letter) if letter.is_ascii_digit() || letter == '.' => self.number(),
            Some(letter) if letter.is_alphabetic() || letter == '_' => self.column_or_call(),
            _ => {
                let expected = "expected a number, a column, a function or `(`";
                Err(self.error(self.at, format!("found {}, {expected}", self.describe_next())))
            }
        }
    }

    fn number(&mut self) -> Result<Node, ExpressionError> {
        let begin = self.at;
        let mut before = ' ';
        let length = self.rest().find(|letter: char| {
            let of_exponent = matches!(letter, '+' | '-') && matches!(before, 'e' | 'E');
            before = letter;
            !(letter.is_alphanumeric() || letter == '.' || of_exponent)
        });
        self.at += length.unwrap_or(self.rest().len());
        let text = &self.text[begin..self.at];
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Node::Number(number)),
            _ => Err(self.error(begin, format!("found `{text}`, expected a number"))),
        }
    }

    /// Consumes a name; an empty one if none is next.
    fn name(&mut self) -> &'a str {
        let begin = self.at;
        let length = self.rest().find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        self.at += length.unwrap_or(self.rest().len());
        &self.text[begin..self.at]
    }

    /// Parses a column, or a call of a statistic or function.
    fn column_or_call(&mut self) -> Result<Node, ExpressionError> {
        let begin = self.at;
        let name = self.name();
        if !self.take('(') {
            return self.column(begin, name).map(Node::Column);
        }
        let node = if let Some(kind) = lookup(&STATISTICS, name) {
            self.skip_blanks();
            let begin = self.at;
            let name = self.name();
            let statistic = Statistic { kind, column: self.column(begin, name)? };
            let known = self.statistics.iter().position(|other| *other == statistic);
            Node::Statistic(known.unwrap_or_else(|| {
                self.statistics.push(statistic);
                self.statistics.len() - 1
            }))
        } else if let Some(function) = lookup(&FUNCTIONS, name) {
            Node::Call(function, Box::new(self.sum()?))
        } else if let Some(operator) = lookup(&EXTREMES, name) {
            let mut left = self.sum()?;
            self.expect(',')?;
            left = self.binary(operator, left, Self::sum)?;
            while self.take(',') {
                left = self.binary(operator, left, Self::sum)?;
            }
            left
        } else {
            let known = FUNCTIONS.map(|(name, _)| name).into_iter();
            let known = known.chain(EXTREMES.map(|(name, _)| name));
            let known: Vec<_> = known.chain(STATISTICS.map(|(name, _)| name)).collect();
            return Err(self.unknown("function", begin, name, &known));
        };
        self.expect(')')?;
        Ok(node)
    }

    /// Returns the index of the column `name`, which begins at the byte `begin`.
    fn column(&self, begin: usize, name: &str) -> Result<usize, ExpressionError> {
        if name.is_empty() {
            let problem = format!("found {}, expected a column", self.describe_next());
            return Err(self.error(begin, problem));
        }
        self.columns
            .iter()
            .position(|column| *column == name)
            .ok_or_else(|| self.unknown("column", begin, name, self.columns))
    }

    /// Returns an error that suggests the nearest known name, or lists all if none is near.
    fn unknown(&self, what: &str, begin: usize, name: &str, known: &[&str]) -> ExpressionError {
        let hint = match common::nearest(name, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!(", expected one of: {}", known.join(", ")),
        };
        self.error(begin, format!("no {what} `{name}`{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: [&str; 3] = ["Torque", "Spindle_Speed", "Cutting"];

    /// Evaluates an expression for the row 2, 4, -3 with every statistic being 10.
    fn value(text: &str) -> f64 {
        Expression::parse(text, &COLUMNS).unwrap().evaluate(&[2.0, 4.0, -3.0], &[10.0; 9])
    }

    #[test]
    fn values_match_those_computed_by_hand() {
        assert_eq!(value("1 + 2 * 3"), 7.0);
        assert_eq!(value("(1 + 2) * 3"), 9.0);
        assert_eq!(value("8 - 2 - 1"), 5.0);
        assert_eq!(value("8 / 2 / 2"), 2.0);
        assert_eq!(value("-Torque * -3"), 6.0);
        assert_eq!(value("--2"), 2.0);
        assert_eq!(value("Torque-1e-1"), 1.9);
        assert_eq!(value("Torque / (Spindle_Speed + 1e-6)"), 2.0 / 4.000_001);
        assert_eq!(value("abs(Cutting) + sqrt(Spindle_Speed)"), 5.0);
        assert_eq!(value("ln(exp(2)) + log1p(0)"), 2.0);
        assert_eq!(value("min(Torque, Cutting, 7) + max(Torque, 3)"), 0.0);
        assert_eq!(value("Torque - median(Torque)"), -8.0);
        assert_eq!(value("mean(Torque) / std ( Torque )"), 1.0);
        assert_eq!(value(".5 * 2."), 1.0);
    }

    #[test]
    fn undefined_arithmetic_is_not_finite() {
        for text in ["1 / 0", "sqrt(Cutting)", "ln(0)", "min(1, 0 / 0)", "exp(1000)"] {
            assert!(!value(text).is_finite(), "{text}");
        }
    }

    #[test]
    fn a_statistic_is_listed_once() {
        let text = "Torque / median(Torque) - median(Torque) + mean(Torque)";
        assert_eq!(Expression::parse(text, &COLUMNS).unwrap().statistics().len(), 2);
    }

    #[test]
    fn errors_point_at_their_character() {
        let error = |text: &str| Expression::parse(text, &COLUMNS).unwrap_err().to_string();
        insta::assert_snapshot!(error("2 * Torqe"), @"`2 * Torqe`, character 5: no column `Torqe`; did you mean `Torque`?");
        insta::assert_snapshot!(error("2 * torque"), @"`2 * torque`, character 5: no column `torque`; did you mean `Torque`?");
        insta::assert_snapshot!(error("Speed + 1"), @"`Speed + 1`, character 1: no column `Speed`; did you mean `Spindle_Speed`?");
        insta::assert_snapshot!(error("medan(Torque)"), @"`medan(Torque)`, character 1: no function `medan`; did you mean `mean`?");
        insta::assert_snapshot!(error("system(1)"), @"`system(1)`, character 1: no function `system`, expected one of: abs, sqrt, ln, log1p, exp, min, max, median, mean, std");
        insta::assert_snapshot!(error("median(Torque + 1)"), @"`median(Torque + 1)`, character 15: found `+`, expected `)`");
        insta::assert_snapshot!(error("median(1)"), @"`median(1)`, character 8: no column `1`, expected one of: Torque, Spindle_Speed, Cutting");
        insta::assert_snapshot!(error("min(Torque)"), @"`min(Torque)`, character 11: found `)`, expected `,`");
        insta::assert_snapshot!(error("abs(Torque, 1)"), @"`abs(Torque, 1)`, character 11: found `,`, expected `)`");
        insta::assert_snapshot!(error("(Torque"), @"`(Torque`, character 8: found the end, expected `)`");
        insta::assert_snapshot!(error("Torque)"), @"`Torque)`, character 7: found `)`, expected an operator");
        insta::assert_snapshot!(error("Torque Cutting"), @"`Torque Cutting`, character 8: found `C`, expected an operator");
        insta::assert_snapshot!(error("Torque ** 2"), @"`Torque ** 2`, character 9: found `*`, expected a number, a column, a function or `(`");
        insta::assert_snapshot!(error("1.2.3"), @"`1.2.3`, character 1: found `1.2.3`, expected a number");
        insta::assert_snapshot!(error("2x"), @"`2x`, character 1: found `2x`, expected a number");
        insta::assert_snapshot!(error("ä * 2"), @"`ä * 2`, character 1: no column `ä`, expected one of: Torque, Spindle_Speed, Cutting");
        insta::assert_snapshot!(error("µ + ?"), @"`µ + ?`, character 1: no column `µ`, expected one of: Torque, Spindle_Speed, Cutting");
        insta::assert_snapshot!(error(""), @"``, character 1: found the end, expected a number, a column, a function or `(`");
    }

    #[test]
    fn length_and_depth_are_limited() {
        let error = |text: String| Expression::parse(&text, &COLUMNS).unwrap_err().problem;
        assert_eq!(error("1+".repeat(600)), "longer than 1000 bytes");
        assert_eq!(error("(".repeat(900)), "nested more than 64 deep");
        assert_eq!(error("-".repeat(900)), "nested more than 64 deep");
    }

    /// Generates an expression as text and its value.
    fn arbitrary() -> impl Strategy<Value = (String, f64)> {
        let leaf = prop_oneof![
            (0_u32..1000).prop_map(|n| (n.to_string(), f64::from(n))),
            Just(("Torque".to_owned(), 2.0)),
            Just(("Cutting".to_owned(), -3.0)),
            Just(("mean(Spindle_Speed)".to_owned(), 10.0)),
        ];
        leaf.prop_recursive(5, 30, 2, |inner| {
            (inner.clone(), inner, 0..8).prop_map(|((a, x), (b, y), choice)| match choice {
                0 => (format!("({a} + {b})"), x + y),
                1 => (format!("({a} - {b})"), x - y),
                2 => (format!("({a} * {b})"), x * y),
                3 => (format!("({a} / {b})"), x / y),
                4 => (format!("-{a}"), -x),
                5 => (format!("abs({a})"), x.abs()),
                6 => (
                    format!("max({a},{b})"),
                    if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) },
                ),
                _ => (format!("log1p( {a} )"), libm::log1p(x)),
            })
        })
    }

    proptest! {
        #[test]
        fn values_match_rust_arithmetic((text, expected) in arbitrary()) {
            prop_assume!(text.len() <= MAX_BYTES);
            let found = value(&text);
            prop_assert!(found == expected || (found.is_nan() && expected.is_nan()), "{text}: {found} {expected}");
        }

        #[test]
        fn no_text_panics(text in "[-+*/(),. a-z0-9TorqueCuttingµ]{0,40}") {
            if let Ok(expression) = Expression::parse(&text, &COLUMNS) {
                expression.evaluate(&[2.0, 4.0, -3.0], &[10.0; 99]);
            }
        }
    }
}
