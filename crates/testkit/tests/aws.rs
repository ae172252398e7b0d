//! The server that stands for AWS: requests and answers as bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::json;
use testkit::aws::{Answer, Rule, Server, answers, refuses, yields};

const LIST: &str = "SageMaker.ListPipelines";

fn connect(url: &str) -> TcpStream {
    TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap()
}

/// Sends the bytes of a request and reads until the server closes the connection.
fn send(url: &str, request: &str) -> String {
    let mut stream = connect(url);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn call(target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: a\r\nX-Amz-Target: {target}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Starts a server that answers one request with [`CHUNKED`]. Returns its address, and a thread that
/// ends with head and body of the request.
fn upstream() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            reader.read_line(&mut head).unwrap();
            if let Some(value) = head[start..].strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(CHUNKED.as_bytes()).unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        (head + &String::from_utf8(body).unwrap())
            .replace(&authority, "<upstream>")
            .replace('\r', "")
    });
    (url, asked)
}

const CHUNKED: &str = "HTTP/1.1 201 Created\r\nconnection: close\r\nx-of-its-own: 1\r\n\
                       transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";

#[test]
fn a_script_expects_its_calls_in_order() {
    let server =
        Server::start(vec![yields("ListPipelines", json!([])), yields("StartPipeline", json!({}))]);
    insta::assert_snapshot!(send(&server.url, &call(LIST, r#"{"MaxResults": 1}"#)).replace('\r', ""), @"
    HTTP/1.1 200 Scripted
    content-type: application/x-amz-json-1.1
    x-amzn-requestid: 8a1c
    content-length: 2
    connection: close

    []
    ");
    let refusal = send(&server.url, &call(LIST, "{}"));
    let said = "the script expects StartPipeline, the call is ListPipelines";
    assert!(refusal.starts_with("HTTP/1.1 400 ") && refusal.contains(said), "{refusal}");
    let calls = [
        ("ListPipelines".to_owned(), json!({"MaxResults": 1})),
        ("ListPipelines".to_owned(), json!({})),
    ];
    assert_eq!(server.finish(), calls);
}

#[test]
fn an_error_has_the_form_of_the_calls_protocol() {
    let refusal = || refuses("GET /bucket", 403, "AccessDenied", "a < b");
    let server = Server::start(vec![
        refuses("GetCallerIdentity", 403, "AccessDenied", "a < b"),
        refusal(),
        refuses("HEAD /bucket/key", 404, "NoSuchKey", ""),
    ]);
    let query = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8\r\n\
                 content-length: 43\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15";
    let body = |answer: String| answer.split("\r\n\r\n").nth(1).unwrap().to_owned();
    insta::assert_snapshot!(
        body(send(&server.url, query)),
        @"<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt; b</Message></Error><RequestId>8a1c</RequestId></ErrorResponse>"
    );
    insta::assert_snapshot!(
        body(send(&server.url, "GET /bucket?list-type=2 HTTP/1.1\r\n\r\n")),
        @"<Error><Code>AccessDenied</Code><Message>a &lt; b</Message><RequestId>8a1c</RequestId></Error>"
    );
    assert_eq!(body(send(&server.url, "HEAD /bucket/key HTTP/1.1\r\n\r\n")), "");
}

#[test]
fn a_rule_repeats_its_last_answer() {
    let mut left = 2;
    let server = Server::alone(vec![
        Rule::answers("ListPipelines", [Answer::throttled(), Answer::json(json!("first"))]),
        Rule::with("StopPipelineExecution", move |body| {
            left -= 1;
            Answer::json(json!([left, body]))
        }),
    ]);
    let list = || send(&server.url, &call(LIST, "{}"));
    assert!(list().ends_with(r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#));
    for _ in 0..3 {
        assert!(list().ends_with(r#""first""#));
    }
    let stop = || send(&server.url, &call("SageMaker.StopPipelineExecution", r#"{"a": 1}"#));
    assert!(stop().ends_with(r#"[1,{"a":1}]"#));
    assert!(stop().ends_with(r#"[0,{"a":1}]"#));
    assert_eq!((server.count("ListPipelines"), server.count("StopPipelineExecution")), (4, 2));
}

#[test]
fn a_call_that_nobody_answers() {
    let create = call("SageMaker.CreatePipeline", "{}");
    let refusal = send(&Server::alone(Vec::new()).url, &create);
    let said = "there is no rule for CreatePipeline";
    assert!(refusal.starts_with("HTTP/1.1 400 ") && refusal.contains(said), "{refusal}");
    // Nothing listens on this port.
    let nowhere = send(&Server::proxy("http://127.0.0.1:9", Vec::new()).url, &create);
    assert!(nowhere.starts_with("HTTP/1.1 502 "), "{nowhere}");
}

#[test]
fn a_call_without_a_rule_is_forwarded_and_its_answer_returned_unchanged() {
    let (url, asked) = upstream();
    let server = Server::proxy(&url, vec![Rule::answers("PUT /b", [Answer::garbage()])]);
    let request = "PUT /b/k%20?x-id=PutObject HTTP/1.1\r\nHost: b.a\r\nExpect: 100-continue\r\n\
                   content-encoding: aws-chunked\r\nTransfer-Encoding: chunked\r\n\
                   Authorization: AWS4-HMAC-SHA256 x\r\n\r\n\
                   5;ext=1\r\nhello\r\nB\r\n\nbut \r\n\r\n.\n\r\n0\r\ntrailer: 1\r\n\r\n";
    let answer = send(&server.url, request);
    assert_eq!(answer, format!("HTTP/1.1 100 Continue\r\n\r\n{CHUNKED}"));
    insta::assert_snapshot!(asked.join().unwrap(), @"
    PUT /b/k%20?x-id=PutObject HTTP/1.1
    host: <upstream>
    content-encoding: aws-chunked
    authorization: AWS4-HMAC-SHA256 x
    content-length: 16
    connection: close

    hello
    but 

    .
    ");
    assert_eq!(server.finish(), [("PUT /b/k%20".to_owned(), json!("hello\nbut \r\n\r\n.\n"))]);
}

#[test]
fn a_rule_can_forward_a_call() {
    let (url, asked) = upstream();
    let rule = Rule::answers("ListPipelines", [Answer::unavailable(), Answer::forwarded()]);
    let server = Server::proxy(&url, vec![rule]);
    assert!(send(&server.url, &call(LIST, "{}")).starts_with("HTTP/1.1 503 "));
    assert_eq!(send(&server.url, &call(LIST, "{}")), CHUNKED);
    assert!(asked.join().unwrap().ends_with("\n\n{}"));
    assert_eq!(server.actions(), ["ListPipelines", "ListPipelines"]);
}

#[test]
fn garbage_closed_connections_and_silence() {
    let server = Server::start(vec![
        answers("ListPipelines", Answer::garbage()),
        answers("ListPipelines", Answer::closed()),
        answers("ListPipelines", Answer::silence()),
        yields("ListPipelines", json!({})),
    ]);
    let garbage = send(&server.url, &call(LIST, "{}"));
    assert!(garbage.starts_with("HTTP/1.1 200 ") && garbage.ends_with("</html>"), "{garbage}");
    assert_eq!(send(&server.url, &call(LIST, "{}")), "");

    let mut silent = connect(&server.url);
    silent.write_all(call(LIST, "{}").as_bytes()).unwrap();
    silent.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = silent.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    // Other calls are answered while one waits.
    assert!(send(&server.url, &call(LIST, "{}")).ends_with("{}"));
    assert_eq!(server.finish().len(), 4);
}

#[test]
fn a_client_that_disconnects_does_not_disturb_others() {
    let server = Server::start(vec![yields("ListPipelines", json!({}))]);
    drop(connect(&server.url));
    for begun in ["GET", "POST / HTTP/1.1\r\ncontent-length: 100\r\n\r\n{", "\0\u{1}\r\n"] {
        connect(&server.url).write_all(begun.as_bytes()).unwrap();
    }
    assert!(send(&server.url, &call(LIST, "{}")).ends_with("{}"));
    assert_eq!(server.finish().len(), 1);
}
