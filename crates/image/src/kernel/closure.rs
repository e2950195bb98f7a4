//! Which modules bring a machine to its disks and to its host, in the order in which they load.

use std::collections::{BTreeMap, BTreeSet};

use super::{KernelError, modinfo::ModInfo};

/// What the initramfs loads, besides what these need.
const WANTED: [&str; 7] = [
    "virtio_mmio",
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "vmw_vsock_virtio_transport",
    "ext4",
];

/// Without these no machine finds its root.
const NEEDED: [&str; 2] = ["virtio_blk", "ext4"];

/// Modules by name, and the names of what is built in.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) modules: BTreeMap<String, ModInfo>,
    pub(super) builtin: BTreeSet<String>,
}

/// Orders the modules that the initramfs loads: each stands after all that it needs.
///
/// Where the kernel has no modules at all, everything is taken to be built in.
pub(super) fn load_order(catalogue: &Catalogue, release: &str) -> Result<Vec<String>, KernelError> {
    if catalogue.modules.is_empty() {
        return Ok(vec![]);
    }
    let has = |name: &str| catalogue.modules.contains_key(name) || catalogue.builtin.contains(name);
    if let Some(module) = NEEDED.into_iter().find(|name| !has(name)) {
        return Err(KernelError::MissingModule { release: release.to_owned(), module });
    }
    if !has("virtio_mmio") && !has("virtio_pci") {
        return Err(KernelError::MissingModule { release: release.to_owned(), module: "virtio_pci" });
    }
    let mut order = vec![];
    let mut seen = BTreeSet::new();
    for name in WANTED {
        visit(catalogue, name, &mut seen, &mut order);
    }
    Ok(order)
}

fn visit(catalogue: &Catalogue, name: &str, seen: &mut BTreeSet<String>, order: &mut Vec<String>) {
    let Some(info) = catalogue.modules.get(name) else { return };
    if !seen.insert(name.to_owned()) {
        return;
    }
    for soft in &info.soft_before {
        if let Some(module) = answering(catalogue, soft) {
            visit(catalogue, &module, seen, order);
        }
    }
    for needed in &info.depends {
        visit(catalogue, needed, seen, order);
    }
    order.push(name.to_owned());
}

/// The module that answers to a name or an alias: the one that loads on every processor, where several do.
fn answering(catalogue: &Catalogue, wanted: &str) -> Option<String> {
    let plain = super::modinfo::plain_name(wanted);
    if catalogue.modules.contains_key(&plain) {
        return Some(plain);
    }
    let answers = |info: &ModInfo| info.aliases.iter().any(|alias| alias == wanted);
    let mut names = catalogue.modules.iter().filter(|(_, info)| answers(info)).map(|(name, _)| name);
    names.clone().find(|name| name.ends_with("_generic")).or_else(|| names.next()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(lines: &[&str], builtin: &[&str]) -> Catalogue {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let module = |line: &&str| {
            let mut parts = line.split('|');
            let mut part = || parts.next().unwrap_or_default();
            let name = part().trim().to_owned();
            (name, ModInfo { depends: words(part()), soft_before: words(part()), aliases: words(part()) })
        };
        Catalogue {
            modules: lines.iter().map(module).collect(),
            builtin: builtin.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn each_stands_after_what_it_needs_and_once() {
        let catalogue = catalogue(
            &[
                "ext4|mbcache jbd2 crc16|crc32c",
                "mbcache",
                "jbd2|crc16",
                "crc16",
                "crc32c_intel|||crc32c",
                "crc32c_generic|||crc32c",
                "virtio_blk|virtio virtio_ring",
                "virtio|virtio_ring",
                "virtio_ring",
                "sound",
            ],
            &["virtio_pci"],
        );
        assert_eq!(
            load_order(&catalogue, "6").unwrap(),
            ["virtio_ring", "virtio", "virtio_blk", "crc32c_generic", "mbcache", "crc16", "jbd2", "ext4"]
        );
    }

    #[test]
    fn a_ring_of_modules_ends() {
        let catalogue = catalogue(&["ext4|a", "a|b", "b|a", "virtio_blk"], &["virtio_mmio"]);
        assert_eq!(load_order(&catalogue, "6").unwrap(), ["virtio_blk", "b", "a", "ext4"]);
    }

    #[test]
    fn a_kernel_that_cannot_reach_its_disk_is_refused() {
        for (modules, builtin, want) in [
            (&["x"][..], &["ext4"][..], "virtio_blk"),
            (&["x"], &["virtio_blk"], "ext4"),
            (&["ext4"], &["virtio_blk"], "virtio_pci"),
        ] {
            let error = load_order(&catalogue(modules, builtin), "6").unwrap_err();
            assert!(matches!(error, KernelError::MissingModule { module, .. } if module == want), "{error}");
        }
        assert!(load_order(&Catalogue::default(), "6").unwrap().is_empty());
    }
}
