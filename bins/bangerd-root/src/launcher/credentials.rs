//! From root to a machine's own user.

use std::io;

use rustix::{
    process::{getegid, geteuid, getgid, getuid},
    thread::{Gid, Uid, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

use super::LaunchError;

/// Becomes the user and the group of this number, with no other groups than these, for good: no program that is
/// executed from here on gains anything. To be called while there is one thread.
pub(super) fn become_machine(uid: u32, groups: &[u32]) -> Result<(), LaunchError> {
    let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    let give_up = || -> io::Result<()> {
        set_thread_groups(&groups)?;
        set_thread_res_gid(group, group, group)?;
        set_thread_res_uid(user, user, user)?;
        set_no_new_privs(true)?;
        let is_gone = getuid() == user && geteuid() == user && getgid() == group && getegid() == group;
        // What cannot be taken back was given up.
        if is_gone && set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).is_err() {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
    };
    give_up().map_err(|source| LaunchError::StillRoot { source })
}
