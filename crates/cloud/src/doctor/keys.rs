//! The checks of the KMS keys.

use aws::kms::types::KeySpec;
use common::chain;

use super::check::{Doctor, Remedy};

/// A KMS key of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKey {
    /// The setting that names it, such as `aws.kms.volume_key`.
    pub setting: &'static str,
    /// Its id, its alias, or the ARN of either.
    pub key: String,
}

impl Doctor<'_> {
    /// Checks that each key is enabled, encrypts, and is of the target's region.
    pub(super) fn keys(&mut self, keys: &[KmsKey]) {
        for key in keys {
            self.key(key);
        }
    }

    fn key(&mut self, KmsKey { setting, key }: &KmsKey) {
        let wanted = &self.cloud.target.region;
        let region = key.split(':').nth(3).unwrap_or(wanted);
        if region != wanted {
            let found = format!("{setting}: {key} is in {region}, expected {wanted}");
            return self.error("key", &found, Remedy::UseKey);
        }
        let call = self.cloud.aws.kms().describe_key().key_id(key);
        let metadata = match self.cloud.aws.call("kms:DescribeKey", call.send()) {
            Ok(answer) => answer.key_metadata,
            Err(error) if error.is_absent() || error.is_invalid() => {
                let found = format!("{setting}: {}", chain(&error));
                return self.error("key", &found, Remedy::UseKey);
            }
            Err(error) => return self.unchecked("key", &error),
        };
        let state = metadata.as_ref().and_then(|metadata| metadata.key_state());
        let spec = metadata.as_ref().and_then(|metadata| metadata.key_spec());
        if !metadata.as_ref().is_some_and(|metadata| metadata.enabled()) {
            let state = state.map_or("disabled", |state| state.as_str());
            let found = format!("{setting}: {key} is {state}, expected Enabled");
            self.error("key", &found, Remedy::UseKey);
        } else if let Some(spec) = spec.filter(|spec| **spec != KeySpec::SymmetricDefault) {
            let found = format!("{setting}: {key} is of type {spec}, expected SYMMETRIC_DEFAULT");
            self.error("key", &found, Remedy::UseKey);
        } else {
            self.ok("key", &format!("{setting}: {key}"));
        }
    }
}
