//! Writing what a plan lists.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use crate::{
    InstallError,
    disk::{
        beside, give, make_dir, new_dir, new_file, remove_all, rename_over, sync_dir, write_file, write_link,
    },
    look::{self, State},
    plan::{Ids, Item, PROGRAMS, Plan, SUMS},
    sums::{self, Compared},
    units::Unit,
};

/// Writes one thing of a plan, unless it is as planned. Returns how it was.
///
/// What was written lasts when this returns. Writing twice is writing once.
///
/// # Errors
///
/// [`InstallError::Disk`]: what has the name is then what it was, or what is planned, and writing it again
/// is safe.
pub fn item(plan: &Plan, item: &Item) -> Result<State, InstallError> {
    let state = look::state(plan, item)?;
    let path = item.path();
    match item {
        _ if state == State::Same => Ok(()),
        Item::Directory { mode, ids, .. } => make_dir(path, mode.unwrap_or(0o755), *ids),
        Item::Release { from, units, .. } if path == from => in_place(path, units, plan.root),
        Item::Release { from, units, .. } => release(path, from, units, plan.root),
        Item::Link { to, .. } => write_link(path, to, plan.root),
        Item::File { text, .. } => write_file(path, text, plan.root),
    }
    .map_err(InstallError::disk("write", path))?;
    Ok(state)
}

/// Writes all that a plan lists, in its order.
///
/// # Errors
///
/// As [`item`]; what comes before in the plan is then written, and what comes after is not.
pub fn all(plan: &Plan) -> Result<(), InstallError> {
    plan.items.iter().try_for_each(|each| item(plan, each).map(|_| ()))
}

/// Makes a release beside its place, whole and synced, and only then gives it its name.
fn release(path: &Path, from: &Path, units: &[Unit], root: Ids) -> io::Result<()> {
    let partial = beside(path);
    remove_all(&partial)?;
    new_dir(&partial)?;
    for name in PROGRAMS {
        copy(&from.join(name), &partial.join(name), 0o755, root)?;
    }
    record(&partial, from, root)?;
    write_units(&partial, units, root)?;
    give(&partial, root)?;
    sync_dir(&partial)?;
    rename_over(&partial, path)
}

/// Keeps the record that the programs came with, which was signed, where they are what it says; else writes one.
fn record(partial: &Path, from: &Path, root: Ids) -> io::Result<()> {
    if !from.join(SUMS).is_file() {
        return sums::write(partial, root);
    }
    copy(&from.join(SUMS), &partial.join(SUMS), 0o644, root)?;
    if sums::compare(partial)? == Compared::Same {
        return Ok(());
    }
    remove_all(&partial.join(SUMS))?;
    sums::write(partial, root)
}

/// Writes into a directory of a release what its programs make of this host: its units. Root's.
///
/// # Errors
///
/// [`InstallError::Disk`]: there may be some of them.
pub fn release_files(dir: &Path, units: &[Unit]) -> Result<(), InstallError> {
    write_units(dir, units, Ids { uid: 0, gid: 0 }).map_err(InstallError::disk("write", dir))
}

/// Writes what belongs to the programs of a release that are where they should be. A record that is there stays:
/// it says what they were.
fn in_place(path: &Path, units: &[Unit], root: Ids) -> io::Result<()> {
    if !path.join(SUMS).exists() {
        sums::write(path, root)?;
    }
    write_units(path, units, root)
}

fn copy(from: &Path, to: &Path, mode: u32, ids: Ids) -> io::Result<()> {
    let mut file = new_file(to, mode)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    give(to, ids)?;
    file.sync_all()
}

/// Writes the units of a release, and removes others. One that has none has no directory of them.
fn write_units(release: &Path, units: &[Unit], root: Ids) -> io::Result<()> {
    let dir = release.join("units");
    if units.is_empty() {
        return remove_all(&dir);
    }
    let partial = beside(&dir);
    remove_all(&partial)?;
    new_dir(&partial)?;
    for unit in units {
        let path = partial.join(unit.name);
        let mut file = new_file(&path, 0o644)?;
        file.write_all(unit.text.as_bytes())?;
        give(&path, root)?;
        file.sync_all()?;
    }
    give(&partial, root)?;
    sync_dir(&partial)?;
    remove_all(&dir)?;
    fs::rename(&partial, &dir)?;
    sync_dir(release)
}
