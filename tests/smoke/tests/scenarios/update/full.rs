//! The error sweep: an update on a disk with ever more room. Each that fails leaves the release that was, whole.

use std::fs;

use smoke::{FIRST, Host, NEXT, Releases, on_plain, script, skip};

use super::own::Own;
use crate::small::{Filler, Small};

/// More files than any update makes.
const FILES_MAX: u64 = 60;

#[test]
fn update_on_a_full_disk() {
    on_plain(|host| {
        if !rustix::process::geteuid().is_root() {
            skip!(host, "a file system of its own");
        }
        let mut own = Own::install(host);
        own.enter(Small::new(host, "size=256m,nr_inodes=300"));
        own.banger(["ps"]).run().ok();
        // Staged once: what is left to be done is what the sweep is for.
        own.releases.offer(NEXT, |_| ());
        own.update(["--dry-run"]).run().ok();
        host.also("update_without_files", || {
            let tries = with_ever_more_files(&own);
            assert!(tries > 3, "it struck {tries} times");
            host.note(format!("{tries} updates without a file each, and one that went through"));
        });
        host.also("update_without_bytes", || {
            let tries = back_with_ever_more_bytes(&own);
            assert!(tries > 1, "it struck {tries} times");
            host.note(format!("{tries} updates without a byte each, and one that went through"));
        });
        for event in ["declared", "switched", "restarted"] {
            host.also(&format!("update_on_a_disk_that_is_full_once_{event}"), || {
                full_once(host, &own, event);
            });
        }
        host.also("update_goes_back_on_a_full_disk", || goes_back(host, &mut own));
        own.banger(["daemon", "stop"]).run().ok();
    });
}

#[test]
fn update_on_a_disk_without_room_for_a_release() {
    on_plain(|host| {
        if !rustix::process::geteuid().is_root() {
            skip!(host, "a file system of its own");
        }
        let mut own = Own::install(host);
        own.releases.offer(NEXT, |_| ());
        own.enter_library(Small::holding(host, &own.library, "size=400m"));
        own.banger(["ps"]).run().ok();
        let tries = with_ever_more_room(&own);
        assert!(tries > 3, "it struck {tries} times");
        host.note(format!("{tries} updates without room for a release, and one that went through"));
        own.banger(["daemon", "stop"]).run().ok();
    });
}

/// Room of 0 KiB, 64, 256 … up to more than any release takes.
fn ever_more_kib() -> impl Iterator<Item = u64> {
    std::iter::once(0).chain((3..10).map(|step| 1 << (2 * step)))
}

/// Updates with ever more room for a release until one goes through, and goes back from that. Returns how many did not.
fn with_ever_more_room(own: &Own<'_>) -> usize {
    for (tries, but_kib) in ever_more_kib().enumerate() {
        let filler = Filler::bytes(&own.library, but_kib);
        let output = own.update(["--force", "--trial-seconds", "0"]).run();
        drop(filler);
        let told = format!("{but_kib} KiB: {}", output.stderr());
        if output.code == 0 {
            own.assert_whole(NEXT, &told);
            own.update(["--rollback", "--force"]).run().ok();
            return tries;
        }
        assert!(told.contains("stage: ") && told.contains("No space left"), "{told}");
        assert!(!told.contains("os error"), "{told}");
        let releases = fs::read_dir(own.library.join("releases")).unwrap();
        assert_eq!(releases.count(), 1, "nothing of it is left: {told}");
        own.assert_whole(FIRST, &told);
    }
    panic!("no update goes through");
}

/// Goes to the next release, and back with ever more bytes until that goes through: nothing has to be fetched for it, so
/// that it is the declaration that wants room. Returns how many ways back did not go through.
fn back_with_ever_more_bytes(own: &Own<'_>) -> usize {
    own.update(["--force", "--trial-seconds", "0"]).run().ok();
    for (tries, but_kib) in ever_more_kib().enumerate() {
        let filler = Filler::bytes(&own.state, but_kib);
        let output = own.update(["--rollback", "--force", "--trial-seconds", "0"]).run();
        drop(filler);
        let told = format!("{but_kib} KiB: {}", output.stderr());
        if output.code == 0 {
            own.assert_whole(FIRST, &told);
            return tries;
        }
        assert!(told.contains("No space left") || told.contains("bytes free"), "{told}");
        assert!(!told.contains("os error"), "{told}");
        own.assert_whole(NEXT, &told);
    }
    panic!("no way back goes through");
}

/// Updates where 0, 1, 2 … more files can be made until one goes through, and goes back from that. Returns how many did not.
fn with_ever_more_files(own: &Own<'_>) -> u64 {
    for but in 0..FILES_MAX {
        let filler = Filler::files(&own.state, but);
        let output = own.update(["--force", "--trial-seconds", "0"]).run();
        drop(filler);
        // The next command ends what is left to be ended.
        own.banger(["ps"]).run().ok();
        let what = format!("{but} files: {}", output.stderr());
        if output.code == 0 {
            own.assert_whole(NEXT, &what);
            own.update(["--rollback", "--force"]).run().ok();
            return but;
        }
        let told = output.stderr();
        assert!(told.contains("room") || told.contains("No space left") || told.contains("free"), "{what}");
        assert!(!told.contains("os error"), "{what}");
        own.assert_whole(FIRST, &what);
    }
    panic!("no update goes through with {FILES_MAX} files");
}

/// The last byte of the disk is taken once this has happened: the journal has a reserve, and whichever release it comes to
/// is whole.
fn full_once(host: &Host, own: &Own<'_>, event: &str) {
    let running = own.update(["--force", "--trial-seconds", "10"]).start();
    own.wait_for_event(event);
    let filler = Filler::bytes(&own.state, 0);
    let code = running.finish().code;
    drop(filler);
    own.banger(["ps"]).run().ok();
    let end = if code == 0 { NEXT } else { FIRST };
    own.assert_whole(end, event);
    host.note(format!("full once {event}: {end}"));
    if end == NEXT {
        own.update(["--rollback", "--force"]).run().ok();
    }
}

/// A daemon that takes all the room, and ends: going back has what it needs, or gets there once there is room.
fn goes_back(host: &Host, own: &mut Own<'_>) {
    let fills = "#!/bin/sh
case \"$*\" in *--check-migrations*) echo 'compatible: it says so'; exit 0 ;; esac
cat /dev/zero >\"$XDG_STATE_HOME/banger/full\" 2>/dev/null
exit 1
";
    own.releases = Releases::serve(host);
    own.releases.offer(NEXT, |dir| script(&dir.join("bangerd"), fills));
    let said = own.update(["--force"]).run().exits(1).stderr();
    assert!(said.contains("restart: "), "{said}");
    fs::remove_file(own.state.join("full")).unwrap();
    own.banger(["ps"]).run().ok();
    own.assert_whole(FIRST, "a disk that was filled");
    host.note(said.lines().last().unwrap_or_default().to_owned());
}
