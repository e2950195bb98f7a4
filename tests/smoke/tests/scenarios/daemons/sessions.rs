//! Sessions do not notice what happens to the daemon: `vm exec` and `vm ssh`, by a tick each 100 ms.

use std::time::Duration;

use smoke::on_plain;

use super::look::{boot_id, daemon, machine, machines, settled};
use crate::common::ticks::ticks;

const NAME: &str = "ticks";
/// A boot of the default image on a busy host.
const BOOT_LIMIT: Duration = Duration::from_mins(6);
#[test]
fn daemon_sigkill_keeps_sessions() {
    on_plain(|host| {
        host.with_guests().banger(["vm", "create", "--name", NAME]).limit(BOOT_LIMIT).run().ok();
        let (boot, before) = (boot_id(host, NAME), machine(host, NAME));
        let undisturbed = ticks(host, NAME, |_| true);

        // Killed after a second; two seconds with none; the next command; killed again at once; another.
        let mut todo: Vec<(u64, &str)> =
            vec![(1, "kill"), (3, "command"), (4, "kill"), (4, "command"), (5, "kill")];
        let disturbed = ticks(host, NAME, |now| {
            while let Some((_, what)) = todo.first().filter(|(at, _)| now >= Duration::from_secs(*at)) {
                match *what {
                    "kill" => daemon(host).unwrap().kill(),
                    _ => assert_eq!(machines(host).len(), 1),
                }
                todo.remove(0);
            }
            todo.is_empty()
        });
        for (at, session) in ["vm exec", "vm ssh"].iter().enumerate() {
            host.note(format!(
                "{session}: the longest gap between ticks of 100 ms was {} ms undisturbed, {} ms with the daemon \
                 killed three times",
                undisturbed[at].as_millis(),
                disturbed[at].as_millis()
            ));
        }
        let after = settled(host).remove(0);
        assert_eq!(
            (boot_id(host, NAME), &after.monitor, after.link()),
            (boot, &before.monitor, before.link())
        );
        host.banger(["vm", "delete", NAME]).run().ok();
    });
}
