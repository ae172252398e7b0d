//! A model and its answers.

use std::collections::BTreeMap;
use std::io::Read;

use artifacts::{Bundle, BundleError, BundleFile};
use dataset::{Recipe, Schema};
use forest::{ExplainError, PredictError, RandomForest};
use ndarray::ArrayView2;

use crate::explanations::{Explanation, Explanations};

/// The probability above which a row is predicted to fail, unless another one is set. Evaluate measures
/// a model with it.
const THRESHOLD: f64 = 0.5;

/// The bytes that a node takes at most: in its tree, where it is walked and where it is explained, with its
/// share of a leaf's.
const NODE_MEMORY: u64 = 64;
/// The bytes that it takes besides where it is explained beside training rows.
const INTERVENTIONAL_MEMORY: u64 = 32;
/// The bytes that a model takes besides.
const OTHER_MEMORY: u64 = 1 << 20;

/// What an answer is to say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerOptions {
    /// The probability above which a row is predicted to fail.
    pub threshold: f64,
    /// How the answer explains what each column contributes, if it does.
    pub explain: Option<Explanation>,
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self { threshold: THRESHOLD, explain: None }
    }
}

/// A trained model that answers rows of raw readings.
#[derive(Clone, Debug)]
pub struct Model {
    forest: RandomForest,
    recipe: Recipe,
    /// What answers say unless a caller wants something else.
    options: AnswerOptions,
    explanations: Explanations,
    /// The word for no failure, and that for a failure.
    words: [String; 2],
}

/// A model's answer to a row. Columns are indices into those of [`Model::schema`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The probability of a failure, from 0 to 1.
    pub probability: f64,
    /// Whether that is above the threshold.
    pub is_failure: bool,
    /// The columns whose reading was missing: a number became the training median, a category counts
    /// as none of its values.
    pub imputed: Vec<usize>,
    /// The columns whose category is in no training row.
    pub unseen: Vec<usize>,
    /// The columns whose number is outside of the range of the training rows.
    pub out_of_range: Vec<usize>,
    /// The Shapley value of each of [`Model::contributors`], if the answer is explained: together with
    /// [`Model::base`] they add up to the probability.
    pub contributions: Vec<f64>,
}

impl Model {
    /// Creates a model from a bundle.
    pub fn new(bundle: Bundle) -> Self {
        let Bundle { forest, recipe, background, .. } = bundle;
        let label = recipe.schema().label();
        // A label may be written as an empty cell where nothing failed.
        let word = |words: &[String], class: &str| {
            let word = words.iter().find(|word| !word.trim().is_empty());
            word.map_or_else(|| class.to_owned(), |word| word.trim().to_owned())
        };
        let words = [word(&label.negative, "0"), word(&label.positive, "1")];
        let options = AnswerOptions::default();
        let explanations = Explanations::new(&recipe, background);
        Self { forest, recipe, options, explanations, words }
    }

    /// Returns how raw readings become what the forest takes.
    pub(crate) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Reads a model from a `model.tar.gz` of `length` bytes.
    ///
    /// # Errors
    /// Returns an error if the archive is hostile or damaged, or lacks a part of a model.
    pub fn from_archive(archive: impl Read, length: u64) -> Result<Self, BundleError> {
        Bundle::from_archive(archive, length).map(Self::new)
    }

    /// Reads a model from a `model.tar.gz` of `length` bytes, which unpacks to at most `most` bytes.
    ///
    /// # Errors
    /// Those of [`Self::from_archive`].
    pub fn from_archive_within(
        archive: impl Read,
        length: u64,
        most: u64,
    ) -> Result<Self, BundleError> {
        Bundle::from_archive_within(archive, length, most).map(Self::new)
    }

    /// Reads a model from its files, by name. Files for which [`Self::has_file`] is false are ignored.
    ///
    /// # Errors
    /// Returns an error if a file is damaged or missing, or if they do not belong together.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Self, BundleError> {
        Bundle::from_files(files).map(Self::new)
    }

    /// Reads a model from its files, by name, which need not be in memory. Files for which
    /// [`Self::has_file`] is false are ignored.
    ///
    /// # Errors
    /// Returns the errors of [`Self::from_files`], and of files that cannot be read.
    pub fn from_readers(files: BTreeMap<String, BundleFile<'_>>) -> Result<Self, BundleError> {
        Bundle::from_readers(files).map(Self::new)
    }

    /// Returns whether a file of this name is a part of a model.
    pub fn has_file(name: &str) -> bool {
        Bundle::has(name)
    }

    /// Sets the probability above which a row is predicted to fail.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.options.threshold = threshold;
        self
    }

    /// Makes the model explain its answers by [`Explanation::PathDependent`].
    ///
    /// # Errors
    /// Returns the errors of [`Self::with_explanations_of`].
    pub fn with_explanations(self) -> Result<Self, ExplainError> {
        self.with_explanations_of(Explanation::PathDependent)
    }

    /// Makes the model explain its answers.
    ///
    /// # Errors
    /// Returns an error if the model was trained by an old program, which did not write what such
    /// explanations need, or if a tree is too deep.
    pub fn with_explanations_of(mut self, kind: Explanation) -> Result<Self, ExplainError> {
        self.base(kind)?;
        self.options.explain = Some(kind);
        Ok(self)
    }

    /// Returns what answers say unless [`Self::answer_with`] wants something else.
    pub fn options(&self) -> AnswerOptions {
        self.options
    }

    /// Returns what contributes to an answer: each column, with all features that are computed from it
    /// alone, and each feature of several columns.
    pub fn contributors(&self) -> &[String] {
        &self.explanations.names
    }

    /// Returns the value to which contributions are added: for [`Explanation::PathDependent`] the mean
    /// probability of the rows that the trees drew, which with class weights are as many of each class; for
    /// [`Explanation::Interventional`] that of the training rows that are stored with the model.
    ///
    /// # Errors
    /// Returns the errors of [`Self::with_explanations_of`].
    pub fn base(&self, kind: Explanation) -> Result<f64, ExplainError> {
        self.explanations.base(kind, &self.forest)
    }

    /// Returns the bytes that the model takes at most, with what explains its answers.
    pub fn memory(&self) -> u64 {
        let nodes: usize = self.forest.trees().iter().map(|tree| tree.nodes.len()).sum();
        let interventional =
            if self.explanations.is_interventional() { INTERVENTIONAL_MEMORY } else { 0 };
        (nodes as u64).saturating_mul(NODE_MEMORY + interventional).saturating_add(OTHER_MEMORY)
    }

    /// Returns the columns that the model reads.
    pub fn schema(&self) -> &Schema {
        self.recipe.schema()
    }

    /// Returns whether the model knows the ranges of its training rows.
    pub(crate) fn knows_ranges(&self) -> bool {
        self.recipe.knows_ranges()
    }

    /// Returns the plant's word for a failure, or for none.
    pub fn word(&self, is_failure: bool) -> &str {
        &self.words[usize::from(is_failure)]
    }

    /// Returns the answer to each row of readings, as a [`RecordReader`](dataset::RecordReader) of
    /// [`Self::schema`] reads them: one for each column, NaN where it is missing. Missing numbers are
    /// replaced in `readings`, too. A row's answer does not depend on the other rows.
    ///
    /// # Errors
    /// Returns an error if the recipe makes another number of features than the forest takes, which no
    /// bundle that was read does.
    pub fn answer(&self, readings: &mut [f64]) -> Result<Vec<Answer>, ExplainError> {
        self.answer_with(self.options, readings)
    }

    /// Does the same for answers that say what `options` want.
    ///
    /// # Errors
    /// Returns the errors of [`Self::answer`], and of [`Self::with_explanations_of`] if answers are to be
    /// explained.
    pub fn answer_with(
        &self,
        options: AnswerOptions,
        readings: &mut [f64],
    ) -> Result<Vec<Answer>, ExplainError> {
        if readings.is_empty() {
            return Ok(Vec::new());
        }
        let width = self.schema().columns().len();
        let mut answers = Vec::with_capacity(readings.len() / width.max(1));
        let mut features = Vec::with_capacity(answers.capacity() * self.forest.features());
        let mut counts = self.recipe.no_counts();
        for row in readings.chunks_exact_mut(width.max(1)) {
            let out_of_range = self.recipe.outside(row).collect();
            self.recipe.apply(row, &mut features, &mut counts);
            let [imputed, unseen] =
                [&mut counts.imputed, &mut counts.unseen].map(|counts| take_nonzero(counts));
            answers.push(Answer { imputed, unseen, out_of_range, ..Answer::default() });
        }
        let found = features.len() / answers.len().max(1);
        let expected = self.forest.features();
        let rows = ArrayView2::from_shape((answers.len(), found), &features);
        let rows = rows.map_err(|_| PredictError { found, expected })?;
        let probabilities = self.forest.predict_proba(rows)?;
        if let Some(kind) = options.explain {
            let contributions = self.explanations.contributions(kind, &self.forest, rows)?;
            for (answer, contributions) in answers.iter_mut().zip(contributions) {
                answer.contributions = contributions;
            }
        }
        for (answer, probability) in answers.iter_mut().zip(probabilities.column(1)) {
            answer.probability = *probability;
            answer.is_failure = *probability > options.threshold;
        }
        Ok(answers)
    }
}

/// Returns the indices of the counts that are not 0, and makes them 0.
fn take_nonzero(counts: &mut [usize]) -> Vec<usize> {
    let counts = counts.iter_mut().enumerate();
    counts.filter_map(|(index, count)| (std::mem::take(count) > 0).then_some(index)).collect()
}
