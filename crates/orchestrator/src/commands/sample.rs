//! `orchestrator sample`: writes a synthetic table.

use std::io;

use camino::Utf8PathBuf;
use clap::Args;
use common::Exit;
use serde_json::json;

use crate::error::CommandError;
use crate::output::{print, print_json};

/// Arguments of the sample command.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// How many rows
    #[arg(long, default_value_t = 2500)]
    rows: u64,
    /// The same seed gives the same table
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where to; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// Print what was written as one JSON object; needs a file
    #[arg(long)]
    json: bool,
}

/// Writes the table to a file or to standard output.
pub fn run(arguments: &SampleArgs) -> Result<Exit, CommandError> {
    let SampleArgs { rows, seed, output, json } = arguments;
    if *rows == 0 {
        return Err(CommandError::Usage("--rows is 0, expected at least 1".to_owned()));
    }
    if *json && output == "-" {
        let message = "--json prints what was written, so --output must name a file for the table";
        return Err(CommandError::Usage(message.to_owned()));
    }
    if output == "-" {
        let written = dataset::sample::write(io::stdout().lock(), *rows, *seed);
        return match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CommandError::Output(error))
            }
            _ => Ok(Exit::Done),
        };
    }
    common::write_with(output, |out| dataset::sample::write(out, *rows, *seed))?;
    if *json {
        return print_json(&json!({ "output": output, "rows": rows, "seed": seed }));
    }
    print(&format!("{output}: {rows} synthetic rows, seed {seed}\n"))
}
