//! Arguments that several commands share, and the values that they name.

pub mod answers;
pub mod engine;
pub mod parameters;
pub mod settings;
