//! Facts about a host and what they mean.
