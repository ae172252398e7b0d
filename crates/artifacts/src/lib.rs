//! The documents that one step writes and another reads.
