//! `banger du`.

use std::{fmt::Write as _, fs};

use api::{Usage, UsageItem, UsageKind};
use host::{
    dirs::{Mode, SystemPaths},
    file::Room,
};

use crate::{
    daemon::{Context, mode},
    exit,
    fault::{Doing as _, Fault},
    text::{Table, bytes},
};

/// Show what takes room on the disk, and what could go
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger du\n  banger du --json | jq '[.usage.items[] | select(.remove)]'\n\n\
    USED is what the disk gave, not how long a file looks. SHARED is what of that another file has\n\
    as well, where the file system lets copies share their blocks: taking one of them away does not\n\
    give it back."
)]
pub(crate) struct Du {}

const DOING: &str = "look what takes room";

impl Du {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let client = context.daemon(DOING).await?;
        let mut usage = client.usage().await.doing(DOING)?;
        context.tell_of_version(&client);
        if let Mode::System { .. } = mode(DOING)? {
            let releases = releases(&SystemPaths::of_this_host());
            usage.total_bytes += releases.iter().map(|item| item.used_bytes).sum::<u64>();
            usage.items.extend(releases);
        }
        usage.items.sort_by_key(|item| order(item.kind));
        context.screen.show("usage", &usage, || text(&usage));
        Ok(exit::DONE)
    }
}

/// The releases of a system install, which are root's and not the daemon's.
fn releases(paths: &SystemPaths) -> Vec<UsageItem> {
    let dir = paths.library().join("releases");
    let current = fs::read_link(paths.library().join("current")).ok();
    let mut items: Vec<UsageItem> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let is_current = current.as_ref().and_then(|path| path.file_name()) == Some(&entry.file_name());
            let why = if is_current { "runs" } else { "for `banger update --rollback`" };
            UsageItem {
                kind: UsageKind::Update,
                name: entry.file_name().to_string_lossy().into_owned(),
                used_bytes: Room::of(&entry.path()).used_bytes(),
                shared_bytes: 0,
                why: why.to_owned(),
                remove: None,
            }
        })
        .collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    items
}

fn order(kind: UsageKind) -> u8 {
    match kind {
        UsageKind::Machine => 0,
        UsageKind::Image => 1,
        UsageKind::Kernel => 2,
        UsageKind::Cache => 3,
        UsageKind::Update => 4,
        UsageKind::Other => 5,
    }
}

fn word(kind: UsageKind) -> &'static str {
    match kind {
        UsageKind::Machine => "machine",
        UsageKind::Image => "image",
        UsageKind::Kernel => "kernel",
        UsageKind::Cache => "cache",
        UsageKind::Update => "release",
        UsageKind::Other => "other",
    }
}

fn text(usage: &Usage) -> String {
    let mut table = Table::new(&["KIND", "NAME", "USED", "SHARED", "WHY", "TO REMOVE"]);
    for item in &usage.items {
        let shared = if item.shared_bytes == 0 { "-".to_owned() } else { bytes(item.shared_bytes) };
        table.row([
            word(item.kind).to_owned(),
            item.name.clone(),
            bytes(item.used_bytes),
            shared,
            item.why.clone(),
            item.remove.clone().unwrap_or_default(),
        ]);
    }
    let could_go: u64 = usage
        .items
        .iter()
        .filter(|item| item.remove.is_some())
        .map(|item| item.used_bytes.saturating_sub(item.shared_bytes))
        .sum();
    let mut lines = format!(
        "{table}\n{} in all, what is shared counted once; {} of it could go\n{} free below {}; under {} no machine is created \
         and no image built\n",
        bytes(usage.total_bytes),
        bytes(could_go),
        bytes(usage.free_bytes),
        usage.dir.display(),
        bytes(usage.reserve_bytes),
    );
    let has = |kind| usage.items.iter().any(|item| item.kind == kind && item.remove.is_some());
    for (kind, command, what) in [
        (UsageKind::Machine, "banger vm prune", "deletes all machines that do not run"),
        (
            UsageKind::Image,
            "banger image cache prune --all",
            "removes the images among them that are built again",
        ),
    ] {
        if has(kind) {
            writeln!(lines, "`{command}` {what}").ok();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(
        kind: UsageKind,
        name: &str,
        used_mib: u64,
        shared_mib: u64,
        why: &str,
        remove: &str,
    ) -> UsageItem {
        UsageItem {
            kind,
            name: name.to_owned(),
            used_bytes: used_mib << 20,
            shared_bytes: shared_mib << 20,
            why: why.to_owned(),
            remove: (!remove.is_empty()).then(|| remove.to_owned()),
        }
    }

    #[test]
    fn what_takes_room_is_a_table_and_what_could_go_its_end() {
        let usage = Usage {
            items: vec![
                item(UsageKind::Machine, "box", 1200, 1000, "running", ""),
                item(UsageKind::Machine, "old", 1300, 1000, "stopped", "banger vm delete old"),
                item(UsageKind::Image, "debian-bookworm", 1100, 1000, "used by box, old", ""),
                item(UsageKind::Image, "tiny", 90, 0, "used by nobody", "banger image delete tiny"),
                item(UsageKind::Kernel, "6.1.0-40-cloud-amd64", 120, 0, "used by box, old", ""),
                item(UsageKind::Other, "records, logs, templates", 3, 0, "belongs to all", ""),
            ],
            total_bytes: 1813 << 20,
            dir: "/home/u/.local/state/banger".into(),
            free_bytes: 20 << 30,
            reserve_bytes: 256 << 20,
        };
        insta::assert_snapshot!(text(&usage));
    }
}
