"""The parts of scripts/test: what runs, in which order, and what it counts."""
