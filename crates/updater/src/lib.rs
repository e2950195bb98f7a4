//! Takes a host from one release to another.
//!
//! The steps before the declaration, in their order; each changes nothing of what is installed:
//!
//! | module        | what it does                                                        |
//! |---------------|---------------------------------------------------------------------|
//! | [`discover`]  | finds the release that is meant                                     |
//! | [`authorise`] | says whether this host may be updated now                           |
//! | [`fetch`]     | fetches and verifies it                                             |
//! | [`stage`]     | unpacks it beside the others                                        |
//! | [`check`]     | asks it whether it fits this host                                   |
//!
//! From the declaration on the `update` crate decides what comes next, and this one does it:
//!
//! | module        | what it is                                                          |
//! |---------------|---------------------------------------------------------------------|
//! | [`plan`]      | what was prepared, for the driver to declare                        |
//! | [`driver`]    | the driver: its unit, its turn, what it does to this host           |
//! | [`record`]    | the journal and the history on disk                                 |
//! | [`follow`]    | what somebody who waits for it sees                                 |

pub mod authorise;
pub mod check;
pub mod discover;
pub mod driver;
mod error;
pub mod fetch;
pub mod follow;
pub mod places;
pub mod plan;
mod programs;
pub mod record;
pub mod stage;

pub use error::{Told, UpdateError};
