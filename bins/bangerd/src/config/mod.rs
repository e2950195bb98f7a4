//! The configuration: read from a file, resolved for this host, each value with where it came from.

mod error;
mod file;
mod resolved;
mod table;

pub(crate) use error::ConfigError;
pub(crate) use file::read;
pub(crate) use resolved::{AccelChoice, Config, FileSync, HostSize, VmmChoice};
