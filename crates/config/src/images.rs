//! The images of the pipeline: one for each step that runs in a container, and one that serves.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job_kind::JobKind;
use crate::rules::is_repository;

/// Declares [`Image`] and [`Images`] from one list, so that a new image is one entry.
macro_rules! images {
    ($($(#[$doc:meta])* $variant:ident => $field:ident),+ $(,)?) => {
        /// An image of the pipeline.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Image {
            $(#[doc = concat!("The image `", stringify!($field), "`.")] $variant),+
        }

        impl Image {
            /// All images, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The names of all images, in the same order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Returns the name of the image, which is also that of its program.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($field)),+ }
            }
        }

        /// The images in ECR: the repository of each, and the tag that all of them carry.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
        #[serde(deny_unknown_fields, default)]
        pub struct Images {
            $($(#[$doc])* #[garde(custom(is_repository))] pub $field: String,)+
            /// The tag of all images.
            #[garde(pattern(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"))]
            pub tag: String,
        }

        impl Default for Images {
            fn default() -> Self {
                Self {
                    $($field: concat!("machine-downtime/", stringify!($field)).to_owned(),)+
                    tag: "latest".to_owned(),
                }
            }
        }

        impl Images {
            /// Returns the repository of an image, or its full name where that is by digest.
            pub fn repository(&self, image: Image) -> &str {
                match image { $(Image::$variant => &self.$field),+ }
            }

            /// Replaces the repository of an image.
            pub(crate) fn set_repository(&mut self, image: Image, name: String) {
                match image { $(Image::$variant => self.$field = name),+ }
            }
        }
    };
}

impl Image {
    /// Returns the kind of the job that runs this image, or `None` if no job of the pipeline does.
    pub fn job_kind(self) -> Option<JobKind> {
        match self {
            Self::Preprocess | Self::Register => Some(JobKind::Processing),
            Self::Train => Some(JobKind::Training),
            Self::Evaluate => Some(JobKind::Evaluation),
            Self::Serve => None,
        }
    }
}

images! {
    /// The repository of the Preprocess image.
    Preprocess => preprocess,
    /// The repository of the Train image.
    Train => train,
    /// The repository of the Evaluate image.
    Evaluate => evaluate,
    /// The repository of the Register image.
    Register => register,
    /// The repository of the image that serves the model.
    Serve => serve,
}
