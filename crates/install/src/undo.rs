//! Removing what a plan lists.

use std::path::{Path, PathBuf};

use crate::{
    InstallError,
    disk::{remove_all, remove_empty, remove_file, sync_parent},
    look::{find, is_our_link},
    plan::{Fate, Item, Plan},
};

/// Whether the owner's data go with the install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Machines, images, kernels and configuration stay.
    No,
    /// They go.
    Yes,
}

/// Removes what a plan lists, in the opposite order, and what was made by the programs that it installed. Does
/// all it can.
///
/// What has a name of the plan's and is not ours stays. Removing twice is removing once.
///
/// # Errors
///
/// All that could not be removed, and why.
pub fn all(plan: &Plan, purge: Purge) -> Result<(), Vec<InstallError>> {
    let others = others(plan, purge).into_iter();
    let others = others.map(|path| remove_all(path).map_err(InstallError::disk("remove", path)));
    let items = plan.items.iter().rev().map(|item| one(item, purge));
    let failed: Vec<InstallError> = others.chain(items).filter_map(Result::err).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}

/// Lists what [`all`] removes, in its order: of what is there.
///
/// # Errors
///
/// [`InstallError::Disk`] where something cannot be looked at.
pub fn list(plan: &Plan, purge: Purge) -> Result<Vec<PathBuf>, InstallError> {
    let goes = |item: &&Item| match item {
        Item::Directory { fate, .. } | Item::File { fate, .. } => goes(*fate, purge),
        Item::Release { .. } | Item::Link { .. } => true,
    };
    let paths = plan.items.iter().rev().filter(goes).map(Item::path);
    let mut there = vec![];
    for path in others(plan, purge).into_iter().chain(paths) {
        if find(path)?.is_some() {
            there.push(path.to_owned());
        }
    }
    Ok(there)
}

/// What goes and is nothing that an install writes.
fn others(plan: &Plan, purge: Purge) -> Vec<&Path> {
    let by_hand = plan.written_by_hand.iter().filter(|_| purge == Purge::Yes);
    plan.made_later.iter().chain(by_hand).map(PathBuf::as_path).collect()
}

fn goes(fate: Fate, purge: Purge) -> bool {
    match fate {
        Fate::Stays | Fate::GoesEmpty => false,
        Fate::Goes => true,
        Fate::GoesIfPurged => purge == Purge::Yes,
    }
}

fn one(item: &Item, purge: Purge) -> Result<(), InstallError> {
    let path = item.path();
    let Some(found) = find(path)? else {
        return Ok(());
    };
    let removed = match item {
        Item::Directory { fate: Fate::GoesEmpty, .. } => remove_empty(path),
        Item::Directory { fate, .. } | Item::File { fate, .. } => {
            if goes(*fate, purge) {
                remove_all(path)
            } else {
                return Ok(());
            }
        }
        Item::Release { .. } => remove_all(path),
        Item::Link { to, .. } if is_our_link(path, to, &found) => remove_file(path),
        Item::Link { .. } => return Ok(()),
    };
    removed.and_then(|()| sync_parent(path)).map_err(InstallError::disk("remove", path))
}
