//! Long work: what is in flight, what it tells, and how it is cancelled.

mod current;
mod log;
mod operation;
mod registry;

pub(crate) use current::current;
pub(crate) use operation::Operation;
pub(crate) use registry::Operations;
