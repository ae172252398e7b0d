//! The progress of an endpoint that changes, on standard error.

use cloud::{DeployedEndpoint, WatchEvent};
use common::chain;

use crate::output::say;

/// Prints how an endpoint changes: a line for each state that it comes into.
#[derive(Default)]
pub struct EndpointProgress {
    shown: String,
}

impl EndpointProgress {
    /// Prints the state if it is another one than before.
    pub fn show(&mut self, event: WatchEvent<'_, DeployedEndpoint>) {
        match event {
            WatchEvent::Described(endpoint) => {
                let activity = endpoint.variants.iter().flat_map(|variant| &variant.activity);
                let activity: Vec<&str> = activity.map(String::as_str).collect();
                let mut line = format!("{}: {}", endpoint.name, endpoint.status);
                if !activity.is_empty() {
                    line.push_str(&format!(" ({})", activity.join(", ")));
                }
                if line != self.shown {
                    say(&line);
                    self.shown = line;
                }
            }
            WatchEvent::Unreachable { error, wait } => {
                say(&format!("{}; asking again in {:.0} s", chain(error), wait.as_secs_f64()));
            }
        }
    }
}
