//! The routes of SageMaker's contract, and that of the metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use camino::Utf8PathBuf;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use inference::{AnswerCounts, AnswerLimits, CsvHeader, Explanation};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::attributes::{self, CUSTOM_ATTRIBUTES};
use crate::intake::{self, Budget, Received};
use crate::invocation::{Answered, Question};
use crate::media;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::peer;
use crate::refusal::Refusal;
use crate::served::ServedModel;

/// The headers by which a client recognises the answer to its request.
const REQUEST_IDS: [HeaderName; 2] = [
    HeaderName::from_static("x-amzn-sagemaker-inference-id"),
    HeaderName::from_static("x-request-id"),
];
/// The maximum length of an identifier in the log.
const ID_BYTES: usize = 256;
/// The number of long requests that may wait for each thread.
const LONG_REQUESTS: usize = 64;
/// The maximum length of a request that loads a model.
const LOAD_BYTES: usize = 64 << 10;
/// How many times the longest payload is read of the body of a refused request.
const DRAINED_PAYLOADS: usize = 2;
/// The number of models on a page of the list.
const PAGE: usize = 100;
/// The maximum payload of a batch transform that is proposed, in MB.
const PROPOSED_PAYLOAD: usize = 6;
/// The number of concurrent requests of a batch transform, times its payload in MB, that the service allows.
const CONCURRENT_PAYLOAD: usize = 100;

/// Why a piece of a batch transform has no line of names in front of its answers.
const NAMES_IN_PIECES: &str = "the answers to the pieces of a batch transform are joined, and header=present in Accept \
                               would put a line of names in front of each; Content-Type with header=present says \
                               that each request is a whole file";

/// What the server has: one model, or those that requests load.
#[derive(Debug)]
pub enum Loaded {
    /// One model.
    One(Arc<ServedModel>),
    /// The models of a multi-model endpoint.
    Many(Models),
}

/// The server as its routes know it.
#[derive(Debug)]
pub struct Server {
    /// The model or models.
    pub loaded: Loaded,
    /// The maximum length of a request in bytes.
    pub max_payload: usize,
    /// Whether requests may be pieces of files.
    pub is_batch: bool,
    /// The number of threads that answer requests.
    pub workers: usize,
    /// Whether each request is logged.
    pub log_requests: bool,
    /// The maximum length of an answer in bytes.
    pub max_answer: usize,
    /// The bodies in memory.
    pub budget: Budget,
    /// What is measured.
    pub metrics: Metrics,
}

/// What a thread that answers requests has: the server, and room for requests that take long.
#[derive(Clone, Debug)]
pub struct Worker {
    server: Arc<Server>,
    /// Room for those that wait, and for those that are answered.
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Tells the work for a request that nobody waits for it any more, once the request is dropped.
struct Cancelled(Arc<AtomicBool>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Worker {
    /// Makes the state of a thread.
    pub fn new(server: Arc<Server>) -> Self {
        let [waiting, running] = [LONG_REQUESTS, 1].map(|room| Arc::new(Semaphore::new(room)));
        Self { server, waiting, running }
    }

    /// Returns the routes.
    pub fn router(self) -> Router {
        let one = Router::new()
            .route("/ping", get(ping))
            .route("/invocations", post(invocations))
            .route("/execution-parameters", get(execution_parameters))
            .route("/metrics", get(metrics));
        let many = one
            .route("/models", get(list_models).post(load_model))
            .route("/models/{name}", get(show_model).delete(unload_model))
            .route("/models/{name}/invoke", post(invoke_model));
        many.fallback(no_route).method_not_allowed_fallback(no_method).with_state(self)
    }

    fn models(&self) -> Result<&Models, Refusal> {
        match &self.server.loaded {
            Loaded::Many(models) => Ok(models),
            Loaded::One(_) => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "this server has one model, which answers at /invocations; SAGEMAKER_MULTI_MODEL=true makes a \
                 server of many",
            )),
        }
    }

    /// Answers a long request beside the others of this thread, one at a time.
    async fn answer_aside(
        &self,
        question: Question,
        served: Arc<ServedModel>,
        received: Received,
    ) -> Result<Answered, Refusal> {
        let Ok(_waiting) = self.waiting.try_acquire() else {
            let reason = format!("{LONG_REQUESTS} long requests wait already");
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason));
        };
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let _cancelled = Cancelled(Arc::clone(&is_cancelled));
        let max_answer = self.server.max_answer;
        let work = async {
            let running = Arc::clone(&self.running).acquire_owned().await;
            blocking(move || {
                let _running = running;
                let is_cancelled = || is_cancelled.load(Ordering::Relaxed);
                let limits = AnswerLimits { length: max_answer, is_cancelled: &is_cancelled };
                question.answer(&served, &received.bytes, &limits)
            })
            .await
        };
        tokio::select! {
            biased;
            answered = work => answered,
            () = peer::has_left() => Err(Refusal::client_left()),
        }
    }

    /// Answers an invocation, and counts it.
    async fn invoke(&self, request: Request, name: Option<String>) -> Response {
        let started = Instant::now();
        let (Parts { headers, .. }, mut body) = request.into_parts();
        let server = &self.server;
        let answer = self.answer(&headers, &mut body, name).await;
        let (mut response, reason, length, counts) = match answer {
            Ok(Invoked { response, length, counts }) => (response, None, length, counts),
            Err(refusal) => {
                self.drain(&refusal, &headers, body);
                let reason = refusal.reason.clone();
                (refusal.into_response(), Some(reason), 0, AnswerCounts::default())
            }
        };
        let mut id = None;
        for name in REQUEST_IDS {
            if let Some(value) = headers.get(&name) {
                id = Some(value.clone());
                response.headers_mut().insert(name, value.clone());
            }
        }
        let (status, elapsed) = (response.status(), started.elapsed());
        server.metrics.responded(status, elapsed);
        if server.log_requests {
            let id = id.as_ref().map(|id| shown_id(id.as_bytes()));
            tracing::info!(
                status = status.as_u16(),
                seconds = elapsed.as_secs_f64(),
                bytes = length,
                records = counts.rows,
                failures = counts.failures,
                imputed = counts.imputed.values().sum::<u64>(),
                unseen = counts.unseen.values().sum::<u64>(),
                out_of_range = counts.out_of_range.values().sum::<u64>(),
                id = id.as_deref(),
                reason = reason.as_deref().map(common::one_line).as_deref(),
                "request"
            );
        }
        response
    }

    /// Reads what is left of the body of a refused request.
    fn drain(&self, refusal: &Refusal, headers: &HeaderMap, body: Body) {
        // What does not arrive is not waited for twice.
        if refusal.status != StatusCode::REQUEST_TIMEOUT {
            intake::drain(headers, body, DRAINED_PAYLOADS * self.server.max_payload);
        }
    }

    /// Refuses a request, and reads its body.
    fn refuse(&self, refusal: Refusal, request: Request) -> Response {
        let (Parts { headers, .. }, body) = request.into_parts();
        self.drain(&refusal, &headers, body);
        refusal.into_response()
    }

    async fn answer(
        &self,
        headers: &HeaderMap,
        body: &mut Body,
        name: Option<String>,
    ) -> Result<Invoked, Refusal> {
        let server = &self.server;
        let (format, mut csv) = media::request_format(headers)?;
        if server.is_batch && csv.header == CsvHeader::IfNamed {
            csv.header = CsvHeader::IfNamedInPiece;
        }
        let wanted = media::answer_format(headers, format)?;
        if server.is_batch && wanted.header && csv.header != CsvHeader::Present {
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, NAMES_IN_PIECES));
        }
        let served = match (&server.loaded, name) {
            (Loaded::One(served), _) => Arc::clone(served),
            (Loaded::Many(models), Some(name)) => match models.in_memory(&name)? {
                Some(served) => served,
                None => {
                    let worker = self.clone();
                    blocking(move || worker.models()?.get(&name)).await?
                }
            },
            (Loaded::Many(_), None) => {
                return Err(Refusal::new(
                    StatusCode::NOT_FOUND,
                    "this server has many models, which answer at /models/{name}/invoke",
                ));
            }
        };
        let options = attributes::options(headers, served.options)?;
        let question = Question { format, csv, wanted, options };
        let received = server.budget.receive(body, server.max_payload).await?;
        let length = received.bytes.len();
        let answered = if question.is_long(&served, length) {
            self.answer_aside(question, Arc::clone(&served), received).await?
        } else {
            let limits = AnswerLimits { length: server.max_answer, is_cancelled: &|| false };
            question.answer(&served, &received.bytes, &limits)?
        };
        let Answered { text, counts } = answered;
        server.metrics.answered(&served, &counts);
        let mut response = Response::new(Body::from(text));
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static(media::content_type(wanted.format));
        headers.insert(CONTENT_TYPE, content_type);
        let attributes = match options.explain {
            Some(kind @ Explanation::Interventional) => {
                attributes::of_answer(&served.version, Some(kind))
            }
            Some(Explanation::PathDependent) | None => served.attributes.clone(),
        };
        if let Some(attributes) = attributes {
            headers.insert(CUSTOM_ATTRIBUTES, attributes);
        }
        Ok(Invoked { response, length, counts })
    }
}

/// Returns the identifier of a request for the log: on one line, and cut if it is long.
fn shown_id(id: &[u8]) -> String {
    let is_cut = id.len() > ID_BYTES;
    let id = String::from_utf8_lossy(&id[..id.len().min(ID_BYTES)]);
    common::one_line(&id) + if is_cut { "…" } else { "" }
}

/// Does work that blocks beside the requests of this thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        // A panic ends the program, so that only the end of the runtime is left.
        Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the server stops"))
    })
}

/// The response to an invocation that is answered.
struct Invoked {
    response: Response,
    /// The length of the request.
    length: usize,
    counts: AnswerCounts,
}

/// The server listens only when its model is loaded and has scored a row.
async fn ping() {}

async fn invocations(State(worker): State<Worker>, request: Request) -> Response {
    worker.invoke(request, None).await
}

async fn invoke_model(State(worker): State<Worker>, name: ModelName, request: Request) -> Response {
    match worker.models().and_then(|_| named(name)) {
        Ok(name) => worker.invoke(request, Some(name)).await,
        Err(refusal) => worker.refuse(refusal, request),
    }
}

/// The name of a model in a path, unless it is not UTF-8.
type ModelName = Result<Path<String>, PathRejection>;

/// Returns the name of a model.
fn named(name: ModelName) -> Result<String, Refusal> {
    name.map(|Path(name)| name).map_err(|rejection| {
        let reason = common::one_line(&rejection.body_text());
        Refusal::bad_request(format!("the path has no name of a model: {reason}"))
    })
}

/// What a batch transform should do unless its request says.
async fn execution_parameters(State(worker): State<Worker>) -> Response {
    let payload = PROPOSED_PAYLOAD.min(worker.server.max_payload >> 20).max(1);
    let parameters = json!({
        "MaxConcurrentTransforms": worker.server.workers.min(CONCURRENT_PAYLOAD / payload),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": payload,
    });
    as_json(&parameters)
}

async fn metrics(State(worker): State<Worker>) -> Response {
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, worker.server.metrics.text()).into_response()
}

/// A request that loads a model.
#[derive(Deserialize)]
struct LoadRequest {
    model_name: String,
    url: Utf8PathBuf,
}

async fn load_model(State(worker): State<Worker>, request: Request) -> Response {
    let (Parts { headers, .. }, mut body) = request.into_parts();
    load(&worker, &mut body).await.unwrap_or_else(|refusal| {
        worker.drain(&refusal, &headers, body);
        refusal.into_response()
    })
}

async fn load(worker: &Worker, body: &mut Body) -> Result<Response, Refusal> {
    worker.models()?;
    let received = worker.server.budget.receive(body, LOAD_BYTES).await?;
    let request: LoadRequest = common::json::from_slice(&received.bytes).map_err(|error| {
        Refusal::bad_request(format!(
            "the request is not an object with model_name and url: {error}"
        ))
    })?;
    let LoadRequest { model_name, url } = request;
    if model_name.is_empty() {
        return Err(Refusal::bad_request("model_name is empty, expected a name"));
    }
    let shown = common::one_line(&model_name);
    let worker = worker.clone();
    blocking(move || worker.models()?.load(&model_name, url)).await?;
    tracing::info!("model `{shown}` is loaded");
    Ok(StatusCode::OK.into_response())
}

/// The page of a list that is asked for.
#[derive(Deserialize)]
struct PageRequest {
    #[serde(default)]
    next_page_token: String,
}

async fn list_models(
    State(worker): State<Worker>,
    page: Result<Query<PageRequest>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(page) = page.map_err(|rejection| {
        let reason = common::one_line(&common::chain(&rejection));
        Refusal::bad_request(format!("the query is not next_page_token=TOKEN: {reason}"))
    })?;
    let (models, has_more) = worker.models()?.list(&page.next_page_token, PAGE);
    let next = models.last().filter(|_| has_more).map(|(name, _)| name.clone());
    let models: Vec<_> = models.iter().map(|(name, url)| described(name, url)).collect();
    let mut list = json!({ "models": models });
    if let Some(next) = next {
        list["nextPageToken"] = next.into();
    }
    Ok(as_json(&list))
}

async fn show_model(State(worker): State<Worker>, name: ModelName) -> Result<Response, Refusal> {
    let name = named(name)?;
    let url = worker.models()?.directory(&name)?;
    Ok(as_json(&described(&name, &url)))
}

async fn unload_model(State(worker): State<Worker>, name: ModelName) -> Result<Response, Refusal> {
    let name = named(name)?;
    worker.models()?.unload(&name)?;
    tracing::info!("model `{}` is unloaded", common::one_line(&name));
    Ok(StatusCode::OK.into_response())
}

async fn no_route(State(worker): State<Worker>, request: Request) -> Response {
    let refusal = Refusal::new(
        StatusCode::NOT_FOUND,
        "there is no such path, expected /ping, /invocations, /execution-parameters, /metrics or /models",
    );
    worker.refuse(refusal, request)
}

/// The header `Allow` names the methods.
async fn no_method(State(worker): State<Worker>, request: Request) -> Response {
    let (path, method) = (common::one_line(request.uri().path()), request.method());
    let reason = format!("{path} takes no {method}; the header Allow says which methods it takes");
    worker.refuse(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason), request)
}

fn described(name: &str, url: &Utf8PathBuf) -> serde_json::Value {
    json!({ "modelName": name, "modelUrl": url })
}

fn as_json(document: &serde_json::Value) -> Response {
    ([(CONTENT_TYPE, config::serving::JSON)], document.to_string()).into_response()
}
