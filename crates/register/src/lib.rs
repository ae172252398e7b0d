//! The Register step.
