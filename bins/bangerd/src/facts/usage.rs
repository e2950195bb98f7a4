//! What takes room on the disk, for `du`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use api::{Failure, Usage, UsageItem, UsageKind};
use host::file::Room;
use image::Fault;
use model::{Digest, VmState};
use store::VmRecord;

use crate::{
    app::{App, RESERVE},
    library,
};

/// Gathers what takes room.
///
/// # Errors
///
/// Images or kernels cannot be listed.
pub(crate) async fn usage(app: &Arc<App>) -> Result<Usage, Failure> {
    let (app, vms) = (Arc::clone(app), app.owner.snapshot().vms.clone());
    library::quick("look what takes room", move || gather(&app, &vms)).await
}

fn gather(app: &App, vms: &[Arc<VmRecord>]) -> Result<Usage, Fault> {
    let mut items: Vec<UsageItem> = vms.iter().map(|vm| machine(app, vm)).collect();
    items.extend(images(app, vms)?);
    items.extend(kernels(app, vms)?);
    items.extend(left_over(app, vms)?);
    let state = Room::of(app.dirs.state());
    let known: u64 = items.iter().map(|item| item.used_bytes).sum();
    let other = UsageItem {
        used_bytes: state.used_bytes().saturating_sub(known),
        ..item(
            UsageKind::Other,
            "records, logs, templates".to_owned(),
            &Room::default(),
            "belongs to all".to_owned(),
        )
    };
    let cache = Room::of(app.dirs.cache());
    let path = app.dirs.cache().display().to_string();
    let cache_item = item(UsageKind::Other, path, &cache, "while files come in".to_owned());
    items.extend([other, cache_item]);
    Ok(Usage {
        items,
        total_bytes: Room::together(&[state, cache]),
        dir: app.dirs.state().to_owned(),
        free_bytes: host::capacity::free_room(app.dirs.state()).unwrap_or_default().bytes(),
        reserve_bytes: RESERVE.bytes(),
    })
}

fn item(kind: UsageKind, name: String, room: &Room, why: String) -> UsageItem {
    let (used_bytes, shared_bytes) = (room.used_bytes(), room.shared_bytes());
    UsageItem { kind, name, used_bytes, shared_bytes, why, remove: None }
}

fn machine(app: &App, vm: &VmRecord) -> UsageItem {
    let room = Room::of(&app.dirs.vm(&vm.id));
    let rests = matches!(vm.state, VmState::Created | VmState::Stopped | VmState::Error);
    UsageItem {
        remove: rests.then(|| format!("banger vm delete {}", vm.name)),
        ..item(UsageKind::Machine, vm.name.to_string(), &room, vm.state.to_string())
    }
}

/// The machines among `vms` that `uses` holds for, as a reason, and whether there are any.
fn users(vms: &[Arc<VmRecord>], uses: impl Fn(&VmRecord) -> bool) -> (bool, String) {
    let names: Vec<&str> = vms.iter().filter(|vm| uses(vm)).map(|vm| vm.name.as_str()).collect();
    match names[..] {
        [] => (false, "used by nobody".to_owned()),
        _ => (true, format!("used by {}", names.join(", "))),
    }
}

fn images(app: &App, vms: &[Arc<VmRecord>]) -> Result<Vec<UsageItem>, Fault> {
    let mut named: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
    for image in app.library.images.list()? {
        named.entry(image.digest).or_default().push(image.name.to_string());
    }
    // One that was built anew under its name stays for the machines that stand on it.
    for digest in vms.iter().filter_map(|vm| vm.image_digest) {
        named.entry(digest).or_default();
    }
    let one = |(digest, names): (Digest, Vec<String>)| {
        let room = Room::of(app.library.images.disk_of(&digest)?.parent()?);
        let (is_used, why) = users(vms, |vm| vm.image_digest == Some(digest));
        let remove = (!is_used).then(|| format!("banger image delete {}", names.join(" ")));
        let name = if names.is_empty() { "(no name any more)".to_owned() } else { names.join(", ") };
        Some(UsageItem { remove, ..item(UsageKind::Image, name, &room, why) })
    };
    Ok(named.into_iter().filter_map(one).collect())
}

fn kernels(app: &App, vms: &[Arc<VmRecord>]) -> Result<Vec<UsageItem>, Fault> {
    let one = |kernel: image::KernelRecord| {
        let dirs: [PathBuf; 2] = app.library.kernels.places(&kernel.digest);
        let rooms = dirs.map(|dir| Room::of(&dir));
        let (is_used, why) = users(vms, |vm| vm.kernel_digest == Some(kernel.digest));
        let remove = (!is_used).then(|| format!("banger kernel rm {}", kernel.name));
        let used_bytes = rooms.iter().map(Room::used_bytes).sum();
        let shared_bytes = rooms.iter().map(Room::shared_bytes).sum();
        let name = kernel.name.to_string();
        UsageItem { kind: UsageKind::Kernel, name, used_bytes, shared_bytes, why, remove }
    };
    Ok(app.library.kernels.list()?.into_iter().map(one).collect())
}

/// What `image cache prune` takes away; nothing where it would take nothing.
fn left_over(app: &App, vms: &[Arc<VmRecord>]) -> Result<Option<UsageItem>, Fault> {
    let images = app.library.images.prune(&vms.iter().filter_map(|vm| vm.image_digest).collect(), true)?;
    let kernels = app.library.kernels.prune(&vms.iter().filter_map(|vm| vm.kernel_digest).collect(), true)?;
    let count = images.removed.len() + kernels.removed.len();
    Ok((count > 0).then(|| UsageItem {
        kind: UsageKind::Cache,
        name: format!("{count} left over"),
        used_bytes: images.freed_bytes + kernels.freed_bytes,
        shared_bytes: 0,
        why: "used by nobody, made again when needed".to_owned(),
        remove: Some("banger image cache prune".to_owned()),
    }))
}
