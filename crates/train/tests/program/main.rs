//! The program that turns the channels of a Training job into a model.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod channels;
mod hosts;
mod hyperparameters;
mod job;
mod model;
mod onnx;
mod outputs;
