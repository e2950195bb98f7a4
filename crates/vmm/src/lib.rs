//! Machine monitors: launching, finding again, ending.
//!
//! | module      | does                                                                        |
//! |-------------|-----------------------------------------------------------------------------|
//! | [`qemu`]    | finds QEMU, says what it is started with                                    |
//! | [`firecracker`] | finds Firecracker and its jailer, says what they are started with       |
//! | [`monitor`] | one of the two                                                              |
//! | [`machine`] | launches a monitor and its link, finds them again, ends them, clears up     |
//! | [`link`]    | what the link is started with, and which ports it took                      |
//! | [`console`] | what the guest printed                                                      |
//! | [`probe`]   | whether KVM truly runs the kernel                                           |
//!
//! Which files a machine's directory holds is [`vm::layout`]'s; what is started is [`vm::boot_plan`]'s.

pub mod console;
mod elf;
pub mod firecracker;
pub mod link;
pub mod machine;
pub mod monitor;
pub mod probe;
pub mod qemu;
