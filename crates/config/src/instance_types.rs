//! The instance types that SageMaker is known to have, as a dated list.

use crate::endpoint::EndpointKind;
use crate::job_kind::JobKind;
use crate::settings::Settings;

/// The list: comments, its date, and the uses of each type.
const LIST: &str = include_str!("instance_types.txt");

/// Returns the date of the list, and the types that have a use.
fn listed(wanted: &str) -> (&'static str, Vec<&'static str>) {
    let (mut date, mut types) = ("", Vec::new());
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        match words.next() {
            Some("date") => date = words.next().unwrap_or_default(),
            Some(name) if words.any(|word| word == wanted) => types.push(name),
            _ => {}
        }
    }
    (date, types)
}

/// Returns what is to say of an instance type that SageMaker is not known to have for a use, which is
/// `processing`, `training` or `hosting`.
pub fn unknown_instance_type(name: &str, wanted: &str) -> Option<String> {
    let (date, types) = listed(wanted);
    if types.contains(&name) {
        return None;
    }
    // The nearest one is mostly of the same family, whose other sizes are there.
    let family = name.rsplit_once('.').map_or(name, |(family, _)| family);
    let sizes =
        types.iter().filter(|known| known.rsplit_once('.').is_some_and(|(f, _)| f == family));
    let sizes: Vec<&str> = sizes.copied().collect();
    let there = match &sizes[..] {
        [] => String::new(),
        sizes => format!(", only {}", sizes.join(", ")),
    };
    Some(format!(
        "`{name}`, which SageMaker did not have for {wanted} on {date}{there}; it may be newer than \
         this list"
    ))
}

impl Settings {
    /// Returns the path of each setting whose instance type SageMaker is not known to have for its use, with
    /// a warning. AWS adds types, so that an unknown one is no fault.
    pub fn unknown_instance_types(&self) -> Vec<(String, String)> {
        let jobs = self.instance_types.iter().map(|(kind, name)| {
            let wanted = if kind == JobKind::Training { "training" } else { "processing" };
            (format!("instance_types.{}", kind.name()), name.as_str(), wanted)
        });
        let has_instances = self.endpoint.kind != EndpointKind::Serverless;
        let endpoint = has_instances.then(|| {
            ("endpoint.instance_type".to_owned(), self.endpoint.instance_type(), "hosting")
        });
        jobs.chain(endpoint)
            .filter_map(|(path, name, wanted)| Some((path, unknown_instance_type(name, wanted)?)))
            .collect()
    }
}
