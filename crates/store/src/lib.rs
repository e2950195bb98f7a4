//! The records of `bangerd`, in SQLite.
//!
//! The database is `state.db` with a write-ahead log. Whoever has it open holds a shared lock on
//! `state.db.lock`; an updater that puts a copy back takes it exclusively. What [`Store`] returned from a
//! call that changes something is on the disk: it outlasts a power cut.
//!
//! The schema changes only by migrations, which are frozen files. Before each of them the database is
//! copied into `backups/`.

mod backup;
mod copy;
mod copy_error;
mod counter;
mod error;
mod lock;
mod migration;
mod open;
mod process;
mod readiness;
mod record;
mod vms;

pub use copy::{copy, restore};
pub use copy_error::CopyError;
pub use error::StoreError;
pub use open::Store;
pub use process::ProcessMark;
pub use readiness::{Readiness, check_migrations};
pub use record::{VmRecord, WorkspaceRecord};
