//! From the text of a file to what it sets.

use std::path::{Path, PathBuf};

use model::{Size, TimeLimit, VcpuCount, VmSpec};

use crate::{
    AccelChoice, AutoStop, ConfigError, OrAuto, Settings, VmmChoice, Whose, file_sync,
    settings::STALE_AFTER_MIN,
    table::{Table, one_of, parsed, size, text},
};

/// Reads the text of the file at `path`. `home` is what `~` stands for.
///
/// # Errors
///
/// The first [`ConfigError`] found; the file counts for nothing then.
pub fn parse(path: &Path, whose: &Whose, home: &Path, written: &str) -> Result<Settings, ConfigError> {
    let values: toml::Table = written.parse().map_err(|error| not_toml(path, written, &error))?;
    let mut table = Table::new(path, "", whose, values);
    let mut settings = Settings::default();
    read_daemons(&mut table, whose, &mut settings)?;
    read_roots(&mut table, &mut settings)?;
    settings.default_image = table.take("default_image", parsed)?;
    settings.default_kernel = table.take("default_kernel", parsed)?;
    if let Some(value) = table.take_raw("vm_defaults")? {
        let toml::Value::Table(values) = value else {
            return Err(table.bad("vm_defaults", &value, "it must be a table: [vm_defaults]"));
        };
        read_defaults(Table::new(path, "vm_defaults.", whose, values), &mut settings)?;
    }
    if let Some(value) = table.take_raw("file_sync")? {
        settings.file_sync = Some(file_sync::read(path, whose, home, &table, &value)?);
    }
    table.finish()?;
    Ok(settings)
}

fn not_toml(path: &Path, written: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start).min(written.len());
    let line = written.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    ConfigError::NotToml { path: path.to_owned(), line, why: error.message().replace('\n', ", ") }
}

fn read_daemons(table: &mut Table<'_>, whose: &Whose, settings: &mut Settings) -> Result<(), ConfigError> {
    let levels = ["error", "warn", "info", "debug", "trace"].map(|word| (word, word));
    settings.log_level = table.take("log_level", |value| one_of(value, &levels))?;
    settings.vmm = table.take("vmm", |value| match text(value)? {
        "firecracker" if *whose == Whose::User => Err("firecracker needs the system mode".to_owned()),
        _ => one_of(value, &VmmChoice::ALL.map(|vmm| (vmm.as_str(), vmm))),
    })?;
    settings.accel =
        table.take("accel", |value| one_of(value, &AccelChoice::ALL.map(|accel| (accel.as_str(), accel))))?;
    settings.auto_stop_stale_after = table.take("auto_stop_stale_after", |value| match text(value)? {
        "off" => Ok(AutoStop::Off),
        _ => match parsed::<TimeLimit>(value).map_err(|why| format!("{why}, or off"))? {
            after if after.duration() < STALE_AFTER_MIN => {
                Err(format!("it must be at least {} seconds, or off", STALE_AFTER_MIN.as_secs()))
            }
            after => Ok(AutoStop::After(after)),
        },
    })?;
    Ok(())
}

fn read_roots(table: &mut Table<'_>, settings: &mut Settings) -> Result<(), ConfigError> {
    let flag = |value: &toml::Value| value.as_bool().ok_or_else(|| "it must be true or false".to_owned());
    settings.firecracker_bin = table.take("firecracker_bin", program)?;
    settings.jailer_bin = table.take("jailer_bin", program)?;
    settings.jailer_enabled = table.take("jailer_enabled", flag)?;
    settings.qemu_bin = table.take("qemu_bin", program)?;
    settings.bridge_name = table.take("bridge_name", parsed)?;
    settings.subnet = table.take("subnet", parsed)?;
    settings.uid_base = table.take("uid_base", |value| {
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| "it must be a user's number".to_owned())
    })?;
    Ok(())
}

fn program(value: &toml::Value) -> Result<OrAuto<PathBuf>, String> {
    match text(value)? {
        "auto" => Ok(OrAuto::Auto),
        path if path.starts_with('/') => Ok(OrAuto::Is(PathBuf::from(path))),
        _ => Err("it must be auto, or a path from the root".to_owned()),
    }
}

fn read_defaults(mut table: Table<'_>, settings: &mut Settings) -> Result<(), ConfigError> {
    settings.vcpu = table.take("vcpu", |value| {
        let count = value.as_integer().and_then(|count| u8::try_from(count).ok());
        let count = count.and_then(|count| VcpuCount::try_from(count).ok());
        count.ok_or_else(|| "it must be a number from 1 to 32".to_owned())
    })?;
    settings.memory = table.take("memory", |value| checked(value, |spec, size| spec.memory = size))?;
    settings.disk_size =
        table.take("disk_size", |value| checked(value, |spec, size| spec.disk_size = size))?;
    settings.system_overlay_size = table
        .take("system_overlay_size", |value| checked(value, |spec, size| spec.system_overlay_size = size))?;
    table.finish()
}

/// Reads an amount that a machine, else of amounts that are always allowed, may have.
fn checked(value: &toml::Value, set: fn(&mut VmSpec, Size)) -> Result<Size, String> {
    let size = size(value)?;
    let gib = Size::from_gib(1);
    let mut spec = VmSpec {
        vcpus: VcpuCount::ONE,
        memory: gib,
        disk_size: gib,
        system_overlay_size: gib,
        nat: true,
        publish: vec![],
    };
    set(&mut spec, size);
    spec.check().map(|()| size).map_err(|error| error.to_string())
}
