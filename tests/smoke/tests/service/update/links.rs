//! What the owner plants where an update reads and writes: root follows none of it.

use smoke::{FIRST, NEXT, on_service};

use super::lived::Lived;

/// A file of root's that nobody else may read, and one that everybody may.
const ROOTS_OWN: &str = "printf 'for root alone\n' >/root/own && chmod 600 /root/own
    printf 'of root\n' >/etc/roots-own && chmod 644 /etc/roots-own";

/// All that could be changed of them, and whether there is one more.
const LOOK: &str =
    "stat -c '%n %a %U %i %Y' /root/own /etc/roots-own; cat /root/own /etc/roots-own; ls -A /root";

#[test]
fn update_follows_no_link_of_the_owner() {
    on_service(|host| {
        let lived = Lived::without_machine(host);
        lived.releases.offer(NEXT, |_| ());
        host.banger(["ps"]).run().ok();
        host.root(["sh", "-c", ROOTS_OWN]).run().ok();
        let look = || host.root(["sh", "-c", LOOK]).run().ok().stdout();
        let before = look();
        let copy = "/var/lib/banger/state.db.copy";
        for target in ["/root/own", "/etc/roots-own", "/root/not-there"] {
            host.program("ln").args(["-sfn", target, copy]).run().ok();
            let said = lived.update(["--force"]).run().exits(1).stderr();
            assert!(said.contains(&format!("{copy}: it is there, and is no file")), "{said}");
            assert_eq!(look(), before, "{target}");
            lived.assert_whole(FIRST, target);
            host.program("rm").args([copy]).run().ok();
            // Where the copy is made, before it has its name.
            let beside = format!("{copy}.new");
            host.program("ln").args(["-sfn", target, &beside]).run().ok();
            lived.update(["--force"]).run().ok();
            assert_eq!(look(), before, "{target}");
            assert_ne!(host.root(["test", "-L", &beside]).run().code, 0, "{target}");
            lived.begin_again();
        }
    });
}
