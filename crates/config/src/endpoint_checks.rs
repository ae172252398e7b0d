//! The rules of the endpoint that an attribute of a field cannot express: what SageMaker refuses of its kind.

use std::ops::RangeInclusive;

use crate::endpoint::{Autoscaling, Endpoint, EndpointKind, EndpointUpdate, Serverless, Shift};
use crate::fault::Fault;
use crate::rules::{INSTANCE_TYPE, is_instance_type};
use crate::settings::Settings;

/// The longest time that an update may take, in seconds.
const MAX_UPDATE: u32 = 28_800;

/// Returns what SageMaker refuses of an endpoint, or would ignore.
pub(crate) fn faults(settings: &Settings) -> Vec<Fault> {
    let endpoint = &settings.endpoint;
    let mut faults = Faults(Vec::new());
    if let Some(name) = &endpoint.instance_type {
        faults.unless(is_instance_type(name), "instance_type", name.as_str(), INSTANCE_TYPE);
    }
    faults.of_kind(settings);
    faults.autoscaling(endpoint);
    faults.update(&endpoint.update);
    faults.moved_part(endpoint);
    faults.of_inferentia(endpoint);
    if let Some(serverless) = &endpoint.serverless {
        let &Serverless { memory_mb, max_concurrency, provisioned_concurrency } = serverless;
        let right = (1024..=6144).contains(&memory_mb) && memory_mb % 1024 == 0;
        let expected = "1024, 2048, 3072, 4096, 5120 or 6144";
        faults.unless(right, "serverless.memory_mb", memory_mb, expected);
        if let Some(provisioned) = provisioned_concurrency {
            let expected = format!("at most the {max_concurrency} of max_concurrency");
            let right = provisioned <= max_concurrency;
            faults.unless(right, "serverless.provisioned_concurrency", provisioned, &expected);
        }
    }
    let name = endpoint.instance_type();
    if settings.aws.kms.volume_key.is_some()
        && endpoint.kind != EndpointKind::Serverless
        && has_local_disk(name)
    {
        let expected = "a type without a disk of its own, which aws.kms.volume_key cannot encrypt";
        faults.unless(false, "instance_type", name, expected);
    }
    if endpoint.vpc == Some(true) && settings.aws.vpc.is_none() {
        faults.unless(false, "vpc", true, "a network in aws.vpc beside it");
    }
    faults.0
}

/// Returns whether instances of a type have a disk of their own: those with a `d` behind the generation, such
/// as ml.m5d.large, and some accelerated ones.
fn has_local_disk(instance_type: &str) -> bool {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let generation = family.find(|letter: char| letter.is_ascii_digit());
    let options = generation.map_or("", |place| &family[place + 1..]);
    options.contains('d') || ["g5", "g6", "p5", "trn1"].contains(&family)
}

/// Returns the shares of the instances that SageMaker moves at a time, in percent.
fn percent_range(shift: Shift) -> RangeInclusive<u32> {
    match shift {
        Shift::AllAtOnce => 100..=100,
        Shift::Canary => 1..=50,
        Shift::Linear => 10..=50,
    }
}

struct Faults(Vec<Fault>);

impl Faults {
    fn unless(
        &mut self,
        right: bool,
        path: &str,
        value: impl Into<serde_yaml::Value>,
        expected: &str,
    ) {
        if !right {
            let (path, value) = (format!("endpoint.{path}"), Some(value.into()));
            self.0.push(Fault { path, value, expected: expected.to_owned() });
        }
    }

    /// Refuses a section or value that the kind of the endpoint does not have.
    fn forbid(&mut self, is_there: bool, path: &str, why: &str) {
        if is_there {
            let expected = format!("no such key, because {why}");
            self.0.push(Fault { path: format!("endpoint.{path}"), value: None, expected });
        }
    }

    fn of_kind(&mut self, settings: &Settings) {
        let endpoint = &settings.endpoint;
        let kind = endpoint.kind;
        if kind != EndpointKind::Serverless {
            self.forbid(endpoint.serverless.is_some(), "serverless", "the kind is not serverless");
        }
        if kind != EndpointKind::Asynchronous {
            let is_there = endpoint.asynchronous.is_some();
            self.forbid(is_there, "asynchronous", "the kind is not asynchronous");
        }
        if kind != EndpointKind::Serverless {
            return;
        }
        let instances = "a serverless endpoint has no instances";
        self.forbid(endpoint.instance_type.is_some(), "instance_type", instances);
        self.forbid(endpoint.instance_count.is_some(), "instance_count", instances);
        let scales = "a serverless endpoint follows the traffic by itself";
        self.forbid(endpoint.autoscaling.is_some(), "autoscaling", scales);
        let capture = "SageMaker captures nothing of a serverless endpoint";
        self.forbid(endpoint.capture.is_some(), "capture", capture);
        let download = endpoint.download_timeout_seconds.is_some();
        self.forbid(download, "download_timeout_seconds", instances);
        self.forbid(
            endpoint.startup_timeout_seconds.is_some(),
            "startup_timeout_seconds",
            instances,
        );
        let guarded = "SageMaker updates a serverless endpoint all at once";
        let update = &endpoint.update;
        self.forbid(update.shift != Shift::AllAtOnce, "update.shift", guarded);
        self.forbid(!update.rollback_alarms.is_empty(), "update.rollback_alarms", guarded);
        // The settings of the jobs hold for the endpoint, too, unless it has its own.
        if settings.endpoint_is_isolated() {
            let expected = "false, because a serverless endpoint cannot be isolated (the jobs' is \
                            aws.network_isolation)";
            self.unless(false, "network_isolation", true, expected);
        }
        if settings.endpoint_is_in_vpc() {
            let expected =
                "false, because a serverless endpoint cannot be in a VPC (the jobs' is aws.vpc)";
            self.unless(false, "vpc", true, expected);
        }
    }

    fn autoscaling(&mut self, endpoint: &Endpoint) {
        let Some(&Autoscaling { min, max, .. }) = endpoint.autoscaling.as_ref() else { return };
        let expected = format!("at least the {min} of min");
        self.unless(min <= max, "autoscaling.max", max, &expected);
        if let Some(count) = endpoint.instance_count {
            let expected = format!("{min} to {max}, as autoscaling has it");
            self.unless((min..=max).contains(&count), "instance_count", count, &expected);
        }
        let name = endpoint.instance_type();
        let expected = "a type that autoscaling takes, which are all but the burstable ml.t2 ones";
        self.unless(!name.starts_with("ml.t2."), "instance_type", name, expected);
    }

    /// Refuses what SageMaker ignores of instances with the first Inferentia chip.
    fn of_inferentia(&mut self, endpoint: &Endpoint) {
        let update = &endpoint.update;
        let is_guarded = update.shift != Shift::AllAtOnce || !update.rollback_alarms.is_empty();
        let name = endpoint.instance_type();
        let right = !name.starts_with("ml.inf1.") || !is_guarded;
        let expected =
            "another type, since SageMaker updates ml.inf1 all at once and without alarms";
        self.unless(right, "instance_type", name, expected);
    }

    /// Refuses a canary or a step of less than one instance, of the least number that an update may find.
    fn moved_part(&mut self, endpoint: &Endpoint) {
        let EndpointUpdate { shift, percent, .. } = endpoint.update;
        if shift == Shift::AllAtOnce || endpoint.kind == EndpointKind::Serverless {
            return;
        }
        let (place, least) = match &endpoint.autoscaling {
            Some(scaling) => ("autoscaling.min", scaling.min),
            None => ("instance_count", endpoint.instance_count()),
        };
        if least < 2 {
            let expected = format!(
                "all_at_once, or an endpoint.{place} of at least 2, since one instance does not move in parts"
            );
            self.unless(false, "update.shift", shift.to_string(), &expected);
            return;
        }
        // Another share is refused by its range.
        let Some(percent) = percent.filter(|&percent| percent_range(shift).contains(&percent))
        else {
            return;
        };
        let expected = format!(
            "at least {}, which moves one of the {least} instances of endpoint.{place}",
            100_u32.div_ceil(least)
        );
        self.unless(percent.saturating_mul(least) >= 100, "update.percent", percent, &expected);
    }

    fn update(&mut self, update: &EndpointUpdate) {
        let (path, percent) = ("update.percent", update.percent);
        let steps = match (update.shift, percent) {
            (Shift::AllAtOnce, Some(percent)) => {
                self.unless(false, path, percent, "no share, or shift: canary or linear beside it");
                return;
            }
            (Shift::AllAtOnce, None) => 1,
            (_, None) => {
                let expected = "a share such as 10, which canary and linear need";
                self.unless(false, path, serde_yaml::Value::Null, expected);
                return;
            }
            (shift, Some(percent)) => {
                let range = percent_range(shift);
                let expected = format!("{} to {} percent", range.start(), range.end());
                self.unless(range.contains(&percent), path, percent, &expected);
                if shift == Shift::Canary { 2 } else { 100_u32.div_ceil(percent.max(1)) }
            }
        };
        let alarms = &update.rollback_alarms;
        for (index, alarm) in alarms.iter().enumerate() {
            let is_new = !alarms[..index].contains(alarm);
            let path = format!("update.rollback_alarms[{index}]");
            self.unless(is_new, &path, alarm.as_str(), "an alarm that is not listed before");
        }
        let waits = u64::from(steps) * u64::from(update.wait_seconds)
            + u64::from(update.terminate_after_seconds);
        let most = u64::from(MAX_UPDATE);
        let expected = format!("waits of less than {most} seconds together, they come to {waits}");
        self.unless(waits < most, "update.wait_seconds", update.wait_seconds, &expected);
        if let Some(timeout) = update.timeout_seconds {
            let expected = format!(
                "more than the {waits} seconds that {steps} times wait_seconds and terminate_after_seconds come to"
            );
            self.unless(u64::from(timeout) > waits, "update.timeout_seconds", timeout, &expected);
        }
    }
}
