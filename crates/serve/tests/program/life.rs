//! How the server starts and ends.

use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::process::Signal;
use testkit::Sandbox;

use crate::server::{MODEL, RECORD, Response, Server, ended, send, trained, tree, write_model};

#[test]
fn a_model_that_cannot_be_used_ends_the_server_with_the_reason() {
    let with = |change: &dyn Fn(&Sandbox)| {
        let sandbox = tree();
        change(&sandbox);
        let log = ended(&sandbox, &[], 3).stderr;
        assert!(!log.contains("listening"), "{log}");
        let reason = log.lines().find_map(|line| line.split_once("serve failed: "));
        sandbox.normalized(reason.unwrap_or_else(|| panic!("{log}")).1)
    };
    let forest = &MODEL["forest.bin"];
    let remove = |name: &'static str| {
        move |sandbox: &Sandbox| {
            fs_err::remove_file(sandbox.path("model").join(name)).unwrap();
        }
    };
    let write = |name: &'static str, contents: Vec<u8>| {
        move |sandbox: &Sandbox| {
            sandbox.file(&format!("model/{name}"), &contents);
        }
    };
    let hosts = r#"{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}"#;
    let shard = trained(40, Some(hosts));
    let mut damaged = forest.clone();
    damaged[2_000] ^= 1;
    let mut newer = forest.clone();
    newer[8] = 99;
    let recipe = String::from_utf8(MODEL["recipe.json"].clone()).unwrap();
    let recipe = recipe.replacen("\"format_version\": 2", "\"format_version\": 99", 1).into_bytes();
    let said = [
        with(&write("forest.bin", forest[..forest.len() / 2].to_vec())),
        with(&write("forest.bin", damaged)),
        with(&write("forest.bin", newer)),
        with(&write("recipe.json", recipe)),
        with(&remove("recipe.json")),
        with(&|sandbox: &Sandbox| {
            fs_err::remove_dir_all(sandbox.path("model")).unwrap();
            write_model(sandbox, "model", &shard);
        }),
        with(&|sandbox: &Sandbox| {
            fs_err::remove_dir_all(sandbox.path("model")).unwrap();
            sandbox.file("model/notes.txt", "x");
        }),
        with(&|sandbox: &Sandbox| fs_err::remove_dir_all(sandbox.path("model")).unwrap()),
        with(&|sandbox: &Sandbox| {
            fs_err::remove_dir_all(sandbox.path("model")).unwrap();
            sandbox.file("model/model.tar.gz", "no archive");
        }),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let sandbox = tree();
    let file = sandbox.path("model/forest.bin");
    fs_err::remove_file(&file).unwrap();
    fs_err::create_dir(&file).unwrap();
    let log = ended(&sandbox, &[], 3).stderr;
    assert!(log.contains("model/forest.bin is not a file"), "{log}");
}

#[test]
fn settings_that_are_not_known_are_warned_of() {
    let variables = [("SERVE_TRESHOLD", "0.3"), ("serve_explain", "1"), ("SERVE_FOO", "1")];
    let log = Server::with(&variables).stop();
    for warning in [
        "SERVE_TRESHOLD is not known here, it is ignored; did you mean SERVE_THRESHOLD?",
        "serve_explain is not known here, it is ignored; did you mean SERVE_EXPLAIN?",
        "SERVE_FOO is not known here, it is ignored",
    ] {
        assert!(log.contains(&format!("WARN serve: environment variable {warning}\n")), "{log}");
    }
    let known = [("SERVE_THRESHOLD", "0.3"), ("SERVE_LOG_REQUESTS", "true")];
    let log = Server::with(&known).stop();
    assert!(!log.contains("is not known here"), "{log}");
}

#[test]
fn invalid_settings_are_all_named() {
    let settings = [("SERVE_THRESHOLD", "2"), ("SERVE_WORKERS", "many")];
    let log = ended(&tree(), &settings, 2).stderr;
    assert!(log.contains("SERVE_THRESHOLD is `2`") && log.contains("SERVE_WORKERS is `many`"));
    let log = ended(&tree(), &[("SAGEMAKER_BATCH", "perhaps")], 2).stderr;
    assert!(log.contains("SAGEMAKER_BATCH is `perhaps`, expected true or false"), "{log}");
    let log = ended(&tree(), &[("SERVE_CSV_COLUMNS", "a,b")], 3).stderr;
    assert!(
        log.contains("SERVE_CSV_COLUMNS cannot be used: the line of columns lacks column"),
        "{log}"
    );
}

/// Listeners share the port among threads, and not with another server.
#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let log = ended(&tree(), &[("SAGEMAKER_BIND_TO_PORT", &port)], 1).stderr;
    assert!(log.contains(&format!("cannot listen on 127.0.0.1:{port}: Address")), "{log}");
    let server = Server::start();
    let port = server.address.port().to_string();
    let log = ended(&tree(), &[("SAGEMAKER_BIND_TO_PORT", &port)], 1).stderr;
    assert!(log.contains(&format!("cannot listen on 127.0.0.1:{port}: Address")), "{log}");
}

#[test]
fn unknown_arguments_are_said_and_ignored() {
    let sandbox = tree();
    let server = Server::over(&sandbox, &[]);
    assert!(!server.stop().contains("is not known here"));
    let mut command = sandbox.command("serve", &["serve", "--workers=3"]);
    command.env("SAGEMAKER_BIND_TO_PORT", "1").env("SERVE_ADDRESS", "192.0.2.1");
    let log = testkit::Outcome::from(command.output().unwrap()).expect(1).stderr;
    assert!(log.contains("argument `--workers=3` is not known here, it is ignored"), "{log}");
}

#[test]
fn requests_that_have_begun_are_answered_after_sigterm_and_new_ones_refused() {
    let server = Server::start();
    // Both an idle connection and one in the middle of a request.
    let idle = server.connect();
    let mut begun = server.connect();
    let head = format!(
        "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
        RECORD.len()
    );
    begun.write_all(head.as_bytes()).unwrap();
    begun.write_all(&RECORD.as_bytes()[..10]).unwrap();
    // The server has seen the request when it answers another one behind it.
    server.request("GET", "/ping", "", b"").expect(200);
    std::thread::sleep(Duration::from_millis(100));
    server.signal(Signal::TERM);
    let address = server.address;
    crate::server::eventually("new connections are refused", || {
        TcpStream::connect(address).is_err()
    });
    begun.write_all(&RECORD.as_bytes()[10..]).unwrap();
    let response = Response::read(&mut BufReader::new(begun)).expect(200);
    assert_eq!(response.headers["connection"], "close");
    let (code, log) = server.end();
    assert_eq!(code, Some(0), "{log}");
    drop(idle);
}

#[test]
fn a_killed_server_starts_again_on_its_port() {
    let sandbox = tree();
    let server = Server::over(&sandbox, &[]);
    let mut open = server.connect();
    send(&mut open, "POST", "/invocations", "Content-Type: text/csv\r\n", RECORD.as_bytes());
    server.signal(Signal::KILL);
    let port = server.address.port().to_string();
    let (code, _) = server.end();
    assert_eq!(code, None);
    let again = Server::over(&sandbox, &[("SAGEMAKER_BIND_TO_PORT", &port)]);
    again.invoke("text/csv", RECORD).expect(200);
}

/// The model is in memory; whatever becomes of its files, answers stay the same.
#[test]
fn files_that_change_while_the_server_runs_change_nothing() {
    let sandbox = tree();
    let server = Server::over(&sandbox, &[]);
    let before = server.invoke("text/csv", RECORD).expect(200).body;
    let model = crate::server::model(3);
    write_model(&sandbox, "model", &model);
    assert_eq!(server.invoke("text/csv", RECORD).expect(200).body, before);
    fs_err::remove_dir_all(sandbox.path("model")).unwrap();
    assert_eq!(server.invoke("text/csv", RECORD).expect(200).body, before);
    server.request("GET", "/ping", "", b"").expect(200);
}

#[test]
fn requests_are_logged_as_json_where_asked() {
    let variables = [("SERVE_LOG_REQUESTS", "true"), ("LOG_FORMAT", "json")];
    let server = Server::with(&variables);
    let headers = "Content-Type: text/csv\r\nX-Amzn-SageMaker-Inference-Id: job-7\r\n";
    server.invoke_with(headers, RECORD).expect(200);
    server.invoke("text/csv", "1,2").expect(400);
    let log = server.stop();
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let requests: Vec<_> = events.iter().filter(|event| event["message"] == "request").collect();
    assert_eq!(requests.len(), 2, "{log}");
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests[0]["id"], "job-7");
    assert_eq!(requests[0]["records"], 1);
    assert_eq!(requests[0]["bytes"], RECORD.len());
    assert!(requests[0]["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(requests[1]["status"], 400);
    assert!(requests[1]["reason"].as_str().unwrap().contains("2 values, expected 12"));
}

/// An identifier from outside is one line of the log, and no long one; the answer has it as it is.
#[test]
fn identifiers_of_requests_are_escaped_and_cut_in_the_log() {
    let server = Server::with(&[("SERVE_LOG_REQUESTS", "true"), ("LOG_FORMAT", "json")]);
    let strange = "a\u{85}b\u{2028}c\u{2029}d\u{202e}e\u{9b}f\"";
    let long = "é".repeat(1_000);
    for id in [strange, &long] {
        let headers = format!("Content-Type: text/csv\r\nX-Request-Id: {id}\r\n");
        assert_eq!(server.invoke_with(&headers, RECORD).expect(200).headers["x-request-id"], id);
    }
    let log = server.stop();
    let ids: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|event| event["id"].as_str().map(str::to_owned))
        .collect();
    let escaped = r#"a\u{85}b\u{2028}c\u{2029}d\u{202e}e\u{9b}f""#;
    assert_eq!(ids, [escaped.to_owned(), format!("{}…", "é".repeat(128))]);
}

/// A log that cannot be written takes no request down.
#[test]
fn a_full_disk_behind_the_log_takes_no_request_down() {
    let sandbox = tree();
    let port = crate::server::free_port();
    let mut command = sandbox.command("serve", &[]);
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.env("SAGEMAKER_BIND_TO_PORT", port.to_string()).env("SERVE_ADDRESS", "127.0.0.1");
    command.env("SERVE_LOG_REQUESTS", "true").stderr(std::fs::File::from(full));
    let mut child = command.spawn().unwrap();
    let address = (Ipv4Addr::LOCALHOST, port);
    crate::server::eventually("the server listens", || TcpStream::connect(address).is_ok());
    let mut stream = TcpStream::connect(address).unwrap();
    send(&mut stream, "POST", "/invocations", "Content-Type: text/csv\r\n", RECORD.as_bytes());
    Response::read(&mut BufReader::new(stream)).expect(200);
    child.kill().unwrap();
    child.wait().unwrap();
}
