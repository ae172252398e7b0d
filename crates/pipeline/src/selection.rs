//! The steps of an execution that begins at a step, with the results of the steps before it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::definition::Definition;
use crate::step::Step;

/// The top-level steps of a definition, divided by where an execution begins.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedSteps<'a> {
    /// The step at which the execution begins and all that need its results, in the definition's order.
    pub run: Vec<&'a Step>,
    /// The steps whose results these need, directly or indirectly, in the definition's order.
    pub kept: Vec<&'a Step>,
}

/// For each top-level step those that it needs, or those that need it.
type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Returns the steps of `start` and those to which edges lead from them, directly or indirectly.
fn reach<'a>(start: BTreeSet<&'a str>, edges: &Edges<'a>) -> BTreeSet<&'a str> {
    let mut reached = start.clone();
    let mut open: Vec<_> = start.into_iter().collect();
    while let Some(name) = open.pop() {
        for next in edges.get(name).into_iter().flatten() {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached
}

impl Definition {
    /// Divides the steps for an execution that begins at `step`. Returns `None` if there is no such step at the
    /// top level. A Condition step stands for the steps of its branches.
    pub fn select_from(&self, step: &str) -> Option<SelectedSteps<'_>> {
        self.steps.iter().find(|candidate| candidate.name == step)?;
        let graph = self.graph();
        let placed = self.steps_recursive();
        // The top-level step of each step; of several of one name the first.
        let mut tops = BTreeMap::new();
        for placed in &placed {
            let name = placed.step.name.as_str();
            let outermost = placed.branches.first().map_or(name, |branch| branch.condition);
            tops.entry(name).or_insert(outermost);
        }
        let (mut needed, mut users) = (Edges::new(), Edges::new());
        for (name, &top) in &tops {
            let needs = graph.needs(name).filter_map(|need| tops.get(need).copied());
            for need in needs.filter(|need| *need != top) {
                needed.entry(top).or_default().insert(need);
                users.entry(need).or_default().insert(top);
            }
        }
        let run = reach(BTreeSet::from([step]), &users);
        let kept: BTreeSet<_> =
            reach(run.clone(), &needed).into_iter().filter(|name| !run.contains(name)).collect();
        let of = |names: &BTreeSet<&str>| {
            self.steps.iter().filter(|step| names.contains(step.name.as_str())).collect()
        };
        Some(SelectedSteps { run: of(&run), kept: of(&kept) })
    }
}

impl Step {
    /// Returns the names of the pipeline's parameters that the step's expressions read.
    pub fn read_parameters(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        collect(&json!(self), &mut names);
        names
    }
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let get = members.get("Get").and_then(Value::as_str);
            match get.and_then(|path| path.strip_prefix("Parameters.")) {
                Some(name) => drop(names.insert(name.to_owned())),
                None => members.values().for_each(|member| collect(member, names)),
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Definition {
        let wait = |name: &str, depends: &str| {
            format!(
                r#"{{"Name": "{name}", "Type": "Lambda", "Arguments": {{"N": {{"Get": "Parameters.{name}N"}}}}, "DependsOn": [{depends}]}}"#
            )
        };
        let inner = wait("Publish", r#""Audit""#);
        let gate = format!(
            r#"{{"Name": "Gate", "Type": "Condition", "DependsOn": ["Train"],
                "Arguments": {{"Conditions": [], "IfSteps": [{inner}], "ElseSteps": []}}}}"#
        );
        let steps = [
            wait("Clean", ""),
            wait("Audit", ""),
            wait("Train", r#""Clean""#),
            gate,
            wait("Report", r#""Gate""#),
            wait("Other", ""),
        ];
        let text = format!(
            r#"{{"Version": "2020-12-01", "Parameters": [], "Steps": [{}]}}"#,
            steps.join(", ")
        );
        Definition::from_json(&text).unwrap()
    }

    fn names<'a>(steps: &[&'a Step]) -> Vec<&'a str> {
        steps.iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn what_comes_after_runs_and_what_it_needs_is_kept() {
        let definition = definition();
        let train = definition.select_from("Train").unwrap();
        assert_eq!(names(&train.run), ["Train", "Gate", "Report"]);
        // A step in a branch needs it.
        assert_eq!(names(&train.kept), ["Clean", "Audit"]);
        let report = definition.select_from("Report").unwrap();
        assert_eq!(names(&report.run), ["Report"]);
        assert_eq!(names(&report.kept), ["Clean", "Audit", "Train", "Gate"]);
        let other = definition.select_from("Other").unwrap();
        assert_eq!((names(&other.run), names(&other.kept)), (vec!["Other"], vec![]));
    }

    #[test]
    fn a_branch_is_no_beginning() {
        assert_eq!(definition().select_from("Publish"), None);
        assert_eq!(definition().select_from("Nothing"), None);
    }

    #[test]
    fn parameters_are_found_in_branches_too() {
        let definition = definition();
        let read = definition.step("Gate").unwrap().read_parameters();
        assert_eq!(read.into_iter().collect::<Vec<_>>(), ["PublishN"]);
    }
}
