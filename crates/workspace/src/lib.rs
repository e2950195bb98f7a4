//! A repository as it goes into a guest, and the guest's work as it comes back.
//!
//! | part           | does                                                                   |
//! |----------------|------------------------------------------------------------------------|
//! | [`Repository`] | finds a repository of the host and asks it                             |
//! | [`Plan`]       | what will be copied, read and judged before anything is made; then the files, as a tar stream |
//! | [`GuestGit`]   | the guest's `.git`, built on the host: a guest needs no git to get one |
//! | [`script`]     | what runs in the guest, for `sh`                                       |
//! | [`Patch`]      | a guest's work, applied to the host's files                            |
//!
//! The host's `git` does what only git can. What a repository says of filters, hooks, monitors or transports is not
//! done. Everything here blocks: call it where blocking is allowed.

mod error;
mod git;
mod history;
mod inward;
mod listing;
mod origin;
mod outward;
mod repository;
mod scratch;
pub mod script;

pub use error::WorkspaceError;
pub use inward::{GuestGit, History, Plan, Sent, Wanted, mark_now};
pub use outward::Patch;
pub use repository::Repository;
