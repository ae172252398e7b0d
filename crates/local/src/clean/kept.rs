//! What stays, because something that stays refers to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::inputs::inputs;
use crate::leftovers::{Entry, entries, executions_in, is_execution};
use crate::record::LocalExecution;

/// The member of a Training job that has the prefix of many jobs' outputs.
const MANY_OUTPUTS: &str = "S3OutputPath";

/// A registered version, which can be used and made again after the cleaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegisteredVersion {
    /// The addresses of its model and its report.
    pub addresses: Vec<String>,
    /// The id of the execution that made it, if that is known.
    pub execution: Option<String>,
    /// The digests in the addresses of what that execution read, as far as the version tells them.
    pub digests: BTreeSet<String>,
}

/// What somebody wants to keep.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How many of the latest executions of each pipeline stay.
    pub keep: usize,
    /// The age that what goes exceeds.
    pub older_than: Option<Duration>,
    /// The present.
    pub now: Timestamp,
    /// The registered versions, which stay whatever their age.
    pub registered: Vec<RegisteredVersion>,
}

impl Policy {
    /// Returns whether something of this time is old enough to go. Where the age counts, what has none stays.
    pub fn is_old(&self, at: Option<Timestamp>) -> bool {
        let Some(least) = self.older_than else { return true };
        at.is_some_and(|at| {
            Duration::try_from(self.now.duration_since(at)).is_ok_and(|age| age > least)
        })
    }
}

/// The directory of an execution.
pub struct Execution {
    /// The id.
    pub id: String,
    /// The directory.
    pub directory: Utf8PathBuf,
    /// The record, unless there is none or it cannot be read.
    pub record: Option<LocalExecution>,
    /// Why it or its definition cannot be read.
    pub unreadable: Option<io::Error>,
}

/// Returns the executions in a directory.
///
/// # Errors
///
/// Fails where the directory cannot be read.
pub fn executions(directory: &Utf8Path) -> io::Result<Vec<Execution>> {
    let all = entries(directory)?.into_iter();
    let all = all.filter(|entry| entry.is_directory() && is_execution(entry.name()));
    let execution = |entry: Entry| {
        let id = entry.name().to_owned();
        let (record, unreadable) = match LocalExecution::read(&entry.path) {
            Ok(record) => {
                // Without one the parameters tell what it read. Half of it may have been removed.
                let damaged = record.definition_text().err();
                (Some(record), damaged.filter(|error| error.kind() != io::ErrorKind::NotFound))
            }
            // One that was killed early has none.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, None),
            Err(error) => (None, Some(error)),
        };
        Execution { id, directory: entry.path, record, unreadable }
    };
    Ok(all.map(execution).collect())
}

/// Returns the time at which the execution of an id began.
pub fn time_of(id: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime("%Y%m%d-%H%M%S", id.get(..15)?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

impl Execution {
    /// Returns the time at which it ended, as far as that is known.
    fn ended(&self) -> Option<Timestamp> {
        let Some(record) = &self.record else { return time_of(&self.id) };
        let began = record.started_at.parse().ok().or_else(|| time_of(&self.id))?;
        Timestamp::checked_add(began, SignedDuration::try_from_secs_f64(record.seconds).ok()?).ok()
    }

    /// Returns the addresses that its jobs read before any of them wrote one.
    fn inputs(&self) -> BTreeSet<String> {
        let Some(record) = &self.record else { return BTreeSet::new() };
        let known = record.definition().ok();
        let known = known.and_then(|it| inputs(&it, &record.parameters).ok());
        // The parameters have what an unreadable definition would read.
        known.unwrap_or_else(|| {
            let mut addresses = BTreeSet::new();
            record.parameters.values().for_each(|value| collect(value, &mut addresses));
            addresses
        })
    }

    /// Returns the addresses that it read, and those that it wrote or reused.
    fn addresses(&self) -> BTreeSet<String> {
        let mut addresses = self.inputs();
        for step in self.record.iter().flat_map(|record| &record.steps) {
            collect(&step.description, &mut addresses);
            addresses.extend(step.outputs.values().cloned());
            // Some objects are recorded that no later step reads, and a result is used only with all of them.
            addresses.extend(step.contents.keys().cloned());
        }
        addresses
    }
}

/// Collects the addresses in a document.
fn collect(document: &Value, into: &mut BTreeSet<String>) {
    match document {
        Value::String(text) if text.starts_with("s3://") => {
            into.insert(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| *name != MANY_OUTPUTS);
            members.for_each(|(_, value)| collect(value, into));
        }
        _ => {}
    }
}

/// What stays.
pub struct Kept {
    /// Whether each execution goes, by its id.
    goes: BTreeMap<String, bool>,
    /// The executions that made registered versions.
    made_versions: BTreeSet<String>,
    /// The addresses that are referred to.
    addresses: BTreeSet<String>,
    /// The digests of what is referred to.
    digests: BTreeSet<String>,
}

impl Kept {
    /// Finds what stays. With `cautious`, an execution without a record stays, which may be about to begin.
    pub fn of(
        policy: &Policy,
        executions: &[Execution],
        running: &[String],
        cautious: bool,
    ) -> Self {
        let registered = policy.registered.iter();
        let made_versions: BTreeSet<_> =
            registered.clone().filter_map(|version| version.execution.clone()).collect();
        let digests = registered.clone().flat_map(|version| version.digests.iter().cloned());
        let digests = digests.collect();
        let mut addresses: BTreeSet<_> =
            registered.flat_map(|version| version.addresses.iter().cloned()).collect();
        let mut goes = BTreeMap::new();
        let mut latest: Vec<&Execution> = executions.iter().collect();
        latest.sort_by_cached_key(|it| {
            let began = it.record.as_ref().map(|record| record.started_at.clone());
            std::cmp::Reverse((began.unwrap_or_else(|| date(&it.id)), it.id.clone()))
        });
        let mut of_pipeline: BTreeMap<&str, usize> = BTreeMap::new();
        for execution in latest {
            let id = &execution.id;
            let pipeline = execution.record.as_ref().map_or("", |it| it.pipeline_name.as_str());
            let before = of_pipeline.entry(pipeline).or_default();
            let is_latest = *before < policy.keep;
            *before += 1;
            let may_begin = cautious && execution.record.is_none();
            let stays =
                is_latest || may_begin || running.contains(id) || !policy.is_old(execution.ended());
            goes.insert(id.clone(), !stays);
            if stays {
                addresses.extend(execution.addresses());
            } else if made_versions.contains(id) {
                addresses.extend(execution.inputs());
            }
        }
        // Where somebody has removed the execution of a version, what it made is the version's.
        for id in &made_versions {
            goes.entry(id.clone()).or_insert(false);
        }
        Self { goes, made_versions, addresses, digests }
    }

    /// Returns whether an execution goes, or none if there is no such execution.
    pub fn goes(&self, id: &str) -> Option<bool> {
        self.goes.get(id).copied()
    }

    /// Returns whether an execution made a registered version, which can be made again by its record.
    pub fn is_reproducible(&self, id: &str) -> bool {
        self.made_versions.contains(id)
    }

    /// Returns whether an object is that of an execution that stays, or something that stays refers to it, as a
    /// prefix does.
    pub fn needs(&self, address: &str) -> bool {
        let ends = address.char_indices().map(|(end, _)| end).chain([address.len()]);
        let mut prefixes = ends.filter(|end| *end > "s3://".len()).map(|end| &address[..end]);
        executions_in(address).any(|id| self.goes(id) == Some(false))
            || address.split('/').any(|part| self.digests.contains(part))
            || prefixes.any(|prefix| self.addresses.contains(prefix))
    }
}

/// Returns the time in an id as records write it.
fn date(id: &str) -> String {
    time_of(id).map(|time| format!("{time:.9}")).unwrap_or_default()
}
