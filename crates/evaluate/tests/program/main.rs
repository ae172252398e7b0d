//! The program that turns a model and test rows into a report.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod arguments;
mod job;
mod outputs;
mod report;
mod rows;
