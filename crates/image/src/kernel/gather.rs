//! Finds a kernel and its modules in what is imported, whichever form it comes in.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use super::{
    KernelError, deb, modinfo,
    vmlinux::{self, KERNEL_BYTES_MAX},
};
use crate::{
    decompress::{Packing, buffered, peek, unpacked},
    ext4::{Kind, Meta, Tree},
    fault::{At, readable},
};

const MODULE_BYTES_MAX: u64 = 256 << 20;
const ENTRIES_MAX: usize = 200_000;

/// What was found.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The kernel as it came.
    pub(super) kernel: Vec<u8>,
    /// The modules, unpacked, with the lists that came with them.
    pub(super) modules: Option<Modules>,
    /// What it came from: a package with its version.
    pub(super) package: Option<String>,
}

/// The modules of one release.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) release: String,
    pub(super) tree: Tree,
}

/// Reads a Debian package, a kernel, or a tar of one with its modules. `scratch` is a directory.
pub(super) fn gather(reader: impl Read, scratch: &Path) -> Result<Gathered, KernelError> {
    let input = |source| KernelError::Fault(crate::Fault::Input { source });
    let (head, reader) = peek(buffered(reader), 1024).map_err(input)?;
    if head.is_empty() {
        return Err(KernelError::Empty);
    }
    if head.starts_with(deb::MAGIC) {
        return gather_package(reader, scratch);
    }
    if vmlinux::is_elf(&head) || vmlinux::is_bzimage(&head) {
        return Ok(Gathered { kernel: read_kernel(reader)?, modules: None, package: None });
    }
    let is_packed = Packing::of(&head) != Packing::Plain;
    let unpacked = unpacked(reader).map_err(|_| not_a_kernel(&head))?;
    let (inner, reader) = peek(buffered(unpacked), 1024).map_err(|error| truncated(Some(error)))?;
    if crate::magic::is_tar(&inner) {
        let mut gatherer = Gatherer::new(scratch);
        gatherer.read_tar(reader)?;
        return gatherer.finish("the archive");
    }
    if is_packed && (vmlinux::is_elf(&inner) || vmlinux::is_bzimage(&inner)) {
        return Ok(Gathered { kernel: read_kernel(reader)?, modules: None, package: None });
    }
    Err(not_a_kernel(&inner))
}

fn not_a_kernel(head: &[u8]) -> KernelError {
    KernelError::NotAKernel { found: crate::magic::describe(head) }
}

fn truncated(source: Option<io::Error>) -> KernelError {
    KernelError::Truncated { what: "the archive", source: source.and_then(readable) }
}

fn gather_package(reader: impl Read, scratch: &Path) -> Result<Gathered, KernelError> {
    let (control, gatherer) = deb::read(reader, |_, data| {
        let mut gatherer = Gatherer::new(scratch);
        gatherer.read_tar(data)?;
        Ok(gatherer)
    })?;
    let package = format!("{} {}", control.package, control.version);
    let found = gatherer.finish(&package)?;
    Ok(Gathered { package: Some(package), ..found })
}

fn read_kernel(reader: impl Read) -> Result<Vec<u8>, KernelError> {
    let mut bytes = vec![];
    let limit = KERNEL_BYTES_MAX as u64 + 1;
    reader.take(limit).read_to_end(&mut bytes).map_err(|error| truncated(Some(error)))?;
    if bytes.len() > KERNEL_BYTES_MAX {
        return Err(KernelError::Bad { why: "it is larger than 512 MiB".to_owned() });
    }
    Ok(bytes)
}

#[derive(Debug)]
struct Gatherer<'a> {
    scratch: &'a Path,
    kernel: Option<Vec<u8>>,
    modules: Option<Modules>,
}

/// Where an entry of an archive belongs.
enum Role {
    Kernel,
    /// A file of a release, by its path below `lib/modules/<release>`.
    OfModules(String, PathBuf),
}

impl<'a> Gatherer<'a> {
    fn new(scratch: &'a Path) -> Self {
        Self { scratch, kernel: None, modules: None }
    }

    fn read_tar(&mut self, reader: impl Read) -> Result<(), KernelError> {
        let mut end = EndWatch { inner: reader, is_at_end: false };
        let mut archive = tar::Archive::new(&mut end);
        let entries = archive.entries().map_err(|error| truncated(Some(error)))?;
        for (count, entry) in entries.enumerate() {
            let mut entry = entry.map_err(|error| truncated(Some(error)))?;
            if count >= ENTRIES_MAX {
                return Err(KernelError::Bad { why: "the archive has too many entries".to_owned() });
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path().map_err(|error| truncated(Some(error)))?.into_owned();
            match role(&path) {
                Some(Role::Kernel) if self.kernel.is_some() => {
                    return Err(KernelError::Bad { why: "the archive holds more than one".to_owned() });
                }
                Some(Role::Kernel) => self.kernel = Some(read_kernel(&mut entry)?),
                Some(Role::OfModules(release, path)) => self.add(&release, &path, &mut entry)?,
                None => {}
            }
        }
        // A whole archive ends with blocks of zeros, before the stream does.
        if end.is_at_end { Err(truncated(None)) } else { Ok(()) }
    }

    fn add(&mut self, release: &str, path: &Path, contents: &mut impl Read) -> Result<(), KernelError> {
        if self.modules.is_none() {
            let parent = self.scratch.join("base/lib/modules");
            fs::create_dir_all(&parent).at("create", &parent)?;
            let tree = Tree::new(&parent.join(release))?;
            self.modules = Some(Modules { release: release.to_owned(), tree });
        }
        let Some(modules) = &mut self.modules else { return Ok(()) };
        if modules.release != release {
            let why = format!("the archive holds modules of {} and of {release}", modules.release);
            return Err(KernelError::Bad { why });
        }
        let bytes = read_module(path, contents)?;
        let path = unpacked_name(path);
        if path.extension().is_some_and(|end| end == "ko") && modinfo::ModInfo::read(&bytes).is_none() {
            return Err(KernelError::Bad { why: format!("{} is no module", path.display()) });
        }
        let meta = Meta::root(Kind::File, 0o644);
        modules
            .tree
            .add_file(&path, meta, &mut &bytes[..])
            .map_err(|error| KernelError::of_entry(&path, error))
    }

    fn finish(self, package: &str) -> Result<Gathered, KernelError> {
        let none = || KernelError::NoKernelInPackage { package: package.to_owned() };
        let kernel = self.kernel.ok_or_else(none)?;
        Ok(Gathered { kernel, modules: self.modules, package: None })
    }
}

fn read_module(path: &Path, contents: &mut impl Read) -> Result<Vec<u8>, KernelError> {
    let damaged = |error| truncated(Some(error));
    let mut bytes = vec![];
    let limited = buffered(contents);
    let mut reader =
        if unpacked_name(path) == path { Box::new(limited) } else { unpacked(limited).map_err(damaged)? };
    (&mut reader).take(MODULE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > MODULE_BYTES_MAX {
        return Err(KernelError::Bad { why: format!("{} is larger than 256 MiB", path.display()) });
    }
    Ok(bytes)
}

/// `a.ko.xz` → `a.ko`
fn unpacked_name(path: &Path) -> PathBuf {
    let is_packed = path.extension().is_some_and(|end| end == "xz" || end == "zst" || end == "gz");
    let stem = path.with_extension("");
    if is_packed && stem.extension().is_some_and(|end| end == "ko") { stem } else { path.to_owned() }
}

fn role(path: &Path) -> Option<Role> {
    let mut parts: Vec<OsString> = vec![];
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_owned()),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    let texts: Option<Vec<&str>> = parts.iter().map(|part| part.to_str()).collect();
    let texts = texts?;
    let texts = texts.strip_prefix(&["usr"]).unwrap_or(&texts);
    let is_kernel = |name: &str| {
        ["vmlinuz", "vmlinux", "bzImage"]
            .iter()
            .any(|stem| name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')))
    };
    match texts {
        [name] | ["boot", name] | ["lib", "modules", _, name] if is_kernel(name) => Some(Role::Kernel),
        ["lib", "modules", release, rest @ ..] => {
            let name = rest.last()?;
            let is_list = rest.len() == 1 && name.starts_with("modules.");
            let path: PathBuf = rest.iter().collect();
            let is_module = unpacked_name(&path).extension().is_some_and(|end| end == "ko");
            (is_list || is_module).then(|| Role::OfModules((*release).to_owned(), path))
        }
        _ => None,
    }
}

/// Notes whether the stream ended.
#[derive(Debug)]
struct EndWatch<R> {
    inner: R,
    is_at_end: bool,
}

impl<R: Read> Read for EndWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.is_at_end |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}
