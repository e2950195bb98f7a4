//! The initramfs: the agent as `/init`, and the modules that it loads.

use std::{fs, io, path::Path};

use super::cpio::Cpio;
use crate::{Fault, fault::At};

/// Where the agent finds the modules' paths, one a line, in the order in which they load.
const ORDER_FILE: &str = "modules.order-to-load";

/// Directories that the agent expects.
const DIRS: [&str; 6] = ["dev", "proc", "sys", "run", "newroot", "modules"];

/// Writes an initramfs. `module_files` are whole paths, in the order in which they load.
pub(super) fn write(out: &Path, agent: &[u8], module_files: &[(String, Vec<u8>)]) -> Result<(), Fault> {
    let file = fs::File::create(out).at("create", out)?;
    let mut cpio = Cpio::new(io::BufWriter::new(file));
    let mut all = || {
        for dir in DIRS {
            cpio.dir(dir)?;
        }
        cpio.console()?;
        cpio.program("init", agent)?;
        for (path, contents) in module_files {
            cpio.file(path.trim_start_matches('/'), contents)?;
        }
        let lines: Vec<&str> = module_files.iter().flat_map(|(path, _)| [path, "\n"]).collect();
        cpio.file(ORDER_FILE, lines.concat().as_bytes())
    };
    all().at("write", out)?;
    let writer = cpio.finish().at("write", out)?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error).at("write", out)?;
    file.sync_all().at("sync", out)
}

/// The path of a module in the initramfs.
pub(super) fn module_path(name: &str) -> String {
    format!("/modules/{name}.ko")
}
