//! Following a path into a job's Describe answer before there is one: what was asked for is known
//! from the step's arguments, what the service adds from the API's shapes.

use common::{did_you_mean, nearest};
use serde_json::Value;

use super::Severity;
use super::shapes::{FILLED_IN, Job, Shape};
use crate::path::{Path, Segment, own_names};
use crate::walk::is_expression;

/// A way that leads nowhere, and how sure that is.
type Problem = (Severity, String);

/// What the path leads to in the answer for this step.
pub(super) fn follow(
    step: &str,
    job: &Job,
    arguments: &Value,
    path: &Path,
) -> Result<Shape, Problem> {
    let mut walk = Walk { step, walked: String::new(), shape: job.request, asked: Some(arguments) };
    for (index, segment) in path.segments().iter().enumerate() {
        // What is worked out while the pipeline runs may hold anything.
        walk.asked = walk.asked.filter(|value| !value.as_object().is_some_and(is_expression));
        match (walk.shape, segment) {
            (Shape::Any, _) => break,
            (_, Segment::Name(name)) if index == 0 => walk.property(job, name)?,
            (Shape::Object { .. }, Segment::Name(name)) => walk.member(name)?,
            (Shape::List(entry), Segment::Name(name)) => walk.named(*entry, name)?,
            (Shape::List(entry), Segment::Index(at)) => walk.entry(*entry, *at)?,
            (Shape::Map, Segment::Name(name)) => walk.key(name)?,
            (Shape::Object { .. } | Shape::Map, Segment::Index(at)) => {
                return Err(error(format!("{} is no list, it has no [{at}]", walk.place())));
            }
            (Shape::Value, _) => {
                return Err(error(format!("{} is a value, nothing is in it", walk.place())));
            }
        }
    }
    if matches!((walk.shape, walk.asked), (Shape::Value, Some(Value::Null))) {
        let Walk { walked, .. } = walk;
        let message = format!("{step} is not given {walked}; the service may have no value for it");
        return Err((Severity::Warning, message));
    }
    Ok(walk.shape)
}

fn error(message: String) -> Problem {
    (Severity::Error, message)
}

struct Walk<'a> {
    step: &'a str,
    /// The path so far.
    walked: String,
    shape: Shape,
    /// What the request has here: null for nothing, none where the service decides.
    asked: Option<&'a Value>,
}

impl Walk<'_> {
    fn place(&self) -> String {
        let dot = if self.walked.is_empty() { "" } else { "." };
        format!("Steps.{}{dot}{}", self.step, self.walked)
    }

    /// The first step of the way: what was asked for and what the service adds lie side by side.
    fn property(&mut self, job: &Job, name: &str) -> Result<(), Problem> {
        if let Some(shape) = job.answer.member(name) {
            (self.shape, self.asked) = (shape, None);
            self.walked.push_str(name);
            return Ok(());
        }
        if !job.unanswered.contains(&name) && self.member(name).is_ok() {
            return Ok(());
        }
        let mut known = job.request.names();
        known.retain(|known| !job.unanswered.contains(known));
        known.extend(job.answer.names());
        let near = nearest(name, known);
        let message = format!("{} has no property {name:?}{}", self.step, did_you_mean(near));
        // A name close to one of the API's is that one misspelled; any other may be new there.
        Err((if near.is_some() { Severity::Error } else { Severity::Warning }, message))
    }

    fn member(&mut self, name: &str) -> Result<(), Problem> {
        let asked = self.asked.map(|asked| asked.get(name).unwrap_or(&Value::Null));
        (self.shape, self.asked) = match (self.shape.member(name), asked) {
            (Some(shape), Some(Value::Null)) if FILLED_IN.contains(&name) => (shape, None),
            (Some(shape), asked) => (shape, asked),
            // No name here, but the request has it.
            (None, Some(asked)) if !asked.is_null() => (Shape::Any, None),
            (None, _) => {
                let names = self.shape.names();
                let hint = match nearest(name, names.iter().copied()) {
                    None => format!("; it has {}", names.join(", ")),
                    near => did_you_mean(near),
                };
                return Err(error(format!("{} has no {name:?}{hint}", self.place())));
            }
        };
        if !self.walked.is_empty() {
            self.walked.push('.');
        }
        self.walked.push_str(name);
        Ok(())
    }

    fn named(&mut self, shape: Shape, name: &str) -> Result<(), Problem> {
        if let Some(asked) = self.asked {
            let entries = || asked.as_array().into_iter().flatten();
            self.asked = entries().find(|entry| own_names(entry).any(|own| own == name));
            if self.asked.is_none() {
                let owner = match self.walked.as_str() {
                    "ProcessingOutputConfig.Outputs" => format!("{} has no output", self.step),
                    "ProcessingInputs" => format!("{} has no input", self.step),
                    "InputDataConfig" => format!("{} has no channel", self.step),
                    _ => format!("{} has no entry", self.place()),
                };
                let suggestion = did_you_mean(nearest(name, entries().flat_map(own_names)));
                return Err(error(format!("{owner} {name:?}{suggestion}")));
            }
        }
        self.shape = shape;
        self.walked.push_str(&format!("['{name}']"));
        Ok(())
    }

    fn entry(&mut self, shape: Shape, index: usize) -> Result<(), Problem> {
        if let Some(asked) = self.asked {
            let entries = asked.as_array().map_or(&[][..], Vec::as_slice);
            self.asked = entries.get(index);
            if self.asked.is_none() {
                let (place, count) = (self.place(), entries.len());
                return Err(error(format!(
                    "{place} has no entry [{index}]; it has {count}, the first is [0]"
                )));
            }
        }
        self.shape = shape;
        self.walked.push_str(&format!("[{index}]"));
        Ok(())
    }

    /// The answer has no names but those that were asked for.
    fn key(&mut self, name: &str) -> Result<(), Problem> {
        if let Some(asked) = self.asked
            && asked.get(name).is_none()
        {
            let names = asked.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
            let suggestion = did_you_mean(nearest(name, names));
            return Err(error(format!("{} has no {name:?}{suggestion}", self.place())));
        }
        (self.shape, self.asked) = (Shape::Value, None);
        self.walked.push_str(&format!("['{name}']"));
        Ok(())
    }
}
