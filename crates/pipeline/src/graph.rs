//! The dependencies between steps.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};

use crate::definition::Definition;
use crate::step::{Step, StepKind};
use crate::walk;

/// A step and its place in the definition.
#[derive(Clone, Debug)]
pub struct PlacedStep<'a> {
    /// The step.
    pub step: &'a Step,
    /// The place, such as `Steps.Train` or `Steps.QualityGate.IfSteps.Register`. A step with an
    /// empty name has its index in place of the name.
    pub place: String,
    /// The branches around the step, outermost first; empty at the top level.
    pub branches: Vec<Branch<'a>>,
}

/// One branch of a Condition step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch<'a> {
    /// The Condition step's name.
    pub condition: &'a str,
    /// True for `IfSteps`, false for `ElseSteps`.
    pub when: bool,
}

impl Definition {
    /// Returns every step, including those in branches. A Condition step comes before the steps of
    /// its branches.
    pub fn steps_recursive(&self) -> Vec<PlacedStep<'_>> {
        let mut placed = Vec::new();
        place_steps(&self.steps, "Steps", &[], &mut placed);
        placed
    }

    /// Returns the step of this name, at the top level or in a branch.
    pub fn step(&self, name: &str) -> Option<&Step> {
        find_step(&self.steps, name)
    }

    /// Returns the definition of a step and of those that it needs, directly or through others, all of them at the top
    /// level: without the Condition steps around them, as it runs where they have let it run.
    pub fn up_to(&self, step: &str) -> Self {
        let graph = self.graph();
        let placed = self.steps_recursive();
        // Reversed, so that of several steps of one name the first is inserted last and stays.
        let named = placed.iter().rev().map(|placed| (placed.step.name.as_str(), placed.step));
        let named: BTreeMap<&str, &Step> = named.collect();
        let mut kept = BTreeSet::new();
        let mut open = vec![step];
        while let Some(name) = open.pop() {
            if let Some(&step) = named.get(name)
                && !matches!(step.kind, StepKind::Condition(_))
                && kept.insert(step.name.as_str())
            {
                open.extend(graph.needs(&step.name));
            }
        }
        let steps = placed.into_iter().map(|placed| placed.step);
        let mut steps: Vec<Step> =
            steps.filter(|step| kept.contains(step.name.as_str())).cloned().collect();
        for step in &mut steps {
            step.depends_on.retain(|need| kept.contains(need.as_str()));
        }
        Self { steps, ..self.clone() }
    }

    /// Returns the dependencies between the steps.
    pub fn graph(&self) -> Graph {
        let mut needs: IndexMap<String, BTreeSet<String>> = IndexMap::new();
        for PlacedStep { step, branches, .. } in self.steps_recursive() {
            let entry = needs.entry(step.name.clone()).or_default();
            entry.extend(step.depends_on.iter().cloned());
            entry.extend(branches.last().map(|branch| branch.condition.to_owned()));
            for (_, expression) in walk::expressions(step) {
                let references = expression.map(|e| e.references()).unwrap_or_default();
                entry.extend(references.iter().filter_map(|r| r.step()).map(str::to_owned));
            }
        }
        Graph { needs }
    }
}

/// Finds the first step of this name in the order of [`Definition::steps_recursive`], without
/// building the list.
fn find_step<'a>(steps: &'a [Step], name: &str) -> Option<&'a Step> {
    steps.iter().find_map(|step| match &step.kind {
        _ if step.name == name => Some(step),
        StepKind::Condition(arguments) => {
            find_step(&arguments.if_steps, name).or_else(|| find_step(&arguments.else_steps, name))
        }
        _ => None,
    })
}

fn place_steps<'a>(
    steps: &'a [Step],
    prefix: &str,
    branches: &[Branch<'a>],
    placed: &mut Vec<PlacedStep<'a>>,
) {
    for (index, step) in steps.iter().enumerate() {
        let place = match step.name.as_str() {
            "" => format!("{prefix}[{index}]"),
            name => format!("{prefix}.{name}"),
        };
        placed.push(PlacedStep { step, place: place.clone(), branches: branches.to_vec() });
        if let StepKind::Condition(arguments) = &step.kind {
            for (when, list, name) in [
                (true, &arguments.if_steps, "IfSteps"),
                (false, &arguments.else_steps, "ElseSteps"),
            ] {
                let mut inner = branches.to_vec();
                inner.push(Branch { condition: &step.name, when });
                place_steps(list, &format!("{place}.{name}"), &inner, placed);
            }
        }
    }
}

/// The dependency graph: for each step the steps that must finish before it, which are those in its
/// `DependsOn`, those that its expressions refer to, and the Condition step whose branch it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    needs: IndexMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Returns the direct dependencies of a step, sorted by name.
    pub fn needs(&self, step: &str) -> impl Iterator<Item = &str> {
        self.needs.get(step).into_iter().flatten().map(String::as_str)
    }

    /// Returns all steps in topological order, and in the definition's order where dependencies
    /// allow it. Dependencies that do not exist are ignored.
    ///
    /// Fails if steps depend on one another.
    pub fn order(&self) -> Result<Vec<&str>, Cycle> {
        // Kahn's algorithm: the number of unfinished dependencies of each step, and its dependents.
        let mut pending = vec![0_usize; self.needs.len()];
        let mut dependents = vec![Vec::new(); self.needs.len()];
        for (index, needs) in self.needs.values().enumerate() {
            for need in needs.iter().filter_map(|need| self.needs.get_index_of(need)) {
                pending[index] += 1;
                dependents[need].push(index);
            }
        }
        // Ordered by index, so that the first ready step of the definition comes first.
        let mut ready: BTreeSet<usize> =
            (0..pending.len()).filter(|index| pending[*index] == 0).collect();
        let mut order: Vec<&str> = Vec::new();
        while let Some(index) = ready.pop_first() {
            order.extend(self.needs.get_index(index).map(|(step, _)| step.as_str()));
            for &next in &dependents[index] {
                pending[next] -= 1;
                if pending[next] == 0 {
                    ready.insert(next);
                }
            }
        }
        if order.len() < self.needs.len() {
            return Err(self.cycle(&order.into_iter().collect()));
        }
        Ok(order)
    }

    /// Returns a cycle, found by following dependencies from one remaining step to the next until a
    /// step repeats. There is one, since each remaining step depends on another remaining step.
    fn cycle(&self, done: &BTreeSet<&str>) -> Cycle {
        let waiting = |step: &&str| !done.contains(step) && self.needs.contains_key(*step);
        let mut walked: IndexSet<&str> = IndexSet::new();
        let mut next = self.needs.keys().map(String::as_str).find(waiting);
        while let Some(step) = next {
            let (start, new) = walked.insert_full(step);
            if !new {
                let ring = walked.iter().skip(start).copied().chain([step]);
                return Cycle { steps: ring.map(str::to_owned).collect() };
            }
            next = self.needs(step).find(waiting);
        }
        Cycle { steps: walked.into_iter().map(str::to_owned).collect() }
    }
}

/// The error of steps that depend on one another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("steps wait for one another: {}", steps.join(" -> "))]
pub struct Cycle {
    /// The steps of the cycle. Each depends on the next, and the last equals the first.
    pub steps: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Condition, Operator};
    use crate::expression::Expression;
    use crate::step::ConditionArguments;

    fn step(name: &str, needs: &[&str]) -> Step {
        Step { depends_on: needs.iter().map(|s| (*s).to_owned()).collect(), ..Step::fail(name, "") }
    }

    fn definition(steps: Vec<Step>) -> Definition {
        Definition::new(Vec::new(), steps)
    }

    #[test]
    fn steps_follow_their_dependencies_and_else_the_definitions_order() {
        let gate = ConditionArguments {
            conditions: vec![Condition::compare(
                Expression::json_get("Evaluate", "Report", "f1"),
                Operator::GreaterThan,
                Expression::property("Train", "CreationTime"),
            )],
            if_steps: vec![Step::fail("Good", Expression::property("Load", "X"))],
            else_steps: vec![Step::fail(
                "Bad",
                Expression::join("", [Expression::output("Clean", "o")]),
            )],
        };
        let definition = definition(vec![
            Step::new("Gate", gate),
            step("Evaluate", &["Train"]),
            step("Train", &[]),
            step("Clean", &[]),
            step("Load", &["Clean"]),
        ]);
        let graph = definition.graph();
        assert_eq!(graph.needs("Gate").collect::<Vec<_>>(), ["Evaluate", "Train"]);
        assert_eq!(graph.needs("Good").collect::<Vec<_>>(), ["Gate", "Load"]);
        assert_eq!(graph.needs("Bad").collect::<Vec<_>>(), ["Clean", "Gate"]);
        assert_eq!(
            graph.order().unwrap(),
            ["Train", "Evaluate", "Gate", "Clean", "Bad", "Load", "Good"]
        );
        let places: Vec<String> =
            definition.steps_recursive().into_iter().map(|placed| placed.place).collect();
        assert_eq!(
            places[..3],
            ["Steps.Gate", "Steps.Gate.IfSteps.Good", "Steps.Gate.ElseSteps.Bad"]
        );
        assert_eq!(
            definition.steps_recursive()[2].branches,
            [Branch { condition: "Gate", when: false }]
        );
    }

    #[test]
    fn a_step_is_found_in_branches_too() {
        let inner = ConditionArguments {
            conditions: Vec::new(),
            if_steps: vec![step("Deep", &[])],
            else_steps: vec![step("Twice", &["First"])],
        };
        let gate = ConditionArguments {
            conditions: Vec::new(),
            if_steps: vec![Step::new("Inner", inner)],
            else_steps: vec![step("Bad", &[])],
        };
        let definition = definition(vec![Step::new("Gate", gate), step("Twice", &[])]);
        for name in ["Gate", "Inner", "Deep", "Bad"] {
            assert_eq!(definition.step(name).unwrap().name, name);
        }
        assert_eq!(definition.step("Twice").unwrap().depends_on, ["First"]);
        assert_eq!(definition.step("None"), None);
    }

    #[test]
    fn a_cycle_is_named() {
        let definition = definition(vec![
            step("A", &["B"]),
            step("B", &["C"]),
            step("C", &["D", "B"]),
            step("D", &["Nowhere"]),
        ]);
        insta::assert_snapshot!(definition.graph().order().unwrap_err(), @"steps wait for one another: B -> C -> B");
    }
}
