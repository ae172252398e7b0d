//! SageMaker's contract, held against the real images under a Docker engine.
//!
//! `scripts/test --all` builds the images and runs these. `IMAGE_TAG` names other images than
//! `latest`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contents;
mod docker;
mod jobs;
mod signals;

/// Every image.
const STEPS: [&str; 4] = ["preprocess", "train", "evaluate", "register"];
