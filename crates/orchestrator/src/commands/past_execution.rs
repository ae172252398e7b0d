//! An execution that made a model, with what it takes to run it again.

use camino::Utf8Path;
use common::chain;
use indexmap::IndexMap;
use local::{LocalExecution, Store};
use pipeline::Definition;
use serde_json::Value;

use crate::error::CommandError;

/// An execution of the past.
pub struct PastExecution {
    /// The id.
    pub id: String,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The definition that it ran.
    pub definition: Definition,
    /// The values of all parameters.
    pub parameters: IndexMap<String, Value>,
    /// Copies what it read from an address.
    pub fetch: Fetch,
}

/// A function that copies what is stored at an address into a local store.
pub type Fetch = Box<dyn Fn(&str, &Store) -> Result<(), CommandError>>;

impl PastExecution {
    /// Reads an execution of the runs on this machine.
    pub fn here(runs: &Utf8Path, id: &str) -> Result<Self, CommandError> {
        let directory = local::executions(runs).join(id);
        let gone = |error: &dyn std::error::Error| {
            CommandError::Usage(format!(
                "execution {id} made it, and what that ran cannot be read: {}; --runs names another directory",
                chain(error)
            ))
        };
        let execution = LocalExecution::read(&directory).map_err(|error| gone(&error))?;
        let definition = execution.definition().map_err(|error| gone(&error))?;
        let store = local::store(runs).knowing(&execution)?;
        Ok(Self {
            id: id.to_owned(),
            pipeline_name: execution.pipeline_name,
            definition,
            parameters: execution.parameters,
            fetch: Box::new(move |uri, into| Ok(store.copy_to(into, uri)?)),
        })
    }
}
