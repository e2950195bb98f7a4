//! What a driver does to the installed system.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use api::HOLDER_UPDATE;
use install::disk::{new_dirs, remove_all, remove_file, sync_dir, write_file, write_link};
use model::{InstallRecord, Version};
use update::{
    declaration::{Declaration, Side},
    port::{Installed, Moment, Trouble},
};

use super::{
    host::DrivenHost,
    trouble::{of_disk, of_step},
};
use crate::{
    check::{self, Migrations},
    places::{Places, canonical},
    record,
};

impl Installed for DrivenHost {
    fn switch(&mut self, declaration: &Declaration) -> Result<(), Trouble> {
        self.hold();
        self.mark_trial().map_err(of_disk)?;
        self.services.adopt(declaration)?;
        self.point_at(&declaration.to)
    }

    fn revert(&mut self, declaration: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.take_down(moment)?;
        self.mark_trial().map_err(of_disk)?;
        self.point_at(&declaration.from)
    }

    fn restart(&mut self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        // Our own knock would start again what is to go.
        self.lease = None;
        let ready = self.services.restart(&self.places.release(declaration.version(side)));
        self.hold();
        ready
    }

    fn restore(&mut self, declaration: &Declaration, moment: Moment) -> Result<(), Trouble> {
        if !declaration.has_database_copy {
            return Ok(());
        }
        self.take_down(moment)?;
        let mark = self.places.restoring();
        if !fs::exists(&mark).map_err(of_disk)? && self.is_as_old_left_it(declaration) {
            return Ok(());
        }
        // From here on what lies there is not to be judged any more: it may be half of each.
        write_file(&mark, "", self.places.ids()).map_err(of_disk)?;
        self.put_back(declaration)
    }

    fn settle(&mut self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        if side == Side::New {
            // It is decided, and nothing goes back from here on: what is changed meanwhile is kept.
            self.let_changes_in()?;
            self.write_record(&declaration.to)?;
            self.point(&self.places.previous(), &declaration.from)?;
        }
        if let Some(keeper) = self.places.keeper() {
            self.point(&keeper, declaration.version(side))?;
        }
        self.services.forget(declaration, side)?;
        let units = self.services.machine_units()?;
        self.prune(declaration, &units).map_err(of_disk)?;
        for path in [self.places.plan(), self.places.restoring()] {
            remove_file(&path).map_err(of_disk)?;
        }
        record::give_room_up(&self.places.journal()).map_err(of_disk)?;
        remove_all(&self.places.staging()).map_err(of_disk)?;
        // In the owner's directory anything may have its name by now; it decides nothing.
        if let Err(error) = remove_file(&self.places.database_copy()) {
            let copy = self.places.database_copy();
            self.warning.get_or_insert(format!("{} cannot be removed: {error}", copy.display()));
        }
        match side {
            Side::Old => self.let_changes_in(),
            Side::New => Ok(()),
        }
    }
}

impl DrivenHost {
    /// A daemon that starts from here on is on trial: it begins with a hold of its own. Before the services of a boot the
    /// directory is not there yet.
    pub(super) fn mark_trial(&self) -> io::Result<()> {
        let path = self.places.trial();
        new_dirs(path.parent().unwrap_or(Path::new("/")))?;
        write_file(path, "", self.places.ids())
    }

    /// Ends the hold: the daemon's next start is no trial, and the lease is over.
    fn let_changes_in(&mut self) -> Result<(), Trouble> {
        remove_file(self.places.trial()).map_err(of_disk)?;
        self.lease = None;
        // One that does not answer holds nothing, and a lease that is not renewed ends by itself.
        self.runtime.block_on(self.client.release(HOLDER_UPDATE)).ok();
        Ok(())
    }

    fn point_at(&self, version: &Version) -> Result<(), Trouble> {
        self.point(&self.places.current(), version)?;
        self.services.reload()
    }

    fn point(&self, link: &Path, version: &Version) -> Result<(), Trouble> {
        write_link(link, &Places::link_to(version), self.places.ids()).map_err(of_disk)
    }

    /// Ends what runs, so that nothing starts it again.
    fn take_down(&mut self, moment: Moment) -> Result<(), Trouble> {
        self.lease = None;
        match moment {
            Moment::Up => self.services.stop(),
            // There is nothing to stop, and a stop would take away the start that is to come.
            Moment::BeforeServices => Ok(()),
        }
    }

    /// Whether the database is one that the old release wrote, and can read whole.
    fn is_as_old_left_it(&self, declaration: &Declaration) -> bool {
        let old = self.places.release(&declaration.from);
        let is_there = fs::symlink_metadata(self.places.database()).is_ok();
        let read = check::migrations(&self.places, &self.record, &old);
        is_there && matches!(read, Ok(Migrations::Compatible))
    }

    /// Has the owner's own hand put the copy in the place of the database. A copy that is gone was put there before.
    fn put_back(&self, declaration: &Declaration) -> Result<(), Trouble> {
        let old = self.places.release(&declaration.from);
        let copy = self.places.database_copy().display().to_string();
        let args = ["--restore-database", copy.as_str()];
        let ended = check::database(&self.places, &self.record, &old, &args, "restore").map_err(of_step)?;
        match ended.code {
            Some(0) => Ok(()),
            Some(1) if self.is_as_old_left_it(declaration) => Ok(()),
            _ => Err(Trouble::Failed(ended.said.trim().to_owned())),
        }
    }

    /// Writes what the new release says of itself into the record. Where it says nothing that can be read, the host is
    /// not broken: the old commit stays, with a warning.
    fn write_record(&mut self, to: &Version) -> Result<(), Trouble> {
        let mut record = InstallRecord { version: to.clone(), ..self.record.clone() };
        match check::stamp(&self.places, &self.places.release(to), "commit") {
            Ok(stamp) => {
                record.commit = stamp.commit;
                record.built_at = stamp.built_at;
            }
            Err(error) => {
                self.warning =
                    Some(format!("install.toml keeps the commit of the release before: {}", error.why));
            }
        }
        write_file(self.places.record(), &record.render(), self.places.ids()).map_err(of_disk)
    }

    /// Removes releases that nobody needs: no side of this update, not the one before, no process, no machine's unit. What a
    /// unit names is run when it stops, and nothing of that release may run by then.
    fn prune(&self, declaration: &Declaration, units: &[String]) -> io::Result<()> {
        let mut kept = vec![self.places.release(&declaration.from), self.places.release(&declaration.to)];
        // On the way back it is another one, and still the one to go back to.
        kept.extend(Places::version_of(&self.places.previous()).map(|version| self.places.release(&version)));
        let used = programs_that_run()?;
        for entry in fs::read_dir(self.places.releases())? {
            let path = entry?.path();
            let resolved = canonical(&path);
            let named = format!("{}/", resolved.display());
            let is_needed = kept.contains(&path)
                || used.iter().any(|program| program.starts_with(&resolved))
                || units.iter().any(|unit| unit.contains(&named));
            if !is_needed {
                remove_all(&path)?;
            }
        }
        sync_dir(&self.places.releases())
    }
}

/// The programs that processes run, by their resolved paths. A machine's link runs for as long as the machine.
fn programs_that_run() -> io::Result<BTreeSet<PathBuf>> {
    Ok(fs::read_dir("/proc")?
        .filter_map(|entry| fs::read_link(entry.ok()?.path().join("exe")).ok())
        .collect())
}
