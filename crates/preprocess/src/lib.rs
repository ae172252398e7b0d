//! The Preprocess step.
