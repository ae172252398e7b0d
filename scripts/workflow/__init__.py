"""A rehearsal of the workflows pipeline and endpoint; see scripts/test-workflows."""
