//! Limits: each to the byte, and each with a status that says which one it was.

use std::io::{BufReader, Read, Write};

use crate::server::{RECORD, Response, Server, send};

const MEGABYTE: usize = 1 << 20;

/// Returns a CSV of records that is exactly `length` bytes long: blanks behind a number count for nothing.
fn csv_of(length: usize) -> Vec<u8> {
    let record = format!("{RECORD}\n");
    let mut text = record.repeat(length / record.len()).into_bytes();
    if text.is_empty() {
        text = RECORD.into();
    }
    let missing = length - text.len();
    text.splice(text.len() - 1..text.len() - 1, std::iter::repeat_n(b' ', missing));
    text
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    // Few records, so that a test without optimization ends soon.
    let padded = |length: usize| {
        let mut text = b"{\"Torque\": 20, \"x\": \"".to_vec();
        text.resize(length - 2, b'y');
        text.extend_from_slice(b"\"}");
        text
    };
    for (variables, megabytes) in [
        (&[][..], 25),
        (&[("SAGEMAKER_BATCH", "true")][..], 100),
        (&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "1")][..], 1),
    ] {
        let server = Server::with(variables);
        let limit = megabytes * MEGABYTE;
        server.invoke("application/json", padded(limit)).expect(200);
        // The length is announced, so that nothing of the body is read.
        let mut stream = server.connect();
        let head = format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
            limit + 1
        );
        stream.write_all(head.as_bytes()).unwrap();
        let response = Response::read(&mut BufReader::new(stream)).expect(413);
        assert!(response.reason().contains(&limit.to_string()), "{response:?}");
    }
}

#[test]
fn a_body_without_an_announced_length_has_the_same_limit() {
    let server = Server::with(&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "1")]);
    for (length, status) in [(MEGABYTE, 200), (MEGABYTE + 1, 413)] {
        let mut stream = server.connect();
        let head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for piece in csv_of(length).chunks(10_000) {
            // The server may have answered and closed already.
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        let _ = stream.write_all(b"0\r\n\r\n");
        let response = Response::read(&mut BufReader::new(stream)).expect(status);
        if status == 200 {
            assert_eq!(response.body.lines().count(), MEGABYTE / (RECORD.len() + 1));
        }
    }
}

/// A client that sends the whole body before it reads has the refusal, and may go on with the connection.
#[test]
fn a_refusal_reaches_a_client_that_sends_everything_first() {
    let server = Server::with(&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "5")]);
    let csv = "Content-Type: text/csv\r\n";
    let attributes = format!("{csv}X-Amzn-SageMaker-Custom-Attributes: threshold=2\r\n");
    for (method, path, headers, length, status) in [
        ("POST", "/invocations", csv, 8 * MEGABYTE, 413),
        ("POST", "/invocations", "Content-Type: text/html\r\n", 4 * MEGABYTE, 415),
        (
            "POST",
            "/invocations",
            "Content-Type: text/csv\r\nAccept: text/html\r\n",
            4 * MEGABYTE,
            406,
        ),
        ("POST", "/invocations", &attributes, 4 * MEGABYTE, 400),
        ("POST", "/elsewhere", csv, 4 * MEGABYTE, 404),
        ("POST", "/models/a/invoke", csv, 4 * MEGABYTE, 404),
        ("POST", "/models", csv, 4 * MEGABYTE, 404),
        ("PUT", "/invocations", csv, 4 * MEGABYTE, 405),
    ] {
        let mut stream = BufReader::new(server.connect());
        send(stream.get_mut(), method, path, headers, &csv_of(length));
        Response::read(&mut stream).expect(status);
        send(stream.get_mut(), "POST", "/invocations", csv, RECORD.as_bytes());
        Response::read(&mut stream).expect(200);
    }
    // Nothing of them is held.
    let memory = server.memory("VmHWM");
    assert!(memory < 100_000, "{memory} KB");
}

/// A client that waits for a leave to send its body gets it, or a refusal instead.
#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let server = Server::with(&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "1")]);
    let head = |length: usize| {
        format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nExpect: 100-continue\r\n\
             Content-Length: {length}\r\n\r\n"
        )
    };
    let mut stream = server.connect();
    stream.write_all(head(RECORD.len()).as_bytes()).unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(RECORD.as_bytes()).unwrap();
    Response::read(&mut BufReader::new(stream)).expect(200);
    let mut stream = server.connect();
    stream.write_all(head(MEGABYTE + 1).as_bytes()).unwrap();
    Response::read(&mut BufReader::new(stream)).expect(413);
}

/// What is announced costs nothing until it arrives.
#[test]
fn unfinished_bodies_cost_what_has_arrived_of_them() {
    let server = Server::start();
    let before = server.memory("VmRSS");
    let mut open = Vec::new();
    for _ in 0..200 {
        let mut stream = server.connect();
        let head = format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n1,",
            25 * MEGABYTE
        );
        stream.write_all(head.as_bytes()).unwrap();
        open.push(stream);
    }
    server.invoke("text/csv", RECORD).expect(200);
    let taken = server.memory("VmRSS") - before;
    assert!(taken < 30_000, "{taken} KB for {} bodies", open.len());
}

/// What is remembered of names is bounded in bytes, not in names alone.
#[test]
fn long_names_from_outside_do_not_stay_in_memory() {
    let server = Server::with(&[("SERVE_WORKERS", "1")]);
    let invoke = |index: usize| {
        let padding = "x".repeat(1_480);
        let others = (0..2_000).map(|name| format!("\"{index} {name} {padding}\": 1"));
        let body = format!("{{\"Torque\": 20, {}}}", others.collect::<Vec<_>>().join(","));
        server.invoke("application/json", body).expect(200);
    };
    // What the allocator keeps of a few requests is no memory of names.
    (0..3).for_each(invoke);
    let before = server.memory("VmRSS");
    (3..15).for_each(invoke);
    let taken = server.memory("VmRSS").saturating_sub(before);
    // Eight sets of such names would take 130,000.
    assert!(taken < 60_000, "{taken} KB stay of 12 requests");
}

/// An answer may be many times as long as its request.
#[test]
fn an_answer_that_would_be_too_long_is_refused() {
    let server = Server::start();
    let mut body = ",,,,,,,,,,,\n".repeat(200_000);
    let headers = "Content-Type: text/csv\r\nAccept: application/json\r\n";
    let reason = server.invoke_with(headers, &body).expect(400).reason();
    assert!(reason.contains("longer than 26214400 bytes"), "{reason}");
    body.truncate(1_200);
    assert_eq!(server.invoke("text/csv", &body).expect(200).body.lines().count(), 100);
    let memory = server.memory("VmHWM");
    assert!(memory < 300_000, "{memory} KB");
}

#[test]
fn more_bodies_than_there_is_memory_for_are_refused_and_small_ones_answered_later() {
    let server = Server::with(&[("SAGEMAKER_MAX_PAYLOAD_IN_MB", "25")]);
    // 2 bodies of 25 MB and 64 MB besides: the fifth of these does not fit.
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut stream = server.connect();
        let head = format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
            25 * MEGABYTE
        );
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(&vec![b'1'; 24 * MEGABYTE]);
        open.push(stream);
    }
    let refused = Response::read(&mut BufReader::new(open.pop().unwrap())).expect(503);
    assert_eq!(refused.headers["retry-after"], "1");
    // Short ones are answered meanwhile.
    server.invoke("text/csv", RECORD).expect(200);
    drop(open);
    crate::server::eventually("the memory is free again", || {
        server.invoke("text/csv", csv_of(MEGABYTE / 4)).status == 200
    });
}
