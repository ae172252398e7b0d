//! `orchestrator serve`: the program of the image `serve`, on this machine.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use config::serving;
use config::steps::Serve;
use inference::Model;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::model_choice::{Chosen, ModelChoice};
use crate::arguments::answers::{ExplainArgs, check_threshold};
use crate::arguments::engine::programs;
use crate::error::CommandError;
use crate::output::{print_text, say};

/// The program, which is the entry point of the image, too.
const PROGRAM: &str = "serve";
/// How often the server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(2);

/// Arguments of the serve command.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    model: ModelChoice,
    /// The port
    #[arg(long, value_name = "NUMBER", default_value_t = 8080)]
    port: u16,
    /// The address to listen on; 0.0.0.0 is every one of this machine
    #[arg(long, value_name = "IP", default_value_t = IpAddr::from(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// The probability above which a failure is predicted [default: 0.5]
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    threshold: Option<f64>,
    #[command(flatten)]
    explain: ExplainArgs,
    /// Log each request
    #[arg(long)]
    log_requests: bool,
    /// The directory of the program; without it that of this one
    #[arg(long, value_name = "DIR")]
    programs: Option<Utf8PathBuf>,
}

/// Serves the model until the server ends.
pub fn run(arguments: &ServeArgs) -> Result<Exit, CommandError> {
    let ServeArgs { port, address, threshold, .. } = arguments;
    if let Some(threshold) = threshold {
        check_threshold(*threshold)?;
    }
    if *port == 0 {
        return Err(CommandError::Usage("--port 0: expected a port from 1 to 65535".to_owned()));
    }
    let program = programs(arguments.programs.as_deref())?.join(PROGRAM);
    if !program.is_file() {
        let message = format!(
            "{program} does not exist; --programs names the directory of the program `serve`"
        );
        return Err(CommandError::Usage(message));
    }
    // Another server that listens there would answer in place of this one.
    if let Err(error) = TcpListener::bind((*address, *port)) {
        let message = format!("--port {port}: cannot listen on {address}:{port}: {error}");
        return Err(CommandError::Usage(message));
    }
    let Chosen { name, version, archive } = arguments.model.read()?;
    let length = archive.len() as u64;
    let model = Model::from_archive(archive.as_slice(), length);
    let model = model.map_err(|source| CommandError::Model { path: name.clone(), source })?;
    // The server reads the model where SageMaker would have put it.
    let base = tempfile::tempdir().map_err(CommandError::Begin)?;
    let directory = Utf8Path::from_path(base.path()).ok_or_else(|| {
        CommandError::Usage(format!("{} is not UTF-8; TMPDIR names another", base.path().display()))
    })?;
    common::write_file(&directory.join("model/model.tar.gz"), &archive)?;
    let mut command = Command::new(&program);
    command
        .arg(PROGRAM)
        .env("SAGEMAKER_BASE_DIR", directory)
        .env("SAGEMAKER_BIND_TO_PORT", port.to_string())
        .env(Serve::ADDRESS, address.to_string());
    // What no argument says, the server's own variables may.
    let threshold = threshold.map(|threshold| threshold.to_string());
    let log_requests = arguments.log_requests.then(|| true.to_string());
    for (name, value) in [
        (Serve::THRESHOLD, threshold),
        (Serve::EXPLAIN, arguments.explain.word().map(str::to_owned)),
        (Serve::LOG_REQUESTS, log_requests),
        (Serve::MODEL_VERSION, version),
    ] {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    // The terminal sends Ctrl-C to the server, too; this program outlives it, and removes the files.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(CommandError::Begin)?;
    let mut child = command.spawn().map_err(CommandError::Begin)?;
    let address = match *address {
        address if address.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, *port)),
        address => SocketAddr::new(address, *port),
    };
    let status = wait_until_ready(&mut child, address, &mut signals)?;
    let status = match status {
        Some(status) => status,
        None => {
            say(&format!("{} answers at http://{address}", common::printable(&name)));
            print_text(&request(&model, address))?;
            wait(&mut child, &mut signals)?
        }
    };
    match status.code() {
        Some(0) => Ok(Exit::Done),
        _ => Err(CommandError::Server(status)),
    }
}

/// Returns a request that the server answers: a record of the training table's medians.
fn request(model: &Model, address: SocketAddr) -> String {
    let mut readings = vec![f64::NAN; model.schema().columns().len()];
    // Missing numbers become the medians; words stay missing.
    let _ = model.answer(&mut readings);
    let cell = |reading: &f64| if reading.is_nan() { String::new() } else { reading.to_string() };
    let record: Vec<String> = readings.iter().map(cell).collect();
    format!(
        "curl -H 'Content-Type: {}' --data '{}' http://{address}/invocations\n",
        serving::CSV,
        record.join(",")
    )
}

/// Waits until the server answers at `/ping`; returns its status if it ends before that.
fn wait_until_ready(
    child: &mut Child,
    address: SocketAddr,
    signals: &mut Signals,
) -> Result<Option<ExitStatus>, CommandError> {
    loop {
        pass_on(child, signals);
        if let Some(status) = child.try_wait().map_err(CommandError::Begin)? {
            return Ok(Some(status));
        }
        if is_ready(address) {
            return Ok(None);
        }
        std::thread::sleep(POLL);
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n")?;
        let mut begin = [0; 12];
        stream.read_exact(&mut begin)?;
        Ok(begin.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// Waits until the server ends.
fn wait(child: &mut Child, signals: &mut Signals) -> Result<ExitStatus, CommandError> {
    loop {
        if let Some(status) = child.try_wait().map_err(CommandError::Begin)? {
            return Ok(status);
        }
        pass_on(child, signals);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Passes a signal on to the server. Ctrl-C reaches it without that, and a second one would end it at once.
fn pass_on(child: &Child, signals: &mut Signals) {
    for signal in signals.pending() {
        if signal != SIGINT {
            let pid = rustix::process::Pid::from_child(child);
            // The server may have ended.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
}
