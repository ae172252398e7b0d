//! The HTTP client of every call.

use aws_sdk_sagemaker::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;

/// Builds the client. It differs from the SDK's default in its cryptography: ring in place of aws-lc,
/// whose C takes 40 seconds of processor time to compile.
pub fn client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings.cloned().unwrap_or_default(), components)
    })
}

/// Builds a connector, which uses the proxy that `HTTPS_PROXY` and `NO_PROXY` name.
pub fn connector(
    settings: HttpConnectorSettings,
    components: Option<&RuntimeComponents>,
) -> Connector {
    let mut builder = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .proxy_config(ProxyConfig::from_env());
    builder.set_connector_settings(Some(settings));
    builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
    builder.build()
}
