//! The records of bangerd, in SQLite.
