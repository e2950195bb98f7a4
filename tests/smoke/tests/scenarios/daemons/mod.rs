//! The daemon: that nothing that happens to it happens to the machines, and that nothing of what it was at is
//! left half done.

mod look;
mod sigkill;
mod strike;
