"""A rehearsal of .github/workflows/pipeline.yml; see scripts/test-pipeline-workflow."""
