//! What takes room, and what could go.

use std::{fs, os::unix::fs::MetadataExt as _};

use serde_json::Value;
use smoke::{Host, on_plain};

use crate::common::images::{at_home, tiny_root};

/// Those of one kind.
fn items(host: &Host, kind: &str) -> Vec<Value> {
    let usage = host.banger(["du", "--json"]).run().ok().json();
    let items = usage["usage"]["items"].as_array().unwrap().clone();
    items.into_iter().filter(|item| item["kind"] == kind).collect()
}

fn named(host: &Host, kind: &str, name: &str) -> Value {
    items(host, kind).into_iter().find(|item| item["name"] == name).unwrap()
}

#[test]
fn what_takes_room_is_told_and_what_nothing_uses_can_go() {
    on_plain(|host| {
        host.with_guests();
        let create = ["vm", "create", "--no-start", "--name", "one", "--image", "debian-small"];
        host.banger(create).run().ok();

        // What the disk gave, and not how long the files are.
        let machine = named(host, "machine", "one");
        let used = machine["used_bytes"].as_u64().unwrap();
        let dir = host.vm("one")["dir"].as_str().unwrap().to_owned();
        let files: Vec<_> =
            fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap()).collect();
        let blocks: u64 = files.iter().map(|meta| meta.blocks() * 512).sum();
        let length: u64 = files.iter().map(fs::Metadata::len).sum();
        assert!(used >= blocks && used < blocks + (1 << 20) && used < length, "{used} of {blocks}, {length}");
        assert_eq!(
            (&machine["why"], &machine["remove"]),
            (&"created".into(), &"banger vm delete one".into())
        );
        let image = named(host, "image", "debian-small");
        assert_eq!((&image["why"], &image["remove"]), (&"used by one".into(), &Value::Null));
        assert_eq!(named(host, "kernel", host.vm("one")["kernel"].as_str().unwrap())["remove"], Value::Null);

        // An image whose name another one took is left over.
        tiny_root(host);
        for change in ["true", "echo more >tiny-root/more"] {
            at_home(host, &format!("{change} && tar -C tiny-root -cf tiny.tar ."));
            host.banger(["image", "import", "--name", "tiny", "tiny.tar"]).run().ok();
        }
        let left = items(host, "cache");
        assert_eq!(left[0]["remove"], "banger image cache prune", "{left:?}");
        assert!(left[0]["used_bytes"].as_u64().unwrap() > 1 << 20, "{left:?}");
        let said = host.banger(["image", "cache", "prune"]).run().exits(2).stderr();
        assert!(said.contains("Give -f."), "{said}");
        let would = host.banger(["image", "cache", "prune", "--dry-run"]).run().ok().stdout();
        assert!(would.contains("would free"), "{would}");
        assert_eq!(items(host, "cache").len(), 1, "nothing went yet");
        let pruned = host.banger(["image", "cache", "prune", "-f", "--json"]).run().ok().json();
        assert_eq!(pruned["pruned"]["freed_bytes"], left[0]["used_bytes"]);
        assert!(items(host, "cache").is_empty());

        // What a machine stands on stays, and so does what nobody can build again.
        let prune_all = || host.banger(["image", "cache", "prune", "--all", "-f"]).run().ok().stdout();
        assert!(!prune_all().contains("debian-small"));
        host.banger(["vm", "delete", "one"]).run().ok();
        assert_eq!(named(host, "image", "debian-small")["remove"], "banger image delete debian-small");
        let text = host.banger(["du"]).run().ok().stdout();
        assert!(text.contains("`banger image cache prune --all`"), "{text}");
        assert!(prune_all().contains("image debian-small (recipe debian-small, made again when needed)"));
        let names: Vec<Value> =
            items(host, "image").into_iter().map(|mut image| image["name"].take()).collect();
        assert!(names.contains(&"tiny".into()) && !names.contains(&"debian-small".into()), "{names:?}");
    });
}
