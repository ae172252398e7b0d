//! A server that does nothing until it is asked to stop: server [drains|hangs|fails|panics]
//!
//! `tests/serve.rs` runs it as a process.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use common::{Exit, Failure};

#[derive(Debug, thiserror::Error)]
#[error("the model cannot be read")]
struct NoModel;

impl Failure for NoModel {
    fn exit(&self) -> Exit {
        Exit::Data
    }
}

fn main() -> ExitCode {
    // Shorter than a server's, so that the watchdog can be seen at work.
    let grace = Duration::from_millis(400);
    container::serve_within(grace, "server", |container, shutdown| {
        let behaviour = container.arguments().first().map_or("drains", String::as_str);
        tracing::info!("ready");
        match behaviour {
            "fails" => return Err(NoModel),
            "panics" => {
                let thread = thread::spawn(|| Vec::<u8>::new()[index_out_of_bounds()]);
                drop(thread.join());
            }
            _ => {}
        }
        shutdown.wait();
        if behaviour == "hangs" {
            thread::sleep(Duration::from_secs(60));
        }
        tracing::info!("drained");
        Ok(())
    })
}

/// Returns an index that no empty vector has.
fn index_out_of_bounds() -> usize {
    std::env::args().count()
}
