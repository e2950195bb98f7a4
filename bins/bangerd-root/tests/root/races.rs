//! What is planted between a look and a use.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, symlink},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use bangerd_root::jail::{Files, Jail, State};

use crate::world::{OWNER, World, launch, vm};

/// How often it is tried. The ways cross some hundred times in it.
const TRIES: u32 = 2000;

#[test]
fn whatever_is_planted_meanwhile_only_the_owners_own_file_is_ever_carried_over() {
    let world = World::new();
    world.machine(&vm(1));
    let places = world.places();
    let outside = world.root().join("outside");
    fs::create_dir(&outside).unwrap();
    for file in ["vmlinux", "initramfs"] {
        fs::write(outside.join(file), "root's").unwrap();
    }
    let is_done = Arc::new(AtomicBool::new(false));
    let planter = thread::spawn({
        let (dir, away, link) =
            (world.state("kernels/k"), world.state("kernels/away"), world.state("kernels/link"));
        let (outside, is_done) = (outside.clone(), Arc::clone(&is_done));
        move || {
            while !is_done.load(Ordering::Relaxed) {
                // The directory goes, and a link out of the state directory takes its place, and back.
                symlink(&outside, &link).unwrap();
                fs::rename(&dir, &away).unwrap();
                fs::rename(&link, &dir).unwrap();
                fs::remove_file(&dir).unwrap();
                fs::rename(&away, &dir).unwrap();
                // The file goes, and a name of root's file takes its place, and back.
                fs::hard_link(outside.join("vmlinux"), dir.join("other")).unwrap();
                fs::rename(dir.join("vmlinux"), dir.join("kept")).unwrap();
                fs::rename(dir.join("other"), dir.join("vmlinux")).unwrap();
                fs::rename(dir.join("kept"), dir.join("vmlinux")).unwrap();
            }
        }
    });
    let (mut built, mut refused) = (0, 0);
    for _ in 0..TRIES {
        let state = State::open(&places.state(), OWNER).unwrap();
        let jail = Files::open(&state, &launch(&vm(1)))
            .and_then(|files| Jail::build(&places.jails(), &vm(1), 700_001, &files));
        match jail {
            Ok(_) => built += 1,
            Err(_) => refused += 1,
        }
        for entry in fs::read_dir(places.jail(&vm(1))).into_iter().flatten() {
            let meta = entry.unwrap().metadata().unwrap();
            assert!(meta.is_file() && meta.uid() == OWNER, "something else was carried over");
        }
    }
    is_done.store(true, Ordering::Relaxed);
    planter.join().unwrap();
    assert!(built > 0 && refused > 0, "the ways never crossed: {built} built, {refused} refused");
    for file in ["vmlinux", "initramfs"] {
        let meta = fs::metadata(outside.join(file)).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o7777), (0, 0o644), "root's file was changed");
    }
}

#[test]
fn a_disk_with_another_name_is_no_machines() {
    let world = World::new();
    let places = world.places();
    for id in [vm(1), vm(2)] {
        world.machine(&id);
    }
    let build = |id| {
        let state = State::open(&places.state(), OWNER).unwrap();
        Files::open(&state, &launch(&id)).and_then(|files| Jail::build(&places.jails(), &id, 700_001, &files))
    };
    // The first machine's disk is the second's too.
    let (first, second) =
        (world.state(&format!("vms/{}/root.raw", vm(1))), world.state(&format!("vms/{}/root.raw", vm(2))));
    fs::remove_file(&second).unwrap();
    fs::hard_link(&first, &second).unwrap();
    for id in [vm(1), vm(2)] {
        let error = build(id.clone()).unwrap_err();
        assert!(error.to_string().contains("has 2 names, and a disk has one"), "{error}");
        assert!(!places.jail(&id).exists());
    }
    fs::remove_file(&second).unwrap();
    world.machine(&vm(2));
    build(vm(1)).unwrap();
    // What is in a jail is nobody else's for as long as it is there.
    fs::remove_file(&second).unwrap();
    fs::hard_link(&first, &second).unwrap();
    assert!(build(vm(2)).unwrap_err().to_string().contains("has 3 names") || build(vm(2)).is_err());
    // A set-user bit does not outlive it either.
    fs::remove_file(&second).unwrap();
    fs::set_permissions(&first, std::os::unix::fs::PermissionsExt::from_mode(0o6755)).unwrap();
    chown(&first, Some(OWNER), Some(OWNER)).unwrap();
    build(vm(1)).unwrap();
    let meta = fs::metadata(&first).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.gid()), (0o660, 700_001));
}
