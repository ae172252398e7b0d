//! What each column contributes to an answer.

use std::sync::OnceLock;

use dataset::Recipe;
use forest::{ExplainError, Explainer, InterventionalExplainer, RandomForest};
use ndarray::{Array2, ArrayView2};

/// A way to explain an answer: what a probability is expected to be if only some features are known. Both
/// give exact Shapley values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// At a split by an unknown feature, a row goes both ways, with the shares of the training rows that
    /// went there.
    PathDependent,
    /// Unknown features are those of training rows that are stored with the model.
    Interventional,
}

/// What a model explains its answers by. The explainer of each kind is prepared when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Explanations {
    /// The names of what contributes: each column, and each feature of several columns.
    pub(crate) names: Vec<String>,
    /// The contributor of each feature.
    contributors: Vec<usize>,
    background: Option<Array2<f32>>,
    path_dependent: OnceLock<Result<Explainer, ExplainError>>,
    interventional: OnceLock<Result<InterventionalExplainer, ExplainError>>,
}

impl Explanations {
    pub(crate) fn new(recipe: &Recipe, background: Option<Array2<f32>>) -> Self {
        let mut names: Vec<String> = recipe.schema().names().map(str::to_owned).collect();
        let features = recipe.feature_names().zip(recipe.columns_of_features());
        let contributors = features.map(|(feature, columns)| match columns[..] {
            [column] => column,
            _ => {
                names.push(feature.to_owned());
                names.len() - 1
            }
        });
        let contributors = contributors.collect();
        let (path_dependent, interventional) = (OnceLock::new(), OnceLock::new());
        Self { names, contributors, background, path_dependent, interventional }
    }

    /// Returns whether there are training rows to explain beside.
    pub(crate) fn is_interventional(&self) -> bool {
        self.background.is_some()
    }

    fn path_dependent(&self, forest: &RandomForest) -> Result<&Explainer, ExplainError> {
        let explainer = self.path_dependent.get_or_init(|| Explainer::new(forest));
        explainer.as_ref().map_err(|error| *error)
    }

    fn interventional(
        &self,
        forest: &RandomForest,
    ) -> Result<&InterventionalExplainer, ExplainError> {
        let explainer = self.interventional.get_or_init(|| {
            let background = self.background.as_ref().ok_or(ExplainError::NoBackground)?;
            InterventionalExplainer::new(forest, background.view())
        });
        explainer.as_ref().map_err(|error| *error)
    }

    /// Returns the value to which contributions are added.
    pub(crate) fn base(
        &self,
        kind: Explanation,
        forest: &RandomForest,
    ) -> Result<f64, ExplainError> {
        match kind {
            Explanation::PathDependent => self.path_dependent(forest).map(Explainer::base),
            Explanation::Interventional => {
                self.interventional(forest).map(InterventionalExplainer::base)
            }
        }
    }

    /// Returns the contributions to the probability of each row of features.
    pub(crate) fn contributions(
        &self,
        kind: Explanation,
        forest: &RandomForest,
        rows: ArrayView2<'_, f32>,
    ) -> Result<Vec<Vec<f64>>, ExplainError> {
        let mut values = Vec::new();
        match kind {
            Explanation::PathDependent => {
                self.path_dependent(forest)?.explain(rows, &mut values)?;
            }
            Explanation::Interventional => {
                self.interventional(forest)?.explain(rows, &mut values)?;
            }
        }
        let contributions = values.chunks_exact(rows.ncols().max(1)).map(|values| {
            let mut contributions = vec![0.0; self.names.len()];
            for (contributor, value) in self.contributors.iter().zip(values) {
                contributions[*contributor] += value;
            }
            contributions
        });
        Ok(contributions.collect())
    }
}
