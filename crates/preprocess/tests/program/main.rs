//! The program that turns a raw table into training and test features.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arguments;
mod counts;
mod features;
mod job;
mod outputs;
mod settings;
mod spellings;
mod splits;
mod tables;
