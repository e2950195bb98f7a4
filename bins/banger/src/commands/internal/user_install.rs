//! `banger internal user-install`: what `install.sh --user` ends with.

use std::path::Path;

use built::{COMMIT, VERSION};
use host::dirs::{Dirs, Environment};
use install::{apply, look, owner, plan};
use jiff::Timestamp;
use model::InstallRecord;

use crate::{
    exit,
    fault::{Doing as _, Fault},
};

/// Installs this release below the user's home, without root. Doing it twice is doing it once.
pub(super) fn run() -> Result<u8, Fault> {
    let doing = "install banger";
    let owner = owner::of_this_process().doing(doing)?;
    let dirs = Dirs::embedded(&Environment::of_this_process()).doing(doing)?;
    let own = plan::Own { library: dirs.library().to_owned(), commands: owner.home.join(".local/bin") };
    let program = std::env::current_exe().and_then(std::fs::canonicalize).doing(doing)?;
    let record = InstallRecord {
        owner_user: owner.user,
        owner_uid: owner.uid,
        owner_gid: owner.gid,
        owner_home: owner.home,
        version: VERSION.parse().doing(doing)?,
        commit: COMMIT.to_owned(),
        built_at: built::at(),
        installed_at: Timestamp::now(),
    };
    let plan = plan::plan_own(&own, &record, program.parent().unwrap_or(Path::new("/")));
    look::check(&plan).doing(doing)?;
    apply::all(&plan).doing(doing)?;
    Ok(exit::DONE)
}
