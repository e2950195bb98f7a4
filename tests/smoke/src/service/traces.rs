//! All that a system install could leave on a host.

use std::collections::BTreeSet;

use crate::Host;

/// Looks at everything, a line each, its kind first. What changes by itself is left out.
const LOOK: &str = r#"
find / /run -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /root \
    -o -path /var/log -o -path /var/lib/systemd -o -path /var/lib/smoke-state -o -path /var/tmp \
    -o -path /home/dev/.local -o -path /home/dev/.cache -o -path /run/systemd -o -path /run/log -o -path /run/udev -o -path /run/user \
    -o -path /run/sudo -o -path /run/utmp -o -path /run/credentials -o -path /var/lib/sudo -o -path /run/host \) \
    -prune -o \( -type d -printf 'directory %p %m %u %g\n' -o -type l -printf 'link %p %l\n' \
    -o -printf '%y %p %m %u %g %s\n' \)
find /etc -type f -exec sha256sum {} + | sed 's/^/content /'
systemctl list-units --all --plain --no-legend --no-pager --type=service,socket,slice,timer,target,path |
    awk '{ print "unit", $1, $3 }' | grep -Ev ' (session-|user-|user@|user-runtime|systemd-|run-|modprobe@|getty)'
systemctl list-unit-files --no-legend --no-pager | sed 's/^/unit-file /'
systemctl --failed --plain --no-legend --no-pager | sed 's/^/failed /'
nft list ruleset | sed 's/^/nft /'
ip -oneline link show | awk '{ print "interface", $2 }' | sed 's/@.*//'
# What the system itself adds to an interface that comes up, some time later, is not asked for.
# Nor whether a bridge has a port that is up, which it finds out up to a second later.
ip route show table all | grep -Ev 'fe80::|ff00::' | sed 's/^/route /; s/ expires [0-9]*sec//; s/ linkdown//'
ip rule show | sed 's/^/rule /'
for key in net/ipv4/ip_forward net/ipv4/conf/all/forwarding net/ipv6/conf/all/forwarding; do
    [ ! -e /proc/sys/$key ] || echo "sysctl $key $(cat /proc/sys/$key)"
done
losetup --list --noheadings --output BACK-FILE 2>/dev/null | grep -E 'banger' | sed 's/^/loop /'
grep -hs '^banger' /sys/block/dm-*/dm/name | sed 's/^/map /'
ps -eo user:32,args --no-headers | grep -v '\]$' | grep -Ev ' (ps|sed|awk|grep|sh|sort) |sshd: dev|systemd|dbus-daemon|agetty| [(][a-z-]+[)]$' |
    sed 's/^/process /'
true
"#;

/// What there is on a host: files, units, rules, interfaces, processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    lines: BTreeSet<String>,
}

impl Traces {
    #[track_caller]
    pub(super) fn of(host: &Host) -> Self {
        let looked = host.root(["sh", "-c", LOOK]).run().ok();
        assert_eq!(looked.stderr(), "", "the look at the host was not whole");
        Self { lines: looked.stdout().lines().map(str::to_owned).collect() }
    }

    /// What there is now and was not `before` (`+`), and what there was and is no more (`-`).
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<String> {
        let gone = before.lines.difference(&self.lines).map(|line| format!("- {line}"));
        let come = self.lines.difference(&before.lines).map(|line| format!("+ {line}"));
        gone.chain(come).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_what_went_is_told() {
        let traces = |text: &str| Traces { lines: text.lines().map(str::to_owned).collect() };
        let (before, after) = (traces("link /a b\nunit c active"), traces("link /a d\nunit c active"));
        assert_eq!(after.since(&before), ["- link /a b", "+ link /a d"]);
        assert_eq!(before.since(&before), [""; 0]);
    }
}
