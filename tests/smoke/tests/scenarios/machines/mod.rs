//! Machines, one file for each thing that a person does with them.

mod boots;
mod concurrent;
mod ctrl_c;
mod du;
mod images;
mod life;
mod reach;
mod runs;
mod shared;
mod shell;
mod ssh;
mod stale;
mod streams;
mod sync;
mod tool;
