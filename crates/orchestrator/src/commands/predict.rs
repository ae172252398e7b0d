//! `orchestrator predict`: scores the rows of a table with a model.

use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use dataset::{BadCells, TextFormat};
use inference::{Model, ScoredRows, TableScorer};
use serde_json::json;

use super::input::{check_output, columns, files, open};
use super::model_choice::ModelChoice;
use crate::arguments::answers::{ExplainArgs, check_threshold};
use crate::error::CommandError;
use crate::output::scored_rows::{is_closed_pipe, summary, to_file};
use crate::output::{print_json, print_text, say};

/// Arguments of the predict command.
#[derive(Debug, Args)]
pub struct PredictArgs {
    #[command(flatten)]
    model: ModelChoice,
    /// The table, in any format, with or without the label: a file, or a directory of them
    #[arg(long, value_name = "FILE-OR-DIRECTORY")]
    input: Utf8PathBuf,
    /// Where the scored rows are written; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: Utf8PathBuf,
    /// The probability above which a failure is predicted
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.5, allow_negative_numbers = true)]
    threshold: f64,
    #[command(flatten)]
    explain: ExplainArgs,
    /// Print what became of the rows as one JSON object; needs --output
    #[arg(long)]
    json: bool,
}

/// Scores the table.
pub fn run(arguments: &PredictArgs) -> Result<Exit, CommandError> {
    let PredictArgs { input, output, threshold, json, .. } = arguments;
    check_threshold(*threshold)?;
    let is_printed = output == "-";
    if *json && is_printed {
        let message =
            "--json prints what became of the rows, so --output must name a file for them";
        return Err(CommandError::Usage(message.to_owned()));
    }
    let files = files(input)?;
    let settings = arguments.model.settings_files();
    let mut read = vec![Utf8Path::new(&arguments.model.model)];
    read.extend(settings.iter().map(Utf8PathBuf::as_path));
    check_output(output, &files, &read)?;
    let (name, model) = arguments.model.load()?;
    let mut model = model.with_threshold(*threshold);
    if let Some(kind) = arguments.explain.kind() {
        let explained = model.with_explanations_of(kind);
        model = explained.map_err(|source| {
            CommandError::Usage(format!("--explain: {name} cannot be explained: {source}"))
        })?;
    }
    let scorer = Scorer { arguments, model: &model, files: &files };
    if is_printed {
        let scored = match scorer.score(&mut io::stdout().lock()) {
            // A closed pipe, as after `| head`, is not an error.
            Err(error) if is_closed_pipe(&error) => return Ok(Exit::Done),
            scored => scored?,
        };
        say(&common::printable(summary(&scored, &name, Some(*threshold)).trim_end()));
        return Ok(Exit::Done);
    }
    let scored = to_file(output, |out| scorer.score(out))?;
    if *json {
        return print_json(&json!({
            "model": name, "threshold": threshold, "output": output, "rows": scored,
        }));
    }
    print_text(&format!("{}{output}\n", summary(&scored, &name, Some(*threshold))))
}

impl PredictArgs {
    /// Returns what the settings say of the table, if they are named.
    fn table(&self) -> Result<(TextFormat, BadCells), CommandError> {
        let Some(settings) = self.model.settings()? else {
            return Ok((TextFormat::default(), BadCells::Error));
        };
        let table = settings.table();
        Ok((table_settings::format(&table.format), table_settings::rules(&table).bad_cells))
    }
}

/// Scores the files of an input.
struct Scorer<'a> {
    arguments: &'a PredictArgs,
    model: &'a Model,
    files: &'a [(String, Utf8PathBuf)],
}

impl Scorer<'_> {
    fn score(&self, output: &mut dyn Write) -> Result<ScoredRows, CommandError> {
        let (format, bad_cells) = self.arguments.table()?;
        let columns = columns(self.model, self.files, &format)?;
        let scorer = TableScorer::new(self.model, format, columns, output);
        let mut scorer = scorer.with_bad_cells(bad_cells);
        for (name, path) in self.files {
            scorer.read_file(name, open(path)?).map_err(CommandError::Inference)?;
        }
        scorer.finish().map_err(CommandError::Inference)
    }
}
