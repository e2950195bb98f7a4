//! `banger internal man-pages`.

use std::{fs, path::Path};

use crate::{
    exit,
    fault::{Explain as _, Fault},
};

/// Writes a page for every command that the help shows. They are the same on every host.
pub(super) fn run(tree: clap::Command, dir: &Path) -> Result<u8, Fault> {
    let doing = format!("write the manual's pages into {}", dir.display());
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(tree, dir));
    written.map_err(|error| error.explain(&doing))?;
    Ok(exit::DONE)
}
