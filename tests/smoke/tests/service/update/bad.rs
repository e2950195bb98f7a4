//! Bad releases, each made of a good one in the directory of its programs before it is offered.

use std::{fs, path::Path};

use smoke::{Host, script};

/// What makes a bad release of a good one.
type Spoil = fn(&Host, &Path);

/// What is bad about a release, why it goes back, and what makes it so.
pub(super) const BAD: [(&str, &str, Spoil); 11] = [
    ("a daemon that exits at once", "restart: ", |_, dir| {
        script(&dir.join("bangerd"), &daemon_that("exit 1"));
    }),
    ("a helper that exits at once", "restart: ", |_, dir| {
        script(&dir.join("bangerd-root"), "#!/bin/sh\nexit 1\n");
    }),
    ("a daemon that is never ready", "restart: ", |_, dir| {
        script(&dir.join("bangerd"), &daemon_that("exec sleep 600"));
    }),
    ("a helper that is never ready", "restart: ", |_, dir| {
        script(&dir.join("bangerd-root"), "#!/bin/sh\nexec sleep 600\n");
    }),
    ("a daemon that dies once it is ready", "trial: ", |_, dir| with_units(dir, &dies_later("bangerd"))),
    ("a helper that dies once it is ready", "trial: ", |_, dir| with_units(dir, &dies_later("bangerd-root"))),
    ("a daemon of another release", "trial: the daemon says that it is \"v0.1.0\"", |host, dir| {
        let other = host.program_path("bangerd");
        fs::copy(&other, dir.join("bangerd")).unwrap();
    }),
    ("a daemon that removes the database", "restart: ", |_, dir| {
        let does = "rm -f /var/lib/banger/state.db /var/lib/banger/state.db-*; exit 1";
        script(&dir.join("bangerd"), &daemon_that(does));
    }),
    ("a daemon that empties the database", "restart: ", |_, dir| {
        let does = "rm -f /var/lib/banger/state.db-*; : >/var/lib/banger/state.db; exit 1";
        script(&dir.join("bangerd"), &daemon_that(does));
    }),
    ("an agent of another release, which its doctor sees", "trial: its doctor fails agent", |_, dir| {
        fs::write(dir.join("banger-vsock-agent"), "no agent").unwrap();
    }),
    ("a driver that ends at once", "resume: the updater ended before it was done", |_, dir| {
        instead_of_banger(dir, DRIVER_ENDS);
    }),
];

/// A daemon that passes its check and then does this.
pub(super) fn daemon_that(does: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$*\" in *--check-migrations*) echo 'compatible: it says so'; exit 0;; esac\n{does}\n"
    )
}

/// For [`instead_of_banger`]: as a driver it ends at once.
pub(super) const DRIVER_ENDS: &str = "case \"$*\" in *--drive*) exit 7 ;; esac\nexec \"$itself\" \"$@\"\n";

/// Puts a script in the place of `banger`, which knows where that is.
pub(super) fn instead_of_banger(dir: &Path, text: &str) {
    let program = dir.join("banger");
    fs::rename(&program, dir.join("banger-itself")).unwrap();
    script(&program, &format!("#!/bin/sh\nitself=$(readlink -f \"$0\")-itself\n{text}"));
}

/// Has a release write its units otherwise: `edit` is a shell's, in the directory that they are in.
pub(super) fn with_units(dir: &Path, edit: &str) {
    let text = "set -e
[ \"$1 $2\" = 'internal release-files' ] || exec \"$itself\" \"$@\"
\"$itself\" \"$@\"
cd \"$3/units\"
";
    instead_of_banger(dir, &format!("{text}{edit}\n"));
}

/// For [`with_units`]: a service's program is the good one, and is killed a second after it said that it is ready, each
/// time that it starts. A script in its place would be told by what it runs.
fn dies_later(service: &str) -> String {
    format!("sed -i 's/^\\[Service]$/&\\nRuntimeMaxSec=1\\nKillSignal=SIGKILL/' {service}.service")
}
