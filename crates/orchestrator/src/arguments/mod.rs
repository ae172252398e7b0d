//! Arguments that several commands share, and what they stand for.

pub mod engine;
pub mod parameters;
pub mod settings;
