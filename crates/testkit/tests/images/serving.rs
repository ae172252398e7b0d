//! The server in its container, as SageMaker starts it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::docker::{Run, docker, image};
use crate::jobs::trained;

/// A record in the order of the model's columns.
const RECORD: &str = "120.5,5.1,6.4,21.3,47.1,35.2,1.02,25.9,20123,342,24.5,2.71";

/// Returns the address of a container with a network.
fn address(container: &str) -> String {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    docker(&["inspect", "--format", format, container])
}

/// Sends a request and returns the response.
fn request(address: &str, port: u16, text: &str) -> String {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn invocation() -> String {
    let length = RECORD.len();
    format!(
        "POST /invocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/csv\r\n\
         Content-Length: {length}\r\n\r\n{RECORD}"
    )
}

/// The model is read only, as an ordinary user, without capabilities and without a place to write to.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_mounted_model_answers_and_a_stop_ends_the_server_with_0() {
    let sandbox = trained();
    let name = format!("serving-{}", std::process::id());
    // Of two networks the later one wins.
    let options = ["--network=bridge", "--user=65534:65534", "--env=SAGEMAKER_BIND_TO_PORT=9000"];
    let model = format!("--volume={}:/opt/ml/model:ro", sandbox.path("model"));
    let mut run = Run::new("serve", &sandbox).arguments(&["serve"]);
    run.options.retain(|option| !option.starts_with("--network") && !option.starts_with("--user"));
    let run = run.options(&options).options(&[&model]);
    let container = run.start(&name, "listening on 0.0.0.0:9000");
    let address = address(&name);
    let ping =
        request(&address, 9000, "GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(ping.starts_with("HTTP/1.1 200 OK\r\n"), "{ping}");
    let answer = request(&address, 9000, &invocation());
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let line = answer.split("\r\n\r\n").nth(1).unwrap();
    assert!(line.contains("Machine_Failure,0.") || line.contains("Machine_Failure,1."), "{line}");

    let asked = Instant::now();
    docker(&["kill", "--signal=TERM", &name]);
    let outcome = container.wait();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    outcome.expect(0);
}

/// Endpoints of models with network isolation have no network but that of the platform.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn the_server_starts_without_a_network() {
    let sandbox = trained();
    let name = format!("isolated-{}", std::process::id());
    let container = Run::new("serve", &sandbox).start(&name, "listening on 0.0.0.0:8080");
    docker(&["kill", "--signal=TERM", &name]);
    container.wait().expect(0);
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_container_without_a_model_ends_with_the_reason() {
    let sandbox = testkit::Sandbox::new();
    let outcome = Run::new("serve", &sandbox).arguments(&["serve"]).run().expect(3);
    assert!(outcome.stderr.contains("the model cannot be read"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn the_labels_say_what_the_platform_may_do() {
    let output =
        Command::new("docker").args(["image", "inspect", &image("serve")]).output().unwrap();
    let inspected: Value = serde_json::from_slice(&output.stdout).unwrap();
    let labels = &inspected[0]["Config"]["Labels"];
    for capability in ["accept-bind-to-port", "multi-models"] {
        assert_eq!(labels[format!("com.amazonaws.sagemaker.capabilities.{capability}")], "true");
    }
}
