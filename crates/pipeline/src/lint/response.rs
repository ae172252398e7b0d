//! Checks of paths into a job's Describe response. The response does not exist yet: its requested
//! members are known from the step's arguments, and those that the service adds from the API's
//! shapes.

use common::{did_you_mean, nearest};
use serde_json::Value;

use super::Severity;
use super::shapes::{DEFAULTED, JobShapes, Shape};
use crate::path::{Path, Segment, own_names};
use crate::walk::is_expression;

/// The number of entries of the longest list that is searched for a name. The service allows fewer, which another check
/// says, and a search for each reference to a longer one takes minutes.
const MOST_SEARCHED: usize = 200;

/// The message about an invalid path, and its severity.
type Problem = (Severity, String);

/// Returns the shape at the end of the path in the response for this step.
pub(super) fn follow(
    step: &str,
    job: &JobShapes,
    arguments: &Value,
    path: &Path,
) -> Result<Shape, Problem> {
    let mut position =
        Position { step, path: String::new(), shape: job.request, requested: Some(arguments) };
    for (index, segment) in path.segments().iter().enumerate() {
        // The value of an expression is not known here and may have any shape.
        position.requested =
            position.requested.filter(|value| !value.as_object().is_some_and(is_expression));
        match (position.shape, segment) {
            (Shape::Any, _) => break,
            (_, Segment::Name(name)) if index == 0 => position.property(job, name)?,
            (Shape::Object { .. }, Segment::Name(name)) => position.member(name)?,
            (Shape::List(entry), Segment::Name(name)) => position.named(*entry, name)?,
            (Shape::List(entry), Segment::Index(at)) => position.entry(*entry, *at)?,
            (Shape::Map, Segment::Name(name)) => position.key(name)?,
            (Shape::Object { .. } | Shape::Map, Segment::Index(at)) => {
                return Err(error(format!("{} is not a list and has no [{at}]", position.place())));
            }
            (Shape::Value, _) => {
                return Err(error(format!("{} is a value and has no members", position.place())));
            }
        }
    }
    if matches!((position.shape, position.requested), (Shape::Value, Some(Value::Null))) {
        let Position { path, .. } = position;
        let message = format!("{step} is not given {path}; the service may have no value for it");
        return Err((Severity::Warning, message));
    }
    Ok(position.shape)
}

fn error(message: String) -> Problem {
    (Severity::Error, message)
}

/// A position on the way along a path.
struct Position<'a> {
    step: &'a str,
    /// The path so far.
    path: String,
    shape: Shape,
    /// The value of the request at this place: null if it has none, none if the service decides.
    requested: Option<&'a Value>,
}

impl Position<'_> {
    fn place(&self) -> String {
        let dot = if self.path.is_empty() { "" } else { "." };
        format!("Steps.{}{dot}{}", self.step, self.path)
    }

    /// Follows the first segment, which names a member of the request or one that the service adds.
    fn property(&mut self, job: &JobShapes, name: &str) -> Result<(), Problem> {
        if let Some(shape) = job.added.member(name) {
            (self.shape, self.requested) = (shape, None);
            self.path.push_str(name);
            return Ok(());
        }
        if !job.omitted.contains(&name) && self.member(name).is_ok() {
            return Ok(());
        }
        let mut known = job.request.names();
        known.retain(|known| !job.omitted.contains(known));
        known.extend(job.added.names());
        let near = nearest(name, known);
        let message = format!("{} has no property {name:?}{}", self.step, did_you_mean(near));
        // A name similar to one of the API's is a misspelling; any other may be new in the API.
        Err((if near.is_some() { Severity::Error } else { Severity::Warning }, message))
    }

    /// Follows a name to a member of an object.
    fn member(&mut self, name: &str) -> Result<(), Problem> {
        let requested = self.requested.map(|requested| requested.get(name).unwrap_or(&Value::Null));
        (self.shape, self.requested) = match (self.shape.member(name), requested) {
            (Some(shape), Some(Value::Null)) if DEFAULTED.contains(&name) => (shape, None),
            (Some(shape), requested) => (shape, requested),
            // A member without a shape that the request has.
            (None, Some(requested)) if !requested.is_null() => (Shape::Any, None),
            (None, _) => {
                let names = self.shape.names();
                let hint = match nearest(name, names.iter().copied()) {
                    None => format!("; it has {}", names.join(", ")),
                    near => did_you_mean(near),
                };
                return Err(error(format!("{} has no {name:?}{hint}", self.place())));
            }
        };
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
        Ok(())
    }

    /// Follows a name to a list entry.
    fn named(&mut self, shape: Shape, name: &str) -> Result<(), Problem> {
        if self.requested.and_then(Value::as_array).is_some_and(|list| list.len() > MOST_SEARCHED) {
            self.requested = None;
        }
        if let Some(requested) = self.requested {
            let entries = || requested.as_array().into_iter().flatten();
            self.requested = entries().find(|entry| own_names(entry).any(|own| own == name));
            if self.requested.is_none() {
                let owner = match self.path.as_str() {
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
        self.path.push_str(&format!("['{name}']"));
        Ok(())
    }

    /// Follows an index to a list entry.
    fn entry(&mut self, shape: Shape, index: usize) -> Result<(), Problem> {
        if let Some(requested) = self.requested {
            let entries = requested.as_array().map_or(&[][..], Vec::as_slice);
            self.requested = entries.get(index);
            if self.requested.is_none() {
                let (place, count) = (self.place(), entries.len());
                return Err(error(format!(
                    "{place} has no entry [{index}]; it has {count}, the first is [0]"
                )));
            }
        }
        self.shape = shape;
        self.path.push_str(&format!("[{index}]"));
        Ok(())
    }

    /// Follows a name to a value of a map. The response has only the names of the request.
    fn key(&mut self, name: &str) -> Result<(), Problem> {
        if let Some(requested) = self.requested
            && requested.get(name).is_none()
        {
            let names = requested.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
            let suggestion = did_you_mean(nearest(name, names));
            return Err(error(format!("{} has no {name:?}{suggestion}", self.place())));
        }
        (self.shape, self.requested) = (Shape::Value, None);
        self.path.push_str(&format!("['{name}']"));
        Ok(())
    }
}
