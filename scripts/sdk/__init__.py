"""The pipeline under the SageMaker Python SDK; see scripts/test-sdk."""
