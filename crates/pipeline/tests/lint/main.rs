//! Lint finds each broken rule in an otherwise valid pipeline.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod definition;
mod inputs_and_outputs;
mod jobs;
mod references;
mod start;
mod steps;
mod training;

use pipeline::{
    ConditionArguments, Definition, ProcessingArguments, RetryPolicy, Step, StepKind,
    TrainingArguments, lint,
};

/// Returns the findings in the example after `change`, one a line.
fn findings(change: impl FnOnce(&mut Definition)) -> String {
    let mut definition = common::example();
    change(&mut definition);
    let lines: Vec<String> = lint(&definition).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Returns the findings after a change of one Processing step's arguments.
fn processing(step: &str, change: impl FnOnce(&mut ProcessingArguments)) -> String {
    in_step(step, |step| match &mut step.kind {
        StepKind::Processing(arguments) => change(arguments),
        _ => panic!("{} is no Processing step", step.name),
    })
}

fn training(change: impl FnOnce(&mut TrainingArguments)) -> String {
    in_step("Train", |step| match &mut step.kind {
        StepKind::Training(arguments) => change(arguments),
        _ => panic!("{} is no Training step", step.name),
    })
}

fn gate(change: impl FnOnce(&mut ConditionArguments)) -> String {
    in_step("Gate", |step| match &mut step.kind {
        StepKind::Condition(arguments) => change(arguments),
        _ => panic!("{} is no Condition step", step.name),
    })
}

fn in_step(name: &str, change: impl FnOnce(&mut Step)) -> String {
    findings(|definition| change(find(&mut definition.steps, name).unwrap()))
}

fn find<'a>(steps: &'a mut [Step], name: &str) -> Option<&'a mut Step> {
    for step in steps {
        if step.name == name {
            return Some(step);
        }
        if let StepKind::Condition(arguments) = &mut step.kind {
            let branches = arguments.if_steps.iter_mut().chain(&mut arguments.else_steps);
            for inner in branches {
                if inner.name == name {
                    return Some(inner);
                }
            }
        }
    }
    None
}

fn retry(change: impl FnOnce(&mut RetryPolicy)) -> String {
    in_step("Preprocess", |step| change(&mut step.retry_policies[0]))
}
