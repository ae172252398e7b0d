//! HTTP/1.1 as far as AWS's clients use it, and the protocols on top of it: AWS JSON, the query
//! protocol and S3's REST.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::script::JSON;

const REQUEST_ID: &str = "8a1c";

pub(super) struct Request {
    method: String,
    /// Path and query.
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn read(mut stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next(), words.next());
        let mut headers = Vec::new();
        while let Some((name, value)) = line(&mut reader)?.split_once(':') {
            headers.push((name.to_lowercase(), value.trim().to_owned()));
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

    /// Returns the headers, whose names are in lower case.
    pub(super) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the action of the call; see [`Call`](super::script::Call).
    pub(super) fn action(&self) -> String {
        let target = self.header("x-amz-target").and_then(|target| target.rsplit('.').next());
        match target.or_else(|| self.query_action()) {
            Some(action) => action.to_owned(),
            None => {
                let path = self.target.split('?').next().unwrap_or_default();
                format!("{} {path}", self.method)
            }
        }
    }

    /// Returns the `Action` of a call of the query protocol.
    fn query_action(&self) -> Option<&str> {
        let content_type = self.header("content-type")?;
        if !content_type.starts_with("application/x-www-form-urlencoded") {
            return None;
        }
        let form = std::str::from_utf8(&self.body).ok()?;
        form.split('&').find_map(|field| field.strip_prefix("Action="))
    }

    /// Returns the body of the call; see [`Call`](super::script::Call).
    pub(super) fn value(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&self.body).into())
    }

    /// Returns the content type and the body of an error in the call's protocol.
    pub(super) fn refusal(&self, code: &str, message: &str) -> (&'static str, String) {
        if self.header("x-amz-target").is_some() {
            return (JSON, json!({ "__type": code, "message": message }).to_string());
        }
        let escaped = message.replace('&', "&amp;").replace('<', "&lt;");
        let error = format!("<Code>{code}</Code><Message>{escaped}</Message>");
        let id = format!("<RequestId>{REQUEST_ID}</RequestId>");
        let body = match self.query_action() {
            Some(_) => format!("<ErrorResponse><Error>{error}</Error>{id}</ErrorResponse>"),
            None => format!("<Error>{error}{id}</Error>"),
        };
        ("text/xml", body)
    }

    pub(super) fn answer(
        &self,
        stream: &mut TcpStream,
        status: u16,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<()> {
        self.answer_with(stream, status, content_type, &[], body)
    }

    pub(super) fn answer_with(
        &self,
        stream: &mut TcpStream,
        status: u16,
        content_type: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let more = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let (length, more) = (body.len(), more.collect::<String>());
        let head = format!(
            "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\n\
             x-amzn-requestid: {REQUEST_ID}\r\ncontent-length: {length}\r\n\
             {more}connection: close\r\n\r\n"
        );
        let sent = if self.method == "HEAD" { &[][..] } else { body };
        stream.write_all(&[head.as_bytes(), sent].concat())
    }

    /// Sends the request to another server and returns the connection, from which its whole answer,
    /// head and body, can be read. `connection: close` makes the answer end with the connection,
    /// whatever its framing.
    pub(super) fn forward(&self, host: &str) -> io::Result<TcpStream> {
        const HOP_BY_HOP: [&str; 5] =
            ["host", "connection", "expect", "transfer-encoding", "content-length"];
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.target);
        for (name, value) in self.headers.iter().filter(|(name, _)| !HOP_BY_HOP.contains(&&**name))
        {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len());
        let mut upstream = TcpStream::connect(host)?;
        upstream.write_all(&[head.as_bytes(), &self.body].concat())?;
        Ok(upstream)
    }
}

/// Reads a line and returns it without its line end.
///
/// # Errors
/// The input ends before the line does.
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

/// Reads a body of `transfer-encoding: chunked`.
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
