//! A request that is not answered: the status and the reason.

use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};

/// The seconds after which a refused client may try again.
const RETRY_SECONDS: &str = "1";

/// The status of a request whose client has left.
const CLIENT_LEFT: u16 = 499;

/// The status of a request that is not answered, and the reason in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The reason.
    pub reason: String,
}

impl Refusal {
    /// Makes a refusal.
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    /// Makes the refusal of a request that is malformed.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }
}

impl Refusal {
    /// Makes the refusal of a request whose client did not wait for a long answer.
    pub fn client_left() -> Self {
        // No standard says this one; it is that of nginx.
        let status = StatusCode::from_u16(CLIENT_LEFT).unwrap_or(StatusCode::REQUEST_TIMEOUT);
        Self::new(status, "the client closed the connection before the answer was ready")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.reason }).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(config::serving::JSON));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        response
    }
}
