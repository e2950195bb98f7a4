//! The hosts file, and name servers.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use host::net::{self, HostsError, remove_names, write_names};
use model::Class;
use rustix::{
    fs::{XattrFlags, getxattr, setxattr},
    mount::{MountFlags, mount_bind, mount_remount},
};

use crate::{
    space::{is_inside, on_a_host_of_its_own},
    world::World,
};

#[test]
fn the_hosts_file_keeps_its_owner_its_mode_and_its_attributes() {
    on_a_host_of_its_own("names::the_hosts_file_keeps_its_owner_its_mode_and_its_attributes", || {
        let mut world = World::new();
        let leases = [world.grant("dev", true)];
        let hosts = &world.places.hosts;
        let before = fs::read(hosts).unwrap();
        fs::set_permissions(hosts, fs::Permissions::from_mode(0o664)).unwrap();
        if !is_inside() {
            std::os::unix::fs::chown(hosts, Some(7), Some(8)).unwrap();
        }
        setxattr(hosts, "user.label", b"kept", XattrFlags::empty()).unwrap();
        let look = || {
            let meta = fs::metadata(hosts).unwrap();
            let mut label = [0; 4];
            getxattr(hosts, "user.label", &mut label[..]).unwrap();
            (meta.uid(), meta.gid(), meta.mode(), label)
        };
        let kept = look();
        assert!(write_names(hosts, &leases).unwrap());
        assert!(fs::read_to_string(hosts).unwrap().contains("dev.vm"));
        assert_eq!(look(), kept);
        let inode = fs::metadata(hosts).unwrap().ino();
        assert!(!write_names(hosts, &leases).unwrap());
        assert_eq!(fs::metadata(hosts).unwrap().ino(), inode, "what is right already is not written");
        assert!(remove_names(hosts).unwrap());
        assert_eq!((fs::read(hosts).unwrap(), look()), (before, kept));
    });
}

/// What a refusal says, and that the file, and what is around it, is as it was.
#[track_caller]
fn refused(world: &mut World, says: &str) -> HostsError {
    let leases = [world.grant("dev", true)];
    let hosts = &world.places.hosts;
    let look = || (fs::read(hosts).unwrap(), entries(hosts.parent().unwrap()));
    let before = look();
    let error = write_names(hosts, &leases).unwrap_err();
    assert_eq!(error.to_string(), format!("{says} {}", hosts.display()));
    assert!(error.hint().is_some());
    assert_eq!(look(), before);
    error
}

fn entries(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_hosts_file_that_something_is_mounted_over_is_refused() {
    on_a_host_of_its_own("names::a_hosts_file_that_something_is_mounted_over_is_refused", || {
        let mut world = World::new();
        let other = world.places.hosts.with_extension("other");
        fs::write(&other, "127.0.0.1 mounted\n").unwrap();
        mount_bind(&other, &world.places.hosts).unwrap();
        let error = refused(&mut world, "replace");
        assert_eq!(error.class(), Class::Failed);

        // The network works nevertheless, and the report says so.
        let report = world.try_apply();
        assert_eq!(report.warnings.len(), 1);
        assert!(report.warnings[0].hint().unwrap().contains("ssh <name>.vm"));
        assert_eq!(world.findings(), [format!("{} is mounted over", world.places.hosts.display())]);
        rustix::mount::unmount(&world.places.hosts, rustix::mount::UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn a_hosts_file_that_cannot_be_written_is_refused() {
    on_a_host_of_its_own("names::a_hosts_file_that_cannot_be_written_is_refused", || {
        let mut world = World::new();
        let dir = world.places.hosts.parent().unwrap().to_owned();
        mount_bind(&dir, &dir).unwrap();
        mount_remount(&dir, MountFlags::BIND | MountFlags::RDONLY, c"").unwrap();
        refused(&mut world, "replace");
        rustix::mount::unmount(&dir, rustix::mount::UnmountFlags::DETACH).unwrap();
    });
}

#[test]
fn a_hosts_file_that_is_a_link_or_damaged_is_refused() {
    on_a_host_of_its_own("names::a_hosts_file_that_is_a_link_or_damaged_is_refused", || {
        let mut world = World::new();
        let leases = [world.grant("dev", true)];
        let hosts = world.places.hosts.clone();
        let real = hosts.with_extension("real");
        fs::rename(&hosts, &real).unwrap();
        symlink(&real, &hosts).unwrap();
        let error = write_names(&hosts, &leases).unwrap_err();
        assert!(matches!(error, HostsError::Link { .. }), "{error}");
        fs::remove_file(&hosts).unwrap();
        fs::write(&hosts, "# banger: machines, end.\n").unwrap();
        let error = write_names(&hosts, &leases).unwrap_err();
        assert_eq!(error.class(), Class::Refused);
        assert_eq!(fs::read_to_string(&hosts).unwrap(), "# banger: machines, end.\n");
    });
}

#[test]
fn the_hosts_own_addresses_are_no_name_servers_for_guests() {
    on_a_host_of_its_own("names::the_hosts_own_addresses_are_no_name_servers_for_guests", || {
        let world = World::new();
        let servers = || {
            let found = world.run(net::name_servers(&world.places)).unwrap();
            found.usable.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(servers(), "");
        fs::write(&world.places.resolv_conf, "nameserver 203.0.113.2\nnameserver 203.0.113.9\n").unwrap();
        assert_eq!(servers(), "203.0.113.9");
        fs::write(&world.places.resolv_conf, "nameserver 127.0.0.53\n").unwrap();
        fs::write(&world.places.resolved, "nameserver 203.0.113.1\n").unwrap();
        assert_eq!(servers(), "203.0.113.1");
    });
}
