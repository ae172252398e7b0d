//! A random forest behind linfa's traits.
