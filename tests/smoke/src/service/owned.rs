//! What of a host belongs to machines, and which of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Host;

/// Looks at all that can be a machine's, a line each: what it is, and whose by id, tap or name. Rows are asked for
/// apart: they are what everything else is held against.
const LOOK: &str = r#"
for unit in $(systemctl list-units --all --plain --no-legend 'banger-vm-*' 'banger-link-*' | awk '{ print $1 }'); do
    id=${unit%.service}
    echo "unit ${id##*-}"
done
for dir in /var/lib/banger/vms /var/lib/banger-root/machines /run/banger-vm; do
    [ ! -d $dir ] || find $dir -mindepth 1 -maxdepth 1 -printf "file %f\n"
done
ip -oneline link show | awk -F': ' '$2 ~ /^bgr-/ { print "tap", $2 }'
nft list ruleset | grep -oE 'bgr-[0-9a-f]+' | sort -u | sed 's/^/rule /'
grep -oE '[a-z0-9-]+[.]vm' /etc/hosts | sort -u | sed 's/[.]vm$//; s/^/name /'
# One that a map lies over is as much somebody's as the map is.
losetup --list --noheadings --output NAME,BACK-FILE | grep banger | while read -r name file; do
    [ -n "$(ls "/sys/block/${name#/dev/}/holders" 2>/dev/null)" ] || echo "loop $file"
done
cat /sys/block/dm-*/dm/name 2>/dev/null | sed -n 's/^banger-\([0-9a-f]*\).*/map \1/p'
# A number above all that people and services have is a machine's; its processes are in its units.
ps -eo uid,pid --no-headers | while read -r uid pid; do
    [ "$uid" -gt 65535 ] || continue
    id=$(sed -n 's/.*banger-\(vm\|link\)-\([0-9a-f]*\)[.]service.*/\2/p' "/proc/$pid/cgroup" 2>/dev/null)
    [ ! -d "/proc/$pid" ] || echo "process ${id:-of-user-$uid}"
done
true
"#;

/// Who holds leases, and what each of them has.
const LEASES: &str = "/var/lib/banger-root/leases.json";

impl Host {
    /// What is there of machines that have no record, a line each; and records that say that something is under way
    /// still.
    ///
    /// # Panics
    ///
    /// Where it cannot be looked at.
    #[track_caller]
    #[must_use]
    pub fn owned_by_nobody(&self) -> Vec<String> {
        let machines = self.vms();
        let text = |machine: &Value, key: &str| machine[key].as_str().unwrap_or_default().to_owned();
        let of_all = |key: &str| machines.iter().map(|it| text(it, key)).collect::<BTreeSet<String>>();
        let (ids, names) = (of_all("id"), of_all("name"));
        let leases = self.leases();
        let mut found: Vec<String> =
            leases.keys().filter(|id| !ids.contains(*id)).map(|id| format!("lease {id}")).collect();
        let looked = self.root(["sh", "-c", LOOK]).run().ok();
        // What goes while it is looked at is complained of; the next look is whole.
        found.extend(looked.stderr().lines().map(|line| format!("look {line}")));
        found.extend(looked.stdout().lines().filter_map(|line| {
            let (kind, whose) = line.split_once(' ').unwrap_or((line, ""));
            let is_owned = match kind {
                "tap" | "rule" => leases.values().any(|tap| tap == whose),
                "name" => names.contains(whose),
                _ => ids.contains(whose),
            };
            (!is_owned).then(|| line.to_owned())
        }));
        let is_under_way = |it: &&Value| ["starting", "stopping"].contains(&&*text(it, "state"));
        found.extend(
            machines
                .iter()
                .filter(is_under_way)
                .map(|it| format!("{} {}", text(it, "name"), text(it, "state"))),
        );
        found
    }

    /// The taps that are leased, by the machine's id.
    #[track_caller]
    fn leases(&self) -> BTreeMap<String, String> {
        let Some(book) = self.file(LEASES) else { return BTreeMap::new() };
        let book: Value =
            serde_json::from_str(&book).unwrap_or_else(|error| panic!("{LEASES}: {error}: {book}"));
        let leases = book["leases"].as_array().cloned().unwrap_or_default();
        let text = |lease: &Value, key: &str| lease[key].as_str().unwrap_or_default().to_owned();
        leases.iter().map(|lease| (text(lease, "id"), text(lease, "tap"))).collect()
    }
}
