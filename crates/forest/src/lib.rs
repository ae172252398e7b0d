//! A random forest of classification trees behind linfa's traits.
//!
//! The semantics are those of scikit-learn's `RandomForestClassifier`: a bootstrap sample per tree,
//! features drawn per split, class and row weights, probabilities as the mean over trees of a leaf's
//! weighted class shares. A model depends on records, labels, parameters and seed alone: each tree
//! has a random stream of its own, so neither threads nor hosts show in it. Up to 20,000 rows every
//! split is exact; beyond, a feature's values share 256 bins unless
//! [`max_bins`](RandomForestParams::max_bins) says otherwise.
//!
//! A tree grows so: each value is a small whole number, its bin (`bins`); the rows that
//! a tree draws (`sample`) are copied and then moved, so that each node's lie side by
//! side (`layout`); two classes are counted bin by bin
//! (`histogram`), several, or rows with weights, are put in order
//! (`sorted`); which node comes next is `grow`'s business. A fitted tree
//! is walked by many rows at a time (`walk`).
//!
//! linfa's `fit` gives the forest alone. Out-of-bag scores, permutation importances and a stop on the
//! way come with [`RandomForestValidParams::fit_with`], on parameters that linfa's `check` has passed.
//! Records are f32, labels class numbers from 0.
//!
//! Knows numbers and a seed. Must never know column names, files, or the clock.
//!
//! ```
//! use forest::RandomForest;
//! use linfa::prelude::{Fit, Predict};
//! use linfa::Dataset;
//! use ndarray::array;
//!
//! let records = array![[0.0_f32], [1.0], [10.0], [11.0]];
//! let table = Dataset::new(records.clone(), array![0_usize, 0, 1, 1]);
//! let forest = RandomForest::params().n_estimators(10).random_state(42).fit(&table)?;
//! assert_eq!(forest.predict(&records), array![0, 0, 1, 1]);
//! # Ok::<(), forest::FitError>(())
//! ```

mod bins;
mod fit;
mod grow;
mod histogram;
mod impurity;
mod layout;
mod model;
mod out_of_bag;
mod params;
mod sample;
mod sorted;
mod stream;
mod table;
mod tally;
mod tree;
mod walk;

pub use fit::{FitError, Fitted, TrainingSet, Watch};
pub use model::{Malformed, PredictError, RandomForest};
pub use params::{
    ClassWeight, Criterion, MaxFeatures, ParamsError, RandomForestParams, RandomForestValidParams,
    Samples,
};
pub use tree::{Node, Tree};
