//! The model bundle: round trips, damage, hostile archives, shards and the ONNX export.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod archive;
mod onnx;
mod sample;
mod shards;
