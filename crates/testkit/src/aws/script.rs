//! The answers of the server: scripts of expected calls, and rules for the calls of an action.

use serde_json::Value;

pub(super) const JSON: &str = "application/x-amz-json-1.1";

/// The action and the body of a call.
///
/// The action is the last part of `X-Amz-Target`, the `Action` of a query, or else method and
/// path: `ListPipelines`, `GetCallerIdentity`, `PUT /bucket/key`. A body that is not JSON is a
/// string.
pub type Call = (String, Value);

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Answer(pub(super) Reply);

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Body {
        status: u16,
        content_type: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    Refusal {
        status: u16,
        code: String,
        message: String,
    },
    Forwarded,
    Closed,
    Silence,
}

impl Answer {
    /// Success with a JSON body.
    pub fn json(body: Value) -> Self {
        Self::body(200, JSON, body.to_string())
    }

    /// Success with a body of CBOR, which some services answer in. Its numbers are floating-point numbers.
    pub fn cbor(body: &Value) -> Self {
        let mut bytes = Vec::new();
        push_cbor(body, &mut bytes);
        Self::body(200, "application/cbor", bytes)
    }

    /// A status with a body of any type, such as the XML of the query protocol.
    pub fn body(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self(Reply::Body { status, content_type, headers: Vec::new(), body: body.into() })
    }

    /// Adds a header to an answer with a body.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        match &mut self.0 {
            Reply::Body { headers, .. } => headers.push((name, value.to_owned())),
            other => panic!("{other:?} has no headers"),
        }
        self
    }

    /// An error with a code and a message, in the form of the call's protocol.
    pub fn refused(status: u16, code: &str, message: &str) -> Self {
        Self(Reply::Refusal { status, code: code.to_owned(), message: message.to_owned() })
    }

    /// The error for too many calls, which clients retry.
    pub fn throttled() -> Self {
        Self::refused(400, "ThrottlingException", "Rate exceeded")
    }

    /// The error for a service that is down, which clients retry.
    pub fn unavailable() -> Self {
        Self::refused(503, "ServiceUnavailable", "try again later")
    }

    /// Status 200 with the HTML page of a proxy on the way.
    pub fn garbage() -> Self {
        Self::body(200, "text/html", "<html><body>Please sign in</body></html>")
    }

    /// The answer of the server behind this one, as if there were no rule.
    pub fn forwarded() -> Self {
        Self(Reply::Forwarded)
    }

    /// A connection that is closed without an answer.
    pub fn closed() -> Self {
        Self(Reply::Closed)
    }

    /// A connection that stays open without an answer until the client's timeout.
    pub fn silence() -> Self {
        Self(Reply::Silence)
    }
}

/// An expected call and its answer.
#[derive(Clone, Debug)]
pub struct ScriptedCall {
    pub(super) action: &'static str,
    pub(super) answer: Answer,
}

/// Expects a call and answers it with `answer`.
pub fn answers(action: &'static str, answer: Answer) -> ScriptedCall {
    ScriptedCall { action, answer }
}

/// Expects a call, which succeeds with a JSON body.
pub fn yields(action: &'static str, body: Value) -> ScriptedCall {
    answers(action, Answer::json(body))
}

/// Expects a call, which fails with a code and a message.
pub fn refuses(action: &'static str, status: u16, code: &str, message: &str) -> ScriptedCall {
    answers(action, Answer::refused(status, code, message))
}

/// The answers to all calls of one action.
pub struct Rule {
    pub(super) action: String,
    pub(super) answer: Box<dyn FnMut(&Value) -> Answer + Send>,
}

impl Rule {
    /// Answers successive calls with successive answers, and all later calls with the last one.
    pub fn answers(action: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut left: Vec<_> = answers.into_iter().collect();
        assert!(!left.is_empty(), "a rule for {action} without an answer");
        left.reverse();
        Self::with(
            action,
            move |_| if left.len() > 1 { left.pop().unwrap() } else { left[0].clone() },
        )
    }

    /// Refuses the first calls for their rate, before the rule's own answers.
    #[must_use]
    pub fn throttled(self, mut refusals: u32) -> Self {
        let Self { action, mut answer } = self;
        Self::with(&action, move |body| {
            if refusals == 0 {
                return answer(body);
            }
            refusals -= 1;
            Answer::throttled()
        })
    }

    /// Answers each call with the result of `answer` for its body.
    pub fn with(action: &str, answer: impl FnMut(&Value) -> Answer + Send + 'static) -> Self {
        Self { action: action.to_owned(), answer: Box::new(answer) }
    }
}

/// Appends a value as CBOR (RFC 8949).
fn push_cbor(value: &Value, bytes: &mut Vec<u8>) {
    let head = |kind: u8, length: usize, bytes: &mut Vec<u8>| {
        bytes.push(kind << 5 | 26);
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
    };
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(flag) => bytes.push(if *flag { 0xf5 } else { 0xf4 }),
        Value::Number(number) => {
            bytes.push(0xfb);
            bytes.extend(number.as_f64().unwrap().to_be_bytes());
        }
        Value::String(text) => {
            head(3, text.len(), bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len(), bytes);
            items.iter().for_each(|item| push_cbor(item, bytes));
        }
        Value::Object(members) => {
            head(5, members.len(), bytes);
            for (name, value) in members {
                head(3, name.len(), bytes);
                bytes.extend(name.as_bytes());
                push_cbor(value, bytes);
            }
        }
    }
}
