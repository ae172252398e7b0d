"""Executes the notebook here and in an account that moto plays; see scripts/test-notebook."""
