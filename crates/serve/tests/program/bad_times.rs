//! Clients that are slow, rude or many, and what the others notice of it.

use std::io::{BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::Sandbox;

use crate::server::{RECORD, Response, Server, send, write_model};

const CSV: &str = "Content-Type: text/csv\r\n";

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut stream = server.connect();
    let mut text = Vec::new();
    for index in 0..50 {
        let body = if index % 5 == 4 { "bad" } else { RECORD };
        let head = format!(
            "POST /invocations HTTP/1.1\r\nHost: x\r\n{CSV}X-Request-Id: {index}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(body.as_bytes());
    }
    stream.write_all(&text).unwrap();
    let mut stream = BufReader::new(stream);
    for index in 0..50 {
        let response = Response::read(&mut stream).expect(if index % 5 == 4 { 400 } else { 200 });
        assert_eq!(response.headers["x-request-id"], index.to_string());
    }
}

#[test]
fn http_1_0_and_a_connection_that_the_client_closes_are_served() {
    let server = Server::start();
    for (version, headers) in [("1.0", ""), ("1.1", "Host: x\r\nConnection: close\r\n")] {
        let mut stream = server.connect();
        let length = RECORD.len();
        let head = format!(
            "POST /invocations HTTP/{version}\r\n{headers}{CSV}Content-Length: {length}\r\n\r\n{RECORD}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The server closes the connection, so that the response ends.
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with(&format!("HTTP/{version} 200")), "{response}");
    }
}

#[test]
fn a_body_may_arrive_in_chunks_and_byte_by_byte() {
    let server = Server::start();
    let mut stream = server.connect();
    let head =
        format!("POST /invocations HTTP/1.1\r\nHost: x\r\n{CSV}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    for byte in RECORD.bytes() {
        stream.write_all(&[b"1\r\n", &[byte][..], b"\r\n"].concat()).unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let chunked = Response::read(&mut BufReader::new(stream)).expect(200);
    assert_eq!(chunked.body, server.invoke("text/csv", RECORD).body);
}

#[test]
fn malformed_heads_are_refused() {
    let server = Server::start();
    for head in [
        "POST /invocations HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03",
        "POST\r\n\r\n",
        "GET /ping HTTP/9.9\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nContent Length: 5\r\n\r\n",
    ] {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8_lossy(&response);
        assert!(
            response.is_empty() || response.starts_with("HTTP/1.1 400"),
            "{head:?}: {response}"
        );
    }
    // A head without end is cut off.
    let mut stream = server.connect();
    let line = format!("X-Filler: {}\r\n", "y".repeat(1000));
    let _ = stream.write_all(b"GET /ping HTTP/1.1\r\n");
    for _ in 0..200 {
        if stream.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    let response = String::from_utf8_lossy(&response);
    assert!(response.is_empty() || response.starts_with("HTTP/1.1 431"), "{response}");
    server.request("GET", "/ping", "", b"").expect(200);
}

#[test]
fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let server = Server::start();
    for _ in 0..200 {
        let mut stream = server.connect();
        let head =
            format!("POST /invocations HTTP/1.1\r\nHost: x\r\n{CSV}Content-Length: 100\r\n\r\n1,2");
        stream.write_all(head.as_bytes()).unwrap();
    }
    server.invoke("text/csv", RECORD).expect(200);
    // Nothing waits for them: the server ends at once.
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// The test opens a file for each, too, so it takes as many as it may.
#[test]
fn thousands_of_idle_connections_leave_room_for_others() {
    let server = Server::start();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let wanted = limit.maximum.map_or(10_000, |most| most.saturating_sub(500).min(10_000));
    let idle: Vec<_> = (0..wanted).map(|_| server.connect()).collect();
    let started = Instant::now();
    for _ in 0..20 {
        server.invoke("text/csv", RECORD).expect(200);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let memory = server.memory("VmRSS");
    assert!(memory < 250_000, "{memory} KB for {} connections", idle.len());
}

/// Good requests on some connections, malformed ones on others: no good one is lost.
#[test]
fn good_requests_among_malformed_ones_are_all_answered() {
    let server = Server::start();
    let expected = server.invoke("text/csv", RECORD).expect(200).body;
    let ends = AtomicBool::new(false);
    let bad: [(&str, &[u8]); 8] = [
        ("text/csv", b"1,2,3"),
        ("text/csv", b"\xff\xfe\x00\x01"),
        ("application/json", b"{\"a\": [[[[[[[["),
        ("application/json", b"{\"Torque\": 1e999, \"Torque\": 2}"),
        ("application/jsonlines", b"{}\n{}\n"),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("text/csv; charset=utf-16", b"x"),
        ("text/csv", b"\"\"\"\"\"\"\"\"\"\"\""),
    ];
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(Ordering::Relaxed) {
                    for (content_type, body) in bad {
                        let response = server.invoke(content_type, body);
                        assert!((400..500).contains(&response.status), "{response:?}");
                        // And one that is cut off in the middle.
                        let mut cut = server.connect();
                        let _ = cut.write_all(b"POST /invocations HTTP/1.1\r\nContent-Le");
                    }
                }
            });
        }
        let good: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = BufReader::new(server.connect());
                    for _ in 0..2_000 {
                        send(stream.get_mut(), "POST", "/invocations", CSV, RECORD.as_bytes());
                        assert_eq!(Response::read(&mut stream).expect(200).body, expected);
                    }
                })
            })
            .collect();
        for thread in good {
            thread.join().unwrap();
        }
        ends.store(true, Ordering::Relaxed);
    });
    let log = server.stop();
    assert!(!log.contains("panicked") && !log.contains("defect"), "{log}");
}

/// Clients that send a byte at a time, in the head or in the body of a request.
#[test]
fn slow_clients_do_not_hurt_others_and_are_answered_at_last() {
    let server = Server::with(&[("SERVE_WORKERS", "1")]);
    let expected = server.invoke("text/csv", RECORD).expect(200).body;
    let length = RECORD.len();
    let head =
        format!("POST /invocations HTTP/1.1\r\nHost: x\r\n{CSV}Content-Length: {length}\r\n\r\n");
    let text = format!("{head}{RECORD}");
    let slow: Vec<_> = (0..60).map(|_| server.connect()).collect();
    // Half of them begin with the body.
    let mut sent: Vec<usize> =
        (0..slow.len()).map(|index| if index % 2 == 0 { head.len() } else { 0 }).collect();
    for (mut stream, sent) in slow.iter().zip(&sent) {
        stream.write_all(&text.as_bytes()[..*sent]).unwrap();
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    while sent.iter().any(|sent| *sent < text.len()) {
        for (mut stream, sent) in slow.iter().zip(&mut sent).filter(|(_, sent)| **sent < text.len())
        {
            stream.write_all(&text.as_bytes()[*sent..=*sent]).unwrap();
            *sent += 1;
        }
        let asked = Instant::now();
        assert_eq!(server.invoke("text/csv", RECORD).expect(200).body, expected);
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(started.elapsed() > Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for stream in slow {
        assert_eq!(Response::read(&mut BufReader::new(stream)).expect(200).body, expected);
    }
}

/// A large request does not make small ones wait for its end.
#[test]
fn a_small_request_is_answered_beside_a_large_one() {
    let server = Server::with(&[("SERVE_WORKERS", "1")]);
    let large = format!("{RECORD}\n").repeat(40_000);
    let mut slow = server.connect();
    send(&mut slow, "POST", "/invocations", CSV, large.as_bytes());
    let started = Instant::now();
    server.invoke("text/csv", RECORD).expect(200);
    let small = started.elapsed();
    let response = Response::read(&mut BufReader::new(slow)).expect(200);
    assert_eq!(response.body.lines().count(), 40_000);
    let whole = started.elapsed();
    assert!(small < whole / 2, "{small:?} of {whole:?}");
}

/// The work for a client that has left ends, and takes no room from others.
#[test]
fn the_work_for_a_client_that_leaves_ends() {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "model", &crate::server::model(1_000));
    let server = Server::over(&sandbox, &[("SERVE_WORKERS", "1")]);
    // Two processors take more than 10 s for each of these.
    let body = format!("{RECORD}\n").repeat(20_000);
    let explain = format!("{CSV}X-Amzn-SageMaker-Custom-Attributes: explain=interventional\r\n");
    // Two of them wait behind the first one.
    for client in 0..3 {
        let mut stream = server.connect();
        send(&mut stream, "POST", "/invocations", &explain, body.as_bytes());
        if client == 0 {
            let before = server.cpu_time();
            crate::server::eventually("the work begins", || {
                server.cpu_time() > before + Duration::from_millis(200)
            });
        }
    }
    let started = Instant::now();
    let small = format!("{RECORD}\n").repeat(1_000);
    server.invoke("text/csv", &small).expect(200);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    eprintln!(
        "{:?} {}",
        started.elapsed(),
        server.request("GET", "/metrics", "", b"").expect(200).body
    );
    // Nothing is done any more: no more than a tick of the clock.
    let before = server.cpu_time();
    std::thread::sleep(Duration::from_secs(1));
    let spent = server.cpu_time() - before;
    assert!(spent < Duration::from_millis(100), "{spent:?} in a second");
    let text = server.request("GET", "/metrics", "", b"").expect(200).body;
    assert!(text.contains("serve_invocations_total{status=\"499\"} 3"), "{text}");
}

/// A client may close its side when it has sent everything. A long request, such as the second one, has a second.
#[test]
fn a_client_that_has_closed_its_side_gets_its_answer() {
    let server = Server::start();
    for rows in [1, 1_000] {
        let body = format!("{RECORD}\n").repeat(rows);
        let mut stream = server.connect();
        send(&mut stream, "POST", "/invocations", CSV, body.as_bytes());
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let response = Response::read(&mut BufReader::new(stream)).expect(200);
        assert_eq!(response.body.lines().count(), rows);
    }
}

/// Words from outside do not look like another line of the log.
#[test]
fn names_from_outside_stay_on_their_line_of_the_log() {
    let server = Server::with(&[("SERVE_LOG_REQUESTS", "true")]);
    let forged = r#"{"Torque": 1, "x\n2026-11-30T00:00:00Z ERROR serve: forged": 1}"#;
    server.invoke("application/json", forged).expect(200);
    server.invoke("application/json", r#"{"Torque": "a\nforged"}"#).expect(400);
    let log = server.stop();
    assert!(log.contains("forged"), "{log}");
    assert!(log.lines().all(|line| line.starts_with("20")), "{log}");
    assert!(
        !log.lines().any(|line| line.contains("ERROR serve: forged") && !line.contains("WARN"))
    );
}
