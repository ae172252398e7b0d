//! SageMaker's container contract: the directories under `/opt/ml`, the files in them, failure and
//! message files, signals and logs. Both ends use it: a step reads the contract, and the local run
//! writes it.
//!
//! Knows the contract. Must never know columns, models, or what a step does.
//!
//! A step's `main` is one call of [`run`], a server's one call of [`serve`]:
//!
//! ```no_run
//! # use common::{Exit, Failure};
//! # #[derive(Debug, thiserror::Error)]
//! # #[error("there is no model")]
//! # struct NoModel;
//! # impl Failure for NoModel {
//! #     fn exit(&self) -> Exit { Exit::Data }
//! # }
//! # fn step(container: &container::Container) -> Result<(), NoModel> { Err(NoModel) }
//! // A step ends when its work is done.
//! let code = container::run(container::Kind::Processing, "preprocess", step);
//!
//! // A server lasts until SIGTERM, and then drains.
//! let code = container::serve("serve", |container, shutdown| {
//!     shutdown.wait();
//!     Ok::<(), NoModel>(())
//! });
//! ```
//!
//! What a step reads of the contract:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use container::Container;
//!
//! let directory = tempfile::tempdir()?;
//! let base = camino::Utf8Path::from_path(directory.path()).unwrap();
//! let hyperparameters = base.join(container::wire::HYPERPARAMETERS);
//! common::write_file(&hyperparameters, br#"{"max_depth": "12"}"#)?;
//!
//! let job = Container::new(base, Vec::new(), BTreeMap::new());
//! assert_eq!(job.hyperparameters()?["max_depth"], "12");
//! assert_eq!(job.model(), base.join("model"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod lifecycle;
mod logs;
mod opt_ml;
mod run;
mod serving;
mod shutdown;
pub mod wire;

pub use opt_ml::{Container, ContainerError, Hosts};
#[doc(hidden)]
pub use run::serve_within;
pub use run::{Kind, run, serve};
pub use serving::Serving;
pub use shutdown::Shutdown;
