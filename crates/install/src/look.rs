//! How the disk differs from a plan, and what is in its way.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use crate::{
    InstallError,
    disk::same_bytes,
    plan::{Ids, Item, PROGRAMS, Plan, SUMS},
    sums::{self, Compared},
    units::Unit,
};

/// How something on the disk differs from what a plan says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is as planned.
    Same,
    /// It is there, and differs.
    Differs,
    /// It is not there.
    Missing,
}

impl State {
    /// What applying the plan does to it, in a word.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Same => "keep",
            Self::Differs => "change",
            Self::Missing => "make",
        }
    }
}

/// Looks for what keeps a plan from being applied: names that something else has, programs that are
/// missing, directories that are another's.
///
/// # Errors
///
/// The first [`InstallError`] found. Nothing was changed.
pub fn check(plan: &Plan) -> Result<(), InstallError> {
    for item in &plan.items {
        let found = find(item.path())?;
        match item {
            Item::Directory { path, mode, ids, .. } => {
                let Some(link_or_dir) = found else { continue };
                let found = fs::metadata(path).ok().filter(Metadata::is_dir);
                let Some(found) = found else {
                    return Err(not_ours(path, &link_or_dir));
                };
                // Root's is root's to take; what is another user's may hold another's things.
                if mode.is_some() && found.uid() != ids.uid && found.uid() != plan.root.uid {
                    return Err(InstallError::OthersDirectory { path: path.clone(), uid: found.uid() });
                }
            }
            Item::Release { path, from, .. } => {
                if let Some(found) = found.filter(|found| !found.is_dir()) {
                    return Err(not_ours(path, &found));
                }
                check_programs(from)?;
            }
            Item::Link { path, to } => {
                if let Some(found) = found
                    && !is_our_link(path, to, &found)
                {
                    return Err(not_ours(path, &found));
                }
            }
            Item::File { path, .. } => {
                if let Some(found) = found.filter(|found| !found.is_file()) {
                    return Err(not_ours(path, &found));
                }
            }
        }
    }
    Ok(())
}

fn check_programs(from: &Path) -> Result<(), InstallError> {
    for path in PROGRAMS.map(|name| from.join(name)) {
        if !path.is_file() {
            return Err(InstallError::NoProgram { path });
        }
    }
    Ok(())
}

/// Looks at one thing of a plan.
///
/// # Errors
///
/// [`InstallError::Disk`] where it cannot be looked at.
pub fn state(plan: &Plan, item: &Item) -> Result<State, InstallError> {
    let Some(found) = find(item.path())? else {
        return Ok(State::Missing);
    };
    let is_same = match item {
        Item::Directory { mode: None, .. } => true,
        // One that an administrator moved to another disk is where its link leads.
        Item::Directory { path, mode: Some(mode), ids, .. } => fs::metadata(path)
            .is_ok_and(|found| found.is_dir() && found.mode() & 0o7777 == *mode && is_of(&found, *ids)),
        Item::Release { path, from, units } => found.is_dir() && is_whole(path, from, units)?,
        Item::Link { path, to } => fs::read_link(path).is_ok_and(|says| says == *to),
        Item::File { path, text, .. } => {
            let mode_is_right = found.mode() & 0o7777 == 0o644 && is_of(&found, plan.root);
            found.is_file() && mode_is_right && fs::read_to_string(path).is_ok_and(|is| is == *text)
        }
    };
    Ok(if is_same { State::Same } else { State::Differs })
}

/// What of a plan the disk is not like, in the plan's order. What cannot be looked at differs: whoever reads this
/// could look at what was written.
#[must_use]
pub fn drift(plan: &Plan) -> Vec<(&Item, State)> {
    let states = plan.items.iter().map(|item| (item, state(plan, item).unwrap_or(State::Differs)));
    states.filter(|(_, state)| *state != State::Same).collect()
}

fn is_of(found: &Metadata, ids: Ids) -> bool {
    (found.uid(), found.gid()) == (ids.uid, ids.gid)
}

/// Says whether a release's directory holds these programs and units, and nothing else.
fn is_whole(path: &Path, from: &Path, units: &[Unit]) -> Result<bool, InstallError> {
    if path == from {
        // Installed from where it is installed: the programs are what they are.
        return Ok(has_units(path, units) && path.join(SUMS).is_file());
    }
    for name in PROGRAMS {
        let (one, two) = (path.join(name), from.join(name));
        match same_bytes(&one, &two) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(InstallError::Disk { what: "compare", path: one, source }),
        }
    }
    let compared = sums::compare(path).map_err(InstallError::disk("compare", path))?;
    Ok(compared == Compared::Same && has_units(path, units))
}

fn has_units(path: &Path, units: &[Unit]) -> bool {
    let dir = path.join("units");
    let has = |unit: &Unit| fs::read_to_string(dir.join(unit.name)).is_ok_and(|text| text == unit.text);
    let count = fs::read_dir(&dir).map_or(0, Iterator::count);
    count == units.len() && units.iter().all(has)
}

pub(crate) fn find(path: &Path) -> Result<Option<Metadata>, InstallError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(InstallError::Disk { what: "look at", path: path.to_owned(), source }),
    }
}

/// A link is ours if it says what we would write, or leads to a release.
pub(crate) fn is_our_link(path: &Path, to: &Path, found: &Metadata) -> bool {
    let says = fs::read_link(path).ok().filter(|_| found.is_symlink());
    says.is_some_and(|says| says == to || says.parent() == to.parent())
}

fn not_ours(path: &Path, found: &Metadata) -> InstallError {
    let kind = if found.is_symlink() {
        "a link to somewhere else"
    } else if found.is_dir() {
        "a directory"
    } else if found.is_file() {
        "a file"
    } else {
        "something special"
    };
    InstallError::NotOurs { path: path.to_owned(), kind }
}
