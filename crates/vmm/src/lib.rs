//! Machine monitors: launching, finding again, ending. The one there is is QEMU.
//!
//! | module      | does                                                                        |
//! |-------------|-----------------------------------------------------------------------------|
//! | [`qemu`]    | finds QEMU, says what it is started with                                    |
//! | [`machine`] | launches a monitor and its link, finds them again, ends them, clears up     |
//! | [`link`]    | what the link is started with, and which ports it took                      |
//! | [`console`] | what the guest printed                                                      |
//! | [`probe`]   | whether KVM truly runs the kernel                                           |
//!
//! Which files a machine's directory holds is [`vm::layout`]'s; what is started is [`vm::boot_plan`]'s.

pub mod console;
pub mod link;
pub mod machine;
pub mod probe;
pub mod qemu;
