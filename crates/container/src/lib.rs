//! SageMaker's container contract.
