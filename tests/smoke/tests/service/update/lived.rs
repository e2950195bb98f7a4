//! A host with banger, a machine, and releases on offer.

use std::{cell::Cell, time::Duration};

use smoke::{FIRST, Host, Releases, wait::wait_for};

use crate::{
    bystander::Bystander,
    system::{INSTALL, install, main_pid},
};

pub(super) const SMALL: [&str; 2] = ["--image", "debian-small"];
/// How long what takes an update up may need.
pub(super) const LIMIT: Duration = Duration::from_mins(4);
/// Where an update is written down, and how it ended.
pub(super) const UPDATES: &str = "/var/lib/banger-root/update";
/// Where releases lie, and the links to them.
pub(super) const LIBRARY: &str = "/usr/local/lib/banger";
/// What says whose the install is, and which release.
pub(super) const RECORD: &str = "/etc/banger/install.toml";

/// What is true once no update is left to be ended.
const IS_OVER: &str = "test ! -e /var/lib/banger-root/update/journal && ! systemctl is-active -q banger-update.service \
                       && systemctl is-active -q bangerd.service && systemctl is-active -q bangerd-root.service";

/// A host with banger and one machine, and how it was when that ran.
pub(crate) struct Lived<'a> {
    pub(crate) host: &'a Host,
    pub(crate) releases: Releases,
    one: Option<Bystander<'a>>,
    /// How many updates had ended when the last one was asked for.
    ended_before: Cell<usize>,
}

impl<'a> Lived<'a> {
    pub(crate) fn begin(host: &'a Host) -> Self {
        install(host);
        let one = Some(Bystander::boot(host, "one"));
        host.note(format!("its machine is run by {}", host.vm("one")["monitor"].as_str().unwrap()));
        Self { host, releases: Releases::serve(host), one, ended_before: Cell::default() }
    }

    /// Has no machine, for what none would outlive.
    pub(super) fn without_machine(host: &'a Host) -> Self {
        host.root(INSTALL).run().ok();
        Self { host, releases: Releases::serve(host), one: None, ended_before: Cell::default() }
    }

    pub(crate) fn update<'b>(&'b self, words: impl IntoIterator<Item = &'b str>) -> smoke::Command {
        self.ended_before.set(self.ended());
        let words: Vec<&str> = words.into_iter().collect();
        let watched = if words.contains(&"--trial-seconds") { vec![] } else { vec!["--trial-seconds", "1"] };
        let all = ["banger", "update"].into_iter().chain(self.releases.words()).chain(words).chain(watched);
        self.host.root(all)
    }

    /// How many updates have ended.
    fn ended(&self) -> usize {
        self.host.file(&format!("{UPDATES}/history")).map_or(0, |text| text.lines().count())
    }

    /// Waits until the journal of the update that was asked for last holds this event, or that has ended.
    #[track_caller]
    pub(super) fn wait_for_event(&self, event: &str) {
        wait_for(&format!("{event} in the journal"), LIMIT, || {
            let journal = self.host.file(&format!("{UPDATES}/journal"));
            journal.is_some_and(|text| text.contains(event)) || self.ended() > self.ended_before.get()
        });
    }

    #[track_caller]
    pub(crate) fn assert_machine_lives(&self, what: &str) {
        self.one.as_ref().unwrap().assert_lives(what);
    }

    /// Waits until the update is over, through whatever takes the host down meanwhile, and returns the release that is
    /// installed.
    pub(super) fn wait_for_end(&self) -> String {
        wait_for("the end of the update", LIMIT, || {
            self.host.come_up();
            self.host.root(["sh", "-c", IS_OVER]).run().code == 0
        });
        let link = self.host.root(["readlink", &format!("{LIBRARY}/current")]).run().ok().stdout();
        link.trim().trim_start_matches("releases/").to_owned()
    }

    /// Begins anew, with the release before.
    pub(super) fn begin_again(&self) {
        if self.wait_for_end() != FIRST {
            self.update(["--rollback", "--force"]).run().ok();
        }
        self.assert_whole(FIRST, "before");
    }

    /// That one release, and nothing of another, is installed, runs and is recorded.
    #[track_caller]
    pub(crate) fn assert_whole(&self, version: &str, what: &str) {
        let host = self.host;
        for unit in ["bangerd.service", "bangerd-root.service"] {
            let pid = main_pid(host, unit);
            let program = host.root(["readlink", &format!("/proc/{pid}/exe")]).run().ok().stdout();
            assert!(program.contains(&format!("/releases/{version}/")), "{what}: {unit} runs {program}");
        }
        let said = host.banger(["version"]).run().ok().stdout();
        assert!(said.starts_with(&format!("version: {version}\n")), "{what}: {said}");
        let record = host.file(RECORD).unwrap();
        assert!(record.contains(&format!("version = \"{version}\"\n")), "{what}: {record}");
        for link in ["current", "keeper"] {
            let says = host.root(["readlink", &format!("{LIBRARY}/{link}")]).run().ok().stdout();
            assert_eq!(says, format!("releases/{version}\n"), "{what}: {link}");
        }
        for left in [&format!("{UPDATES}/journal"), "/run/banger-root/trial"] {
            assert_ne!(host.root(["test", "-e", left]).run().code, 0, "{what}: {left} is left");
        }
        // A driver that was killed did fail; what counts is what it left.
        let list =
            host.root(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]).run().ok().stdout();
        let failed =
            list.lines().find(|line| line.contains("banger") && !line.contains("banger-update.service"));
        assert_eq!(failed, None, "{what}");
    }
}
