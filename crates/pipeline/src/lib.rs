//! The SageMaker pipeline definition language.
