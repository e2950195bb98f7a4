//! `banger vm`.

mod begin;
mod command;
mod cp;
mod create;
mod delete;
mod exec;
mod fit;
mod health;
mod kill;
mod list;
mod logs;
mod many;
mod ping;
mod ports;
mod prune;
mod remove;
mod restart;
mod run;
mod running;
mod set;
mod show;
mod ssh;
mod start;
mod stats;
mod stop;
mod sync;
mod workspace;

pub(crate) use command::{Vm, with_defaults_of_this_host};
pub(crate) use list::List;
pub(crate) use run::Run;
pub(crate) use running::that_runs;
pub(crate) use ssh::{has_sshd, literal, not_run, quoted};
