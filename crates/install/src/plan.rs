//! All that an install writes, as a value.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use host::dirs::SystemPaths;
use model::InstallRecord;

use crate::{
    owner::Owner,
    units::{self, Unit},
};

/// The programs of a release.
pub const PROGRAMS: [&str; 4] = ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"];
/// The record of what they are, beside them.
pub const SUMS: &str = "SHA256SUMS";
/// Those of them that are found as commands.
const COMMANDS: [&str; 2] = ["banger", "bangerd"];

/// What happens to something when the install is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays: others have things in it.
    Stays,
    /// It goes if nothing else is in it.
    GoesEmpty,
    /// It goes with all that is in it.
    Goes,
    /// It goes with all that is in it, if the owner's data are to go too.
    GoesIfPurged,
}

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// One thing that an install writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A directory.
    Directory {
        /// Where.
        path: PathBuf,
        /// Its permission bits; `None` leaves those of one that is there as they are.
        mode: Option<u32>,
        /// Whose it is.
        ids: Ids,
        /// What happens to it in the end.
        fate: Fate,
    },
    /// A release: its programs, their record and its units, all or nothing.
    Release {
        /// Its directory.
        path: PathBuf,
        /// The directory that the programs are copied from.
        from: PathBuf,
        /// Its units.
        units: Vec<Unit>,
    },
    /// A link.
    Link {
        /// Where.
        path: PathBuf,
        /// What it says, relative to where it is.
        to: PathBuf,
    },
    /// A file.
    File {
        /// Where.
        path: PathBuf,
        /// What is in it.
        text: String,
        /// What happens to it in the end.
        fate: Fate,
    },
}

impl Item {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Directory { path, .. }
            | Self::Release { path, .. }
            | Self::Link { path, .. }
            | Self::File { path, .. } => path,
        }
    }

    /// What it is, in a word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "directory",
            Self::Release { .. } => "release",
            Self::Link { .. } => "link",
            Self::File { .. } => "file",
        }
    }

    /// What is to be known of it besides, on one line; often nothing.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Directory { mode: Some(mode), ids, .. } => format!("{mode:04o}, user {}", ids.uid),
            Self::Directory { .. } | Self::File { .. } => String::new(),
            Self::Release { units, .. } => {
                let names: Vec<&str> =
                    PROGRAMS.into_iter().chain([SUMS]).chain(units.iter().map(|unit| unit.name)).collect();
                names.join(", ")
            }
            Self::Link { to, .. } => format!("-> {}", to.display()),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:9}  {}", self.kind(), self.path().display())?;
        let detail = self.detail();
        if detail.is_empty() { Ok(()) } else { write!(f, "  {detail}") }
    }
}

/// All that an install writes, in the order in which it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose it is, and which release.
    pub record: InstallRecord,
    /// Whose the system's things are: root's, but in tests.
    pub root: Ids,
    /// What is written.
    pub items: Vec<Item>,
    /// What the programs make while they run, and what therefore goes with the install.
    pub made_later: Vec<PathBuf>,
    /// What an administrator wrote, and what goes only with the owner's data.
    pub written_by_hand: Vec<PathBuf>,
}

/// What a plan is made of.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where a system install keeps its things.
    pub paths: SystemPaths,
    /// Whose it is, and which release.
    pub record: InstallRecord,
    /// The directory in which the release's programs lie now.
    pub from: PathBuf,
    /// Whether this host has a group `kvm`.
    pub has_kvm_group: bool,
}

/// Where a user's own install lies.
#[derive(Clone, Debug)]
pub struct Own {
    /// The directory of its releases.
    pub library: PathBuf,
    /// The directory in which commands are found.
    pub commands: PathBuf,
}

/// Lists all that a user's own install writes: no unit, nothing of root's. Looks at nothing.
#[must_use]
pub fn plan_own(own: &Own, record: &InstallRecord, from: &Path) -> Plan {
    let Own { library, commands } = own;
    let ids = Ids { uid: record.owner_uid, gid: record.owner_gid };
    let directory = |path: PathBuf, mode, fate| Item::Directory { path, mode, ids, fate };
    let release = Path::new("releases").join(record.version.to_string());
    let items = vec![
        directory(commands.clone(), None, Fate::Stays),
        directory(library.clone(), Some(0o755), Fate::Goes),
        directory(library.join("releases"), Some(0o755), Fate::Goes),
        Item::Release { path: library.join(&release), from: from.to_owned(), units: vec![] },
        Item::File { path: library.join("install.toml"), text: record.render(), fate: Fate::Goes },
        Item::Link { path: library.join("current"), to: release },
        Item::Link { path: commands.join("banger"), to: library.join("current/banger") },
    ];
    Plan { record: record.clone(), root: ids, items, made_later: vec![], written_by_hand: vec![] }
}

/// Lists all that a system install writes. Looks at nothing.
#[must_use]
pub fn plan(wanted: &Wanted) -> Plan {
    let Wanted { paths, record, from, has_kvm_group } = wanted;
    let owner = owner_of(record);
    let root = root_of(paths);
    let release = paths.library().join("releases").join(record.version.to_string());
    let mut items = directories(paths, &owner, root);
    items.push(Item::Release {
        units: units::of_release(&paths.inside(&release), &owner, *has_kvm_group),
        path: release,
        from: from.clone(),
    });
    // The record is read to find out which mode applies: it comes when there is something to apply.
    items.extend(links_of_library(paths, record));
    items.extend(links_of_units(paths));
    let keeper = paths.inside(&paths.library().join("keeper"));
    let journal = paths.inside(&paths.update().join("journal"));
    let of_install = units::of_install(&owner, &keeper, &journal).into_iter();
    items.extend(of_install.map(|unit| Item::File {
        path: paths.units().join(unit.name),
        text: unit.text,
        fate: Fate::Goes,
    }));
    items.push(Item::File { path: paths.record(), text: record.render(), fate: Fate::Goes });
    items.extend(COMMANDS.map(|name| Item::Link {
        path: paths.commands().join(name),
        to: Path::new("../lib/banger/current").join(name),
    }));
    let made_later = vec![paths.runtime(), paths.root_runtime(), paths.links()];
    let written_by_hand = vec![paths.config().join("config.toml")];
    Plan { record: record.clone(), root, items, made_later, written_by_hand }
}

/// The owner that a record names.
#[must_use]
pub fn owner_of(record: &InstallRecord) -> Owner {
    Owner {
        user: record.owner_user.clone(),
        uid: record.owner_uid,
        gid: record.owner_gid,
        home: record.owner_home.clone(),
    }
}

/// Below another directory than `/`, whoever writes stands for root.
fn root_of(paths: &SystemPaths) -> Ids {
    if paths.root() == Path::new("/") {
        Ids { uid: 0, gid: 0 }
    } else {
        Ids { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }
}

fn directories(paths: &SystemPaths, owner: &Owner, root: Ids) -> Vec<Item> {
    let owner = Ids { uid: owner.uid, gid: owner.gid };
    let shared = |path, fate| Item::Directory { path, mode: None, ids: root, fate };
    let ours = |path, mode, ids, fate| Item::Directory { path, mode: Some(mode), ids, fate };
    vec![
        shared(paths.commands(), Fate::Stays),
        shared(paths.units(), Fate::Stays),
        shared(paths.units().join("sockets.target.wants"), Fate::GoesEmpty),
        shared(paths.units().join("multi-user.target.wants"), Fate::GoesEmpty),
        ours(paths.library(), 0o755, root, Fate::Goes),
        ours(paths.library().join("releases"), 0o755, root, Fate::Goes),
        ours(paths.config(), 0o755, root, Fate::GoesEmpty),
        ours(paths.state(), 0o700, owner, Fate::GoesIfPurged),
        ours(paths.cache(), 0o700, owner, Fate::GoesIfPurged),
        ours(paths.root_state(), 0o711, root, Fate::Goes),
        ours(paths.update(), 0o700, root, Fate::Goes),
    ]
}

fn links_of_library(paths: &SystemPaths, record: &InstallRecord) -> Vec<Item> {
    let to = Path::new("releases").join(record.version.to_string());
    let link = |name: &str| Item::Link { path: paths.library().join(name), to: to.clone() };
    vec![link("current"), link("keeper")]
}

/// Written by us, relative and through `current`: `systemctl enable` would write what they lead to now, and
/// they would lead nowhere once that release is gone.
fn links_of_units(paths: &SystemPaths) -> Vec<Item> {
    let units = paths.units();
    let through = Path::new("../../../usr/local/lib/banger/current/units");
    let unit = |name: &str| Item::Link { path: units.join(name), to: through.join(name) };
    let wanted = |target: &str, name: &str| Item::Link {
        path: units.join(format!("{target}.wants")).join(name),
        to: Path::new("..").join(name),
    };
    vec![
        unit(units::DAEMON),
        unit(units::HELPER),
        unit(units::SLICE),
        wanted("sockets.target", units::DAEMON_SOCKET),
        wanted("sockets.target", units::HELPER_SOCKET),
        wanted("multi-user.target", units::DAEMON),
        wanted("multi-user.target", units::UPDATE_RESUME),
        wanted("multi-user.target", units::UPDATE_TRIAL),
    ]
}
