//! Checks of the members common to all steps: name, cache, retries, property files, branches.

use common::{did_you_mean, nearest};
use std::collections::BTreeMap;

use super::Linter;
use crate::graph::PlacedStep;
use crate::step::{PropertyFile, RetryPolicy, Step, StepKind, duration};

/// The step types that the official SDK writes.
const TYPES: [&str; 18] = [
    "Processing",
    "Training",
    "Condition",
    "Fail",
    "Model",
    "RegisterModel",
    "Transform",
    "Callback",
    "Tuning",
    "Lambda",
    "QualityCheck",
    "ClarifyCheck",
    "EMR",
    "AutoML",
    "EndpointConfig",
    "Endpoint",
    "InferenceComponent",
    "Lineage",
];
/// The step types that the service caches.
const CACHEABLE: [&str; 8] = [
    "Processing",
    "Training",
    "Tuning",
    "AutoML",
    "Transform",
    "ClarifyCheck",
    "QualityCheck",
    "EMR",
];
/// The step types that the service retries.
const RETRYABLE: [&str; 7] =
    ["Processing", "Training", "Tuning", "AutoML", "Model", "RegisterModel", "Transform"];
/// The exception types of a retry policy.
const EXCEPTIONS: [&str; 5] = [
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
];

impl Linter<'_> {
    /// Checks the step names, which must be unique across branches too. Returns whether they are.
    pub(super) fn step_names(&mut self) -> bool {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for PlacedStep { step, place, .. } in self.steps {
            self.name(place, &step.name);
            if let Some(earlier) = first.get(step.name.as_str()) {
                let message = format!("a second step of this name; the first is {earlier}");
                self.error(place, message);
            } else {
                first.insert(&step.name, place);
            }
        }
        first.len() == self.steps.len()
    }

    pub(super) fn common(&mut self, placed: &PlacedStep<'_>) {
        let PlacedStep { step, place, branches } = placed;
        let kind = step.kind.name();
        if !TYPES.contains(&kind) {
            let suggestion = did_you_mean(nearest(kind, TYPES));
            self.error(format!("{place}.Type"), format!("{kind:?} is no type of step{suggestion}"));
        }
        if let (StepKind::Condition(_), Some(branch)) = (&step.kind, branches.last()) {
            self.warning(
                place,
                format!(
                    "a Condition step inside a branch of {}; the service's guide calls that \
                     unsupported, though the service takes it",
                    branch.condition
                ),
            );
        }
        for (name, text, most) in
            [("DisplayName", &step.display_name, 256), ("Description", &step.description, 3072)]
        {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            self.at_most(&format!("{place}.{name}"), length, most, "characters");
        }
        self.cache(place, step);
        if !step.retry_policies.is_empty() && !RETRYABLE.contains(&kind) {
            self.error(
                format!("{place}.RetryPolicies"),
                format!("{kind} steps are not retried; only {} are", RETRYABLE.join(", ")),
            );
        }
        for (index, policy) in step.retry_policies.iter().enumerate() {
            self.retry(&format!("{place}.RetryPolicies[{index}]"), policy);
        }
        self.property_files(place, step);
    }

    fn cache(&mut self, place: &str, step: &Step) {
        let Some(cache) = &step.cache else { return };
        let place = format!("{place}.CacheConfig");
        let kind = step.kind.name();
        if !CACHEABLE.contains(&kind) {
            self.error(
                &place,
                format!("{kind} steps are not cached; only {} are", CACHEABLE.join(", ")),
            );
        }
        match &cache.expire_after {
            Some(text) if duration(text).is_none() => self.error(
                format!("{place}.ExpireAfter"),
                format!("{text:?} is no duration; 30d, P30D, T12h and 30dT5h are"),
            ),
            None if cache.enabled => {
                self.warning(&place, "no ExpireAfter; the service then decides how long it lasts");
            }
            _ => {}
        }
    }

    fn retry(&mut self, place: &str, policy: &RetryPolicy) {
        match (policy.max_attempts, policy.expire_after_min) {
            (Some(_), Some(_)) => {
                self.error(place, "both MaxAttempts and ExpireAfterMin; exactly one is allowed");
            }
            (None, None) => {
                self.error(place, "neither MaxAttempts nor ExpireAfterMin; exactly one is needed");
            }
            _ => {}
        }
        for (name, number, most) in [
            ("MaxAttempts", policy.max_attempts, 20),
            ("ExpireAfterMin", policy.expire_after_min, 14400),
            ("IntervalSeconds", policy.interval_seconds, 43200),
        ] {
            if let Some(number) = number.filter(|number| !(1..=most).contains(number)) {
                self.error(format!("{place}.{name}"), format!("{number}; 1 to {most} is allowed"));
            }
        }
        if let Some(rate) = policy.backoff_rate.filter(|rate| *rate <= 0.0 || !rate.is_finite()) {
            self.error(format!("{place}.BackoffRate"), format!("{rate}; more than 0 is needed"));
        }
        if policy.exception_type.is_empty() {
            self.error(format!("{place}.ExceptionType"), "empty; at least one is needed");
        }
        for (index, exception) in policy.exception_type.iter().enumerate() {
            if !EXCEPTIONS.contains(&exception.as_str()) {
                let suggestion = did_you_mean(nearest(exception, EXCEPTIONS));
                self.error(
                    format!("{place}.ExceptionType[{index}]"),
                    format!("{exception:?} is none the service knows{suggestion}"),
                );
            }
        }
    }

    fn property_files(&mut self, place: &str, step: &Step) {
        let files = &step.property_files;
        if files.is_empty() {
            return;
        }
        let place = format!("{place}.PropertyFiles");
        let StepKind::Processing(arguments) = &step.kind else {
            self.error(
                place,
                format!("{} steps have none; only Processing steps do", step.kind.name()),
            );
            return;
        };
        let names: Vec<&str> = files.iter().map(|f| f.property_file_name.as_str()).collect();
        self.unique(&place, &names, "property file");
        // Reversed, so that the first of several outputs of one name stays.
        let outputs = arguments.outputs().iter().rev();
        let outputs: BTreeMap<&str, _> =
            outputs.map(|output| (output.output_name.as_str(), output)).collect();
        for (index, file) in files.iter().enumerate() {
            let PropertyFile { property_file_name, output_name, file_path } = file;
            let place = format!("{place}[{index}]");
            self.reference_name(&format!("{place}.PropertyFileName"), property_file_name);
            let climbs = file_path.split('/').any(|part| part == "..");
            if file_path.is_empty() || file_path.starts_with('/') || climbs {
                self.error(
                    format!("{place}.FilePath"),
                    format!("{file_path:?}; a path inside the output is needed"),
                );
            }
            let place = format!("{place}.OutputName");
            match outputs.get(output_name.as_str()) {
                None => {
                    let names = arguments.outputs().iter().map(|o| o.output_name.as_str());
                    let suggestion = self.suggestion(output_name, names);
                    self.error(
                        place,
                        format!("the step has no output {output_name:?}{suggestion}"),
                    );
                }
                Some(output) => match &output.s3_output {
                    // An output without any destination is reported at the output.
                    None if output.other.is_empty() => {}
                    None => self.error(
                        place,
                        format!("the output {output_name:?} does not go to S3, where the file is read"),
                    ),
                    Some(s3) if self.known(&s3.s3_upload_mode).text == "Continuous" => self.error(
                        place,
                        format!("the output {output_name:?} is uploaded Continuous; only EndOfJob outputs can be read"),
                    ),
                    Some(_) => {}
                },
            }
        }
    }
}
