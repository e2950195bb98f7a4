//! An update that a power cut interrupts at a random moment: after the boot there is one whole release, and its services.

use std::{
    mem,
    path::Path,
    time::{Duration, Instant},
};

use smoke::{FIRST, Host, NEXT, Releases, on_service, script};

use super::{
    bad::{DRIVER_ENDS, instead_of_banger, with_units},
    lived::Lived,
};
use crate::random::{self, Random};

const CUTS_DEFAULT: u64 = 3;
const UPDATE_LIMIT: Duration = Duration::from_mins(6);

/// What is made of a good release before it is offered.
type Spoil = fn(&Path);

/// Each is offered in turn. None but the first may be what is left in the end.
const OFFERS: [(&str, Spoil); 3] = [
    ("a good one", |_| ()),
    ("one whose updater ends at once", |dir| instead_of_banger(dir, DRIVER_ENDS)),
    ("one that takes the host down", |dir| {
        script(&dir.join("bangerd-root"), "#!/bin/sh\nexit 1\n");
        with_units(dir, "sed -i 's/^\\[Unit]$/&\\nFailureAction=reboot-immediate/' bangerd-root.service");
    }),
];

#[test]
fn update_power_cuts_leave_one_whole_release() {
    on_service(|host| {
        let cuts = random::count(host, "BANGER_SMOKE_CUTS", CUTS_DEFAULT);
        let mut random = Random::begin(host);
        let mut lived = Lived::without_machine(host);
        lived.releases.offer(NEXT, |_| ());
        let began = Instant::now();
        lived.update(["--force"]).limit(UPDATE_LIMIT).run().ok();
        let longest = began.elapsed();
        lived.begin_again();
        host.note(format!("an update that nobody interrupts took {:.1} s", longest.as_secs_f32()));
        let mut offers = OFFERS.map(|(_, spoil)| {
            lived.releases = Releases::serve(host);
            lived.releases.offer(NEXT, spoil);
            // Each passes all that comes before the declaration.
            lived.update(["--dry-run", "--force"]).limit(UPDATE_LIMIT).run().ok();
            mem::replace(&mut lived.releases, Releases::serve(host))
        });
        takes_itself_down(host, &mut lived, &mut offers[2]);
        for (cut, turn) in (0..cuts).zip((0..OFFERS.len()).cycle()) {
            mem::swap(&mut lived.releases, &mut offers[turn]);
            let (when, end) = cut_power(host, &mut lived, &mut random, longest);
            mem::swap(&mut lived.releases, &mut offers[turn]);
            let (what, _) = OFFERS[turn];
            host.note(format!("{cut}: {what}, cut at {when}: {end}"));
            assert!(end == FIRST || turn == 0, "{what}: {end}");
            lived.begin_again();
        }
        host.root(["banger", "system", "uninstall", "--purge", "--yes"]).run().ok();
    });
}

/// The last of the offers does what is said of it, and is left behind, with no cut at all.
fn takes_itself_down(host: &Host, lived: &mut Lived<'_>, release: &mut Releases) {
    let boot = || host.root(["stat", "--format=%Z", "/proc/1"]).run().ok().stdout();
    let before = boot();
    mem::swap(&mut lived.releases, release);
    lived.releases.serve_again(host);
    drop(lived.update(["--force"]).limit(UPDATE_LIMIT).run());
    mem::swap(&mut lived.releases, release);
    lived.begin_again();
    assert_ne!(boot(), before, "the host was taken down");
}

/// Cuts the power in an update. Returns where in the update that was, and which release is there afterwards.
fn cut_power(host: &Host, lived: &mut Lived<'_>, random: &mut Random, longest: Duration) -> (String, String) {
    lived.releases.serve_again(host);
    let running = lived.update(["--force"]).limit(UPDATE_LIMIT).start();
    // Most of its time goes before the part that matters most.
    let from = ["its start", "the declaration"][usize::from(random.below(3) != 0)];
    if from == "the declaration" {
        lived.wait_for_event("declared");
    }
    let moment = random.wait_up_to(longest);
    // It is down already where the release took it down.
    let last = host.root(["tail", "-n", "1", "/var/lib/banger-root/update/journal"]).run().stdout();
    host.power_cut();
    drop(running);
    let end = lived.wait_for_end();
    lived.assert_whole(&end, "a power cut");
    let doctor = host.banger(["doctor"]).run().stdout();
    assert!(!doctor.contains("FAIL"), "{doctor}");
    let at =
        last.trim().rsplit_once("\"event\":").map_or("declared", |(_, event)| event.trim_end_matches('}'));
    let at = if last.is_empty() { "no journal" } else { at };
    (format!("{:.1} s after {from} ({at})", moment.as_secs_f32()), end)
}
