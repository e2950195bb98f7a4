//! The daemon: that nothing that happens to it happens to the machines, and that nothing of what it was at is
//! left half done.

mod admin;
mod cycles;
mod disk;
mod look;
mod records;
mod restart;
mod sessions;
mod sigkill;
mod strike;
mod users;
