//! Makes a mounted file system as large as its disk: on the host, growing is one call on a file.

use std::{fs, fs::File, io};

use rustix::{
    fs::statfs,
    ioctl::{Setter, ioctl, opcode},
};

use super::error::{BootError, Doing};

/// `EXT4_IOC_RESIZE_FS`, ioctl of `fs/ext4/ext4.h`: the new size in blocks.
const EXT4_IOC_RESIZE_FS: rustix::ioctl::Opcode = opcode::write::<u64>(b'f', 16);

/// The unit of `/sys/class/block/*/size`, whatever the disk's sector is.
const SECTOR_BYTES: u64 = 512;

/// Grows the ext4 of `device`, mounted at `at`. Where it is as large already, nothing happens.
pub(super) fn grow(device: &str, at: &str) -> Result<(), BootError> {
    try_grow(device, at).doing(format!("grow the file system of {device}"))
}

fn try_grow(device: &str, at: &str) -> io::Result<()> {
    let name = device.rsplit('/').next().unwrap_or(device);
    let sectors = fs::read_to_string(format!("/sys/class/block/{name}/size"))?;
    let sectors: u64 = sectors.trim_end().parse().map_err(io::Error::other)?;
    let room = statfs(at)?;
    let blocks = sectors * SECTOR_BYTES / room.f_bsize.unsigned_abs();
    // f_blocks lacks the file system's own tables, so the kernel compares again; it takes equal sizes.
    if blocks <= room.f_blocks {
        return Ok(());
    }
    #[expect(unsafe_code, reason = "the call reads one u64, which the setter owns")]
    unsafe {
        Ok(ioctl(File::open(at)?, Setter::<EXT4_IOC_RESIZE_FS, u64>::new(blocks))?)
    }
}
