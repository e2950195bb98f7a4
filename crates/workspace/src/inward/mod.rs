//! A repository into a guest.

mod batch;
mod files;
mod guest_git;
mod objects;
mod plan;
mod work_tree;

pub use files::Sent;
pub use guest_git::GuestGit;
pub(crate) use guest_git::RAW;
pub use plan::{History, Plan, Wanted, mark_now};
