//! What is typed and what is shown, as pure functions.

mod age;
mod count;
mod environment;
mod quote;
mod table;

pub(crate) use age::{ago, bytes, elapsed};
pub(crate) use count::count;
pub(crate) use environment::EnvVar;
pub(crate) use quote::shell_quote;
pub(crate) use table::Table;
