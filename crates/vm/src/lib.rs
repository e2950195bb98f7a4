//! The life of a machine: what may be asked of it, what is to be done, and what follows.
//!
//! Nothing here reads a file, a clock or the environment: facts come in as arguments, decisions go out
//! as values.
//!
//! | module         | decides                                                                       |
//! |----------------|-------------------------------------------------------------------------------|
//! | [`life`]       | which state follows which event, and what a state needs done                  |
//! | [`admission`]  | whether a request may be made of a machine now                                |
//! | [`settle`]     | what becomes of a machine when the daemon starts and finds the host as it is  |
//! | [`boot_plan`]  | everything that the monitor and the link are started with                     |
//! | [`boot_guard`] | whether a boot hangs, and whether it is tried again                           |
//! | [`stale`]      | whether anybody uses a machine                                                |
//! | [`layout`]     | the names of the files in a machine's directory                               |

pub mod admission;
pub mod boot_guard;
pub mod boot_plan;
pub mod layout;
pub mod life;
pub mod settle;
pub mod stale;
