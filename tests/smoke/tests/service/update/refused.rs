//! What ends before the declaration: nothing of what is installed is touched.

use std::fs;

use smoke::{Host, NEXT, Output, Releases, on_service, script};

use super::bad::with_units;
use crate::system::install;

/// Everything of an install that an update could touch, by digest, but for releases that are only staged.
fn disk(host: &Host) -> String {
    let script = "cd / && find usr/local/lib/banger etc/banger etc/systemd/system usr/local/bin \
        -not -path '*/releases/v0.1.1*' -not -path '*/releases/v0.1.2*' \\( -type l -printf '%p -> %l\\n' -o -type f -exec sha256sum {} + \\) | sort; \
        ls var/lib/banger-root/update | grep -v '^lock$'; systemctl show -P MainPID bangerd.service bangerd-root.service";
    host.root(["sh", "-c", script]).run().ok().stdout()
}

/// Runs `banger update` as root and holds it to its exit code, its words, and a disk that is what it was.
#[track_caller]
pub(super) fn refuses(host: &Host, releases: &Releases, words: &[&str], code: i32, told: &str) -> Output {
    let before = disk(host);
    let words = ["banger", "update"].into_iter().chain(words.iter().copied());
    let output = host.root(words.chain(releases.words())).run().exits(code);
    let said = output.stderr();
    assert!(said.contains(told), "{told:?} is not in: {said}");
    assert_eq!(disk(host), before, "{said}");
    assert_ne!(host.root(["test", "-e", "/var/lib/banger-root/update/staging"]).run().code, 0, "{said}");
    output
}

/// What an owner may ask for, and root alone may do.
const FOR_ROOT: [&[&str]; 6] =
    [&["--dry-run"], &["--force"], &["--repair"], &["--resume"], &["--rollback"], &["--to", NEXT]];

#[test]
fn update_refuses_and_touches_nothing() {
    on_service(|host| {
        install(host);
        host.banger(["ps"]).run().ok();
        let releases = Releases::serve(host);
        releases.offer(NEXT, |_| ());
        // update_check, update_no_root: as the owner, who is not root.
        let checked = host.banger(["update", "--check"]).args(&releases.words()[..2]).run().ok();
        assert_eq!(checked.stdout(), format!("update available: {NEXT} (installed: v0.1.0)\n"));
        let before = disk(host);
        for words in FOR_ROOT {
            let typed = host.banger(["update"]).args(words).args(&releases.words()[..2]);
            let said = typed.run().exits(3).stderr();
            assert!(said.contains(&format!("sudo banger update {}\n", words.join(" "))), "{said}");
        }
        assert_eq!(disk(host), before);
        refuses(host, &releases, &["--to", "v9.9.9"], 1, NEXT);
        refuses(host, &releases, &["--rollback"], 3, "there is no release before this one");
        placeholder_key(host, &releases);
        dry_run(host, &releases);
        bad_servers(host);
        bad_releases(host);
        a_journal_that_was_cut(host, &releases);
    });
}

/// The key that is committed trusts nobody, and says so.
fn placeholder_key(host: &Host, releases: &Releases) {
    let before = disk(host);
    let said = host.root(["banger", "update"]).args(&releases.words()[..2]).run().exits(3).stderr();
    assert!(
        said.contains("the maintainer must replace it and re-cut a release before update can proceed"),
        "{said}"
    );
    assert_eq!(disk(host), before);
}

fn dry_run(host: &Host, releases: &Releases) {
    let before = disk(host);
    let dry = host.root(["banger", "update", "--dry-run"]).args(releases.words()).run().ok();
    assert_eq!(
        dry.stdout(),
        format!("would update v0.1.0 to {NEXT}; it is staged, and nothing was changed\n")
    );
    assert_eq!(disk(host), before);
    host.root(["test", "-x", &format!("/usr/local/lib/banger/releases/{NEXT}/bangerd")]).run().ok();
}

/// What lies where a journal would, without one whole line: nothing was declared, and nobody takes the old plan up.
fn a_journal_that_was_cut(host: &Host, releases: &Releases) {
    let dir = "/var/lib/banger-root/update";
    host.root(["sh", "-c", &format!("printf '{{\"v\":1' >{dir}/journal; echo '{{}}' >{dir}/plan")])
        .run()
        .ok();
    refuses(host, releases, &[], 3, "an update that was begun is not over");
    host.root(["banger", "update", "--resume"]).run().ok();
    for left in ["journal", "plan"] {
        assert_ne!(host.root(["test", "-e", &format!("{dir}/{left}")]).run().code, 0, "{left}");
    }
}

/// Releases that speak against themselves before anything depends on them.
fn bad_releases(host: &Host) {
    let other = Releases::serve(host);
    other.offer("v0.1.2", |_| ());
    refuses(host, &other, &[], 3, &format!("its banger says that it is {NEXT}, and v0.1.2 was asked for"));

    let unsound = Releases::serve(host);
    unsound.offer(NEXT, |dir| {
        script(&dir.join("bangerd"), &format!("#!/bin/sh\n. {ANSWER}\n"));
        with_units(dir, "sed -i '/^ExecStart=/d' bangerd.service");
    });
    for (answer, code, told) in ANSWERS {
        host.root(["sh", "-c", &format!("cat >{ANSWER}")]).stdin(answer).run().ok();
        refuses(host, &unsound, &[], code, told);
    }
    host.root(["rm", ANSWER]).run().ok();
}

/// What the daemon of a release does that is asked whether it can read the database.
const ANSWER: &str = "/etc/answer";

/// Answers of such a daemon, the exit code of the update, and its words. Its units are not sound, which is looked at once
/// the answer is a good one.
const ANSWERS: [(&str, i32, &str); 4] = [
    (
        "echo 'cannot: it is of version 99'; exit 2",
        3,
        "cannot read the database: cannot: it is of version 99",
    ),
    ("echo 'compatible: so it says'; exit 1", 1, "ended with 1 and said \"compatible: so it says\""),
    ("kill -KILL $$", 1, "bangerd --check-migrations ended by a signal and said \"\""),
    (
        "echo 'compatible: so it says'; exit 0",
        1,
        "systemd-analyze failed: bangerd.service: Service has no ExecStart=",
    ),
];

/// Servers on which something is missing, or is not what was signed.
fn bad_servers(host: &Host) {
    let empty = Releases::serve(host);
    for words in [&[][..], &["--check"]] {
        refuses(host, &empty, words, 1, "banger: discover: fetch manifest: HTTP 404 Not Found\n");
    }

    let gone = Releases::serve(host);
    gone.offer(NEXT, |_| ());
    let tarball = format!("{NEXT}/banger-{NEXT}-linux-amd64.tar.gz");
    fs::remove_file(gone.served().join(&tarball)).unwrap();
    refuses(host, &gone, &[], 1, "fetch tarball: HTTP 404");

    let changed = Releases::serve(host);
    changed.offer(NEXT, |_| ());
    let sums = changed.served().join(NEXT).join("SHA256SUMS");
    let text = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, format!("{text}\n")).unwrap();
    refuses(host, &changed, &[], 3, "verify: ");
}
