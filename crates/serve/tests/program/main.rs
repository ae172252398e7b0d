//! The server as a program: its answers, its limits, its life, and what may go wrong between client and server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod bad_times;
mod life;
mod limits;
mod multi_model;
mod server;
