//! Downloads from presigned URLs.

use std::error::Error;

use aws_sdk_s3::config::http::HttpRequest;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use tokio::time::timeout;

use crate::{ATTEMPT_TIMEOUT, Aws, CONNECT_TIMEOUT, CallError, http};

impl Aws {
    /// Downloads a presigned URL, such as that of an image layer. `action` is the call that returned
    /// the URL; errors name it.
    ///
    /// # Errors
    ///
    /// Fails if the server does not answer with status 200 within the timeout.
    pub fn download(&self, action: &'static str, address: &str) -> Result<Vec<u8>, CallError> {
        let unanswered = |source: Box<dyn Error + Send + Sync>| {
            Err(CallError::Unanswered { action, source: format!("{address}: {source}").into() })
        };
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let answer = async {
            let answer = http::connector(settings, None).call(HttpRequest::get(address)?).await?;
            let status = answer.status().as_u16();
            let body = ByteStream::new(answer.into_body()).collect().await?.to_vec();
            Ok::<_, Box<dyn Error + Send + Sync>>((status, body))
        };
        match self.wait(async { timeout(ATTEMPT_TIMEOUT, answer).await }) {
            Ok(Ok((200, body))) => Ok(body),
            Ok(Ok((status, _))) => Err(CallError::Refused {
                action,
                code: format!("HTTP {status}"),
                message: format!("nothing can be read from {address}"),
                resource: None,
                request_id: None,
            }),
            Ok(Err(source)) => unanswered(source),
            Err(late) => unanswered(late.into()),
        }
    }
}
