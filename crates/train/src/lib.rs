//! The Train step.
