//! Files as people write them: what they set, whose keys they may set, and what every mistake is told.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;

use config::{AutoStop, Config, ConfigError, FileSync, HostSize, KEYS, OrAuto, Settings, Whose, parse};
use model::Size;

const HOST: HostSize = HostSize { cores: 8, memory: Size::from_gib(16) };

fn owner() -> Whose {
    Whose::Owner { roots: "/etc/banger/config.toml".into() }
}

fn read(whose: &Whose, text: &str) -> Result<Settings, ConfigError> {
    parse(Path::new("config.toml"), whose, Path::new("/home/u"), text)
}

fn shown(text: &str) -> String {
    let config = Config::new(HOST, read(&Whose::Root, text).unwrap(), Path::new("config.toml")).unwrap();
    let lines = config.shown(true).into_iter().map(|it| format!("{} = {} ({})", it.key, it.value, it.source));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every key, with a value that is not its default.
const WHOLE: &str = r#"
log_level = "debug"
vmm = "qemu"
accel = "emulated"
firecracker_bin = "auto"
jailer_bin = "/opt/jailer"
jailer_enabled = false
qemu_bin = "/opt/qemu"
bridge_name = "br0"
subnet = "172.30.0.0/16"
uid_base = 700000
default_image = "debian-small"
default_kernel = "6.1.0-40-cloud-amd64"
auto_stop_stale_after = "90m"

[vm_defaults]
vcpu = 3
memory = "1G"
disk_size = 4096
system_overlay_size = "2GiB"

[[file_sync]]
host = "~/.gitconfig"
guest = "~/.gitconfig"
mode = "0644"

[[file_sync]]
host = "/etc/motd"
guest = "/etc/motd"
"#;

#[test]
fn a_whole_file_is_read_with_where_each_value_came_from() {
    let settings = read(&Whose::Root, WHOLE).unwrap();
    let files = settings.file_sync.clone().unwrap();
    let first =
        FileSync { host: "/home/u/.gitconfig".into(), guest: "/root/.gitconfig".to_owned(), mode: 0o644 };
    assert_eq!((&files[0], files[1].mode, files.len()), (&first, 0o600, 2));
    assert_eq!((settings.firecracker_bin, settings.uid_base), (Some(OrAuto::Auto), Some(700_000)));
    assert!(matches!(settings.auto_stop_stale_after, Some(AutoStop::After(_))));
    insta::assert_snapshot!("whole", shown(WHOLE));
}

#[test]
fn no_file_is_the_defaults() {
    insta::assert_snapshot!("defaults", shown(""));
}

#[test]
fn every_key_is_one_that_a_file_can_set_and_that_is_shown() {
    let settings = read(&Whose::Root, WHOLE).unwrap();
    for key in KEYS {
        assert!(settings.shown(key.name).is_some(), "{} is not in the file, or not shown", key.name);
    }
    assert_eq!(settings.shown("no_such_key"), None);
}

#[test]
fn every_key_stands_in_the_documentation() {
    let page = include_str!("../../../docs/configuration.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for key in KEYS {
        let cell = format!("| `{}` |", key.name);
        let row = rows.iter().find(|row| row.starts_with(&cell)).unwrap_or_else(|| panic!("no {cell}"));
        let whose = match key.actor {
            config::Actor::Command => "| any |",
            config::Actor::Daemon | config::Actor::Root => "| not the owner's |",
        };
        assert!(row.contains(whose), "{row} does not say {whose}");
    }
    assert_eq!(rows.len(), KEYS.len(), "a key is documented that is none");
}

#[test]
fn the_owner_sets_what_machines_are_made_of_and_nothing_else() {
    let lines: Vec<&str> = WHOLE.lines().filter(|line| line.contains(" = ")).collect();
    for key in KEYS {
        let Some(line) = lines.iter().find(|line| line.starts_with(&format!("{} = ", key.name))) else {
            continue;
        };
        let is_the_owners = key.actor == config::Actor::Command;
        match read(&owner(), line) {
            Ok(_) => assert!(is_the_owners, "{line}"),
            Err(ConfigError::NotTheOwners { key: found, .. }) => {
                assert!(!is_the_owners && found == key.name, "{line}");
            }
            Err(error) => panic!("{line}: {error}"),
        }
    }
    let owners = &WHOLE[WHOLE.find("[vm_defaults]").unwrap()..];
    assert_eq!(read(&owner(), owners), read(&Whose::User, owners));
}

#[test]
fn every_class_of_mistake_has_its_message() {
    let user = [
        "acel = \"kvm\"",
        "zzz = 1",
        "accel = \"fast\"",
        "accel = 1",
        "vmm = \"firecracker\"",
        "qemu_bin = \"qemu\"",
        "default_image = \"No Such\"",
        "jailer_enabled = \"yes\"",
        "bridge_name = \"a-name-that-is-too-long\"",
        "subnet = \"10.0.0.0\"",
        "subnet = \"8.8.8.0/24\"",
        "uid_base = -1",
        "auto_stop_stale_after = \"soon\"",
        "auto_stop_stale_after = \"9s\"",
        "auto_stop_stale_after = 3600",
        "vm_defaults = 1",
        "[vm_defaults]\nvcpus = 2",
        "[vm_defaults]\nvcpu = 0",
        "[vm_defaults]\nvcpu = \"2\"",
        "[vm_defaults]\nmemory = \"1M\"",
        "[vm_defaults]\nmemory = -1",
        "[vm_defaults]\ndisk_size = true",
        "[file_sync]\nhost = \"/a\"",
        "[[file_sync]]\nhost = \"/a\"",
        "[[file_sync]]\nhost = \"a\"\nguest = \"/a\"",
        "[[file_sync]]\nhost = \"/a\"\nguest = \"/a/\"",
        "[[file_sync]]\nhost = \"/a\"\nguest = \"~/../a\"",
        "[[file_sync]]\nhost = \"/a\"\nguest = \"/a\"\nmode = \"9\"",
        "[[file_sync]]\nhost = \"/a\"\nguest = \"/a\"\nowner = \"me\"",
        "log_level = \"info\"\nlog_level = \"warn\"",
        "accel = kvm",
        "[vm_defaults",
    ];
    let owners = ["accel = \"kvm\"", "qemu_bin = \"/opt/qemu\"", "acel = \"kvm\"", "default_imag = \"x\""];
    let told = |whose: &Whose, mistake: &str| {
        let error = read(whose, mistake).unwrap_err();
        let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
        format!("{}\n  {error}{hint}", mistake.replace('\n', " / "))
    };
    let mut all = vec!["--- the user's".to_owned()];
    all.extend(user.iter().map(|mistake| told(&Whose::User, mistake)));
    all.push("--- the owner's".to_owned());
    all.extend(owners.iter().map(|mistake| told(&owner(), mistake)));
    insta::assert_snapshot!("mistakes", all.join("\n"));
}

#[test]
fn defaults_follow_the_host() {
    for (cores, memory_gib, emulated, vcpus, memory_mib) in [
        (1, 1, false, 1, 512),
        (2, 23, true, 2, 2944),
        (2, 23, false, 1, 2944),
        (16, 64, false, 4, 8192),
        (64, 256, false, 4, 8192),
        (64, 256, true, 2, 8192),
    ] {
        let host = HostSize { cores, memory: Size::from_gib(memory_gib) };
        let config = Config::new(host, Settings::default(), Path::new("none")).unwrap();
        let got = (config.vcpus(emulated).get(), config.memory().mib());
        assert_eq!(got, (vcpus, memory_mib), "{cores} cores, {memory_gib} GiB");
    }
}
