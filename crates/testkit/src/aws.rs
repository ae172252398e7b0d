//! A server that stands for AWS: it plays a script, or stands in front of another such server and
//! answers some calls itself. It keeps what it was asked.
//!
//! It is told from the real one by nothing that a client looks at: AWS JSON, the query protocol
//! and S3's REST come to it over HTTP/1.1, a connection for each call.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::{thread, vec};

use serde_json::{Value, json};

const REQUEST_ID: &str = "8a1c";
const JSON: &str = "application/x-amz-json-1.1";

/// Where a moto server listens, if one does.
pub fn moto() -> Option<String> {
    crate::peer("MOTO_ENDPOINT", "moto server")
}

/// What a call is answered with.
#[derive(Clone, Debug)]
pub struct Answer(Reply);

#[derive(Clone, Debug)]
enum Reply {
    Body { status: u16, content_type: &'static str, body: String },
    Refusal { status: u16, code: String, message: String },
    Forwarded,
    Closed,
    Silence,
}

impl Answer {
    /// The call works, and yields this.
    pub fn json(body: Value) -> Self {
        Self::body(200, JSON, body.to_string())
    }

    /// Any body, such as the XML of the query protocol.
    pub fn body(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self(Reply::Body { status, content_type, body: body.into() })
    }

    /// The call is refused with a code and a message, in the form of the call's protocol.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self(Reply::Refusal { status, code: code.to_owned(), message: message.to_owned() })
    }

    /// Too many calls.
    pub fn throttled() -> Self {
        Self::refused(400, "ThrottlingException", "Rate exceeded")
    }

    /// The service is down for now.
    pub fn unavailable() -> Self {
        Self::refused(503, "ServiceUnavailable", "try again later")
    }

    /// What a proxy on the way says, with status 200.
    pub fn garbage() -> Self {
        Self::body(200, "text/html", "<html><body>Please sign in</body></html>")
    }

    /// As if there were no rule: the other server answers.
    pub fn forwarded() -> Self {
        Self(Reply::Forwarded)
    }

    /// The connection ends without an answer.
    pub fn closed() -> Self {
        Self(Reply::Closed)
    }

    /// The connection stays open without an answer, until the client gives up.
    pub fn silence() -> Self {
        Self(Reply::Silence)
    }
}

/// One expected call and what it is answered with.
#[derive(Clone, Debug)]
pub struct Turn {
    action: &'static str,
    answer: Answer,
}

/// The call is answered so.
pub fn answers(action: &'static str, answer: Answer) -> Turn {
    Turn { action, answer }
}

/// The call works.
pub fn yields(action: &'static str, body: Value) -> Turn {
    answers(action, Answer::json(body))
}

/// The call is refused with a code and a message.
pub fn refuses(action: &'static str, status: u16, code: &str, message: &str) -> Turn {
    answers(action, Answer::refused(status, code, message))
}

/// What all calls of one action are answered with.
pub struct Rule {
    action: String,
    answer: Box<dyn FnMut(&Value) -> Answer + Send>,
}

impl Rule {
    /// These answers one after the other, the last one for ever.
    pub fn answers(action: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut left: Vec<_> = answers.into_iter().collect();
        assert!(!left.is_empty(), "a rule for {action} without an answer");
        left.reverse();
        Self::with(action, move |_| match left.len() {
            1 => left[0].clone(),
            _ => left.pop().unwrap(),
        })
    }

    /// Whatever `answer` makes of the call's body.
    pub fn with(action: &str, answer: impl FnMut(&Value) -> Answer + Send + 'static) -> Self {
        Self { action: action.to_owned(), answer: Box::new(answer) }
    }
}

/// A call's action and body.
///
/// The action is the last part of `X-Amz-Target`, the `Action` of a query, or else method and
/// path: `ListPipelines`, `GetCallerIdentity`, `PUT /bucket/key`. A body that is not JSON is a
/// string.
pub type Call = (String, Value);

/// Listens on a free port of this machine.
pub struct Server {
    /// What `AWS_ENDPOINT_URL` is to be.
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    play: Play,
    calls: Vec<Call>,
}

enum Play {
    Script(vec::IntoIter<Turn>),
    Rules(Vec<Rule>),
}

impl Server {
    /// Plays a script: these calls in this order, and no others.
    pub fn start(script: Vec<Turn>) -> Self {
        Self::listen(Play::Script(script.into_iter()), None)
    }

    /// Stands in front of another server, `http://host:port`, and forwards all calls to it that no
    /// rule is for. Of several rules for an action the first one holds.
    pub fn before(other: &str, rules: Vec<Rule>) -> Self {
        let host = other.strip_prefix("http://").expect("expected http://host:port");
        Self::listen(Play::Rules(rules), Some(host.trim_end_matches('/').to_owned()))
    }

    fn listen(play: Play, other: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { play, calls: Vec::new() }));
        let served = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (served, other) = (Arc::clone(&served), other.clone());
                // A client may go away at any moment.
                thread::spawn(move || stream.and_then(|s| serve(s, &served, other.as_deref())));
            }
        });
        Self { url, state }
    }

    /// What was asked up to now, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }

    /// The actions of all calls up to now, in order.
    pub fn actions(&self) -> Vec<String> {
        self.calls().into_iter().map(|(action, _)| action).collect()
    }

    /// How often an action was asked for.
    pub fn count(&self, action: &str) -> usize {
        self.actions().iter().filter(|asked| *asked == action).count()
    }

    /// What was asked, in order, once the whole script was played.
    pub fn finish(self) -> Vec<Call> {
        let mut state = self.state.lock().unwrap();
        if let Play::Script(script) = &mut state.play {
            assert_eq!(script.next().map(|turn| turn.action), None, "never asked");
        }
        std::mem::take(&mut state.calls)
    }
}

impl State {
    fn answer(&mut self, action: String, body: Value) -> Answer {
        let answer = match &mut self.play {
            Play::Script(script) => match script.next() {
                Some(turn) if turn.action == action => turn.answer,
                turn => {
                    let expected = turn.map_or("no more calls", |turn| turn.action);
                    let message = format!("the script expects {expected}, the call is {action}");
                    Answer::refused(400, "OutOfScript", &message)
                }
            },
            Play::Rules(rules) => match rules.iter_mut().find(|rule| rule.action == action) {
                Some(rule) => (rule.answer)(&body),
                None => Answer::forwarded(),
            },
        };
        self.calls.push((action, body));
        answer
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, other: Option<&str>) -> io::Result<()> {
    let request = Request::read(&stream)?;
    // The lock ends with this statement: silence for one call is none for the others.
    let Answer(reply) = state.lock().unwrap().answer(request.action(), request.value());
    match reply {
        Reply::Body { status, content_type, body } => {
            request.answer(&mut stream, status, content_type, &body)
        }
        Reply::Refusal { status, code, message } => {
            let (content_type, body) = request.refusal(&code, &message);
            request.answer(&mut stream, status, content_type, &body)
        }
        Reply::Forwarded => match other.map(|host| request.forward(host)) {
            Some(Ok(mut answer)) => io::copy(&mut answer, &mut stream).map(drop),
            Some(Err(error)) => {
                request.answer(&mut stream, 502, "text/plain", &format!("no other server: {error}"))
            }
            None => request.answer(&mut stream, 502, "text/plain", "there is no other server"),
        },
        Reply::Closed => stream.shutdown(Shutdown::Both),
        Reply::Silence => io::copy(&mut stream, &mut io::sink()).map(drop),
    }
}

struct Request {
    method: String,
    /// Path and query.
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(mut stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next(), words.next());
        let mut headers = Vec::new();
        loop {
            let line = line(&mut reader)?;
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.push((name.to_lowercase(), value.trim().to_owned()));
                }
                None => break,
            }
        }
        let mut request = Self {
            method: method.unwrap_or_default(),
            target: target.unwrap_or_default(),
            headers,
            body: Vec::new(),
        };
        if request.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let coding = request.header("transfer-encoding").unwrap_or_default();
        request.body = if coding.eq_ignore_ascii_case("chunked") {
            chunks(&mut reader)?
        } else {
            let length = request.header("content-length").map_or(Ok(0), str::parse);
            exactly(&mut reader, length.map_err(io::Error::other)?)?
        };
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn action(&self) -> String {
        let target = self.header("x-amz-target").and_then(|target| target.rsplit('.').next());
        let path = || self.target.split('?').next().unwrap_or_default();
        match target.or_else(|| self.query_action()) {
            Some(action) => action.to_owned(),
            None => format!("{} {}", self.method, path()),
        }
    }

    /// What the query protocol asks for.
    fn query_action(&self) -> Option<&str> {
        let content_type = self.header("content-type")?;
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return None;
        }
        let form = std::str::from_utf8(&self.body).ok()?;
        form.split('&').find_map(|field| field.strip_prefix("Action="))
    }

    fn value(&self) -> Value {
        let text = || String::from_utf8_lossy(&self.body).into();
        serde_json::from_slice(&self.body).unwrap_or_else(|_| text())
    }

    /// Content type and body of a refusal in the call's protocol.
    fn refusal(&self, code: &str, message: &str) -> (&'static str, String) {
        if self.header("x-amz-target").is_some() {
            return (JSON, json!({ "__type": code, "message": message }).to_string());
        }
        let escaped = message.replace('&', "&amp;").replace('<', "&lt;");
        let said = format!("<Code>{code}</Code><Message>{escaped}</Message>");
        let id = format!("<RequestId>{REQUEST_ID}</RequestId>");
        let body = match self.query_action() {
            Some(_) => format!("<ErrorResponse><Error>{said}</Error>{id}</ErrorResponse>"),
            None => format!("<Error>{said}{id}</Error>"),
        };
        ("text/xml", body)
    }

    fn answer(
        &self,
        stream: &mut TcpStream,
        status: u16,
        content_type: &str,
        body: &str,
    ) -> io::Result<()> {
        let length = body.len();
        let sent = if self.method == "HEAD" { "" } else { body };
        write!(
            stream,
            "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\n\
             x-amzn-requestid: {REQUEST_ID}\r\ncontent-length: {length}\r\n\
             connection: close\r\n\r\n{sent}"
        )
    }

    /// Asks another server the same, and gives what it says, head and all. It is told to close the
    /// connection, so its answer ends where that does, however it is framed.
    fn forward(&self, host: &str) -> io::Result<TcpStream> {
        const OURS: [&str; 5] =
            ["host", "connection", "expect", "transfer-encoding", "content-length"];
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.target);
        for (name, value) in self.headers.iter().filter(|(name, _)| !OURS.contains(&&**name)) {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        let mut other = TcpStream::connect(host)?;
        other.write_all(&[head.as_bytes(), &self.body].concat())?;
        Ok(other)
    }
}

/// A line without its end; an error where it has none.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

fn exactly(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A body of `transfer-encoding: chunked`.
fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let head = line(reader)?;
        let size = head.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
        body.extend(exactly(reader, size)?);
        if size == 0 {
            // Trailers, if any, and the empty line.
            while !line(reader)?.is_empty() {}
            return Ok(body);
        }
        line(reader)?;
    }
}
