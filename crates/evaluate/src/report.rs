//! The report with the text about the missed gates, which the pipeline's Fail step shows.

use artifacts::{DocumentError, Evaluation, GateVerdict, Measure};
use config::steps::paths::MISSED_GATES;
use indexmap::IndexMap;
use serde_json::Value;

/// Returns the bytes of the evaluation report, with one more member that says which gates were
/// missed. An expression of a definition cannot choose among gates, so that the text is made here.
///
/// # Errors
/// No evaluation causes an error; the result is that of the serializer.
pub(crate) fn with_missed_gates(evaluation: &Evaluation) -> Result<Vec<u8>, DocumentError> {
    let malformed = |source| DocumentError::Malformed { name: "the evaluation report", source };
    let mut report: IndexMap<String, Value> =
        common::json::from_slice(&evaluation.to_json()?).map_err(malformed)?;
    report.insert(MISSED_GATES.to_owned(), missed_gates(&evaluation.gates).into());
    let mut bytes = serde_json::to_vec_pretty(&report).map_err(malformed)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Returns the missed gates with their values and minimums, such as
/// `recall 0.8, at least 0.85 wanted`; empty if every gate is met.
fn missed_gates(gates: &[GateVerdict]) -> String {
    let missed = gates.iter().filter(|gate| !gate.met);
    let texts: Vec<_> = missed
        .map(|GateVerdict { metric, minimum, value: Measure(value), .. }| {
            if value.is_nan() {
                format!("{metric} has no value, at least {minimum} wanted")
            } else {
                format!("{metric} {value}, at least {minimum} wanted")
            }
        })
        .collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(metric: &str, minimum: f64, value: f64) -> GateVerdict {
        let met = value >= minimum;
        GateVerdict { metric: metric.to_owned(), minimum, value: Measure(value), met }
    }

    #[test]
    fn only_missed_gates_are_named() {
        let gates = [
            gate("accuracy", 0.8, 0.8),
            gate("recall", 0.85, 0.8499999999999999),
            gate("precision", 0.5, f64::NAN),
            gate("npv", 1.0, 0.0),
        ];
        assert_eq!(
            missed_gates(&gates),
            "recall 0.8499999999999999, at least 0.85 wanted; \
             precision has no value, at least 0.5 wanted; npv 0, at least 1 wanted"
        );
        assert_eq!(missed_gates(&gates[..1]), "");
        assert_eq!(missed_gates(&[]), "");
    }
}
