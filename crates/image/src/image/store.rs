//! The images that are kept.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use host::file::disk_used;
use jiff::Timestamp;
use model::{Digest, ImageName};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{ImageError, rootfs};
use crate::{
    Fault, Job, Recipe, Reclaimed,
    decompress::{buffered, peek, unpacked},
    ext4::{self, Layout, Superblock, Tree},
    fault::At,
    magic,
    objects::{Lock, Objects, Partial, Record, copy_sparse},
    tool::Tool,
};

/// How the source of an image that was built begins; the name of its recipe follows.
const RECIPE: &str = "recipe ";

const DISK: &str = "rootfs.ext4";
const MIB: u64 = 1 << 20;
const LAYOUT: Layout = Layout { label: "banger-root", journal_mib: 32, slack_bytes: 64 * MIB };

/// The largest image that is imported, in bytes.
const IMPORT_BYTES_MAX: u64 = 1 << 40;

const CONVERT_LIMIT: Duration = Duration::from_hours(1);

/// What is written beside an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    schema: u32,
    digest: Digest,
    size_bytes: u64,
    source: String,
    created_at: Timestamp,
}

impl Record for Stored {
    const FILE: &'static str = "image.json";
    const SCHEMA: u32 = 1;
}

/// A root file system as it is kept. Its file does not change as long as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// Its name.
    pub name: ImageName,
    /// What it is, by content.
    pub digest: Digest,
    /// Its size as a disk, in bytes.
    pub size_bytes: u64,
    /// The room that it takes on the host, in bytes.
    pub disk_used_bytes: u64,
    /// Where it came from: `recipe debian-bookworm`, `import`.
    pub source: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The file: an ext4 without partitions, cleanly unmounted, to be read only.
    pub disk: PathBuf,
}

/// The images below one directory. Any number of processes may use one at once.
#[derive(Debug)]
pub struct ImageStore {
    objects: Objects<Stored>,
}

impl ImageStore {
    /// Opens the store in `dir`, and makes it where it is not there.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the directory cannot be made.
    pub fn open(dir: &Path) -> Result<Self, Fault> {
        Ok(Self { objects: Objects::open(dir)? })
    }

    /// Every image, in the order of the names.
    ///
    /// # Errors
    ///
    /// [`Fault`] where a record cannot be read.
    pub fn list(&self) -> Result<Vec<ImageRecord>, Fault> {
        let all = self.objects.list()?;
        Ok(all
            .into_iter()
            .filter_map(|(name, stored)| Some(self.record(name.parse().ok()?, stored)))
            .collect())
    }

    /// Finds an image by its name.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoSuchImage`], or a [`Fault`] where its record cannot be read.
    pub fn get(&self, name: &ImageName) -> Result<ImageRecord, ImageError> {
        match self.objects.get(name.as_str())? {
            Some(stored) => Ok(self.record(name.clone(), stored)),
            None => Err(ImageError::NoSuchImage { name: name.to_string() }),
        }
    }

    /// The file of an image by its content, whatever names it; `None` where it is gone.
    #[must_use]
    pub fn disk_of(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.objects.object_dir(digest).join(DISK);
        path.exists().then_some(path)
    }

    fn record(&self, name: ImageName, stored: Stored) -> ImageRecord {
        let dir = self.objects.object_dir(&stored.digest);
        ImageRecord {
            name,
            digest: stored.digest,
            size_bytes: stored.size_bytes,
            disk_used_bytes: disk_used(&dir),
            source: stored.source,
            created_at: stored.created_at,
            disk: dir.join(DISK),
        }
    }

    /// Builds an image of a recipe from the distribution's signed archive, through the host's own sources,
    /// keys and proxies. Takes minutes. Its name is the recipe's unless given.
    ///
    /// Where another call builds the same name at the time, this one waits for it and returns its image.
    ///
    /// # Errors
    ///
    /// [`ImageError`]; nothing was changed.
    pub fn build(
        &self,
        recipe: &str,
        name: Option<&ImageName>,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        let found = Recipe::find(recipe).ok_or_else(|| no_recipe(recipe))?;
        let name = match name {
            Some(name) => name.clone(),
            None => found.name.parse().map_err(|_| no_recipe(recipe))?,
        };
        let before = self.objects.digest_of(name.as_str())?;
        let lock = self.objects.lock_name(name.as_str(), job)?;
        let now = self.objects.digest_of(name.as_str())?;
        if now != before && now.is_some() {
            return self.get(&name);
        }
        let partial = self.objects.partial()?;
        let tree = rootfs::bootstrap(&found, partial.path(), job)?;
        self.keep_tree(partial, &name, &tree, &format!("{RECIPE}{recipe}"), &lock, job)
    }

    /// Takes a root file system from a stream: a tar (packed with gzip, xz, zstd or lz4, or not) or an ext4
    /// file. Owners, modes, devices and attributes are kept, also without root.
    ///
    /// # Errors
    ///
    /// [`ImageError`]; nothing was changed.
    pub fn import(
        &self,
        name: &ImageName,
        reader: impl Read,
        source: &str,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        let partial = self.objects.partial()?;
        job.stage("receive the image");
        let received = receive(job.watch(reader, None), &partial, job);
        let received =
            received.map_err(|error| if job.is_cancelled() { Fault::Cancelled.into() } else { error })?;
        let lock = self.objects.lock_name(name.as_str(), job)?;
        match received {
            Received::Tree(tree) => {
                rootfs::check_tree(&tree)?;
                self.keep_tree(partial, name, &tree, source, &lock, job)
            }
            Received::Disk(disk) => self.keep_disk(partial, name, &disk, source, &lock, job),
        }
    }

    /// Takes an ext4 file that is on this host; the file itself is copied and left as it is.
    ///
    /// # Errors
    ///
    /// [`ImageError`]; nothing was changed.
    pub fn register(&self, name: &ImageName, path: &Path, job: &Job) -> Result<ImageRecord, ImageError> {
        let file = File::open(path).at("open", path)?;
        if file.metadata().at("read", path)?.len() == 0 {
            return Err(ImageError::Empty);
        }
        if Superblock::read(&file).at("read", path)?.is_none() {
            return self.import(name, file, &format!("file {}", path.display()), job);
        }
        let partial = self.objects.partial()?;
        let disk = partial.make_object()?.join(DISK);
        job.stage("copy the image");
        copy_sparse(&file, &disk, job)?;
        let lock = self.objects.lock_name(name.as_str(), job)?;
        self.keep_disk(partial, name, &disk, &format!("file {}", path.display()), &lock, job)
    }

    /// Makes an image of a stopped machine's root disk, raw or qcow2, whatever it is backed by. What was
    /// the machine's alone is taken out: its host keys, its machine-id, its name.
    ///
    /// # Errors
    ///
    /// [`ImageError`]; nothing was changed.
    pub fn promote(
        &self,
        name: &ImageName,
        disk: &Path,
        source: &str,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        let partial = self.objects.partial()?;
        let out = partial.make_object()?.join(DISK);
        job.stage("copy the machine's root disk");
        let mut head = [0; 4];
        let file = File::open(disk).at("open", disk)?;
        (&file).read_exact(&mut head).at("read", disk)?;
        if &head == b"QFI\xfb" {
            let tool = Tool::new("qemu-img", "qemu-utils")?
                .args(["convert", "-f", "qcow2", "-O", "raw", "-S", "4k"]);
            tool.arg(disk).arg(&out).limit(CONVERT_LIMIT).run(job)?;
        } else {
            copy_sparse(&file, &out, job)?;
        }
        let lock = self.objects.lock_name(name.as_str(), job)?;
        Self::check_foreign(&out)?;
        ext4::repair(&out, job).map_err(damaged)?;
        ext4::forget_identity(&out, partial.path(), job)?;
        self.keep_disk(partial, name, &out, source, &lock, job)
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoSuchImage`], or a [`Fault`].
    pub fn rename_to(&self, from: &ImageName, to: &ImageName, job: &Job) -> Result<ImageRecord, ImageError> {
        let digest = self.get(from)?.digest;
        let _lock = self.objects.lock_name(to.as_str(), job)?;
        if self.objects.name_existing(to.as_str(), &digest)? {
            self.get(to)
        } else {
            Err(ImageError::NoSuchImage { name: from.to_string() })
        }
    }

    fn keep_tree(
        &self,
        partial: Partial,
        name: &ImageName,
        tree: &Tree,
        source: &str,
        lock: &Lock,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        job.stage("make the file system");
        let disk = partial.make_object()?.join(DISK);
        ext4::make(tree, &disk, partial.path(), &LAYOUT, job)?;
        self.publish(partial, name, &disk, source, lock, job)
    }

    fn check_foreign(disk: &Path) -> Result<(), ImageError> {
        let block = ext4::superblock_of(disk)?.ok_or_else(|| ImageError::NotAnImage {
            found: "a disk without a file system at its beginning".to_owned(),
        })?;
        if let Some(why) = block.foreign() {
            return Err(ImageError::Foreign { why });
        }
        if fs::metadata(disk).at("read", disk)?.len() < block.size_bytes {
            return Err(ImageError::Truncated { what: "the file system", source: None });
        }
        Ok(())
    }

    fn keep_disk(
        &self,
        partial: Partial,
        name: &ImageName,
        disk: &Path,
        source: &str,
        lock: &Lock,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        job.stage("check the file system");
        Self::check_foreign(disk)?;
        ext4::repair(disk, job).map_err(damaged)?;
        rootfs::check_disk(disk, job)?;
        self.publish(partial, name, disk, source, lock, job)
    }

    fn publish(
        &self,
        partial: Partial,
        name: &ImageName,
        disk: &Path,
        source: &str,
        _lock: &Lock,
        job: &Job,
    ) -> Result<ImageRecord, ImageError> {
        job.stage("take the image's digest");
        let file = File::open(disk).at("open", disk)?;
        let size_bytes = file.metadata().at("read", disk)?.len();
        let digest = digest_of(&mut job.watch(file, Some(size_bytes)));
        job.check()?;
        let stored = Stored {
            schema: Stored::SCHEMA,
            digest: digest.at("read", disk)?,
            size_bytes,
            source: source.to_owned(),
            created_at: Timestamp::now(),
        };
        self.objects.publish(partial, name.as_str(), &stored.digest, &stored)?;
        self.get(name)
    }

    /// Takes an image's name away, and its file where it has no other name. Whether a machine uses it is for
    /// the caller to know.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoSuchImage`], or a [`Fault`].
    pub fn delete(&self, name: &ImageName) -> Result<(), ImageError> {
        if self.objects.delete(name.as_str())? {
            Ok(())
        } else {
            Err(ImageError::NoSuchImage { name: name.to_string() })
        }
    }

    /// Removes what killed processes left half made. Safe at any time.
    ///
    /// # Errors
    ///
    /// [`Fault`] at the first that could not be removed.
    pub fn sweep(&self) -> Result<Reclaimed, Fault> {
        self.objects.sweep()
    }

    /// Removes images that no name points to, except those in `keep`: the ones that machines stand on. With
    /// `is_trial` it only says what it would remove.
    ///
    /// # Errors
    ///
    /// [`Fault`] at the first that could not be removed.
    pub fn prune(&self, keep: &BTreeSet<Digest>, is_trial: bool) -> Result<Reclaimed, Fault> {
        self.objects.prune(keep, is_trial)
    }

    /// Takes away the names of images that their recipes make again, except those in `keep`, and their files with
    /// them. With `is_trial` it only says what it would take.
    ///
    /// # Errors
    ///
    /// [`Fault`] at the first that could not be removed.
    pub fn prune_made_again(&self, keep: &BTreeSet<Digest>, is_trial: bool) -> Result<Reclaimed, Fault> {
        let (mut reclaimed, all) = (Reclaimed::default(), self.list()?);
        // A file that something else is called by as well stays.
        let is_made_again = |image: &ImageRecord| {
            let recipe = image.source.strip_prefix(RECIPE).and_then(Recipe::find);
            recipe.is_some() && !keep.contains(&image.digest)
        };
        let stays: BTreeSet<Digest> =
            all.iter().filter(|image| !is_made_again(image)).map(|image| image.digest).collect();
        let mut freed = BTreeSet::new();
        for image in all.iter().filter(|image| is_made_again(image)) {
            if !stays.contains(&image.digest) && freed.insert(image.digest) {
                reclaimed.freed_bytes += image.disk_used_bytes;
            }
            if !is_trial {
                self.objects.delete(image.name.as_str())?;
            }
            reclaimed
                .removed
                .push(format!("image {} ({}, made again when needed)", image.name, image.source));
        }
        Ok(reclaimed)
    }

    /// The room that the store takes, in bytes.
    #[must_use]
    pub fn usage_bytes(&self) -> u64 {
        self.objects.usage_bytes()
    }
}

fn digest_of(reader: &mut impl Read) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buf = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buf)? {
            0 => return Ok(Digest::from_bytes(hash.finalize().into())),
            count => hash.update(&buf[..count]),
        }
    }
}

fn no_recipe(recipe: &str) -> ImageError {
    let known = Recipe::all().into_iter().map(|recipe| recipe.name).collect();
    ImageError::NoSuchRecipe { recipe: recipe.to_owned(), known }
}

/// What e2fsck found is the image's fault; what kept it from looking is not.
fn damaged(fault: Fault) -> ImageError {
    match fault {
        Fault::Program { .. } => ImageError::Damaged { source: fault },
        other => other.into(),
    }
}

enum Received {
    Tree(Tree),
    Disk(PathBuf),
}

fn receive(reader: impl Read, partial: &Partial, job: &Job) -> Result<Received, ImageError> {
    let input = |source| ImageError::Fault(Fault::Input { source });
    let truncated = |source| ImageError::Truncated { what: "the archive", source: Some(source) };
    let (head, reader) = peek(buffered(reader), 2048).map_err(input)?;
    if head.is_empty() {
        return Err(ImageError::Empty);
    }
    if Superblock::is_in(&head) {
        return receive_disk(reader, partial).map(Received::Disk);
    }
    let not_an_image = |head: &[u8]| ImageError::NotAnImage { found: magic::describe(head) };
    let unpacked = unpacked(reader).map_err(|_| not_an_image(&head))?;
    let (inner, mut reader) = peek(buffered(unpacked), 2048).map_err(truncated)?;
    if Superblock::is_in(&inner) {
        return receive_disk(reader, partial).map(Received::Disk);
    }
    if !magic::is_tar(&inner) {
        return Err(not_an_image(&inner));
    }
    let tree = rootfs::unpack(&mut reader, &partial.path().join("tree"), job)?;
    io::copy(&mut reader, &mut io::sink()).map_err(truncated)?;
    Ok(Received::Tree(tree))
}

fn receive_disk(reader: impl Read, partial: &Partial) -> Result<PathBuf, ImageError> {
    let path = partial.make_object()?.join(DISK);
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).at("create", &path)?;
    let size = copy_with_holes(reader.take(IMPORT_BYTES_MAX), &mut file, &path)?;
    file.set_len(size).at("write", &path)?;
    Ok(path)
}

/// Copies a stream; what is all zeros takes no room.
fn copy_with_holes(mut reader: impl Read, file: &mut File, path: &Path) -> Result<u64, ImageError> {
    use std::io::{Seek, SeekFrom};
    let mut size = 0;
    let mut block = Vec::with_capacity(64 << 10);
    loop {
        block.clear();
        let read = (&mut reader).take(64 << 10).read_to_end(&mut block);
        read.map_err(|source| ImageError::Truncated { what: "the file system", source: Some(source) })?;
        if block.is_empty() {
            return Ok(size);
        }
        size += block.len() as u64;
        if block.iter().all(|byte| *byte == 0) {
            file.seek(SeekFrom::Start(size)).at("write", path)?;
        } else {
            file.write_all(&block).at("write", path)?;
        }
    }
}

#[cfg(test)]
mod tests;
