//! The Evaluate step.
