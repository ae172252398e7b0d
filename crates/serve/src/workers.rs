//! The threads that answer requests. Each has a listener and a runtime of its own, and answers its requests
//! itself: passing work between threads makes some answers late.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;

use crate::error::ServeError;
use crate::peer::Connection;
use crate::routes::{Server, Worker};

/// The number of connections that wait to be accepted.
const BACKLOG: i32 = 4096;
/// The time in which the head of a request must arrive, and for which a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The maximum length of the head of a request.
const HEAD_BYTES: usize = 64 << 10;
/// The pause after a connection could not be accepted, because there were too many.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// The time within which requests that are being answered end after a SIGTERM. SageMaker kills the container
/// after 30 s.
const DRAIN_TIME: Duration = Duration::from_secs(24);
/// The number of threads of each worker for what takes long: requests, of which one is answered at a time, and
/// models that are loaded.
const BLOCKING_THREADS: usize = 4;

/// The threads.
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Workers {
    /// Starts a thread for each of the server's workers.
    ///
    /// # Errors
    /// Returns an error if the address is taken or cannot be listened on, or if there are no threads.
    pub fn start(server: &Arc<Server>, address: SocketAddr) -> Result<Self, ServeError> {
        let listeners = listeners(address, server.workers)
            .map_err(|source| ServeError::Listen { address, source })?;
        allow_many_connections();
        let (stop, stopped) = watch::channel(false);
        let mut threads = Vec::new();
        for (index, listener) in listeners.into_iter().enumerate() {
            let (router, stopped) = (Worker::new(Arc::clone(server)).router(), stopped.clone());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(BLOCKING_THREADS)
                .build()
                .map_err(ServeError::Worker)?;
            // The runtime registers the listener.
            let listener = {
                let _entered = runtime.enter();
                tokio::net::TcpListener::from_std(listener).map_err(ServeError::Worker)?
            };
            let thread = std::thread::Builder::new().name(format!("worker {index}"));
            let work = move || runtime.block_on(accept(listener, router, stopped));
            threads.push(thread.spawn(work).map_err(ServeError::Worker)?);
        }
        Ok(Self { threads, stop })
    }

    /// Refuses new connections, and returns when all requests are answered.
    pub fn drain(self) {
        // Nobody receives it if all threads have ended.
        let _ = self.stop.send(true);
        for thread in self.threads {
            // A panic ends the program.
            let _ = thread.join();
        }
    }
}

/// Returns a listener for each worker, on the same port.
fn listeners(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    // Listeners of another program that shares its ports would get a part of the connections. Only a listener
    // that does not share finds out.
    drop(TcpListener::bind(address)?);
    let mut address = address;
    let mut listeners = Vec::new();
    for _ in 0..workers {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener: TcpListener = socket.into();
        // Port 0 is any that is free.
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Raises the number of open files to what the system allows: a connection is one.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if let Err(error) = raised {
        tracing::warn!("the number of connections stays limited: {error}");
    }
}

/// Accepts connections until the server stops, and then waits for those that are open.
async fn accept(
    listener: tokio::net::TcpListener,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES);
    // A client may close its side when it has sent a request. hyper does not look for its end then, so that long
    // work does.
    http.half_close(true);
    let open = GracefulShutdown::new();
    let mut is_refusing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                is_refusing = false;
                // Answers are small and are not to wait for more.
                let _ = stream.set_nodelay(true);
                let connection = Connection::new(stream);
                let io = TokioIo::new(connection.clone());
                let served = http.serve_connection(io, service.clone());
                // What goes wrong with a connection concerns its client, which knows.
                tokio::spawn(connection.scope(open.watch(served)));
            }
            Err(error) => {
                // It goes on until other connections are closed.
                if !std::mem::replace(&mut is_refusing, true) {
                    tracing::warn!("connections are not accepted: {error}");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let left = open.count();
    if tokio::time::timeout(DRAIN_TIME, open.shutdown()).await.is_err() {
        tracing::warn!("{left} connections were open, and some are cut off");
    }
}
