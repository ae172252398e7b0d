//! Support for tests: a directory tree that stands for `/opt/ml`, the workspace's programs, a table
//! in every spelling that real exports use, and a server that stands for AWS.
//!
//! ```
//! use testkit::{Sandbox, spellings};
//!
//! let table = "Torque(Nm),Downtime\n24.1,No_Machine_Failure\n";
//! let sandbox = Sandbox::new();
//! sandbox.file("processing/input/raw.csv", table);
//! sandbox.hyperparameters(&[("n_estimators", "10")]);
//! assert_eq!(sandbox.files("processing"), ["processing/input/raw.csv"]);
//!
//! let spellings = spellings(table);
//! let numbers = spellings.iter().find(|spelling| spelling.name == "1 and 0").unwrap();
//! assert_eq!(numbers.bytes, b"Torque(Nm),Downtime\n24.1,0\n");
//! ```
//!
//! Knows the contract's directories as plain paths, the columns of the machines' tables and AWS's
//! protocols as text. Must never be part of a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub mod aws;
mod outcome;
mod peers;
mod programs;
mod sandbox;
mod spellings;

pub use outcome::Outcome;
pub use peers::{onnxruntime, real_table, skipped};
pub use programs::executable;
pub use sandbox::{Limits, Sandbox};
pub use spellings::{Spelling, spellings};
