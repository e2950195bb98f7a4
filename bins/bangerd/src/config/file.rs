//! The file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use model::{Size, VcpuCount, VmSpec};

use super::{
    AccelChoice, Config, ConfigError, FileSync, VmmChoice,
    resolved::Sourced,
    table::{Table, one_of, parsed, size, text},
};

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Files that may be put into every machine.
const FILES_MAX: usize = 64;

/// Reads the file at `path` over `config`. A file that is not there changes nothing. `home` is what `~`
/// stands for; `is_system` says whether it is a system install's.
///
/// # Errors
///
/// The first [`ConfigError`] found.
pub(crate) fn read(
    path: &Path,
    home: &Path,
    is_system: bool,
    mut config: Config,
) -> Result<Config, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(config),
        Err(error) => return Err(unreadable(error)),
        Ok(found) if found.len() > FILE_BYTES_MAX => {
            return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB")));
        }
        Ok(_) => fs::read_to_string(path).map_err(unreadable)?,
    };
    let values: toml::Table = text.parse().map_err(|error| not_toml(path, &text, &error))?;
    let mut table = Table::new(path, "", values);
    read_daemon(&mut table, is_system, &mut config)?;
    read_paths(&mut table, &mut config)?;
    if is_system {
        // The helper reads it from the same file, and holds it to bounds of its own.
        table.take_raw("uid_base");
    }
    read_defaults(path, &mut table, &mut config)?;
    read_files(path, home, &mut table, &mut config)?;
    table.finish()?;
    Ok(config)
}

fn not_toml(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    ConfigError::NotToml { path: path.to_owned(), line, why: error.message().replace('\n', ", ") }
}

fn read_daemon(table: &mut Table<'_>, is_system: bool, config: &mut Config) -> Result<(), ConfigError> {
    let levels = ["error", "warn", "info", "debug", "trace"].map(|word| (word, word));
    table.take("log_level", &mut config.log_level, |value| one_of(value, &levels).map(str::to_owned))?;
    table.take("vmm", &mut config.vmm, |value| match text(value)? {
        "firecracker" if !is_system => Err("firecracker needs the system mode".to_owned()),
        _ => {
            let words = [VmmChoice::Auto, VmmChoice::Qemu, VmmChoice::Firecracker];
            one_of(value, &words.map(|vmm| (vmm.as_str(), vmm)))
        }
    })?;
    table.take("accel", &mut config.accel, |value| {
        let words =
            [AccelChoice::Auto, AccelChoice::Kvm, AccelChoice::Emulated].map(|accel| (accel.as_str(), accel));
        one_of(value, &words)
    })?;
    table.take("default_image", &mut config.default_image, parsed)?;
    table.take("default_kernel", &mut config.default_kernel, |value| parsed(value).map(Some))
}

fn read_paths(table: &mut Table<'_>, config: &mut Config) -> Result<(), ConfigError> {
    let flag = |value: &toml::Value| value.as_bool().ok_or_else(|| "it must be true or false".to_owned());
    table.take("firecracker_bin", &mut config.firecracker_bin, program)?;
    table.take("jailer_bin", &mut config.jailer_bin, program)?;
    table.take("jailer_enabled", &mut config.jailer_enabled, flag)?;
    table.take("qemu_bin", &mut config.qemu_bin, program)?;
    table.take("bridge_name", &mut config.bridge_name, |value| {
        let name = text(value)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        // IFNAMSIZ, with the zero at its end.
        if (1..16).contains(&name.len()) && name.bytes().all(is_plain) {
            Ok(name.to_owned())
        } else {
            Err("it must be 1 to 15 letters, digits, dashes, dots or underscores".to_owned())
        }
    })?;
    table.take("subnet", &mut config.subnet, |value| {
        let subnet = text(value)?;
        if subnet == "auto" || is_subnet(subnet) {
            Ok(subnet.to_owned())
        } else {
            Err("it must be auto, or like 172.30.0.0/16".to_owned())
        }
    })
}

fn is_subnet(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<std::net::Ipv4Addr>().is_ok()
            && bits.parse::<u8>().is_ok_and(|bits| (8..=30).contains(&bits))
    })
}

fn program(value: &toml::Value) -> Result<Option<PathBuf>, String> {
    match text(value)? {
        "auto" => Ok(None),
        path if path.starts_with('/') => Ok(Some(PathBuf::from(path))),
        _ => Err("it must be auto, or a path from the root".to_owned()),
    }
}

fn read_defaults(path: &Path, table: &mut Table<'_>, config: &mut Config) -> Result<(), ConfigError> {
    let Some(value) = table.take_raw("vm_defaults") else {
        return Ok(());
    };
    let toml::Value::Table(values) = value else {
        return Err(table.bad("vm_defaults", &value, "it must be a table: [vm_defaults]"));
    };
    let mut inner = Table::new(path, "vm_defaults.", values);
    inner.take("vcpu", &mut config.vcpu, |value| {
        let count = value.as_integer().and_then(|count| u8::try_from(count).ok());
        let count = count.and_then(|count| VcpuCount::try_from(count).ok());
        count.map(Some).ok_or_else(|| "it must be a number from 1 to 32".to_owned())
    })?;
    let base = VmSpec {
        vcpus: config.vcpus(false),
        memory: Size::from_gib(1),
        disk_size: Size::from_gib(1),
        system_overlay_size: Size::from_gib(1),
        nat: true,
        publish: vec![],
    };
    let checked = |value: &toml::Value, set: fn(&mut VmSpec, Size)| {
        let size = size(value)?;
        let mut spec = base.clone();
        set(&mut spec, size);
        spec.check().map(|()| size).map_err(|error| error.to_string())
    };
    inner.take("memory", &mut config.memory, |value| checked(value, |spec, size| spec.memory = size))?;
    inner.take("disk_size", &mut config.disk_size, |value| {
        checked(value, |spec, size| spec.disk_size = size)
    })?;
    inner.take("system_overlay_size", &mut config.system_overlay_size, |value| {
        checked(value, |spec, size| spec.system_overlay_size = size)
    })?;
    inner.finish()
}

fn read_files(
    path: &Path,
    home: &Path,
    table: &mut Table<'_>,
    config: &mut Config,
) -> Result<(), ConfigError> {
    let Some(value) = table.take_raw("file_sync") else {
        return Ok(());
    };
    let files = match &value {
        toml::Value::Array(files) if files.len() <= FILES_MAX => files,
        toml::Value::Array(_) => return Err(table.bad("file_sync", &value, "there may be 64 at most")),
        _ => return Err(table.bad("file_sync", &value, "it must be a list of tables: [[file_sync]]")),
    };
    let mut read = vec![];
    for file in files {
        let toml::Value::Table(values) = file else {
            return Err(table.bad("file_sync", file, "it must be a list of tables: [[file_sync]]"));
        };
        read.push(read_file(path, home, values.clone()).and_then(|file| {
            file.ok_or_else(|| table.bad("file_sync", &value, "host and guest must be in each"))
        })?);
    }
    config.file_sync = Sourced { value: read, source: path.display().to_string() };
    Ok(())
}

const MODE_DEFAULT: u32 = 0o600;

fn read_file(path: &Path, home: &Path, values: toml::Table) -> Result<Option<FileSync>, ConfigError> {
    let mut table = Table::new(path, "file_sync.", values);
    let (mut host, mut guest) = (Sourced::default(None), Sourced::default(None));
    let mut mode = Sourced::default(MODE_DEFAULT);
    table.take("host", &mut host, |value| match text(value)? {
        text if text.starts_with("~/") => Ok(Some(home.join(&text[2..]))),
        text if text.starts_with('/') => Ok(Some(PathBuf::from(text))),
        _ => Err("it must be a path from / or ~/".to_owned()),
    })?;
    table.take("guest", &mut guest, |value| match text(value)? {
        text if text.starts_with("~/") => Ok(Some(format!("/root/{}", &text[2..]))),
        text if text.starts_with('/') => Ok(Some(text.to_owned())),
        _ => Err("it must be a path from / or ~/".to_owned()),
    })?;
    table.take("mode", &mut mode, |value| {
        let mode = u32::from_str_radix(text(value)?, 8).ok().filter(|mode| *mode <= 0o7777);
        mode.ok_or_else(|| "it must be an octal number in quotes, such as \"0600\"".to_owned())
    })?;
    table.finish()?;
    let pair = host.value.zip(guest.value);
    Ok(pair.map(|(host, guest)| FileSync { host, guest, mode: mode.value }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostSize;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let host = HostSize { cores: 8, memory: Size::from_gib(16) };
        read(&path, Path::new("/home/u"), false, Config::defaults(host).unwrap())
    }

    #[test]
    fn a_whole_file_is_read_with_where_each_value_came_from() {
        let config = parse(
            r#"
            log_level = "debug"
            vmm = "qemu"
            accel = "emulated"
            qemu_bin = "/opt/qemu"
            default_image = "debian-small"
            default_kernel = "6.1.0-40-cloud-amd64"
            jailer_enabled = false
            firecracker_bin = "auto"
            jailer_bin = "/opt/jailer"
            bridge_name = "br0"
            subnet = "172.30.0.0/16"
            [vm_defaults]
            vcpu = 3
            memory = "1G"
            disk_size = 4096
            system_overlay_size = "2GiB"
            [[file_sync]]
            host = "~/.gitconfig"
            guest = "~/.gitconfig"
            mode = "0644"
            "#,
        )
        .unwrap();
        let settings = config.settings(true);
        assert!(settings.iter().all(|setting| setting.source.ends_with("config.toml")), "{settings:?}");
        let values: Vec<String> =
            settings.iter().map(|setting| format!("{}={}", setting.key, setting.value)).collect();
        insta::assert_snapshot!(values.join("\n"));
        let file =
            FileSync { host: "/home/u/.gitconfig".into(), guest: "/root/.gitconfig".to_owned(), mode: 0o644 };
        assert_eq!(config.file_sync(), [file]);
    }

    #[test]
    fn a_key_of_the_helpers_alone_is_no_mistake_in_the_systems_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "uid_base = 700000").unwrap();
        let defaults = || Config::defaults(HostSize { cores: 8, memory: Size::from_gib(16) }).unwrap();
        read(&path, Path::new("/"), true, defaults()).unwrap();
        read(&path, Path::new("/"), false, defaults()).unwrap_err();
    }

    #[test]
    fn no_file_and_an_empty_file_are_the_defaults() {
        let settings = parse("").unwrap().settings(false);
        assert!(settings.iter().all(|setting| setting.source == "default"));
        let values: Vec<String> =
            settings.iter().map(|setting| format!("{}={}", setting.key, setting.value)).collect();
        insta::assert_snapshot!(values.join("\n"));
    }

    #[test]
    fn every_class_of_mistake_has_its_message() {
        let mistakes = [
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
            "[[file_sync]]\nhost = \"/a\"\nguest = \"/a\"\nmode = \"9\"",
            "log_level = \"info\"\nlog_level = \"warn\"",
            "accel = kvm",
            "[vm_defaults",
        ];
        let told: Vec<String> = mistakes
            .iter()
            .map(|mistake| {
                let error = parse(mistake).unwrap_err();
                let text = crate::failure::chain(&error);
                let text = &text[text.find("config.toml").unwrap()..];
                format!(
                    "{}\n  {text}\n  hint: {}",
                    mistake.replace('\n', " / "),
                    error.hint().unwrap_or_default()
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
