//! The images under SageMaker's container contract, run by a Docker engine.
//!
//! `scripts/test --all` builds the images and runs these tests. `IMAGE_TAG` selects another tag than
//! `latest`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod contents;
mod docker;
mod jobs;
mod serving;
mod signals;

/// The programs that have an image.
const IMAGES: [&str; 5] = ["preprocess", "train", "evaluate", "register", "serve"];
