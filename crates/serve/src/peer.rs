//! The other end of a connection, which work that takes long looks for.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The time for which a client that has closed its side of the connection is answered: it may have left, or only
/// say that it has nothing to send any more.
const HALF_CLOSED_TIME: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The connection whose requests a task answers.
    static CONNECTION: Connection;
}

/// The stream of a connection, which the server reads and writes, and whoever answers a request looks at.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Mutex<TcpStream>>);

impl Connection {
    /// Makes a connection of a stream.
    pub fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Does work that finds this connection by [`has_left`].
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CONNECTION.scope(self.clone(), work)
    }

    /// Nobody holds it for longer than a call of the system takes.
    fn stream(&self) -> MutexGuard<'_, TcpStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the client has closed its side, and whether it has broken the connection off; not while bytes
    /// of another request wait to be read.
    async fn closed(&self) -> bool {
        let mut byte = [0; 1];
        let peeked = poll_fn(|context| {
            let mut byte = ReadBuf::new(&mut byte);
            self.stream().poll_peek(context, &mut byte)
        });
        match peeked.await {
            Ok(0) => false,
            Ok(_) => std::future::pending().await,
            Err(_) => true,
        }
    }
}

/// Returns when the client of the request that this task answers has left. One that has closed its side is given
/// time, since it may still read.
pub async fn has_left() {
    let Ok(connection) = CONNECTION.try_with(Clone::clone) else {
        // Somebody else has the connection.
        return std::future::pending().await;
    };
    if !connection.closed().await {
        tokio::time::sleep(HALF_CLOSED_TIME).await;
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_read(context, bytes)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream().is_write_vectored()
    }
}
