//! A server for contract ②: who may speak, how much, for how long; what is done is the caller's.

mod accept;
mod call;
mod waiting;

pub use accept::{Admitted, serve};
pub use call::Call;
