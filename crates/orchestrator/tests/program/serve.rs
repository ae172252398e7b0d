//! `orchestrator serve`: the server of a model on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use testkit::executable;

use crate::{CONFIG, Place};

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Sends the request of a curl command with `-H` and `--data`, and returns the body of the response.
fn curl(line: &str) -> String {
    let quoted: Vec<&str> = line.split('\'').collect();
    let [_, header, _, data, url] = quoted[..] else { panic!("{line}") };
    let url = url.trim().strip_prefix("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = data.len();
    write!(stream, "POST /{path} HTTP/1.0\r\n{header}\r\nContent-Length: {length}\r\n\r\n{data}")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.0 200"), "{response}");
    response.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_registered_version_answers_the_printed_request_until_it_is_stopped() {
    let place = Place::new();
    place.json(0, &[]);
    let port = free_port().to_string();
    for signal in [Signal::TERM, Signal::HUP] {
        let mut child = Command::new(executable("orchestrator"))
            .args(["serve", "--config", CONFIG, "--model", "latest", "--port", &port])
            .current_dir(place.path("."))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let answer = curl(&line);
        // The line is one of the training table's medians, and the version is named.
        assert!(answer.contains("Machine_Failure,0.") && answer.ends_with(",,,,1"), "{answer}");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        let said = format!(
            "version 1 of group machine-downtime-model-group answers at http://127.0.0.1:{port}"
        );
        assert!(log.contains(&said) && log.contains("serve is done"), "{log}");
    }
}

#[test]
fn what_cannot_be_served_is_said_before_or_by_the_server() {
    let place = Place::new();
    place.json(0, &[]);
    let refused = |arguments: &[&str], code| {
        let serve = ["serve", "--config", CONFIG];
        place.orchestrator(&[&serve, arguments].concat()).expect(code).stderr
    };
    let error = refused(&["--model", "latest", "--threshold", "2"], 2);
    assert!(error.contains("--threshold 2: expected a probability from 0 to 1"), "{error}");
    let error = refused(&["--model", "7"], 2);
    assert!(error.contains("version 7"), "{error}");
    let error = refused(&["--model", "latest", "--port", "0"], 2);
    assert!(error.contains("--port 0: expected a port from 1 to 65535"), "{error}");
    let error = refused(&["--model", "latest", "--programs", "nowhere"], 2);
    assert!(error.contains("nowhere/serve does not exist"), "{error}");
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = refused(&["--model", "latest", "--port", &port], 2);
    assert!(error.contains("cannot listen on 127.0.0.1:"), "{error}");
}
