//! The system install's: the daemon and the helper, which are systemd's.

use std::{collections::BTreeSet, fs, io, path::Path, time::Duration};

use ::host::{
    dirs::SystemPaths,
    systemd::{Systemd, SystemdError, UnitStatus},
};
use install::{
    disk::{new_dirs, remove_file, sync_dir, write_link},
    plan::Ids,
    services,
    units::{DAEMON, HELPER},
};
use model::Version;
use tokio::runtime::Handle;
use update::{
    declaration::{Declaration, Side},
    port::Trouble,
};

use crate::{
    driver::trouble::{of_disk, of_systemd},
    error::{Told as _, UpdateError},
    places::{Places, canonical},
};

const ROOT: Ids = Ids { uid: 0, gid: 0 };
/// How long a release's service may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// The daemon and the helper, which are systemd's.
pub(in crate::driver) struct System {
    paths: SystemPaths,
    places: Places,
    runtime: Handle,
    systemd: Systemd,
}

impl System {
    pub(super) fn connect(
        paths: &SystemPaths,
        places: &Places,
        runtime: &Handle,
        step: &'static str,
    ) -> Result<Self, UpdateError> {
        let systemd = runtime.block_on(Systemd::connect()).map_err(|error| error.at(step))?;
        Ok(Self { paths: paths.clone(), places: places.clone(), runtime: runtime.clone(), systemd })
    }

    pub(super) fn reload(&self) -> Result<(), Trouble> {
        self.runtime.block_on(self.systemd.daemon_reload()).map_err(of_systemd)
    }

    /// Ends both services, and closes their sockets, so that nothing starts them again.
    pub(super) fn stop(&self) -> Result<(), Trouble> {
        self.runtime.block_on(services::stop_services(&self.systemd)).map_err(of_systemd)
    }

    pub(super) fn restart(&self) -> Result<(), Trouble> {
        self.runtime.block_on(services::restart_within(&self.systemd, READY_LIMIT)).map_err(of_systemd)
    }

    pub(super) fn running(&self, release: &Path) -> Result<Vec<u32>, Trouble> {
        let release = canonical(release);
        let mut pids = vec![];
        for (unit, program) in [(HELPER, "bangerd-root"), (DAEMON, "bangerd")] {
            let status = self.runtime.block_on(self.systemd.unit(unit)).map_err(of_systemd)?;
            let pid = status.filter(UnitStatus::is_up).and_then(|status| status.main_pid);
            let pid = pid.ok_or_else(|| Trouble::Failed(format!("{unit} does not run")))?;
            let runs = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            if runs != release.join(program) {
                return Err(Trouble::Failed(format!("{unit} runs {}", runs.display())));
            }
            pids.push(pid);
        }
        Ok(pids)
    }

    pub(super) fn machine_units(&self) -> Result<Vec<String>, Trouble> {
        let files = self.runtime.block_on(services::machine_unit_files(&self.systemd)).map_err(of_systemd)?;
        // A machine may end meanwhile, and its units with it.
        Ok(files.into_iter().filter_map(|file| fs::read_to_string(file).ok()).collect())
    }

    /// Links the units that the new release has and the old one has not.
    pub(super) fn link_units(&self, declaration: &Declaration) -> Result<(), Trouble> {
        let (old, new) = self.units_of_both(declaration)?;
        let dir = self.paths.units();
        let through = Path::new("../../../usr/local/lib/banger/current/units");
        for unit in new.difference(&old) {
            write_link(&dir.join(unit), &through.join(unit), ROOT).map_err(of_disk)?;
            for target in self.targets(&declaration.to, unit).map_err(of_disk)? {
                let wants = dir.join(format!("{target}.wants"));
                new_dirs(&wants).map_err(of_disk)?;
                write_link(&wants.join(unit), &Path::new("..").join(unit), ROOT).map_err(of_disk)?;
            }
        }
        Ok(())
    }

    /// Stops and unlinks the units that the release of `side` has not.
    pub(super) fn unlink_units(&self, declaration: &Declaration, side: Side) -> Result<(), Trouble> {
        let (old, new) = self.units_of_both(declaration)?;
        let (kept, gone, of_gone) = match side {
            Side::New => (&new, &old, &declaration.from),
            Side::Old => (&old, &new, &declaration.to),
        };
        let gone: Vec<&String> = gone.difference(kept).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let dir = self.paths.units();
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
        self.reload()
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
}

/// The units of a release.
fn units(release: &Path) -> io::Result<BTreeSet<String>> {
    let names = fs::read_dir(release.join("units"))?.map(|entry| Ok(entry?.file_name()));
    let names = names.collect::<io::Result<Vec<_>>>()?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}
