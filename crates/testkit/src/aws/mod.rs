//! A server that stands for AWS. It plays a script of expected calls, or is a proxy that answers some
//! calls itself and forwards the others. It records all calls.
//!
//! It speaks AWS JSON, the query protocol and S3's REST over HTTP/1.1, a connection for each call.
//! Clients cannot tell it from AWS by anything that they evaluate.

mod http;
mod script;
mod server;

pub use script::{Answer, Call, Rule, ScriptedCall, answers, refuses, yields};
pub use server::Server;

/// Returns the address of the moto server that `MOTO_ENDPOINT` names. Where it is not set, prints
/// that the test is skipped.
pub fn moto() -> Option<String> {
    crate::peers::peer("MOTO_ENDPOINT", "moto server")
}
