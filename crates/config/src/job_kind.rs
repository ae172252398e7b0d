//! The kinds of job that have instance types, counts, volumes and time limits of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::pascal_case;

/// Declares [`JobKind`] and [`PerJobKind`], so that a new kind of job is one entry.
macro_rules! job_kinds {
    ($($(#[$doc:meta])* $variant:ident => $field:ident),+ $(,)?) => {
        /// A kind of job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum JobKind { $($(#[$doc])* $variant),+ }

        impl JobKind {
            /// All kinds, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the key of this kind in the settings, such as `processing`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($field)),+ }
            }
        }

        /// One value for each kind of job.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct PerJobKind<T> { $($(#[$doc])* pub $field: T),+ }

        impl<T> PerJobKind<T> {
            /// Returns the value of a kind of job.
            pub fn get(&self, kind: JobKind) -> &T {
                match kind { $(JobKind::$variant => &self.$field),+ }
            }
        }

        impl<T: Clone> PerJobKind<T> {
            /// Returns the same value for every kind of job.
            pub(crate) fn all(value: T) -> Self {
                Self { $($field: value.clone()),+ }
            }
        }
    };
}

job_kinds! {
    /// Preprocess and Register.
    Processing => processing,
    /// Train.
    Training => training,
    /// Evaluate.
    Evaluation => evaluation,
}

impl JobKind {
    /// Returns the pipeline parameter that sets the instance type, such as `TrainingInstanceType`.
    pub fn instance_type_parameter(self) -> String {
        format!("{}InstanceType", pascal_case(self.name()))
    }

    /// Returns the pipeline parameter that sets the number of instances, such as
    /// `TrainingInstanceCount`.
    pub fn instance_count_parameter(self) -> String {
        format!("{}InstanceCount", pascal_case(self.name()))
    }
}

impl<T> PerJobKind<T> {
    /// Returns each kind of job with its value.
    pub fn iter(&self) -> impl Iterator<Item = (JobKind, &T)> {
        JobKind::ALL.iter().map(|&kind| (kind, self.get(kind)))
    }
}
