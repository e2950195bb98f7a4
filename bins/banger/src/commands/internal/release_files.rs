//! `banger internal release-files`.

use std::path::Path;

use built::VERSION;
use host::dirs::SystemPaths;
use install::{apply, owner, plan, units};
use model::Class;

use crate::{
    exit,
    fault::{Doing as _, Fault},
};

/// Writes the units. They name the place where they will lie, and the owner that is recorded.
pub(super) fn run(dir: &Path) -> Result<u8, Fault> {
    let doing = "write the units";
    let paths = SystemPaths::of_this_host();
    let record = paths.read_record().doing(doing)?;
    let record =
        record.ok_or_else(|| Fault::new(Class::Refused, format!("{doing}: banger is not installed")))?;
    let release = paths.library().join("releases").join(VERSION);
    let units = units::of_release(&paths.inside(&release), &plan::owner_of(&record), owner::has_kvm_group());
    apply::release_files(dir, &units).doing(doing)?;
    Ok(exit::DONE)
}
