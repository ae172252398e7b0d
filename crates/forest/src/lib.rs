//! A random forest of classification trees behind linfa's traits.
//!
//! The semantics are those of scikit-learn's `RandomForestClassifier`: a bootstrap sample per tree,
//! features drawn per split, class and row weights, and probabilities as the mean over trees of a
//! leaf's weighted class shares. A model depends on records, labels, parameters and seed alone:
//! each tree has a random stream of its own, so the number of threads or hosts does not change the
//! model. Tables of up to 20,000 rows have exact splits; in larger ones the values of a feature
//! share 256 bins unless [`max_bins`](RandomForestParams::max_bins) is set.
//!
//! linfa's `fit` returns the forest alone. [`RandomForestValidParams::fit_with`], on parameters
//! that linfa's `check` has accepted, also computes out-of-bag scores and permutation importances,
//! and can be stopped. Records are f32, labels are class numbers from 0.
//!
//! The modules form layers, each of which knows only those before it:
//!
//! - values: the bins of one feature (`bins`), `params`, `training_set`, `watch`, `error` and
//!   `tree`; the random `stream`;
//! - data: each value is replaced by the number of its bin (`binned`), and the rows that a tree
//!   draws (`sample`) are copied and then moved so that the rows of a node are adjacent (`layout`);
//! - split search (`split`): two classes are counted bin by bin (`histogram`, `tally`); more
//!   classes, or rows with weights, are sorted (`sorted`); both by the same criteria (`impurity`);
//! - growth and prediction: `grow` decides which node is split next, and `walk` traverses a tree
//!   with several rows at a time;
//! - forests: `model` predicts, `explain` and `interventional` say why, `out_of_bag` scores trees during the
//!   fit, `fit` runs it all.
//!
//! Knows numbers and a seed. Must never know column names, files, or the clock.
//!
//! ```
//! use forest::{RandomForest, TrainingSet};
//! use linfa::ParamGuard;
//! use ndarray::array;
//!
//! let records = array![[0.0_f32], [1.0], [2.0], [10.0], [11.0], [12.0]];
//! let labels = array![0_usize, 0, 0, 1, 1, 1];
//! let params = RandomForest::params().n_estimators(50).oob_score(true).random_state(42);
//! let set = TrainingSet { records: records.view(), labels: labels.view(), weights: None };
//! let fitted = params.check()?.fit_with(&set, &())?;
//!
//! let probabilities = fitted.forest.predict_proba(array![[0.5_f32], [11.5]].view())?;
//! assert!(probabilities[[0, 0]] > 0.9 && probabilities[[1, 1]] > 0.9);
//! assert_eq!(fitted.oob_score, Some(1.0));
//!
//! // linfa's traits do the same for a `Dataset`.
//! use linfa::prelude::{Fit, Predict};
//! let table = linfa::Dataset::new(records.clone(), labels.clone());
//! let forest = RandomForest::params().n_estimators(50).random_state(42).fit(&table)?;
//! assert_eq!(forest, fitted.forest);
//! assert_eq!(forest.predict(&records), labels);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod binned;
mod bins;
mod error;
mod explain;
mod fit;
mod grow;
mod histogram;
mod impurity;
mod interventional;
mod layout;
mod model;
mod out_of_bag;
mod params;
mod sample;
mod sorted;
mod split;
mod stream;
mod tally;
mod training_set;
mod tree;
mod walk;
mod watch;

pub use error::FitError;
pub use explain::{ExplainError, Explainer};
pub use fit::Fitted;
pub use interventional::{InterventionalExplainer, MAX_BACKGROUND_ROWS, background_rows};
pub use model::{CheckedTree, MalformedForest, PredictError, RandomForest};
pub use params::{
    ClassWeight, Criterion, MaxFeatures, ParamsError, RandomForestParams, RandomForestValidParams,
    Samples,
};
pub use training_set::TrainingSet;
pub use tree::{Node, Tree};
pub use watch::Watch;
