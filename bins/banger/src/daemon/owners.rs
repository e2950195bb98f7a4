//! The owner's own configuration beside a system install: what machines are made of.
//!
//! The daemon opens none of the owner's files, so this program reads it, and asks for what it says. What root or
//! the daemon acts on stands in root's file alone, and is refused here: nobody is to believe that it has an effect.

use std::path::PathBuf;

use api::{DoctorDefaults, Info, Setting, VmCreate};
use config::{DEFAULT, FILE_BYTES_MAX, FILE_NAME, FileSync, KEYS, Settings, Whose};
use host::dirs::{Dirs, Environment, Mode, SystemPaths};

use super::paths::{mode, uid};
use crate::fault::{Doing as _, Explain, Fault};

impl Explain for config::ConfigError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {self}"));
        Fault { hint: self.hint(), ..fault }
    }
}

/// What the owner's file sets: nothing where this is no system install, somebody else runs this, or there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    path: PathBuf,
    set: Settings,
}

impl Owners {
    /// Reads the owner's file, where the owner of a system install runs this.
    ///
    /// # Errors
    ///
    /// It cannot be read, or says what it should not.
    pub(crate) fn read(doing: &str) -> Result<Self, Fault> {
        match mode(doing)? {
            Mode::System { record } if record.owner_uid == uid() => {}
            Mode::System { .. } | Mode::Embedded { .. } => return Ok(Self::default()),
        }
        let environment = Environment::of_this_process();
        let path = Dirs::embedded(&environment).doing(doing)?.config().join(FILE_NAME);
        let text = host::file::read_text(&path, FILE_BYTES_MAX).map_err(|error| {
            error
                .explain(&format!("{doing}: read {}", path.display()))
                .hint("Check that it is a file of text that you may read.")
        })?;
        let Some(text) = text else { return Ok(Self::default()) };
        let whose = Whose::Owner { roots: SystemPaths::of_this_host().config().join(FILE_NAME) };
        let home = PathBuf::from(environment.home.unwrap_or_default());
        let set = config::parse(&path, &whose, &home, &text).doing(doing)?;
        Ok(Self { path, set })
    }

    /// Fills in what was not asked for.
    pub(crate) fn fill(&self, asked: VmCreate) -> VmCreate {
        let Settings { default_image, default_kernel, vcpu, memory, disk_size, system_overlay_size, .. } =
            &self.set;
        VmCreate {
            image: asked.image.or_else(|| default_image.clone()),
            kernel: asked.kernel.or_else(|| default_kernel.clone()),
            vcpus: asked.vcpus.or(*vcpu),
            memory: asked.memory.or(*memory),
            disk_size: asked.disk_size.or(*disk_size),
            system_overlay_size: asked.system_overlay_size.or(*system_overlay_size),
            ..asked
        }
    }

    /// Says what the daemon says, with what the owner's machines get instead.
    pub(crate) fn over(&self, mut info: Info) -> Info {
        let asked = self.fill(VmCreate::default());
        info.default_image = asked.image.map_or(info.default_image, |image| image.to_string());
        info.default_kernel = asked.kernel.map(|kernel| kernel.to_string()).or(info.default_kernel);
        let spec = &mut info.vm_defaults;
        spec.vcpus = asked.vcpus.unwrap_or(spec.vcpus);
        spec.memory = asked.memory.unwrap_or(spec.memory);
        spec.disk_size = asked.disk_size.unwrap_or(spec.disk_size);
        spec.system_overlay_size = asked.system_overlay_size.unwrap_or(spec.system_overlay_size);
        for key in KEYS.iter().map(|key| key.name) {
            if let Some(value) = self.set.shown(key) {
                let mine = Setting { key: key.to_owned(), value, source: self.path.display().to_string() };
                self.show(&mut info.settings, mine);
            }
        }
        info
    }

    fn show(&self, settings: &mut Vec<Setting>, mine: Setting) {
        match settings.iter_mut().find(|setting| setting.key == mine.key) {
            // Machines get the files of both.
            Some(theirs) if mine.key == "file_sync" && theirs.source != DEFAULT => {
                if !self.files().is_empty() {
                    theirs.value = format!("{}, {}", theirs.value, mine.value);
                    theirs.source = format!("{}, {}", theirs.source, mine.source);
                }
            }
            Some(theirs) => *theirs = mine,
            None => settings.push(mine),
        }
    }

    /// What `doctor` is to look for in the place of the daemon's own defaults.
    pub(crate) fn looked_for(&self) -> DoctorDefaults {
        DoctorDefaults { image: self.set.default_image.clone(), kernel: self.set.default_kernel.clone() }
    }

    /// The files that each machine gets.
    pub(crate) fn files(&self) -> &[FileSync] {
        self.set.file_sync.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn owners(text: &str) -> Owners {
        let whose = Whose::Owner { roots: "/etc/banger/config.toml".into() };
        let path = PathBuf::from("/home/u/config.toml");
        Owners { set: config::parse(&path, &whose, Path::new("/home/u"), text).unwrap(), path }
    }

    /// What a daemon says whose own file names a kernel and a file.
    fn info() -> Info {
        let setting = |key: &str, value: &str, source: &str| serde_json::json!({ "key": key, "value": value, "source": source });
        let roots = "/etc/banger/config.toml";
        serde_json::from_value(serde_json::json!({
            "version": "v1", "commit": "c", "mode": "system", "pid": 1, "started_at": "2026-01-01T00:00:00Z",
            "ready_at": null, "monitor": "m", "accel": "kvm", "accel_why": "", "disk_method": "copy",
            "network": "bridge", "default_image": "debian-bookworm", "default_kernel": "roots",
            "vm_defaults": {
                "vcpus": 2, "memory": 1024, "disk_size": 1024, "system_overlay_size": 1024, "nat": true,
                "publish": [],
            },
            "paths": [], "vms_running": 0, "vms": 0,
            "settings": [
                setting("log_level", "info", "default"),
                setting("default_image", "debian-bookworm", "default"),
                setting("default_kernel", "roots", roots),
                setting("vm_defaults.memory", "1K", "default"),
                setting("file_sync", "/etc/motd", roots),
            ],
        }))
        .unwrap()
    }

    const FILE: &str = r#"
        default_image = "tiny"
        [vm_defaults]
        memory = "4G"
        [[file_sync]]
        host = "~/.gitconfig"
        guest = "~/.gitconfig"
    "#;

    #[test]
    fn what_was_not_asked_for_is_the_owners() {
        let asked = VmCreate { memory: Some(model::Size::from_gib(1)), ..VmCreate::default() };
        let filled = owners(FILE).fill(asked.clone());
        assert_eq!(filled, VmCreate { image: Some("tiny".parse().unwrap()), ..asked });
        assert_eq!(owners(FILE).fill(VmCreate::default()).memory, Some(model::Size::from_gib(4)));
        assert_eq!(Owners::default().fill(VmCreate::default()), VmCreate::default());
    }

    #[test]
    fn the_owners_file_is_told_over_roots_key_by_key() {
        let info = owners(FILE).over(info());
        assert_eq!((info.default_image.as_str(), info.default_kernel.as_deref()), ("tiny", Some("roots")));
        assert_eq!(info.vm_defaults.memory, model::Size::from_gib(4));
        let lines = info.settings.iter().map(|it| format!("{} = {} ({})", it.key, it.value, it.source));
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn an_empty_list_of_files_takes_nothing_from_roots() {
        let info = owners("file_sync = []").over(info());
        assert_eq!(info.settings.last().unwrap().value, "/etc/motd");
    }
}
