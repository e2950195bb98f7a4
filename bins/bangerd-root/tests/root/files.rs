//! Files that the owner names and that are not what they should be.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
};

use privileged::{Code, Launch, Root, StatePath, client::ClientError, limits::MACHINES_MAX};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::world::{OWNER, STRANGER, World, ask, launch, op, vm};

/// Plants something in the owner's state.
type Plant = fn(&World);

/// What is planted, which path is named as the kernel, and what is answered.
const TABLE: &[(&str, Plant, &str, Code, &str)] = &[
    ("nothing", |_| {}, "kernels/none", Code::Failed, "kernels/none is not there"),
    ("a directory", |_| {}, "kernels/k", Code::Forbidden, "kernels/k is a directory"),
    ("a file on the way", |_| {}, "kernels/k/vmlinux/x", Code::Failed, "is not there"),
    (
        "a link in its place",
        |world| symlink("/etc/shadow", world.state("leaf")).unwrap(),
        "leaf",
        Code::Forbidden,
        "leaf leads over a symbolic link",
    ),
    (
        "a link on the way",
        |world| symlink("/etc", world.state("way")).unwrap(),
        "way/shadow",
        Code::Forbidden,
        "way/shadow leads over a symbolic link",
    ),
    (
        "a link that stays inside",
        |world| symlink("kernels/k/vmlinux", world.state("inside")).unwrap(),
        "inside",
        Code::Forbidden,
        "inside leads over a symbolic link",
    ),
    (
        "a link into /proc",
        |world| symlink("/proc/self/fd/0", world.state("magic")).unwrap(),
        "magic",
        Code::Forbidden,
        "magic leads over a symbolic link",
    ),
    (
        "a fifo",
        |world| mknodat(CWD, world.state("fifo"), FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap(),
        "fifo",
        Code::Forbidden,
        "fifo is a fifo",
    ),
    (
        "a device",
        |world| {
            mknodat(CWD, world.state("null"), FileType::CharacterDevice, Mode::from_raw_mode(0o666), 0x103)
                .unwrap();
        },
        "null",
        Code::Forbidden,
        "null is a device",
    ),
    (
        "a socket",
        |world| drop(std::os::unix::net::UnixListener::bind(world.state("socket")).unwrap()),
        "socket",
        Code::Forbidden,
        "socket is a socket",
    ),
    (
        "somebody else's file",
        |world| {
            world.own("theirs", b"x");
            chown(world.state("theirs"), Some(STRANGER), Some(STRANGER)).unwrap();
        },
        "theirs",
        Code::Forbidden,
        "theirs belongs to user 54322",
    ),
    (
        "root's file by another name",
        |world| {
            fs::write(world.root().join("secret"), "root's").unwrap();
            fs::hard_link(world.root().join("secret"), world.state("name")).unwrap();
        },
        "name",
        Code::Forbidden,
        "name belongs to user 0",
    ),
    (
        "another machine's disk",
        |world| world.machine(&vm(9)),
        "vms/000102030409/root.raw",
        Code::Forbidden,
        "vms/000102030409/root.raw is a machine's own",
    ),
];

fn refused(error: ClientError) -> (Code, String) {
    match error {
        ClientError::Refused { refusal } => (refusal.code, refusal.message),
        other => (Code::Internal, other.to_string()),
    }
}

#[tokio::test]
async fn a_kernel_that_is_none_is_refused_and_nothing_is_touched() {
    let world = World::new().serving().await;
    let client = world.client();
    client.lease(&op(), ask(&vm(1), "box")).await.unwrap();
    world.machine(&vm(1));
    for (what, plant, path, code, words) in TABLE {
        plant(&world);
        let kernel: StatePath = path.parse().unwrap();
        // Wherever it is named: each of them goes the same way.
        let launches = [
            Launch { kernel: kernel.clone(), ..launch(&vm(1)) },
            Launch { initramfs: kernel.clone(), ..launch(&vm(1)) },
            Launch { modules_disk: Some(kernel.clone()), ..launch(&vm(1)) },
            Launch { root: Root::Qcow2 { backing: kernel.clone() }, ..launch(&vm(1)) },
        ];
        for launch in launches {
            let (answered, said) = refused(client.launch(&op(), launch).await.unwrap_err());
            assert_eq!(answered, *code, "{what}: {said}");
            assert!(said.contains(words), "{what}: {said}");
        }
    }
    assert_eq!(fs::read_dir(world.places().jails()).unwrap().count(), 0);
    let secret = fs::metadata(world.root().join("secret")).unwrap();
    assert_eq!((secret.uid(), secret.nlink()), (0, 2));
}

#[tokio::test]
async fn a_machines_own_file_that_is_none_is_refused_too() {
    let world = World::new().serving().await;
    let client = world.client();
    client.lease(&op(), ask(&vm(1), "box")).await.unwrap();
    for name in ["root.raw", "home.ext4", "console.log", "monitor.log", "link.log"] {
        world.machine(&vm(1));
        let path = world.state(&format!("vms/{}/{name}", vm(1)));
        let check = async |words: &str| {
            let (_, said) = refused(client.launch(&op(), launch(&vm(1))).await.unwrap_err());
            assert!(said.contains(name) && said.contains(words), "{name}: {said}");
            let _gone = fs::remove_file(&path);
        };
        fs::remove_file(&path).unwrap();
        check("is not there").await;
        symlink("/etc/shadow", &path).unwrap();
        check("leads over a symbolic link").await;
        mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
        check("is a fifo").await;
        fs::write(&path, "root's").unwrap();
        check("belongs to user 0").await;
    }
}

#[tokio::test]
async fn who_has_no_lease_is_not_launched() {
    let world = World::new().serving().await;
    world.machine(&vm(1));
    let (code, said) = refused(world.client().launch(&op(), launch(&vm(1))).await.unwrap_err());
    assert_eq!((code, said.contains("has no lease")), (Code::NoLease, true), "{said}");
}

#[tokio::test]
async fn a_lease_is_one_machines_alone_and_kept_over_the_helpers_end() {
    let world = World::new().serving().await;
    let client = world.client();
    let first = client.lease(&op(), ask(&vm(1), "one")).await.unwrap();
    let second = client.lease(&op(), ask(&vm(2), "two")).await.unwrap();
    assert_ne!((first.uid, first.address, first.mac.clone()), (second.uid, second.address, second.mac));
    assert_ne!(first.tap, second.tap);
    assert!(first.uid > 65_535 && first.uid != OWNER);
    let (_, said) = refused(client.lease(&op(), ask(&vm(3), "two")).await.unwrap_err());
    assert!(said.contains("is called two"), "{said}");
    let mode = fs::metadata(world.places().leases()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let world = world.serving().await;
    let again = world.client().lease(&op(), ask(&vm(1), "renamed")).await.unwrap();
    assert_eq!((again.uid, again.address, again.name.as_str()), (first.uid, first.address, "renamed"));
}

#[tokio::test]
async fn there_are_as_many_leases_as_are_allowed_and_no_more() {
    let world = World::new();
    let id = |number: u16| {
        let [high, low] = number.to_be_bytes();
        model::VmId::from_random([9, 9, 9, 9, high, low])
    };
    let lease = |number: u16| {
        let [high, low] = (number + 2).to_be_bytes();
        let address = std::net::Ipv4Addr::new(172, 30, high, low);
        serde_json::json!({
            "id": id(number), "name": format!("box-{number}"), "uid": 0x7000_0000 + u32::from(number),
            "address": address, "mac": network::Mac::of(address), "tap": format!("bgr-{number:08x}"), "nat": true,
        })
    };
    let leases: Vec<_> = (0..u16::try_from(MACHINES_MAX).unwrap()).map(lease).collect();
    let book = serde_json::json!({
        "schema": 1, "subnet": "172.30.0.0/16", "first_uid": 0x7000_0000, "leases": leases,
    });
    fs::write(world.places().leases(), serde_json::to_vec(&book).unwrap()).unwrap();
    let world = world.serving().await;
    let client = world.client();
    let (code, said) = refused(client.lease(&op(), ask(&vm(1), "one-more")).await.unwrap_err());
    assert_eq!(code, Code::Exhausted, "{said}");
    // Who has one keeps it.
    client.lease(&op(), ask(&id(0), "renamed")).await.unwrap();
}
