//! Model groups, versions and approval.
