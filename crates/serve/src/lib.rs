//! The server: a model answers requests, as SageMaker's endpoints and batch transforms make them.
//!
//! Knows HTTP and the order of a request's way. Must never know how a model is trained or registered, nor how
//! records are read and answers written.
//!
//! ```text
//! workers -> routes -> media, attributes -> intake -> invocation -> inference
//! ```
//!
//! A request comes in at a worker, a thread with a listener of its own. Its headers say in which format it is,
//! and what the answer is to say; its body is received in bounded memory; its records are read, all of them
//! before the first is answered.
//!
//! `main` is one call:
//!
//! ```no_run
//! let code = container::serve("serve", serve::run);
//! ```

mod attributes;
mod error;
mod intake;
mod invocation;
mod media;
mod metrics;
mod models;
mod peer;
mod refusal;
mod routes;
mod served;
mod workers;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::steps::Serve;
use container::{Container, Serving, Shutdown};

pub use error::{LoadError, ServeError};

use crate::intake::Budget;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::routes::{Loaded, Server, Worker};
use crate::served::ServedModel;
use crate::workers::Workers;

/// The bodies that are held at a time: this number of the longest.
const LONGEST_BODIES: usize = 2;
/// The bytes of bodies that are held besides.
const OTHER_BODIES: usize = 64 << 20;
/// The time that a body may take to arrive. SageMaker gives up on a request after as long.
const BODY_TIME: Duration = Duration::from_secs(60);
/// The maximum length of an answer, which in real time is that of the service.
const REAL_TIME_ANSWER: usize = 25 << 20;
const BATCH_ANSWER: usize = 100 << 20;
/// The share of the machine's memory that the models of a multi-model endpoint may take, in percent.
const MODEL_MEMORY_PERCENT: u64 = 60;
/// The directory beside that of a single model where SageMaker keeps those of a multi-model endpoint.
const MODELS: &str = "models";
/// The argument with which SageMaker starts the container.
const ARGUMENT: &str = "serve";
/// What begins the names of the server's own environment variables.
const OWN_PREFIX: &str = "SERVE_";
/// Those that it knows.
const OWN_VARIABLES: [&str; 7] = [
    Serve::THRESHOLD,
    Serve::EXPLAIN,
    Serve::CSV_COLUMNS,
    Serve::LOG_REQUESTS,
    Serve::ADDRESS,
    Serve::WORKERS,
    Serve::MODEL_MEMORY_MB,
];

/// Loads the model, and answers requests until the container is asked to stop.
///
/// # Errors
/// Returns an error if a setting is invalid, the model cannot be used, or the port is taken.
pub fn run(container: &Container, shutdown: &Shutdown) -> Result<(), ServeError> {
    let started = Instant::now();
    for argument in container.arguments().iter().filter(|argument| *argument != ARGUMENT) {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    let (server, address) = server(container)?;
    let workers = server.workers;
    let running = Workers::start(&Arc::new(server), address)?;
    tracing::info!(
        "listening on {address} with {workers} threads, {:.1} ms after the start",
        started.elapsed().as_secs_f64() * 1e3
    );
    shutdown.wait();
    running.drain();
    Ok(())
}

/// Returns the routes of the server, for whoever has a listener of their own.
///
/// # Errors
/// Returns an error if a setting is invalid or the model cannot be used.
pub fn router(container: &Container) -> Result<axum::Router, ServeError> {
    Ok(Worker::new(Arc::new(server(container)?.0)).router())
}

/// Loads the model or prepares for many, and returns the server with the address to listen on.
fn server(container: &Container) -> Result<(Server, SocketAddr), ServeError> {
    let settings = Serve::parse(|name| container.variable(name))?;
    warn_of_unknown_variables(container);
    let Serving { port, is_batch, is_multi_model, max_payload } = container.serving()?;
    let workers = settings.workers.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |available| available.get())
    });
    let (log_requests, address) = (settings.log_requests, settings.address);
    let loaded = if is_multi_model {
        let memory =
            settings.model_memory_mb.map_or_else(model_memory, |megabytes| megabytes << 20);
        tracing::info!("models may take {memory} bytes");
        Loaded::Many(Models::new(settings, container.model().with_file_name(MODELS), memory))
    } else {
        let served = ServedModel::load(&container.model(), &settings)?;
        tracing::info!("model {} is loaded", served.version);
        Loaded::One(Arc::new(served))
    };
    let server = Server {
        loaded,
        max_payload,
        is_batch,
        workers,
        log_requests,
        max_answer: if is_batch { BATCH_ANSWER } else { REAL_TIME_ANSWER },
        budget: Budget::new(LONGEST_BODIES * max_payload + OTHER_BODIES, BODY_TIME),
        metrics: Metrics::new()
            .map_err(|error| ServeError::Worker(std::io::Error::other(error)))?,
    };
    Ok((server, SocketAddr::new(address, port)))
}

/// Warns of each environment variable that is meant for the server and that it does not know.
fn warn_of_unknown_variables(container: &Container) {
    for name in container.variable_names() {
        let own = name.get(..OWN_PREFIX.len());
        if own.is_some_and(|own| own.eq_ignore_ascii_case(OWN_PREFIX))
            && !OWN_VARIABLES.contains(&name)
        {
            tracing::warn!(
                "environment variable {} is not known here, it is ignored{}",
                common::one_line(name),
                common::did_you_mean(common::nearest(name, OWN_VARIABLES))
            );
        }
    }
}

/// Returns the memory for the models of a multi-model endpoint: a share of the container's, or of the machine's.
fn model_memory() -> u64 {
    let number =
        |path: &str| -> Option<u64> { fs_err::read_to_string(path).ok()?.trim().parse().ok() };
    let of_container = number("/sys/fs/cgroup/memory.max")
        .or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let machine = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = machine.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|total| total.trim().trim_end_matches(" kB").parse::<u64>().ok());
    let of_machine = total.map_or(1 << 30, |kilobytes| kilobytes << 10);
    of_container.map_or(of_machine, |memory| memory.min(of_machine)) / 100 * MODEL_MEMORY_PERCENT
}
