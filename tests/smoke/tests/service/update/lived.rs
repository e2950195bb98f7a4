//! A host with banger, a machine, and releases on offer.

use smoke::{Host, Releases};

use crate::{
    bystander::Bystander,
    system::{install, main_pid},
};

pub(super) const SMALL: [&str; 2] = ["--image", "debian-small"];

/// A host with banger and one machine, and how it was when that ran.
pub(crate) struct Lived<'a> {
    pub(crate) host: &'a Host,
    pub(crate) releases: Releases,
    one: Bystander<'a>,
}

impl<'a> Lived<'a> {
    pub(crate) fn begin(host: &'a Host) -> Self {
        install(host);
        let one = Bystander::boot(host, "one");
        Self { host, releases: Releases::serve(host), one }
    }

    pub(crate) fn update<'b>(&'b self, words: impl IntoIterator<Item = &'b str>) -> smoke::Command {
        let words: Vec<&str> = words.into_iter().collect();
        let watched = if words.contains(&"--trial-seconds") { vec![] } else { vec!["--trial-seconds", "1"] };
        let all = ["banger", "update"].into_iter().chain(self.releases.words()).chain(words).chain(watched);
        self.host.root(all)
    }

    #[track_caller]
    pub(crate) fn assert_machine_lives(&self, what: &str) {
        self.one.assert_lives(what);
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
        let record = host.file("/etc/banger/install.toml").unwrap();
        assert!(record.contains(&format!("version = \"{version}\"\n")), "{what}: {record}");
        for link in ["current", "keeper"] {
            let says = host.root(["readlink", &format!("/usr/local/lib/banger/{link}")]).run().ok().stdout();
            assert_eq!(says, format!("releases/{version}\n"), "{what}: {link}");
        }
        for left in ["/var/lib/banger-root/update/journal", "/run/banger-root/trial"] {
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
