//! The checks of the KMS keys.

use aws::kms::types::KeySpec;
use common::chain;

use super::check::{Doctor, Remedy};
use crate::Cloud;

/// A KMS key of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKey {
    /// The setting that names it, such as `aws.kms.volume_key`.
    pub setting: &'static str,
    /// Its id, its alias, or the ARN of either.
    pub key: String,
}

impl Doctor<'_> {
    /// Checks that each key is enabled and encrypts.
    pub(super) fn keys(&mut self, keys: &[KmsKey]) {
        for key in keys {
            self.key(key);
        }
    }

    fn key(&mut self, KmsKey { setting, key }: &KmsKey) {
        const ACTION: &str = "kms:DescribeKey";
        let call = self.cloud.aws.kms().describe_key().key_id(key);
        let metadata = match self.cloud.aws.call(ACTION, call.send()) {
            Ok(answer) => match answer.key_metadata {
                Some(metadata) => metadata,
                None => return self.unchecked("key", &Cloud::missing(ACTION, "KeyMetadata")),
            },
            Err(error) if error.is_absent() || error.is_invalid() => {
                let found = format!("{setting}: {}", chain(&error));
                return self.error("key", &found, Remedy::UseKey);
            }
            Err(error) => return self.unchecked("key", &error),
        };
        let spec = metadata.key_spec();
        if !metadata.enabled() {
            let state = metadata.key_state().map_or("disabled", |state| state.as_str());
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
