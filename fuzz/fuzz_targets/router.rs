//! Sends requests to the server's routes: a line with method and path, lines of headers, a blank line, the body.
//! Where the first byte is `m`, the server has many models.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use camino::Utf8PathBuf;
use container::Container;
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tower_service::Service;

#[path = "../../crates/inference/tests/made/mod.rs"]
mod made;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
});

/// The routes of a server of one model and of one of many. Its directory stays.
static ROUTERS: LazyLock<[Router; 2]> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory").keep();
    let base = Utf8PathBuf::from_path_buf(directory).expect("UTF-8");
    for (name, contents) in made::bundle().to_files().expect("files") {
        common::write_file(&base.join("model").join(name), &contents).expect("a file");
    }
    [false, true].map(|many| {
        let many = ("SAGEMAKER_MULTI_MODEL".to_owned(), many.to_string());
        let container = Container::new(base.clone(), Vec::new(), BTreeMap::from([many]));
        serve::router(&container).expect("routes")
    })
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let (head, body) = data.split_at(end);
    let Ok(head) = std::str::from_utf8(head) else { return };
    let mut lines = head.lines();
    let Some((method, path)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { return };
        request = request.header(name, value.trim());
    }
    let body = body.get(2..).unwrap_or_default().to_vec();
    let Ok(request) = request.body(Body::from(body)) else { return };
    let mut router = ROUTERS[usize::from(*kind == b'm')].clone();
    let response = RUNTIME.block_on(async {
        let Ok(response) = router.call(request).await;
        let (parts, body) = response.into_parts();
        (parts, body.collect().await.expect("a body").to_bytes())
    });
    let (parts, body) = response;
    let status = parts.status.as_u16();
    // A model that cannot be loaded is what the contract calls an error of the server.
    assert!(status < 500 || (status == 500 && path.starts_with("/models")), "{status}");
    if status == 400 || status == 415 || status == 406 {
        let refusal: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        // The refusals of axum's own extractors are plain text.
        assert!(refusal["error"].is_string() || path.starts_with("/models"), "{path}");
    }
});
