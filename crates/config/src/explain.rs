//! Where each value of the settings comes from.

use serde::Serialize;
use serde_yaml::Value;

use crate::layers::Layers;
use crate::location::Locations;
use crate::settings::Settings;
use crate::tree::{get, parse, scalar};
use crate::{ConfigError, Layer};

/// A value of the settings, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedValue {
    /// The path of the setting, such as `hyperparameters.n_estimators`.
    pub path: String,
    /// The value as text; nothing for a setting without one.
    pub value: String,
    /// The file and line that set it. Nothing if it is the default.
    pub place: Option<(String, usize)>,
    /// The text in the file, if environment variables made the value from it.
    pub text: Option<String>,
}

impl Settings {
    /// Returns each value of these settings, which were read from `layers` and, where there are some, use the
    /// `images` by digest, and where it comes from.
    ///
    /// # Errors
    /// A file that is not YAML.
    pub fn explain(
        &self,
        layers: &[Layer<'_>],
        images: Option<Layer<'_>>,
    ) -> Result<Vec<ExplainedValue>, ConfigError> {
        let layers = Layers::parse(layers)?;
        let digests = images.map(|images| (images.file, Locations::of(images.text)));
        let digest = |path: &str| {
            let (file, places) = digests.as_ref()?;
            Some((*file, places.exact(path.strip_prefix("aws.")?)?))
        };
        let tree = serde_yaml::to_value(self).unwrap_or_default();
        let mut values = Vec::new();
        leaves(&tree, "", &mut |path, value| {
            let digest = digest(path);
            let place = digest.or_else(|| layers.exact(path));
            let raw = place
                .filter(|_| digest.is_none())
                .and_then(|_| get(&layers.tree, &parse(path)))
                .and_then(Value::as_str);
            values.push(ExplainedValue {
                path: path.to_owned(),
                value: scalar(value).unwrap_or_default(),
                place: place.map(|(file, (line, _))| (file.to_owned(), line)),
                text: raw.filter(|text| text.contains("${")).map(str::to_owned),
            });
        });
        Ok(values)
    }
}

/// Calls `visit` with the path and the value of each leaf. An empty list or mapping is a leaf.
fn leaves(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (key, entry) in entries {
                let name = key.as_str().unwrap_or_default();
                let below =
                    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                leaves(entry, &below, visit);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}[{index}]"), visit);
            }
        }
        leaf => visit(path, leaf),
    }
}
