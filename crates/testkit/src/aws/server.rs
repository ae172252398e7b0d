//! The server: it listens, looks up the answer to each call and records the call.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::{thread, vec};

use super::http::Request;
use super::script::{Answer, Call, Reply, Rule, ScriptedCall};

/// A server on a free port of this machine that stands for AWS.
pub struct Server {
    /// The value for `AWS_ENDPOINT_URL`.
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    answers: Answers,
    calls: Vec<Call>,
    /// The headers of each call.
    headers: Vec<Vec<(String, String)>>,
}

enum Answers {
    Script(vec::IntoIter<ScriptedCall>),
    Rules(Vec<Rule>),
}

impl Server {
    /// Starts a server that expects the calls of `script`, in this order, and no others.
    pub fn start(script: Vec<ScriptedCall>) -> Self {
        Self::listen(Answers::Script(script.into_iter()), None)
    }

    /// Starts a server that answers calls by `rules`. It refuses all others with status 400, which
    /// clients do not retry: they would wait half a minute for one call.
    pub fn alone(rules: Vec<Rule>) -> Self {
        Self::listen(Answers::Rules(rules), None)
    }

    /// Starts a proxy for the server at `upstream`, `http://host:port`, which forwards all calls that
    /// have no rule. Of several rules for an action the first one applies.
    pub fn proxy(upstream: &str, rules: Vec<Rule>) -> Self {
        let host = upstream.strip_prefix("http://").expect("expected http://host:port");
        Self::listen(Answers::Rules(rules), Some(host.trim_end_matches('/').to_owned()))
    }

    fn listen(answers: Answers, upstream: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { answers, calls: Vec::new(), headers: Vec::new() }));
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, upstream) = (Arc::clone(&served), upstream.clone());
                // An error means that the client closed the connection, which it may do at any time.
                thread::spawn(move || stream.and_then(|s| serve(s, &served, upstream.as_deref())));
            }
        });
        Self { url, state }
    }

    /// Returns the calls received so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// Returns the actions of the calls received so far, in order.
    pub fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|(action, _)| action).collect()
    }

    /// Returns the number of calls of an action received so far.
    pub fn count(&self, action: &str) -> usize {
        self.actions().iter().filter(|received| *received == action).count()
    }

    /// Returns a header of the last call of an action, by its name in lower case.
    pub fn header(&self, action: &str, name: &str) -> Option<String> {
        let state = self.state.lock().unwrap();
        let call = state.calls.iter().rposition(|(called, _)| called == action)?;
        let headers = state.headers[call].iter();
        headers.clone().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    /// Returns a header of each call received so far, in order, by its name in lower case.
    pub fn headers(&self, name: &str) -> Vec<Option<String>> {
        let state = self.state.lock().unwrap();
        let of_call = |headers: &Vec<(String, String)>| {
            headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
        };
        state.headers.iter().map(of_call).collect()
    }

    /// Returns the calls received, in order. Fails the test if a call of the script is outstanding.
    pub fn finish(self) -> Vec<Call> {
        let mut state = self.state.lock().unwrap();
        if let Answers::Script(script) = &mut state.answers {
            assert_eq!(script.next().map(|expected| expected.action), None, "never called");
        }
        std::mem::take(&mut state.calls)
    }
}

impl State {
    fn answer(&mut self, action: String, request: &Request) -> Answer {
        let body = request.value();
        let answer = match &mut self.answers {
            Answers::Script(script) => match script.next() {
                Some(expected) if expected.action == action => expected.answer,
                other => {
                    let expected = other.map_or("no more calls", |expected| expected.action);
                    let message = format!("the script expects {expected}, the call is {action}");
                    Answer::refused(400, "OutOfScript", &message)
                }
            },
            Answers::Rules(rules) => match rules.iter_mut().find(|rule| rule.action == action) {
                Some(rule) => (rule.answer)(&body),
                None => Answer::forwarded(),
            },
        };
        self.calls.push((action, body));
        self.headers.push(request.headers().to_vec());
        answer
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, upstream: Option<&str>) -> io::Result<()> {
    let request = Request::read(&stream)?;
    // The lock is released at the end of this statement, so a call that is never answered does not
    // block the others.
    let action = request.action();
    let Answer(reply) = state.lock().unwrap().answer(action.clone(), &request);
    match reply {
        Reply::Body { status, content_type, headers, body } => {
            request.answer_with(&mut stream, status, content_type, &headers, &body)
        }
        Reply::Refusal { status, code, message } => {
            let (content_type, body) = request.refusal(&code, &message);
            request.answer(&mut stream, status, content_type, body.as_bytes())
        }
        Reply::Forwarded => match upstream.map(|host| request.forward(host)) {
            Some(Ok(mut answer)) => io::copy(&mut answer, &mut stream).map(drop),
            Some(Err(error)) => request.answer(
                &mut stream,
                502,
                "text/plain",
                format!("no other server: {error}").as_bytes(),
            ),
            None => {
                let (content_type, body) =
                    request.refusal("NoRule", &format!("there is no rule for {action}"));
                request.answer(&mut stream, 400, content_type, body.as_bytes())
            }
        },
        Reply::Closed => stream.shutdown(Shutdown::Both),
        Reply::Silence => io::copy(&mut stream, &mut io::sink()).map(drop),
    }
}
