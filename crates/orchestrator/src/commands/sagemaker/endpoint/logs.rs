//! `orchestrator endpoint logs`: prints what the containers of the endpoint said.

use std::thread;
use std::time::Duration;

use clap::Args;
use cloud::Log;
use common::{Exit, chain, printable};
use jiff::Timestamp;

use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::connect::connect;
use crate::commands::sagemaker::logs::print_line;
use crate::error::CommandError;
use crate::output::say;
use crate::sagemaker_error::SageMakerError;

/// The time between two reads of a log that is followed.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Arguments of the logs command.
#[derive(Debug, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// How far back
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    since: u32,
    /// Go on until Ctrl-C
    #[arg(long)]
    follow: bool,
}

/// Prints the log. An endpoint that is gone leaves one, too.
pub fn run(arguments: &LogsArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let name = settings.endpoint_name();
    let since = Timestamp::now().as_millisecond() - i64::from(arguments.since) * 60_000;
    let mut log = Log::of_endpoint(name, since);
    let mut lines = 0_u64;
    loop {
        let read = cloud.read_log(&mut log, &mut |line| {
            lines += 1;
            print_line(&printable(&line.to_string()))
        });
        match read {
            Ok(true) => {}
            // Standard output was closed.
            Ok(false) => return Ok(Exit::Done),
            Err(error) if arguments.follow && error.is_transient() => {
                say(&format!("{}; asking again", chain(&error)));
            }
            Err(error) => return Err(SageMakerError::Call(error).into()),
        }
        if !arguments.follow {
            if lines == 0 {
                say(&format!(
                    "The endpoint {name} has said nothing in the last {} minutes; --since looks further back.",
                    arguments.since
                ));
            }
            return Ok(Exit::Done);
        }
        thread::sleep(POLL_INTERVAL);
    }
}
