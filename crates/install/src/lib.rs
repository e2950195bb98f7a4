//! An install: what of banger lies on the disk of a host, whose it is, and which units run it. A user's own is the same in
//! small: a plan without units or anything of root's.
//!
//! A [`plan`] is a value that lists all that an install writes. Applying it decides nothing, and applying
//! it twice is applying it once; undoing it removes what it lists and nothing else.
//!
//! | module       | what it is                                            |
//! |--------------|-------------------------------------------------------|
//! | [`owner`]    | the user for whom banger is installed                 |
//! | [`units`]    | the text of the units                                 |
//! | [`plan`]     | all that an install writes, as a value                |
//! | [`look`]     | how the disk differs from a plan, and what is in its way |
//! | [`apply`]    | writing what a plan lists                             |
//! | [`undo`]     | removing it                                           |
//! | [`sums`]     | the record of what a release's programs are           |
//! | [`disk`]     | writing what lasts: beside, synced, renamed |
//! | [`services`] | starting and stopping what was installed              |

pub mod apply;
pub mod disk;
mod error;
pub mod look;
pub mod owner;
pub mod plan;
pub mod services;
pub mod sums;
pub mod undo;
pub mod units;

pub use error::InstallError;
