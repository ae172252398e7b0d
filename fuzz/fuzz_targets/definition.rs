//! Reads pipeline definitions, lints, orders and evaluates them, writes them and reads them again.

#![no_main]

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pipeline::{
    Definition, ExecutionVariable, Path, Reference, Room, Scope, StepKind, duration, evaluate_all,
    lint, resolve_all,
};
use serde_json::{Value, json};

struct Fixed<'a>(&'a Definition);

impl Scope for Fixed<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.0.parameters.iter().find(|parameter| parameter.name == name)?.default.clone()
    }

    fn execution(&self, variable: ExecutionVariable) -> String {
        variable.name().to_owned()
    }

    fn property(&self, step: &str, path: &Path) -> Option<Value> {
        let outputs = json!([{"OutputName": "train", "S3Output": {"S3Uri": step}}]);
        let answer = json!({
            "ProcessingOutputConfig": {"Outputs": outputs},
            "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        });
        path.find(&answer).cloned()
    }

    fn property_file(
        &self,
        _: &str,
        name: &str,
    ) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>> {
        let file = json!({"f1": {"value": 0.9}, "recall": {"value": "NaN"}, "a": [[1, true]]});
        match name {
            "Missing" => Err("not written".into()),
            _ => Ok(Arc::new(file)),
        }
    }
}

fn check_order(definition: &Definition) {
    let graph = definition.graph();
    let names: BTreeSet<_> =
        definition.steps_recursive().into_iter().map(|placed| &placed.step.name).collect();
    match graph.order() {
        Ok(order) => {
            assert_eq!(order.len(), names.len());
            for (index, step) in order.iter().enumerate() {
                let done = |need: &str| order[..index].contains(&need);
                let exists = |need: &str| order.contains(&need);
                assert!(graph.needs(step).all(|need| done(need) || !exists(need)), "{order:?}");
            }
        }
        Err(cycle) => {
            assert!(cycle.steps.len() > 1 && cycle.steps.first() == cycle.steps.last(), "{cycle}");
            for pair in cycle.steps.windows(2) {
                assert!(graph.needs(&pair[0]).any(|need| need == pair[1]), "{cycle}");
            }
        }
    }
}

fn work_out(definition: &Definition) {
    let scope = Fixed(definition);
    let room = Room::default();
    let _ = definition.parameter_values([("A", "1")]);
    let _ = definition.parameter_values([]);
    for placed in definition.steps_recursive() {
        let step = placed.step;
        assert!(definition.step(&step.name).is_some());
        if let Some(text) = step.cache.as_ref().and_then(|cache| cache.expire_after.as_ref()) {
            let _ = duration(text);
        }
        match &step.kind {
            StepKind::Processing(arguments) => drop(resolve_all(&**arguments, &scope, &room)),
            StepKind::Training(arguments) => drop(resolve_all(&**arguments, &scope, &room)),
            StepKind::Condition(arguments) => {
                if let Ok(verdict) = evaluate_all(&arguments.conditions, &scope, &room) {
                    assert!(verdict.comparisons.len() >= usize::from(!verdict.met), "{verdict:?}");
                }
            }
            StepKind::Fail { error_message } => drop(error_message.resolve(&scope)),
            StepKind::Other { arguments, .. } => drop(resolve_all(arguments, &scope, &room)),
        }
    }
}

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string(), text);
    }
    let definition = match Definition::from_json(text) {
        Ok(definition) => definition,
        Err(error) => {
            assert!(error.line <= text.lines().count().max(1) + 1, "{error}");
            return;
        }
    };
    let written = definition.to_json();
    let again =
        Definition::from_json(&written).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again, definition);
    assert_eq!(again.to_json(), written);
    for finding in lint(&definition) {
        let _ = finding.to_string();
    }
    check_order(&definition);
    work_out(&definition);
});
