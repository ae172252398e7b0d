//! A server of many models, as SageMaker's multi-model endpoints use it.

use serde_json::json;
use testkit::Sandbox;

use crate::server::{MODEL, RECORD, Response, Server, write_model};

fn multi(sandbox: &Sandbox, memory: &str) -> Server {
    let variables = [("SAGEMAKER_MULTI_MODEL", "true"), ("SERVE_MODEL_MEMORY_MB", memory)];
    Server::over(sandbox, &variables)
}

fn load(server: &Server, sandbox: &Sandbox, name: &str, directory: &str) -> Response {
    let body = json!({ "model_name": name, "url": sandbox.path(directory) }).to_string();
    server.request("POST", "/models", "Content-Type: application/json\r\n", body.as_bytes())
}

fn invoke(server: &Server, name: &str) -> Response {
    let path = format!("/models/{name}/invoke");
    server.request("POST", &path, "Content-Type: text/csv\r\n", RECORD.as_bytes())
}

#[test]
fn models_are_loaded_listed_used_and_unloaded_by_name() {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "models/a/model", &MODEL);
    sandbox.file("models/broken/model/forest.bin", "x");
    let server = multi(&sandbox, "512");
    // There is no model yet, and the server is healthy.
    server.request("GET", "/ping", "", b"").expect(200);
    invoke(&server, "a").expect(404);
    assert!(server.invoke("text/csv", RECORD).expect(404).reason().contains("/models/{name}"));

    load(&server, &sandbox, "a", "models/a/model").expect(200);
    load(&server, &sandbox, "a", "models/a/model").expect(409);
    load(&server, &sandbox, "b", "models/a/model").expect(200);
    let reason = load(&server, &sandbox, "c", "models/broken/model").expect(500).reason();
    assert!(reason.contains("recipe.json"), "{reason}");
    server.request("POST", "/models", "", b"{}").expect(400);
    // A pipe would never end.
    let pipe = sandbox.path("models/pipe/model/forest.bin");
    fs_err::create_dir_all(pipe.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reason = load(&server, &sandbox, "d", "models/pipe/model").expect(500).reason();
    assert!(reason.contains("forest.bin is not a file"), "{reason}");
    assert_eq!(invoke(&server, "a").expect(200).body, invoke(&server, "b").expect(200).body);

    let url = |name: &str| json!({ "modelName": name, "modelUrl": sandbox.path("models/a/model") });
    let list = server.request("GET", "/models", "", b"").expect(200).json();
    assert_eq!(list, json!({ "models": [url("a"), url("b")] }));
    let one = server.request("GET", "/models/b", "", b"").expect(200).json();
    assert_eq!(one, url("b"));
    server.request("DELETE", "/models/b", "", b"").expect(200);
    server.request("DELETE", "/models/b", "", b"").expect(404);
    invoke(&server, "b").expect(404);
    invoke(&server, "a").expect(200);
}

#[test]
fn the_least_recently_used_model_leaves_the_memory_and_comes_back() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        write_model(&sandbox, &format!("models/{name}/model"), &MODEL);
    }
    // A model takes 96 bytes for each node, which has 18 in its file, and 1 MB: this is room for two of three.
    let model = MODEL["forest.bin"].len() / 18 * 96 + (1 << 20);
    let megabytes = (2 * model).div_ceil(1 << 20);
    let server = multi(&sandbox, &megabytes.to_string());
    for name in ["a", "b"] {
        load(&server, &sandbox, name, &format!("models/{name}/model")).expect(200);
    }
    invoke(&server, "a").expect(200);
    load(&server, &sandbox, "c", "models/c/model").expect(200);
    // `b` was used last of all; it is loaded again in place of `a`.
    let list = server.request("GET", "/models", "", b"").expect(200).json();
    assert_eq!(list["models"].as_array().unwrap().len(), 3);
    for name in ["b", "c", "a"] {
        invoke(&server, name).expect(200);
    }
    let log = server.stop();
    assert!(log.contains("model `b` leaves the memory"), "{log}");
}

#[test]
fn a_model_without_room_is_refused() {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "models/a/model", &MODEL);
    let server = multi(&sandbox, "1");
    let reason = load(&server, &sandbox, "a", "models/a/model").expect(507).reason();
    assert!(reason.contains("all models together may take 1048576"), "{reason}");
    invoke(&server, "a").expect(404);
}

/// Who loads a model learns what is beside it, and nothing of other directories.
#[test]
fn names_outside_of_the_models_directory_are_not_told() {
    let sandbox = Sandbox::new();
    sandbox.file("models/a/model/notes.txt", "x").file("secrets/key.txt", "x");
    let server = multi(&sandbox, "512");
    let reason = |directory: &str| load(&server, &sandbox, "a", directory).expect(500).reason();
    assert!(reason("models/a/model").contains("has no model; it has: notes.txt"));
    for directory in ["secrets", "models/../secrets", "models/a/model/../../../secrets"] {
        let reason = reason(directory);
        assert!(reason.ends_with("secrets has no model"), "{reason}");
    }
}

/// Every refusal says its reason in the same form.
#[test]
fn a_path_or_query_that_cannot_be_read_is_refused_with_a_reason() {
    let sandbox = Sandbox::new();
    let server = multi(&sandbox, "512");
    for (method, path, reason) in [
        ("GET", "/models/%FF", "the path has no name of a model"),
        ("DELETE", "/models/%FF", "the path has no name of a model"),
        ("POST", "/models/%FF/invoke", "the path has no name of a model"),
        ("GET", "/models?next_page_token=a&next_page_token=b", "the query is not next_page_token"),
    ] {
        let refusal = server.request(method, path, "", b"").expect(400);
        assert_eq!(refusal.headers["content-type"], "application/json", "{path}");
        assert!(refusal.reason().starts_with(reason), "{refusal:?}");
    }
}

#[test]
fn long_lists_have_pages() {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "models/a/model", &crate::server::model(1));
    let server = multi(&sandbox, "2000");
    for index in 0..103 {
        load(&server, &sandbox, &format!("m{index:03}"), "models/a/model").expect(200);
    }
    let first = server.request("GET", "/models", "", b"").expect(200).json();
    assert_eq!(first["models"].as_array().unwrap().len(), 100);
    let token = first["nextPageToken"].as_str().unwrap();
    let path = format!("/models?next_page_token={token}");
    let second = server.request("GET", &path, "", b"").expect(200).json();
    assert_eq!(second["models"].as_array().unwrap().len(), 3);
    assert!(second.get("nextPageToken").is_none());
}
