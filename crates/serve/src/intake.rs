//! Reads the bodies of requests in bounded memory and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use hyper::header::EXPECT;
use hyper::{HeaderMap, StatusCode};

use crate::refusal::Refusal;

/// A body of at most this length is accepted whatever else is in memory, so that slow long requests do not take
/// short ones down.
const SHORT_BYTES: usize = 64 << 10;

/// The time for which the rest of a refused body is read.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// The bodies that are in memory at a time, in bytes. Clones count together.
#[derive(Clone, Debug)]
pub struct Budget {
    held: Arc<AtomicUsize>,
    most: usize,
    /// The time that a body may take to arrive.
    time: Duration,
}

/// The body of a request. It counts until it is dropped.
#[derive(Debug)]
pub struct Received {
    /// The body.
    pub bytes: Bytes,
    /// What it takes of the budget.
    _held: Held,
}

#[derive(Debug)]
struct Held {
    budget: Budget,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Held {
    fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes += bytes;
        let before = self.budget.held.fetch_add(bytes, Ordering::Relaxed);
        if self.bytes > SHORT_BYTES && before + bytes > self.budget.most {
            let reason = "the server holds as many requests as it has memory for";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason));
        }
        Ok(())
    }
}

impl Budget {
    /// Makes a budget of this number of bytes, of which a body has this time to arrive.
    pub fn new(most: usize, time: Duration) -> Self {
        Self { held: Arc::default(), most, time }
    }

    /// Reads a body of at most `limit` bytes. What is left of one that is refused may be [`drain`]ed.
    pub async fn receive(&self, body: &mut Body, limit: usize) -> Result<Received, Refusal> {
        let too_large = || {
            let reason = format!("the request is longer than {limit} bytes, which is the maximum");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
        };
        // What the client announces is refused before it is sent.
        let announced = body.size_hint().lower();
        if announced > limit as u64 {
            return Err(too_large());
        }
        let received = tokio::time::timeout(self.time, self.collect(body, limit, too_large));
        received.await.unwrap_or_else(|_| {
            let seconds = self.time.as_secs_f64();
            let reason = format!("the request did not arrive within {seconds} s");
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason))
        })
    }

    async fn collect(
        &self,
        body: &mut Body,
        limit: usize,
        too_large: impl Fn() -> Refusal,
    ) -> Result<Received, Refusal> {
        let mut held = Held { budget: self.clone(), bytes: 0 };
        // Most bodies arrive as one piece, which is not copied.
        let mut first = Bytes::new();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Refusal::bad_request(format!("the request ends early: {error}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if held.bytes + data.len() > limit {
                return Err(too_large());
            }
            held.add(data.len())?;
            if first.is_empty() {
                first = data;
            } else {
                if whole.is_empty() {
                    whole.extend_from_slice(&first);
                }
                whole.extend_from_slice(&data);
            }
        }
        let bytes = if whole.is_empty() { first } else { whole.into() };
        Ok(Received { bytes, _held: held })
    }
}

/// Reads the rest of the body of a refused request, beside its answer, and forgets it. Many clients send all of
/// a body before they look for an answer, and lose it if the connection is closed meanwhile. It ends after
/// `most` bytes or some seconds.
pub fn drain(headers: &HeaderMap, mut body: Body, most: usize) {
    // Who waits for a leave has the refusal instead of it, and asking for the body would give the leave.
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return;
    }
    let mut left = most;
    let rest = async move {
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            if length > left {
                break;
            }
            left -= length;
        }
    };
    tokio::spawn(tokio::time::timeout(DRAIN_TIME, rest));
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    fn receive(budget: &Budget, mut body: Body, limit: usize) -> Result<usize, Refusal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(budget.receive(&mut body, limit));
        received.map(|received| received.bytes.len())
    }

    #[test]
    fn a_body_is_limited_to_the_byte_and_counts_while_it_is_held() {
        let time = Duration::from_secs(60);
        let receive = |budget: &Budget, length: usize, limit: usize| {
            receive(budget, Body::from(vec![b'x'; length]), limit).map_err(|error| error.status)
        };
        let budget = Budget::new(100_000, time);
        assert_eq!(receive(&budget, 10, 10), Ok(10));
        assert_eq!(receive(&budget, 11, 10), Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(receive(&budget, 100_001, 200_000), Err(StatusCode::SERVICE_UNAVAILABLE));
        // A short one is always received.
        assert_eq!(receive(&Budget::new(0, time), SHORT_BYTES, 200_000), Ok(SHORT_BYTES));
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
        assert_eq!(receive(&budget, 0, 10), Ok(0));
    }

    /// A body of which one piece arrives, and then nothing.
    struct Stalled(Option<Bytes>);

    impl hyper::body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
        }
    }

    #[test]
    fn a_body_that_does_not_arrive_in_time_is_refused_and_no_longer_held() {
        let budget = Budget::new(100_000, Duration::from_millis(50));
        let stalled = Body::new(Stalled(Some(Bytes::from_static(b"1,2"))));
        let refusal = receive(&budget, stalled, 100).unwrap_err();
        assert_eq!(refusal.status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(refusal.reason, "the request did not arrive within 0.05 s");
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
