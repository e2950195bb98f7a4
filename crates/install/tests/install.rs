//! A whole install below a temporary directory, and its undoing.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use host::dirs::SystemPaths;
use install::{
    InstallError, apply,
    look::{self, State},
    plan::{self, PROGRAMS, Plan, SUMS, Wanted},
    undo::{self, Purge},
};
use model::{Class, InstallRecord};
use tempfile::TempDir;

/// A directory that stands for `/`, and one with the programs of a release.
struct Host {
    root: TempDir,
    release: TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap(), release: tempfile::tempdir().unwrap() };
        for dir in ["usr/local/bin", "usr/local/lib", "etc/systemd/system", "var/lib", "var/cache", "run"] {
            fs::create_dir_all(host.root.path().join(dir)).unwrap();
        }
        host.build("1");
        host
    }

    /// Puts programs into the release that differ from build to build.
    fn build(&self, mark: &str) {
        for name in PROGRAMS {
            fs::write(self.release.path().join(name), format!("{name} {mark}")).unwrap();
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn plan_of(&self, version: &str) -> Plan {
        let record = InstallRecord {
            owner_user: "ann".to_owned(),
            owner_uid: rustix::process::geteuid().as_raw(),
            owner_gid: rustix::process::getegid().as_raw(),
            owner_home: "/home/ann".into(),
            version: version.parse().unwrap(),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            built_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            installed_at: "2026-02-03T04:05:06Z".parse().unwrap(),
        };
        let paths = SystemPaths::below(self.root.path());
        let from = self.release.path().to_owned();
        plan::plan(&Wanted { paths, record, from, has_kvm_group: true })
    }

    fn plan(&self) -> Plan {
        self.plan_of("v1.2.3")
    }

    /// Every path below the root, with its mode and what is in it.
    fn listing(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut left = vec![self.root.path().to_owned()];
        while let Some(dir) = left.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                let found = fs::symlink_metadata(&path).unwrap();
                let name = path.strip_prefix(self.root.path()).unwrap().display().to_string();
                let what = if found.is_symlink() {
                    format!("-> {}", fs::read_link(&path).unwrap().display())
                } else if found.is_dir() {
                    left.push(path);
                    format!("{:04o} directory", found.mode() & 0o7777)
                } else {
                    format!("{:04o} {} bytes", found.mode() & 0o7777, found.len())
                };
                all.insert(name, what);
            }
        }
        all
    }
}

fn told(listing: &BTreeMap<String, String>) -> String {
    let lines: Vec<String> = listing.iter().map(|(name, what)| format!("{name}  {what}")).collect();
    lines.join("\n")
}

impl Host {
    /// What a user installs for nobody else.
    fn own_plan(&self) -> Plan {
        let own = plan::Own { library: self.at("/data/banger"), commands: self.at("/home/ann/.local/bin") };
        plan::plan_own(&own, &self.plan().record, self.release.path())
    }
}

#[test]
fn a_users_own_install_is_a_release_two_links_and_a_record() {
    let host = Host::new();
    let before = host.listing();
    let plan = host.own_plan();
    look::check(&plan).unwrap();
    apply::all(&plan).unwrap();
    let first = host.listing();
    apply::all(&plan).unwrap();
    assert_eq!(host.listing(), first, "installing twice is installing once");
    // A record that came with the programs is kept: it was signed.
    let written = fs::read_to_string(host.at("/data/banger/current/SHA256SUMS")).unwrap();
    let signed = format!("{written}{}  tarball\n", "0".repeat(64));
    fs::write(host.release.path().join(SUMS), &signed).unwrap();
    fs::remove_dir_all(host.at("/data/banger/releases/v1.2.3")).unwrap();
    apply::all(&plan).unwrap();
    assert_eq!(fs::read_to_string(host.at("/data/banger/current/SHA256SUMS")).unwrap(), signed);
    host.build("2");
    apply::all(&plan).unwrap();
    let says = fs::read_to_string(host.at("/data/banger/current/SHA256SUMS")).unwrap();
    assert!(says != signed && !says.contains("tarball"), "{says}");
    let new = first.iter().filter(|(name, _)| !before.contains_key(*name));
    let new: BTreeMap<String, String> = new.map(|(name, what)| (name.clone(), what.clone())).collect();
    let text = told(&new).replace(host.root.path().to_str().unwrap(), "");
    // How long the record is depends on who runs this.
    let text: Vec<&str> = text
        .lines()
        .map(|line| {
            if line.contains("install.toml") {
                line.trim_end_matches(" bytes").trim_end_matches(char::is_numeric)
            } else {
                line
            }
        })
        .collect();
    insta::assert_snapshot!("own_disk", text.join("\n"));
    let command = fs::read_to_string(host.at("/home/ann/.local/bin/banger")).unwrap();
    assert_eq!(command, "banger 2", "the command is the release's");
}

#[test]
fn a_users_own_install_takes_nothing_that_is_not_its_own() {
    let host = Host::new();
    fs::create_dir_all(host.at("/home/ann/.local/bin")).unwrap();
    fs::write(host.at("/home/ann/.local/bin/banger"), "from elsewhere").unwrap();
    let error = look::check(&host.own_plan()).unwrap_err();
    assert!(matches!(error, InstallError::NotOurs { kind: "a file", .. }), "{error}");
}

#[test]
fn the_plan_names_everything_that_is_written() {
    let host = Host::new();
    let text: Vec<String> = host.plan().items.iter().map(ToString::to_string).collect();
    let uid = rustix::process::geteuid().as_raw();
    let text = text
        .join("\n")
        .replace(host.root.path().to_str().unwrap(), "")
        .replace(&format!("user {uid}"), "user OWN");
    insta::assert_snapshot!("plan", text);
}

#[test]
fn what_is_on_the_disk_after_an_install() {
    let host = Host::new();
    let plan = host.plan();
    look::check(&plan).unwrap();
    apply::all(&plan).unwrap();
    let listing = host.listing();
    let units = |name: &str| name.contains("systemd") || name.contains("units/");
    let without_sizes: BTreeMap<_, _> = listing
        .into_iter()
        .map(|(name, what)| {
            let what = if units(&name) || name.ends_with("install.toml") {
                what.split_once(' ')
                    .filter(|(_, rest)| rest.ends_with("bytes"))
                    .map_or(what.clone(), |(mode, _)| mode.to_owned())
            } else {
                what
            };
            (name, what)
        })
        .collect();
    insta::assert_snapshot!("disk", told(&without_sizes));
    // Every link leads somewhere.
    for link in ["usr/local/bin/banger", "etc/systemd/system/bangerd.service", "usr/local/lib/banger/keeper"]
    {
        assert!(host.at(link).exists(), "{link}");
    }
    let wanted = host.at("etc/systemd/system/multi-user.target.wants/bangerd.service");
    assert!(
        fs::read_to_string(wanted)
            .unwrap()
            .contains("/usr/local/lib/banger/releases/v1.2.3/bangerd --system")
    );
}

#[test]
fn applying_twice_changes_nothing() {
    let host = Host::new();
    let plan = host.plan();
    apply::all(&plan).unwrap();
    let before = host.listing();
    let inode = fs::metadata(host.at("usr/local/lib/banger/releases/v1.2.3")).unwrap().ino();
    look::check(&plan).unwrap();
    for item in &plan.items {
        assert_eq!(apply::item(&plan, item).unwrap(), State::Same, "{item}");
    }
    assert_eq!(told(&host.listing()), told(&before));
    assert_eq!(fs::metadata(host.at("usr/local/lib/banger/releases/v1.2.3")).unwrap().ino(), inode);
}

#[test]
fn undoing_leaves_the_listing_of_before() {
    for purge in [Purge::Yes, Purge::No] {
        let host = Host::new();
        let before = host.listing();
        let plan = host.plan();
        apply::all(&plan).unwrap();
        for dir in ["run/banger", "run/banger-vm/000102fdfeff", "var/lib/banger-root/machines/000102fdfeff"] {
            fs::create_dir_all(host.at(dir)).unwrap();
        }
        fs::write(host.at("etc/banger/config.toml"), "").unwrap();
        fs::write(host.at("var/lib/banger/state.db"), "").unwrap();
        undo::all(&plan, purge).unwrap();
        undo::all(&plan, purge).unwrap();
        let mut left = host.listing();
        if purge == Purge::No {
            for kept in [
                "etc/banger",
                "etc/banger/config.toml",
                "var/lib/banger",
                "var/lib/banger/state.db",
                "var/cache/banger",
            ] {
                assert!(left.remove(kept).is_some(), "{kept}");
            }
        }
        assert_eq!(told(&left), told(&before), "{purge:?}");
    }
}

#[test]
fn what_is_to_be_removed_is_listed_before() {
    let host = Host::new();
    let plan = host.plan();
    assert_eq!(undo::list(&plan, Purge::Yes).unwrap(), Vec::<PathBuf>::new());
    apply::all(&plan).unwrap();
    let list = undo::list(&plan, Purge::No).unwrap();
    assert!(list.contains(&host.at("usr/local/bin/banger")));
    assert!(!list.contains(&host.at("var/lib/banger")), "{list:?}");
    assert!(undo::list(&plan, Purge::Yes).unwrap().contains(&host.at("var/lib/banger")));
}

#[test]
fn what_others_put_there_is_refused_and_stays() {
    let table: &[(&str, &str)] = &[
        ("usr/local/bin/banger", "a file"),
        ("usr/local/bin/bangerd", "a link to somewhere else"),
        ("etc/systemd/system/bangerd.service", "a file"),
        ("etc/systemd/system/bangerd.socket", "a directory"),
        ("usr/local/lib/banger", "a file"),
        ("usr/local/lib/banger/releases/v1.2.3", "a file"),
        ("usr/local/lib/banger/current", "a directory"),
    ];
    for (path, kind) in table {
        let host = Host::new();
        let at = host.at(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match *kind {
            "a file" => fs::write(&at, "theirs").unwrap(),
            "a directory" => fs::create_dir(&at).unwrap(),
            _ => symlink("/opt/theirs", &at).unwrap(),
        }
        let before = host.listing();
        let plan = host.plan();
        match look::check(&plan).unwrap_err() {
            InstallError::NotOurs { path: named, kind: said } => {
                assert_eq!((named, said), (at.clone(), *kind));
            }
            other => panic!("{path}: {other}"),
        }
        let error = look::check(&plan).unwrap_err();
        assert_eq!(error.class(), Class::Refused);
        assert!(error.hint().unwrap().contains(at.to_str().unwrap()));
        assert_eq!(told(&host.listing()), told(&before));
    }
}

#[test]
fn a_link_of_theirs_stays_when_ours_go() {
    let host = Host::new();
    let plan = host.plan();
    apply::all(&plan).unwrap();
    let link = host.at("usr/local/bin/banger");
    fs::remove_file(&link).unwrap();
    symlink("/opt/theirs", &link).unwrap();
    undo::all(&plan, Purge::Yes).unwrap();
    assert_eq!(fs::read_link(link).unwrap(), Path::new("/opt/theirs"));
}

#[test]
fn another_release_takes_over_and_the_one_before_stays() {
    let host = Host::new();
    apply::all(&host.plan_of("v1.0.0")).unwrap();
    host.build("2");
    let plan = host.plan_of("v1.1.0");
    look::check(&plan).unwrap();
    apply::all(&plan).unwrap();
    assert_eq!(fs::read_to_string(host.at("usr/local/bin/banger")).unwrap(), "banger 2");
    assert_eq!(
        fs::read_to_string(host.at("usr/local/lib/banger/releases/v1.0.0/banger")).unwrap(),
        "banger 1"
    );
    undo::all(&plan, Purge::Yes).unwrap();
    assert!(!host.at("usr/local/lib/banger").exists());
}

#[test]
fn another_build_of_the_same_version_takes_its_place() {
    let host = Host::new();
    apply::all(&host.plan()).unwrap();
    host.build("2");
    let plan = host.plan();
    let changed: Vec<String> = plan
        .items
        .iter()
        .filter(|item| look::state(&plan, item).unwrap() != State::Same)
        .map(|item| item.kind().to_owned())
        .collect();
    assert_eq!(changed, ["release"]);
    apply::all(&plan).unwrap();
    assert_eq!(fs::read_to_string(host.at("usr/local/bin/bangerd")).unwrap(), "bangerd 2");
    assert!(!host.at("usr/local/lib/banger/releases/v1.2.3.partial").exists());
}

#[test]
fn what_an_install_that_was_cut_short_left_does_not_matter() {
    let host = Host::new();
    let whole = host.plan();
    for items in 0..whole.items.len() {
        let host = Host::new();
        let plan = host.plan();
        let partial = host.at("usr/local/lib/banger/releases/v1.2.3.partial");
        fs::create_dir_all(&partial).unwrap();
        fs::write(partial.join("banger"), "half").unwrap();
        fs::write(host.at("etc/systemd/system/bangerd.socket.partial"), "half").unwrap();
        apply::all(&Plan { items: plan.items[..items].to_vec(), ..plan.clone() }).unwrap();
        look::check(&plan).unwrap();
        apply::all(&plan).unwrap();
        assert!(plan.items.iter().all(|item| look::state(&plan, item).unwrap() == State::Same), "{items}");
        assert!(!partial.exists(), "{items}");
    }
}

#[test]
fn a_release_without_one_of_its_programs_is_refused() {
    let host = Host::new();
    fs::remove_file(host.release.path().join("bangerd-root")).unwrap();
    let error = look::check(&host.plan()).unwrap_err();
    assert!(matches!(&error, InstallError::NoProgram { path } if path.ends_with("bangerd-root")), "{error}");
    assert_eq!(error.class(), Class::HostLacks);
}

#[test]
fn an_install_from_where_it_is_installed_copies_nothing() {
    let host = Host::new();
    apply::all(&host.plan()).unwrap();
    let release = host.at("usr/local/lib/banger/releases/v1.2.3");
    let mut plan = host.plan();
    for item in &mut plan.items {
        if let plan::Item::Release { path, from, .. } = item {
            from.clone_from(path);
        }
    }
    fs::remove_file(release.join("units/banger.slice")).unwrap();
    let record = fs::read_to_string(release.join(SUMS)).unwrap();
    look::check(&plan).unwrap();
    apply::all(&plan).unwrap();
    assert_eq!(fs::read_to_string(release.join(SUMS)).unwrap(), record);
    fs::remove_file(release.join(SUMS)).unwrap();
    apply::all(&plan).unwrap();
    assert_eq!(fs::read_to_string(release.join(SUMS)).unwrap(), record);
    assert!(release.join("units/banger.slice").exists());
    assert_eq!(fs::read_to_string(release.join("banger")).unwrap(), "banger 1");
}

#[test]
fn the_owner_s_state_may_lie_on_another_disk() {
    let host = Host::new();
    let disk = tempfile::tempdir().unwrap();
    symlink(disk.path(), host.at("var/lib/banger")).unwrap();
    let plan = host.plan();
    look::check(&plan).unwrap();
    fs::set_permissions(disk.path(), fs::Permissions::from_mode(0o755)).unwrap();
    apply::all(&plan).unwrap();
    assert_eq!(fs::metadata(disk.path()).unwrap().mode() & 0o7777, 0o700);
    fs::write(disk.path().join("state.db"), "").unwrap();
    undo::all(&plan, Purge::Yes).unwrap();
    assert!(!host.at("var/lib/banger").exists());
}

/// systemd's own reading of the units, where it is installed.
#[test]
fn systemd_understands_the_units() {
    let Some(analyze) = host::program::find("systemd-analyze") else {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    };
    let host = Host::new();
    let plan = host.plan();
    apply::all(&plan).unwrap();
    let units = tempfile::tempdir().unwrap();
    let release = host.at("usr/local/lib/banger/releases/v1.2.3");
    for dir in [release.join("units"), host.at("etc/systemd/system")] {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                // The programs are not where the units will find them.
                let text = fs::read_to_string(entry.path()).unwrap();
                let text = text.replace("/usr/local/lib/banger/releases/v1.2.3", release.to_str().unwrap());
                fs::write(units.path().join(entry.file_name()), text).unwrap();
            }
        }
    }
    for name in PROGRAMS {
        fs::set_permissions(release.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let names: Vec<PathBuf> =
        ["bangerd.socket", "bangerd-root.socket", "bangerd.service", "bangerd-root.service", "banger.slice"]
            .map(|name| units.path().join(name))
            .to_vec();
    let output = Command::new(analyze)
        .args(["verify", "--man=no"])
        .args(&names)
        .env("SYSTEMD_UNIT_PATH", format!("{}:/lib/systemd/system:", units.path().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("banger")).collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}
