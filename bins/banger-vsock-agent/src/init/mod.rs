//! The initramfs's `/init`: finds the disks, starts the agent, hands over to the image's own init.
//!
//! Nothing is installed in the image and nothing of its `fstab` is mounted here.

mod alone;
mod cmdline;
mod disks;
mod error;
mod grow;
mod handover;
mod home;
mod modules;
mod mounts;
mod run;

pub(crate) use run::run;
