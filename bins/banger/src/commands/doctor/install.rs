//! What this program sees of a system install.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt as _},
    path::{Path, PathBuf},
};

use built::VERSION;
use doctor::{Drift, FilesFact, InstallFacts, ServicesFact, SocketFact};
use host::{dirs::SystemPaths, systemd::Systemd};
use install::{
    look::{self, State},
    plan::Item,
    services,
    sums::{self, Compared},
};
use model::{InstallRecord, Version};

use crate::{
    commands::system::{is_elsewhere, is_up, plan_of},
    fault::{chain, plain_io},
};

/// Looks at the install that a record tells of. Changes nothing, and needs no rights but the owner's.
pub(super) async fn facts(record: &InstallRecord) -> InstallFacts {
    let paths = SystemPaths::of_this_host();
    let in_use = fs::canonicalize(paths.library().join("current"));
    let (units, layout) = drift(&paths, record, in_use.as_deref().ok());
    InstallFacts {
        asking: VERSION.to_owned(),
        recorded: record.version.to_string(),
        owner: record.owner_user.clone(),
        files: match in_use {
            Ok(release) => files(release),
            Err(error) => {
                FilesFact::Unreadable { why: format!("no release is in use: {}", plain_io(&error)) }
            }
        },
        units,
        layout,
        services: services().await,
        helper_socket: socket(paths.root_runtime().join(paths.root_socket_name()), record.owner_uid),
    }
}

fn files(release: PathBuf) -> FilesFact {
    match sums::compare(&release) {
        Ok(Compared::Same) => FilesFact::Same { release },
        Ok(Compared::NoRecord) => FilesFact::NoRecord { release },
        Ok(Compared::Differ(programs)) => {
            FilesFact::Differ { release, programs: programs.into_iter().map(str::to_owned).collect() }
        }
        Err(error) => {
            FilesFact::Unreadable { why: format!("read {}: {}", release.display(), plain_io(&error)) }
        }
    }
}

/// What differs from what this program would write for the release in use: of the units, and of the rest.
///
/// While an update is on trial, the record still names the release before; what is in use decides.
fn drift(paths: &SystemPaths, record: &InstallRecord, in_use: Option<&Path>) -> (Vec<Drift>, Vec<Drift>) {
    let named = in_use.and_then(|release| release.file_name()?.to_str()?.parse::<Version>().ok());
    let version = named.unwrap_or_else(|| record.version.clone());
    let plan = plan_of(InstallRecord { version, ..record.clone() });
    let mut drift = (vec![], vec![]);
    for (item, state) in look::drift(&plan) {
        let path = item.path();
        let leads_to_a_release =
            matches!(item, Item::Link { .. }) && path.starts_with(paths.library()) && path.exists();
        // Which release is recorded, and which one a link leads to, changes with every update.
        if leads_to_a_release || path == paths.record() {
            continue;
        }
        let is_unit = matches!(item, Item::Release { .. }) || path.starts_with(paths.units());
        let found = Drift { path: path.to_owned(), is_missing: state == State::Missing };
        if is_unit { drift.0.push(found) } else { drift.1.push(found) }
    }
    drift
}

async fn services() -> ServicesFact {
    if is_elsewhere() {
        return ServicesFact::Told { down: vec![], unread: vec![] };
    }
    let asked = async { services::look(&Systemd::connect().await?).await };
    let found = match asked.await {
        Ok(found) => found,
        Err(error) => return ServicesFact::Unknown { why: chain(&error) },
    };
    let (mut down, mut unread) = (vec![], vec![]);
    for (name, status) in &found {
        if !is_up(name, status.as_ref()) {
            let state = status.as_ref().map_or("not there", |status| &status.active_state);
            down.push(format!("{name} is {state}"));
        }
        if status.as_ref().is_some_and(|status| status.needs_reload) {
            unread.push((*name).to_owned());
        }
    }
    ServicesFact::Told { down, unread }
}

fn socket(path: PathBuf, uid: u32) -> SocketFact {
    let found = fs::symlink_metadata(&path).ok();
    SocketFact {
        owner: found.as_ref().map(MetadataExt::uid),
        mode: found.map_or(0, |found| found.permissions().mode() & 0o7777),
        path,
        uid,
    }
}
