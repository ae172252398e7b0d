//! The sensor table: columns, labels, cleaning, features, the split.
