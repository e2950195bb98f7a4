//! The rules of the house, and the chores that need more than a line of shell.
//!
//! Each rule under [`rules`] is a function from what it looks at to the [`Breach`]es it finds, so that it
//! can be shown a bad sample as well as this tree. `xtask/tests/house.rs` shows it this tree.

pub mod bench;
mod breach;
mod chain;
pub mod release;
pub mod rules;
mod source;
mod tokens;
mod tree;

pub use breach::Breach;
pub use chain::chain;
pub use source::Source;
pub use tokens::{Token, flatten};
pub use tree::{Tree, TreeError};
