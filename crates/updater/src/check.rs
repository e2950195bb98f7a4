//! Check: what a staged release says of itself, before anything depends on it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use host::program::{self, Ended};
use model::{InstallRecord, Version};
use release::Stamp;

use crate::{
    error::{Told as _, UpdateError},
    places::Places,
    programs,
};

const STEP: &str = "check";
/// How long systemd may take to look at the units.
const VERIFY_LIMIT: Duration = Duration::from_mins(1);
/// What a file system keeps for itself beside the copy of the database, in bytes.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// What a database is to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrations {
    /// It reads it as it is.
    Compatible,
    /// It will change it when it starts.
    Needed,
}

/// What a staged release said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What it makes of the database.
    pub migrations: Migrations,
    /// The checks of its `doctor` that fail already: they say nothing against it.
    pub failed_checks: BTreeSet<String>,
}

/// Checks a staged release against this host. Changes nothing.
///
/// # Errors
///
/// What speaks against it.
pub fn check(places: &Places, record: &InstallRecord, to: &Version) -> Result<Checked, UpdateError> {
    let release = places.release(to);
    names_version(places, &release, to)?;
    let migrations = migrations(places, record, &release)?;
    has_room(places)?;
    if places.is_system() {
        units_are_sound(&release)?;
    }
    let failed_checks = failed_checks(places, &release, STEP)?;
    Ok(Checked { migrations, failed_checks })
}

/// Has a release's daemon do something with the owner's database, by the owner's own hand.
///
/// # Errors
///
/// It cannot be run, or does not end.
pub(crate) fn database(
    places: &Places,
    record: &InstallRecord,
    release: &Path,
    args: &[&str],
    step: &'static str,
) -> Result<Ended, UpdateError> {
    let system = places.is_system().then_some("--system");
    let args: Vec<&str> = args.iter().copied().chain(system).collect();
    programs::run(release, "bangerd", &args, places.owners_account(record), step)
}

/// Asks the programs of a release which one it is.
///
/// # Errors
///
/// It is another one.
pub(crate) fn names_version(places: &Places, release: &Path, to: &Version) -> Result<(), UpdateError> {
    let stamp = stamp(places, release, STEP)?;
    if stamp.version != *to {
        let why = format!("its banger says that it is {}, and {to} was asked for", stamp.version);
        return Err(UpdateError::refused(STEP, why));
    }
    Ok(())
}

/// What a release says of itself in the three lines of `banger version`.
///
/// # Errors
///
/// It says nothing that can be read.
pub(crate) fn stamp(places: &Places, release: &Path, step: &'static str) -> Result<Stamp, UpdateError> {
    let said = programs::expect(release, "banger", &["version"], places.account(), step)?;
    Stamp::parse(&said).map_err(|error| error.at(step))
}

/// Asks a release's daemon what it makes of the database, as the owner. Its code and its one line must agree.
///
/// # Errors
///
/// It cannot read it, or does not say.
pub(crate) fn migrations(
    places: &Places,
    record: &InstallRecord,
    release: &Path,
) -> Result<Migrations, UpdateError> {
    let ended = database(places, record, release, &["--check-migrations"], STEP)?;
    let said = ended.said.trim();
    let word = said.split([':', ' ']).next().unwrap_or_default();
    match (ended.code, word, said.lines().count()) {
        (Some(0), "compatible", 1) => Ok(Migrations::Compatible),
        (Some(1), "will", 1) => Ok(Migrations::Needed),
        (Some(2), "cannot", 1) => {
            Err(UpdateError::refused(STEP, format!("the new release cannot read the database: {said}"))
                .hint("A release that can is at least as new as the one that wrote it."))
        }
        (code, ..) => {
            let code = code.map_or("by a signal".to_owned(), |code| format!("with {code}"));
            let why = format!("bangerd --check-migrations ended {code} and said {said:?}");
            Err(UpdateError::failed(STEP, why))
        }
    }
}

fn has_room(places: &Places) -> Result<(), UpdateError> {
    let Ok(database) = fs::metadata(places.database()) else {
        return Ok(());
    };
    let dir = places.state();
    let space = rustix::fs::statvfs(dir).map_err(|error| std::io::Error::from(error).at(STEP))?;
    let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
    let needed_bytes = database.len().saturating_add(SPARE_BYTES);
    if free_bytes < needed_bytes {
        let why = format!(
            "{} has {free_bytes} bytes free, and a copy of the database wants {needed_bytes}",
            dir.display()
        );
        return Err(UpdateError::failed(STEP, why).hint("`banger vm prune` makes room."));
    }
    Ok(())
}

/// Has systemd look at the units, where its tool is there.
fn units_are_sound(release: &Path) -> Result<(), UpdateError> {
    let Some(tool) = program::find("systemd-analyze") else {
        return Ok(());
    };
    let mut args: Vec<OsString> = vec!["verify".into(), "--recursive-errors=no".into()];
    let dir = release.join("units");
    let units = fs::read_dir(&dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut units: Vec<PathBuf> =
        units.map_err(|error| error.at(STEP))?.into_iter().map(|unit| unit.path()).collect();
    units.sort();
    args.extend(units.into_iter().map(Into::into));
    program::run(&tool, &args, Path::new("/"), VERIFY_LIMIT).map(|_| ()).map_err(|error| error.at(STEP))
}

/// Runs a release's own `doctor` and returns the names of the checks that fail.
///
/// # Errors
///
/// It cannot be run, or says nothing that can be read.
pub(crate) fn failed_checks(
    places: &Places,
    release: &Path,
    step: &'static str,
) -> Result<BTreeSet<String>, UpdateError> {
    let ended = programs::run(release, "banger", &["doctor", "--json"], places.account(), step)?;
    let reports = ended.said.lines().filter_map(|line| serde_json::from_str(line).ok());
    let report = reports.into_iter().find_map(|line: serde_json::Value| line.get("doctor").cloned());
    let Some(report) = report.and_then(|report| serde_json::from_value::<api::DoctorReport>(report).ok())
    else {
        let said = ended.said.split_whitespace().collect::<Vec<_>>().join(" ");
        return Err(UpdateError::failed(step, format!("its doctor says nothing that can be read: {said}")));
    };
    let fails = report.checks.into_iter().filter(|check| check.verdict == model::Verdict::Fail);
    Ok(fails.map(|check| check.name).collect())
}
