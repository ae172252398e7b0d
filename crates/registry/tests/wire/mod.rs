//! A server that plays a script of answers in SageMaker's protocol (AWS JSON 1.1 over HTTP) and
//! keeps what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// One expected call and what it is answered with.
pub(crate) struct Answer {
    action: &'static str,
    status: u16,
    body: Value,
}

/// The call works.
pub(crate) fn yields(action: &'static str, body: Value) -> Answer {
    Answer { action, status: 200, body }
}

/// The call is refused with a code and a message.
pub(crate) fn refuses(action: &'static str, status: u16, code: &str, message: &str) -> Answer {
    Answer { action, status, body: json!({ "__type": code, "message": message }) }
}

/// Listens on a free port of this machine.
pub(crate) struct Server {
    pub(crate) url: String,
    played: Arc<Mutex<Played>>,
}

struct Played {
    script: std::vec::IntoIter<Answer>,
    calls: Vec<(String, Value)>,
}

impl Server {
    pub(crate) fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let played = Arc::new(Mutex::new(Played { script: script.into_iter(), calls: Vec::new() }));
        let served = Arc::clone(&played);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &served);
            }
        });
        Self { url, played }
    }

    /// What was asked, in order, once the whole script was played.
    pub(crate) fn finish(self) -> Vec<(String, Value)> {
        let mut played = self.played.lock().unwrap();
        assert_eq!(played.script.next().map(|answer| answer.action), None, "never asked");
        std::mem::take(&mut played.calls)
    }
}

/// Where a moto server listens, if one does; where the whole test run is wanted, one must.
pub(crate) fn moto() -> Option<String> {
    let endpoint = std::env::var("MOTO_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
    if endpoint.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "MOTO_ENDPOINT is not set");
        // Not by `println!`, which the harness shows of failing tests only.
        std::io::stderr().write_all(b"skipped: no moto server\n").unwrap();
    }
    endpoint
}

fn serve(mut stream: TcpStream, played: &Mutex<Played>) {
    let mut reader = BufReader::new(&stream);
    let (mut action, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            match name.to_lowercase().as_str() {
                "x-amz-target" => action = value.trim().replace("SageMaker.", ""),
                "content-length" => length = value.trim().parse().unwrap(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut played = played.lock().unwrap();
    let answer = match played.script.next() {
        Some(answer) if answer.action == action => answer,
        expected => {
            let expected = expected.map_or("no more calls", |answer| answer.action);
            let message = format!("the script expects {expected}, the call is {action}");
            refuses("", 400, "OutOfScript", &message)
        }
    };
    played.calls.push((action, serde_json::from_slice(&body).unwrap()));
    let body = answer.body.to_string();
    write!(
        stream,
        "HTTP/1.1 {} Scripted\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amzn-requestid: 8a1c\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        answer.status,
        body.len()
    )
    .unwrap();
}
