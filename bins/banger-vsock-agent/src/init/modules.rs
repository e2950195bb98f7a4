//! Loads the kernel modules that the initramfs brings.

use std::{
    fs::{self, File},
    io,
};

use rustix::{io::Errno, system::finit_module};

use super::error::{BootError, Doing};

/// Paths of modules, one a line, each after those that it needs.
const ORDER: &str = "/modules.order-to-load";

/// Loads them all and then frees their files. A module that is built in or loaded already is no error;
/// one that fails is told of, and what lacks it will fail by itself.
pub(super) fn load() -> Result<(), BootError> {
    let order = match fs::read_to_string(ORDER) {
        // A kernel with everything built in.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        order => order.doing(format!("read {ORDER}"))?,
    };
    for path in order.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Err(error) = load_one(path).doing(format!("load {path}")) {
            eprintln!("{error}");
        }
        // The file is memory, and there may be little.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

fn load_one(path: &str) -> io::Result<()> {
    match finit_module(File::open(path)?, c"", 0) {
        Err(Errno::EXIST) => Ok(()),
        // What the kernel says of a symbol that it does not have.
        Err(Errno::NOENT) => Err(io::Error::other("it needs another module first")),
        loaded => Ok(loaded?),
    }
}
