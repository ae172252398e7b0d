//! Waiting for an endpoint that changes, with its progress on standard error.

use cloud::{Cloud, DeployedEndpoint, StartedUpdate, WatchEvent};

use crate::commands::sagemaker::watch::{WatchingArgs, interruptible, say_unreachable};
use crate::error::CommandError;
use crate::output::say;

/// Waits until an update of an endpoint has ended. `afterwards` is what is left to do then, for the case that
/// waiting ends too early.
pub fn watch_update(
    cloud: &Cloud,
    name: &str,
    update: &StartedUpdate,
    watching: &WatchingArgs,
    afterwards: &str,
) -> Result<DeployedEndpoint, CommandError> {
    let goes_on = format!(
        "The endpoint {name} goes on to change: `orchestrator endpoint status` tells how it stands.{afterwards}"
    );
    let mut shown = String::new();
    interruptible(&goes_on, || {
        cloud.watch_update(name, update, watching.watch(), &mut |event| match event {
            WatchEvent::Described(Some(endpoint)) => {
                let line = state(endpoint);
                if line != shown {
                    say(&line);
                    shown = line;
                }
            }
            WatchEvent::Described(None) => {}
            WatchEvent::Unreachable { error, wait } => say_unreachable(error, wait),
        })
    })
}

/// Formats the state of an endpoint, and what its variants are doing.
fn state(endpoint: &DeployedEndpoint) -> String {
    let activity = endpoint.variants.iter().flat_map(|variant| &variant.activity);
    let activity: Vec<&str> = activity.map(String::as_str).collect();
    let DeployedEndpoint { name, status, .. } = endpoint;
    if activity.is_empty() {
        return format!("{name}: {status}");
    }
    format!("{name}: {status} ({})", activity.join(", "))
}
