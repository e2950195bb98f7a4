//! The kernels that are kept.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use host::file::disk_used;
use jiff::Timestamp;
use model::{Digest, KernelName};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    KernelError,
    closure::{Catalogue, load_order},
    gather::{Gathered, Modules, gather},
    initramfs, modules, pull,
    vmlinux::{is_bzimage, unwrap},
};
use crate::{
    Fault, Job, Reclaimed,
    fault::At,
    objects::{Objects, Partial, Record, file_names, remove_tree, sync_dir},
};

const VMLINUX: &str = "vmlinux";
const VMLINUZ: &str = "vmlinuz";
const MODULES_DISK: &str = "modules.ext4";
const BOOT_MODULES: &str = "boot-modules";
const INITRAMFS: &str = "initramfs";

/// What an initramfs of this release is like: another number makes it anew.
const INITRAMFS_FORM: u32 = 2;

/// What is written beside a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    schema: u32,
    release: String,
    digest: Digest,
    source: String,
    created_at: Timestamp,
    has_vmlinuz: bool,
    has_modules: bool,
    /// What the initramfs loads, by name, in order.
    boot_modules: Vec<String>,
}

impl Record for Stored {
    const FILE: &'static str = "kernel.json";
    const SCHEMA: u32 = 1;
}

/// A kernel with its modules, as it is kept. Its files do not change as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelRecord {
    /// Its name.
    pub name: KernelName,
    /// What it calls itself: `uname -r`.
    pub release: String,
    /// What it is, by content: kernel and modules.
    pub digest: Digest,
    /// Where it came from: a package with its version, or what the caller said.
    pub source: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The room that it takes on the host, in bytes.
    pub disk_used_bytes: u64,
    /// The ELF file, for Firecracker.
    pub vmlinux: PathBuf,
    /// The bzImage, for QEMU; none where it came as an ELF file, which QEMU boots too if it has a PVH note.
    pub vmlinuz: Option<PathBuf>,
    /// The disk for `/lib/modules/<release>`, an ext4 that is only read; none for a kernel without modules.
    pub modules_disk: Option<PathBuf>,
}

impl KernelRecord {
    /// The file that QEMU boots.
    #[must_use]
    pub fn for_qemu(&self) -> &Path {
        self.vmlinuz.as_ref().unwrap_or(&self.vmlinux)
    }
}

/// The kernels below one directory. Any number of processes may use one at once.
#[derive(Debug)]
pub struct KernelStore {
    objects: Objects<Stored>,
}

impl KernelStore {
    /// Opens the store in `dir`, and makes it where it is not there.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the directory cannot be made.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        let path = dir.join(INITRAMFS);
        fs::create_dir_all(&path).at("create", &path)?;
        Ok(Self { objects: Objects::open(dir)? })
    }

    /// Every kernel, in the order of the names.
    ///
    /// # Errors
    ///
    /// [`Fault`] where a record cannot be read.
    pub fn list(&self) -> Result<Vec<KernelRecord>, Fault> {
        let all = self.objects.list()?;
        Ok(all
            .into_iter()
            .filter_map(|(name, stored)| Some(self.record(name.parse().ok()?, stored)))
            .collect())
    }

    /// Finds a kernel by its name.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoSuchKernel`], or a [`Fault`] where its record cannot be read.
    pub fn get(&self, name: &KernelName) -> Result<KernelRecord, KernelError> {
        match self.objects.get(name.as_str())? {
            Some(stored) => Ok(self.record(name.clone(), stored)),
            None => Err(KernelError::NoSuchKernel { name: name.to_string() }),
        }
    }

    fn record(&self, name: KernelName, stored: Stored) -> KernelRecord {
        let dir = self.objects.object_dir(&stored.digest);
        let initramfs = self.initramfs_dir(&stored.digest);
        KernelRecord {
            name,
            release: stored.release,
            digest: stored.digest,
            source: stored.source,
            created_at: stored.created_at,
            disk_used_bytes: disk_used(&dir) + disk_used(&initramfs),
            vmlinux: dir.join(VMLINUX),
            vmlinuz: stored.has_vmlinuz.then(|| dir.join(VMLINUZ)),
            modules_disk: stored.has_modules.then(|| dir.join(MODULES_DISK)),
        }
    }

    /// Takes the newest cloud kernel of a suite (`bookworm` where none is named) from the distribution's
    /// archive, through the host's own sources, keys and proxies. Its name is its release unless given.
    ///
    /// # Errors
    ///
    /// [`KernelError`]; nothing was changed.
    pub fn pull(
        &self,
        suite: Option<&str>,
        name: Option<&KernelName>,
        job: &Job,
    ) -> Result<KernelRecord, KernelError> {
        let suite = suite.unwrap_or(pull::DEFAULT_SUITE);
        pull::check_suite(suite)?;
        let partial = self.objects.partial()?;
        let (_path, file) = pull::fetch(suite, partial.path(), job)?;
        let total = file.metadata().ok().map(|meta| meta.len());
        self.import_into(partial, name, job.watch(file, total), suite, job)
    }

    /// Takes a kernel from a stream: a Debian kernel package, a vmlinux or vmlinuz, or a tar of one of these
    /// with `lib/modules/<release>`, packed or not. Its name is its release unless given. `source` is
    /// recorded where the stream does not say where it comes from.
    ///
    /// # Errors
    ///
    /// [`KernelError`]; nothing was changed.
    pub fn import(
        &self,
        name: Option<&KernelName>,
        reader: impl Read,
        source: &str,
        job: &Job,
    ) -> Result<KernelRecord, KernelError> {
        let partial = self.objects.partial()?;
        self.import_into(partial, name, job.watch(reader, None), source, job)
    }

    /// Takes a kernel from a file, and its modules from the directory `lib/modules/<release>` if one is given.
    ///
    /// # Errors
    ///
    /// [`KernelError`]; nothing was changed.
    pub fn import_files(
        &self,
        name: Option<&KernelName>,
        kernel: &Path,
        modules: Option<&Path>,
        job: &Job,
    ) -> Result<KernelRecord, KernelError> {
        let source = format!("file {}", kernel.display());
        let Some(modules) = modules else {
            let file = fs::File::open(kernel).at("open", kernel)?;
            return self.import(name, file, &source, job);
        };
        let partial = self.objects.partial()?;
        let path = partial.path().join("input.tar");
        let file = fs::File::create_new(&path).at("create", &path)?;
        let bad = || KernelError::Bad { why: format!("{} does not end with its release", modules.display()) };
        let release = modules.file_name().ok_or_else(bad)?;
        let mut tar = tar::Builder::new(file);
        tar.follow_symlinks(false);
        tar.append_path_with_name(fs::canonicalize(kernel).at("open", kernel)?, "vmlinux")
            .at("read", kernel)?;
        tar.append_dir_all(Path::new("lib/modules").join(release), modules).at("read", modules)?;
        drop(tar.into_inner().at("write", &path)?);
        let file = fs::File::open(&path).at("open", &path)?;
        self.import_into(partial, name, job.watch(file, None), &source, job)
    }

    fn import_into(
        &self,
        partial: Partial,
        name: Option<&KernelName>,
        reader: impl Read,
        source: &str,
        job: &Job,
    ) -> Result<KernelRecord, KernelError> {
        job.stage("unpack the kernel");
        let gathered = gather(reader, partial.path()).map_err(|error| cancelled_first(error, job))?;
        let stored = make_object(gathered, &partial, source, job)?;
        job.check()?;
        let name = match name {
            Some(name) => name.clone(),
            None => name_of_release(&stored.release)?,
        };
        let _lock = self.objects.lock_name(name.as_str(), job)?;
        self.objects.publish(partial, name.as_str(), &stored.digest, &stored)?;
        self.get(&name)
    }

    /// Returns the initramfs of a kernel with `agent` as its `/init`, made where it is not there yet: as it is
    /// after the agent's binary has changed. `agent` must be a static program.
    ///
    /// # Errors
    ///
    /// [`KernelError`]; there is none then.
    pub fn initramfs(&self, name: &KernelName, agent: &Path) -> Result<PathBuf, KernelError> {
        let digest = self.objects.digest_of(name.as_str())?;
        let stored = digest.map(|digest| self.objects.read(&digest)).transpose()?.flatten();
        let stored = stored.ok_or_else(|| KernelError::NoSuchKernel { name: name.to_string() })?;
        let bytes = fs::read(agent).at("read", agent)?;
        let dir = self.initramfs_dir(&stored.digest);
        let own: [u8; 32] = Sha256::digest(&bytes).into();
        let path = dir.join(format!("{INITRAMFS_FORM}-{}.cpio", Digest::from_bytes(own).short()));
        if path.exists() {
            return Ok(path);
        }
        let boot_modules = self.objects.object_dir(&stored.digest).join(BOOT_MODULES);
        let mut files = vec![];
        for module in &stored.boot_modules {
            let path = boot_modules.join(format!("{module}.ko"));
            files.push((initramfs::module_path(module), fs::read(&path).at("read", &path)?));
        }
        let partial = self.objects.partial()?;
        let made = partial.path().join("initramfs");
        initramfs::write(&made, &bytes, &files)?;
        fs::create_dir_all(&dir).at("create", &dir)?;
        fs::rename(&made, &path).at("create", &path)?;
        sync_dir(&dir)?;
        Ok(path)
    }

    fn initramfs_dir(&self, digest: &Digest) -> PathBuf {
        self.objects.dir().join(INITRAMFS).join(digest.to_string())
    }

    /// Takes a kernel's name away, and its files where it has no other name. Whether a machine uses it is
    /// for the caller to know.
    ///
    /// # Errors
    ///
    /// [`KernelError::NoSuchKernel`], or a [`Fault`].
    pub fn delete(&self, name: &KernelName) -> Result<(), KernelError> {
        let digest = self.objects.digest_of(name.as_str())?;
        if !self.objects.delete(name.as_str())? {
            return Err(KernelError::NoSuchKernel { name: name.to_string() });
        }
        if let Some(digest) = digest.filter(|digest| !self.objects.object_dir(digest).exists()) {
            remove_tree(&self.initramfs_dir(&digest))?;
        }
        Ok(())
    }

    /// The directories in which a kernel lies: its own, and that of what is made for it.
    #[must_use]
    pub fn places(&self, digest: &Digest) -> [PathBuf; 2] {
        let made = self.objects.dir().join(INITRAMFS).join(digest.to_string());
        [self.objects.object_dir(digest), made]
    }

    /// Removes what killed processes left half made. Safe at any time.
    ///
    /// # Errors
    ///
    /// [`Fault`] at the first that could not be removed.
    pub fn sweep(&self) -> Result<Reclaimed, Fault> {
        self.objects.sweep()
    }

    /// Removes kernels that no name points to, except those in `keep`, and each initramfs that is not its
    /// kernel's newest. With `is_trial` it only says what it would remove.
    ///
    /// # Errors
    ///
    /// [`Fault`] at the first that could not be removed.
    pub fn prune(&self, keep: &BTreeSet<Digest>, is_trial: bool) -> Result<Reclaimed, Fault> {
        let mut reclaimed = self.objects.prune(keep, is_trial)?;
        let dir = self.objects.dir().join(INITRAMFS);
        for kernel in file_names(&dir)? {
            let path = dir.join(&kernel);
            let is_there = kernel.parse().is_ok_and(|digest| self.objects.object_dir(&digest).exists());
            let old = if is_there { all_but_newest(&path)? } else { vec![path] };
            for path in old {
                reclaimed.take(&path, format!("{} (made again when needed)", path.display()), is_trial)?;
            }
        }
        Ok(reclaimed)
    }

    /// The room that the store takes, in bytes.
    #[must_use]
    pub fn usage_bytes(&self) -> u64 {
        self.objects.usage_bytes()
    }
}

fn all_but_newest(dir: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut paths: Vec<PathBuf> = file_names(dir)?.into_iter().map(|name| dir.join(name)).collect();
    paths.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    paths.pop();
    Ok(paths)
}

/// Reading fails when a job is cancelled: then that is the cause, whatever the reader made of it.
fn cancelled_first(error: KernelError, job: &Job) -> KernelError {
    if job.is_cancelled() { Fault::Cancelled.into() } else { error }
}

/// `6.12.43+deb12-cloud-amd64` → `6.12.43-deb12-cloud-amd64`
fn name_of_release(release: &str) -> Result<KernelName, KernelError> {
    let plain = |letter: char| if matches!(letter, '+' | '~') { '-' } else { letter.to_ascii_lowercase() };
    let name: String = release.chars().map(plain).collect();
    name.parse()
        .map_err(|_| KernelError::Bad { why: format!("its release {release:?} makes no name; give one") })
}

fn make_object(
    gathered: Gathered,
    partial: &Partial,
    source: &str,
    job: &Job,
) -> Result<Stored, KernelError> {
    let object = partial.make_object()?;
    let has_vmlinuz = is_bzimage(&gathered.kernel);
    let write = |name: &str, bytes: &[u8]| {
        let path = object.join(name);
        fs::write(&path, bytes).at("write", &path)
    };
    let mut hash = Sha256::new();
    note(&mut hash, "kernel", &gathered.kernel);
    if has_vmlinuz {
        write(VMLINUZ, &gathered.kernel)?;
    }
    let unwrapped = unwrap(gathered.kernel)?;
    write(VMLINUX, &unwrapped.vmlinux)?;
    let release = unwrapped.release;
    let boot_modules = match gathered.modules {
        Some(mut modules) => {
            if modules.release != release {
                let why = format!("it is {release}, and its modules are for {}", modules.release);
                return Err(KernelError::Bad { why });
            }
            keep_modules(&mut modules, &object, partial, &mut hash, job)?
        }
        None => vec![],
    };
    Ok(Stored {
        schema: Stored::SCHEMA,
        has_modules: object.join(MODULES_DISK).exists(),
        release,
        digest: Digest::from_bytes(hash.finalize().into()),
        source: gathered.package.unwrap_or_else(|| source.to_owned()),
        created_at: Timestamp::now(),
        has_vmlinuz,
        boot_modules,
    })
}

fn note(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    hash.update(format!("{name} {}\n", bytes.len()));
    hash.update(bytes);
}

fn keep_modules(
    modules: &mut Modules,
    object: &Path,
    partial: &Partial,
    hash: &mut Sha256,
    job: &Job,
) -> Result<Vec<String>, KernelError> {
    for path in modules::paths(modules) {
        let whole = modules.tree.dir().join(&path);
        note(hash, &path.to_string_lossy(), &fs::read(&whole).at("read", &whole)?);
    }
    let catalogue: Catalogue = modules::catalogue(modules)?;
    let order = load_order(&catalogue, &modules.release)?;
    let dir = object.join(BOOT_MODULES);
    fs::create_dir(&dir).at("create", &dir)?;
    for name in &order {
        let path = dir.join(format!("{name}.ko"));
        fs::write(&path, modules::read(modules, name)?).at("write", &path)?;
    }
    if !catalogue.modules.is_empty() {
        job.stage("make the disk of the modules");
        modules::index(modules, &catalogue, partial.path(), job)?;
        modules::make_disk(modules, &object.join(MODULES_DISK), partial.path(), job)?;
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
