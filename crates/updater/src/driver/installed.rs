//! What a driver does to the installed system.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use ::host::systemd::SystemdError;
use api::HOLDER_UPDATE;
use install::{
    disk::{remove_all, remove_file, sync_dir, write_file, write_link},
    plan::Ids,
    services,
};
use model::{InstallRecord, Version};
use update::{
    declaration::{Declaration, Side},
    port::{Installed, Moment, Trouble},
};

use super::host::{SystemHost, of_disk, of_step, of_systemd};
use crate::{
    check::{self, Migrations},
    places::{Places, canonical},
    programs, record,
};

const ROOT: Ids = Ids { uid: 0, gid: 0 };
/// How long a release's service may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

impl Installed for SystemHost {
    fn switch(&mut self, declaration: &Declaration) -> Result<(), Trouble> {
        self.hold();
        self.mark_trial().map_err(of_disk)?;
        self.link_units(declaration)?;
        self.point_at(&declaration.to)
    }

    fn revert(&mut self, declaration: &Declaration, moment: Moment) -> Result<(), Trouble> {
        self.take_down(moment)?;
        self.mark_trial().map_err(of_disk)?;
        self.point_at(&declaration.from)
    }

    fn restart(&mut self, _: &Declaration, _: Side) -> Result<(), Trouble> {
        // What is to go may need longer to go than what comes may need to be ready. Our own knock would start it again.
        self.lease = None;
        self.runtime.block_on(services::stop_both(&self.systemd)).ok();
        let ready = self.runtime.block_on(services::restart_within(&self.systemd, READY_LIMIT));
        self.hold();
        ready.map_err(of_systemd)
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
        write_file(&mark, "", ROOT).map_err(of_disk)?;
        self.put_back(declaration)
    }

    fn settle(&mut self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        if side == Side::New {
            self.write_record(&declaration.to)?;
            write_link(&self.places.previous(), &Places::link_to(&declaration.from), ROOT)
                .map_err(of_disk)?;
        }
        write_link(&self.places.keeper(), &Places::link_to(declaration.version(side)), ROOT)
            .map_err(of_disk)?;
        self.unlink_units(declaration, side)?;
        self.prune(declaration).map_err(of_disk)?;
        for path in [self.places.plan(), self.places.restoring()] {
            remove_file(&path).map_err(of_disk)?;
        }
        record::give_room_up(&self.places.journal()).map_err(of_disk)?;
        remove_all(&self.places.staging()).map_err(of_disk)?;
        remove_file(&self.places.install().trial()).map_err(of_disk)?;
        // In the owner's directory anything may have its name by now; it decides nothing.
        if let Err(error) = remove_file(&self.places.database_copy()) {
            let copy = self.places.database_copy();
            self.warning.get_or_insert(format!("{} cannot be removed: {error}", copy.display()));
        }
        self.lease = None;
        // One that does not answer holds nothing, and a lease that is not renewed ends by itself.
        self.runtime.block_on(self.client.release(HOLDER_UPDATE)).ok();
        Ok(())
    }
}

impl SystemHost {
    /// A daemon that starts from here on is on trial: it begins with a hold of its own. Before the services of a boot the
    /// directory is not there yet.
    pub(super) fn mark_trial(&self) -> io::Result<()> {
        let path = self.places.install().trial();
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        write_file(&path, "", ROOT)
    }

    fn point_at(&self, version: &Version) -> Result<(), Trouble> {
        write_link(&self.places.current(), &Places::link_to(version), ROOT).map_err(of_disk)?;
        self.runtime.block_on(self.systemd.daemon_reload()).map_err(of_systemd)
    }

    /// Ends both services, and closes their sockets, so that nothing starts them again. Clients ask again for longer than
    /// this takes.
    fn take_down(&mut self, moment: Moment) -> Result<(), Trouble> {
        self.lease = None;
        match moment {
            Moment::Up => self.runtime.block_on(services::stop_services(&self.systemd)).map_err(of_systemd),
            // There is nothing to stop, and a stop would take away the start that is to come.
            Moment::BeforeServices => Ok(()),
        }
    }

    /// Whether the database is one that the old release wrote, and can read whole.
    fn is_as_old_left_it(&self, declaration: &Declaration) -> bool {
        let old = self.places.release(&declaration.from);
        let is_there = fs::symlink_metadata(self.places.database()).is_ok();
        let read = check::migrations(&old, check::owner(&self.record));
        is_there && matches!(read, Ok(Migrations::Compatible))
    }

    /// Has the owner's own hand put the copy in the place of the database. A copy that is gone was put there before.
    fn put_back(&self, declaration: &Declaration) -> Result<(), Trouble> {
        let old = self.places.release(&declaration.from);
        let copy = self.places.database_copy().display().to_string();
        let args = ["--restore-database", copy.as_str(), "--system"];
        let owner = check::owner(&self.record);
        let ended = programs::run(&old, "bangerd", &args, Some(owner), "restore").map_err(of_step)?;
        match ended.code {
            Some(0) => Ok(()),
            Some(1) if self.is_as_old_left_it(declaration) => Ok(()),
            _ => Err(Trouble::Failed(ended.said.trim().to_owned())),
        }
    }

    /// Links the units that the new release has and the old one has not.
    fn link_units(&self, declaration: &Declaration) -> Result<(), Trouble> {
        let (old, new) = self.units_of_both(declaration)?;
        let dir = self.places.install().units();
        let through = Path::new("../../../usr/local/lib/banger/current/units");
        for unit in new.difference(&old) {
            write_link(&dir.join(unit), &through.join(unit), ROOT).map_err(of_disk)?;
            for target in self.targets(&declaration.to, unit).map_err(of_disk)? {
                let wants = dir.join(format!("{target}.wants"));
                fs::create_dir_all(&wants).map_err(of_disk)?;
                write_link(&wants.join(unit), &Path::new("..").join(unit), ROOT).map_err(of_disk)?;
            }
        }
        Ok(())
    }

    /// Stops and unlinks the units that the release of `side` has not.
    fn unlink_units(&self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        let (old, new) = self.units_of_both(declaration)?;
        let (kept, gone, of_gone) = match side {
            Side::New => (&new, &old, &declaration.from),
            Side::Old => (&old, &new, &declaration.to),
        };
        let gone: Vec<&String> = gone.difference(kept).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let dir = self.places.install().units();
        for unit in gone {
            let stopped = self.runtime.block_on(self.systemd.stop(unit, READY_LIMIT));
            if let Err(error @ (SystemdError::Denied { .. } | SystemdError::Unreachable { .. })) = stopped {
                return Err(of_systemd(error));
            }
            for target in self.targets(of_gone, unit).map_err(of_disk)? {
                remove_file(&dir.join(format!("{target}.wants")).join(unit)).map_err(of_disk)?;
            }
            remove_file(&dir.join(unit)).map_err(of_disk)?;
        }
        sync_dir(&dir).map_err(of_disk)?;
        self.runtime.block_on(self.systemd.daemon_reload()).map_err(of_systemd)
    }

    fn units_of_both(
        &self,
        declaration: &Declaration,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>), Trouble> {
        let of = |version: &Version| units(&self.places.release(version)).map_err(of_disk);
        Ok((of(&declaration.from)?, of(&declaration.to)?))
    }

    /// The targets that want a unit, as its `[Install]` says.
    fn targets(&self, version: &Version, unit: &str) -> io::Result<Vec<String>> {
        let text = fs::read_to_string(self.places.release(version).join("units").join(unit))?;
        let wanted = text.lines().filter_map(|line| line.strip_prefix("WantedBy="));
        let plain = |name: &&str| !name.contains('/');
        Ok(wanted.flat_map(str::split_whitespace).filter(plain).map(ToOwned::to_owned).collect())
    }

    /// Writes what the new release says of itself into the record. Where it says nothing that can be read, the host is
    /// not broken: the old commit stays, with a warning.
    fn write_record(&mut self, to: &Version) -> Result<(), Trouble> {
        let mut record = InstallRecord { version: to.clone(), ..self.record.clone() };
        match check::stamp(&self.places.release(to), "commit") {
            Ok(stamp) => {
                record.commit = stamp.commit;
                record.built_at = stamp.built_at;
            }
            Err(error) => {
                self.warning =
                    Some(format!("install.toml keeps the commit of the release before: {}", error.why));
            }
        }
        write_file(&self.places.install().record(), &record.render(), ROOT).map_err(of_disk)
    }

    /// Removes releases that nobody needs: no side of this update, not the one before, no process.
    fn prune(&self, declaration: &Declaration) -> io::Result<()> {
        let mut kept = vec![self.places.release(&declaration.from), self.places.release(&declaration.to)];
        // On the way back it is another one, and still the one to go back to.
        kept.extend(Places::version_of(&self.places.previous()).map(|version| self.places.release(&version)));
        let used = programs_that_run()?;
        for entry in fs::read_dir(self.places.releases())? {
            let path = entry?.path();
            let resolved = canonical(&path);
            if !kept.contains(&path) && !used.iter().any(|program| program.starts_with(&resolved)) {
                remove_all(&path)?;
            }
        }
        sync_dir(&self.places.releases())
    }
}

/// The units of a release.
fn units(release: &Path) -> io::Result<BTreeSet<String>> {
    let names = fs::read_dir(release.join("units"))?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

/// The programs that processes run, by their resolved paths. A machine's link runs for as long as the machine.
fn programs_that_run() -> io::Result<BTreeSet<PathBuf>> {
    Ok(fs::read_dir("/proc")?
        .filter_map(|entry| fs::read_link(entry.ok()?.path().join("exe")).ok())
        .collect())
}
