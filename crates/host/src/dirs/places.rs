//! The directories of one banger, embedded or installed.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, Metadata},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use model::{InstallRecord, VmId};

use super::{DirsError, Environment, SystemPaths};

const NAME: &str = "banger";
/// Bits that let anyone but the owner in.
const OTHERS: u32 = 0o077;
/// Bits that let anyone but the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Where one banger keeps its things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    uid: u32,
    state: PathBuf,
    library: PathBuf,
    cache: PathBuf,
    config: PathBuf,
    runtime: PathBuf,
    /// Where the machines' sockets are, if not in the machines' directories: a system install's.
    links: Option<PathBuf>,
    update: PathBuf,
    trial: PathBuf,
}

impl Dirs {
    /// Finds the directories of embedded mode. Makes none; [`Dirs::ensure`] does.
    ///
    /// The same environment gives the command-line tool and the daemon the same directories. A runtime
    /// directory that is not there, or is another's, as after `su`, counts as unset.
    ///
    /// # Errors
    ///
    /// [`DirsError::NoHome`] where a directory would lie below it.
    pub fn embedded(environment: &Environment) -> Result<Self, DirsError> {
        let absolute =
            |path: &Option<OsString>| path.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute(&environment.home);
        let below = |set: &Option<OsString>, default: &str| -> Result<PathBuf, DirsError> {
            let base = absolute(set).or_else(|| home.as_ref().map(|home| home.join(default)));
            Ok(base.ok_or(DirsError::NoHome)?.join(NAME))
        };
        let uid = environment.uid;
        let is_ours = |dir: &PathBuf| fs::metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid);
        let runtime = absolute(&environment.runtime_dir).filter(is_ours).map(|dir| dir.join(NAME));
        let state = below(&environment.state_home, ".local/state")?;
        let update = state.join("update");
        Ok(Self {
            uid,
            trial: update.join("trial"),
            update,
            state,
            library: below(&environment.data_home, ".local/share")?,
            cache: below(&environment.cache_home, ".cache")?,
            config: below(&environment.config_home, ".config")?,
            runtime: runtime.unwrap_or_else(|| format!("/tmp/{NAME}-{uid}").into()),
            links: None,
        })
    }

    /// The directories of a system install. They are made by the installation and by systemd;
    /// [`Dirs::ensure`] only checks them.
    #[must_use]
    pub fn system(paths: &SystemPaths, record: &InstallRecord) -> Self {
        Self {
            uid: record.owner_uid,
            state: paths.state(),
            library: paths.library(),
            cache: paths.cache(),
            config: paths.config(),
            runtime: paths.runtime(),
            links: Some(paths.links()),
            update: paths.update(),
            trial: paths.trial(),
        }
    }

    /// Whether they are a system install's.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.links.is_some()
    }

    /// Makes state, cache and runtime directory where they are not there, mode 0700, and checks them. Those
    /// of a system install are only checked.
    ///
    /// State and cache may be links to a directory on a larger disk; the runtime directory may lie where
    /// others can make links, so it must be none. Ensuring twice is ensuring once.
    ///
    /// # Errors
    ///
    /// The first of the [`DirsError`]s that is met; what was made before stays.
    pub fn ensure(&self) -> Result<(), DirsError> {
        self.ensure_runtime()?;
        self.make(&self.state)?;
        check(&self.state, &look(fs::metadata(&self.state), &self.state)?, self.uid, OTHERS)?;
        self.make(&self.cache)?;
        check(&self.cache, &look(fs::metadata(&self.cache), &self.cache)?, self.uid, OTHERS_WRITE)
    }

    /// As [`Dirs::ensure`], for the runtime directory alone: what a client needs before it trusts a socket.
    ///
    /// # Errors
    ///
    /// As [`Dirs::ensure`].
    pub fn ensure_runtime(&self) -> Result<(), DirsError> {
        self.make(&self.runtime)?;
        self.check_runtime_as(fs::symlink_metadata(&self.runtime))
    }

    /// Checks the runtime directory and makes none. Returns whether it is there.
    ///
    /// # Errors
    ///
    /// As [`Dirs::ensure`].
    pub fn check_runtime(&self) -> Result<bool, DirsError> {
        match fs::symlink_metadata(&self.runtime) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => self.check_runtime_as(found).map(|()| true),
        }
    }

    fn make(&self, dir: &Path) -> Result<(), DirsError> {
        if self.is_system() { Ok(()) } else { make(dir) }
    }

    /// The runtime directory of a system install is root's, and its socket has a mode of its own.
    fn check_runtime_as(&self, found: io::Result<Metadata>) -> Result<(), DirsError> {
        let found = look(found, &self.runtime)?;
        if self.is_system() && found.uid() == 0 {
            check(&self.runtime, &found, 0, OTHERS_WRITE)
        } else if self.is_system() {
            check(&self.runtime, &found, self.uid, OTHERS_WRITE)
        } else {
            check(&self.runtime, &found, self.uid, OTHERS)
        }
    }

    /// The state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where releases lie, and the link to the one that counts. It may not be there.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The cache directory.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The configuration directory. It may not be there.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The runtime directory.
    #[must_use]
    pub fn runtime(&self) -> &Path {
        &self.runtime
    }

    /// The name of the daemon's socket in the runtime directory.
    #[must_use]
    pub fn socket_name(&self) -> &'static str {
        "bangerd.sock"
    }

    /// The daemon's socket, for showing; [`crate::sockets`] takes directory and name.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime.join(self.socket_name())
    }

    /// The updater's own: its journal, lock, history and list of bad releases. It may not be there.
    #[must_use]
    pub fn update(&self) -> &Path {
        &self.update
    }

    /// The trial marker: while it is there, a daemon that starts is on trial.
    #[must_use]
    pub fn trial(&self) -> &Path {
        &self.trial
    }

    /// The user's private key of SSH, which every machine lets in.
    #[must_use]
    pub fn ssh_key(&self) -> PathBuf {
        self.state.join("ssh").join("id_ed25519")
    }

    /// The directory of all machines.
    #[must_use]
    pub fn vms(&self) -> PathBuf {
        self.state.join("vms")
    }

    /// The directory of one machine.
    #[must_use]
    pub fn vm(&self, id: &VmId) -> PathBuf {
        self.vms().join(id.as_str())
    }

    /// The directory of one machine's link: its socket, and what it says of itself.
    #[must_use]
    pub fn link_dir(&self, id: &VmId) -> PathBuf {
        self.links.as_ref().map_or_else(|| self.vm(id), |links| links.join(id.as_str()))
    }
}

fn make(dir: &Path) -> Result<(), DirsError> {
    let unusable = |source| DirsError::Unusable { dir: dir.to_owned(), source };
    if let Some(parent) = dir.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(unusable)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unusable(error)),
        _ => Ok(()),
    }
}

fn look(found: io::Result<Metadata>, dir: &Path) -> Result<Metadata, DirsError> {
    found.map_err(|source| DirsError::Unusable { dir: dir.to_owned(), source })
}

fn check(dir: &Path, found: &Metadata, uid: u32, forbidden: u32) -> Result<(), DirsError> {
    let dir = dir.to_owned();
    let mode = found.mode() & 0o7777;
    if found.is_symlink() {
        Err(DirsError::NotADirectory { dir, kind: "a link" })
    } else if !found.is_dir() {
        Err(DirsError::NotADirectory { dir, kind: "no directory" })
    } else if found.uid() != uid {
        Err(DirsError::NotOurs { dir, owner: found.uid(), uid })
    } else if mode & forbidden != 0 {
        Err(DirsError::OpenToOthers { dir, mode })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use model::Class;

    use super::*;

    fn environment(home: &Path) -> Environment {
        Environment {
            uid: rustix::process::geteuid().as_raw(),
            home: Some(home.into()),
            runtime_dir: Some(home.into()),
            ..Environment::default()
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_the_environment_says_and_what_it_leaves_open() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        let plain = Dirs::embedded(&environment(home.path())).unwrap();
        assert_eq!(plain.state(), at(".local/state/banger"));
        assert_eq!(plain.library(), at(".local/share/banger"));
        assert_eq!(plain.cache(), at(".cache/banger"));
        assert_eq!(plain.config(), at(".config/banger"));
        assert_eq!(plain.socket(), at("banger/bangerd.sock"));
        let id: VmId = "000102fdfeff".parse().unwrap();
        assert_eq!(plain.vm(&id), at(".local/state/banger/vms/000102fdfeff"));
        assert_eq!(plain.link_dir(&id), plain.vm(&id));
        assert_eq!(plain.trial(), at(".local/state/banger/update/trial"));
        assert!(!plain.is_system());

        let set = Environment { state_home: Some("/srv/state".into()), ..environment(home.path()) };
        assert_eq!(Dirs::embedded(&set).unwrap().state(), Path::new("/srv/state/banger"));
        let relative = Environment { state_home: Some("state".into()), ..environment(home.path()) };
        assert_eq!(Dirs::embedded(&relative).unwrap().state(), at(".local/state/banger"));
        let nowhere = Environment { home: None, ..environment(home.path()) };
        assert!(matches!(Dirs::embedded(&nowhere), Err(DirsError::NoHome)));
    }

    #[test]
    fn a_runtime_directory_that_is_not_there_or_anothers_counts_as_unset() {
        let home = tempfile::tempdir().unwrap();
        let me = environment(home.path());
        let fallback = PathBuf::from(format!("/tmp/banger-{}", me.uid));
        let runtime = |environment: &Environment| Dirs::embedded(environment).unwrap().runtime().to_owned();
        assert_eq!(runtime(&Environment { runtime_dir: None, ..me.clone() }), fallback);
        assert_eq!(runtime(&Environment { runtime_dir: Some("run".into()), ..me.clone() }), fallback);
        let missing = Some(home.path().join("missing").into());
        assert_eq!(runtime(&Environment { runtime_dir: missing, ..me.clone() }), fallback);
        let another = Environment { uid: me.uid + 1, ..me };
        assert_eq!(runtime(&another), Path::new(&format!("/tmp/banger-{}", another.uid)));
    }

    #[test]
    fn directories_are_made_for_the_owner_alone_and_ensuring_twice_is_ensuring_once() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::embedded(&environment(home.path())).unwrap();
        assert!(!dirs.check_runtime().unwrap());
        dirs.ensure().unwrap();
        dirs.ensure().unwrap();
        assert!(dirs.check_runtime().unwrap());
        for dir in [dirs.state(), dirs.cache(), dirs.runtime()] {
            assert_eq!(mode(dir), 0o700, "{}", dir.display());
        }
        assert!(!dirs.config().exists());
    }

    #[test]
    fn a_runtime_directory_that_is_not_ours_alone_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::embedded(&environment(home.path())).unwrap();
        let runtime = dirs.runtime().to_owned();
        let refused = |what: &str| {
            for error in [dirs.ensure().unwrap_err(), dirs.check_runtime().unwrap_err()] {
                assert_eq!(error.class(), Class::Refused, "{error}");
                assert!(error.to_string().contains(what), "{error}");
                assert!(error.hint().is_some());
            }
        };
        symlink(home.path(), &runtime).unwrap();
        refused("is a link");
        fs::remove_file(&runtime).unwrap();

        fs::write(&runtime, "").unwrap();
        refused("is no directory");
        fs::remove_file(&runtime).unwrap();

        fs::create_dir(&runtime).unwrap();
        for mode in [0o710, 0o705, 0o1777] {
            set_mode(&runtime, mode);
            refused("is open to others");
        }
        set_mode(&runtime, 0o700);
        dirs.ensure().unwrap();

        let another = Dirs { uid: dirs.uid + 1, ..dirs.clone() };
        let error = another.check_runtime().unwrap_err();
        assert!(matches!(error, DirsError::NotOurs { .. }), "{error}");
        assert_eq!(error.class(), Class::Refused);
    }

    #[test]
    fn the_state_directory_may_be_a_link_and_must_be_closed() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::embedded(&environment(home.path())).unwrap();
        let large_disk = home.path().join("large-disk");
        fs::create_dir(&large_disk).unwrap();
        set_mode(&large_disk, 0o755);
        fs::create_dir_all(dirs.state().parent().unwrap()).unwrap();
        symlink(&large_disk, dirs.state()).unwrap();
        let error = dirs.ensure().unwrap_err();
        assert!(matches!(error, DirsError::OpenToOthers { .. }), "{error}");
        set_mode(&large_disk, 0o700);
        dirs.ensure().unwrap();
    }
    #[test]
    fn those_of_a_system_install_are_checked_and_not_made() {
        let root = tempfile::tempdir().unwrap();
        let paths = SystemPaths::below(root.path());
        let record = InstallRecord {
            owner_user: "ann".to_owned(),
            owner_uid: rustix::process::geteuid().as_raw(),
            owner_gid: 1000,
            owner_home: "/home/ann".into(),
            version: "v1.2.3".parse().unwrap(),
            commit: "unknown".to_owned(),
            built_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            installed_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        let dirs = Dirs::system(&paths, &record);
        let id: VmId = "000102fdfeff".parse().unwrap();
        assert!(dirs.is_system());
        assert_eq!(dirs.vm(&id), root.path().join("var/lib/banger/vms/000102fdfeff"));
        assert_eq!(dirs.link_dir(&id), root.path().join("run/banger-vm/000102fdfeff"));
        assert_eq!(dirs.update(), root.path().join("var/lib/banger-root/update"));
        assert_eq!(dirs.trial(), root.path().join("run/banger-root/trial"));
        assert_eq!(dirs.socket(), root.path().join("run/banger/bangerd.sock"));

        assert!(!dirs.check_runtime().unwrap());
        assert!(matches!(dirs.ensure().unwrap_err(), DirsError::Unusable { .. }));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        for (dir, mode) in [(dirs.runtime(), 0o755), (dirs.state(), 0o700), (dirs.cache(), 0o755)] {
            fs::create_dir_all(dir).unwrap();
            set_mode(dir, mode);
        }
        dirs.ensure().unwrap();
        set_mode(dirs.runtime(), 0o775);
        assert!(matches!(dirs.check_runtime().unwrap_err(), DirsError::OpenToOthers { .. }));
    }
}
