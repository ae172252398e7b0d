//! The arguments that say what answers are like.

use clap::{Args, ValueEnum};
use config::steps::Explain;
use inference::Explanation;

use crate::error::CommandError;

/// The argument that asks for explanations.
#[derive(Clone, Copy, Debug, Args)]
pub struct ExplainArgs {
    /// Add what each column contributes to the probability: `base_value` and the Shapley values `shap_...`
    /// add up to it; path-dependent unless the kind is named
    #[arg(
        long,
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "path-dependent"
    )]
    explain: Option<ExplainKind>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ExplainKind {
    // Values with a text of their own would make every help text twice as long.
    PathDependent,
    Interventional,
}

impl ExplainArgs {
    /// Returns the kind of explanations, if there are to be any.
    pub fn kind(self) -> Option<Explanation> {
        self.explain.map(|kind| match kind {
            ExplainKind::PathDependent => Explanation::PathDependent,
            ExplainKind::Interventional => Explanation::Interventional,
        })
    }

    /// Returns the value of the server's variable and of the custom attribute, if there are to be any.
    pub fn word(self) -> Option<&'static str> {
        self.explain.map(|kind| match kind {
            ExplainKind::PathDependent => Explain::PathDependent.name(),
            ExplainKind::Interventional => Explain::Interventional.name(),
        })
    }
}

/// Refuses a threshold that is no probability.
pub fn check_threshold(threshold: f64) -> Result<(), CommandError> {
    if (0.0..=1.0).contains(&threshold) {
        return Ok(());
    }
    let message = format!("--threshold {threshold}: expected a probability from 0 to 1");
    Err(CommandError::Usage(message))
}
