//! The pipeline: its definition, its local run, its command line.
