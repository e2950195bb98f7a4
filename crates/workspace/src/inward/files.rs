//! The files, as a tar stream. Each is named as git names it while it is read.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io::{self, BufWriter, Read, Write},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::Stat;
use tar::{Builder, EntryType, Header};
use tree::append_link;

use super::{
    batch::Batch,
    objects::Naming,
    plan::{Plan, Planned, git_mode},
    work_tree::{Found, WorkTree},
};
use crate::{WorkspaceError, listing::LINK};

/// What is handed on at once, in bytes: each handing on crosses to another thread, and becomes a piece of the stream.
const SEND_BYTES: usize = 256 * 1024;

/// The bits that may write.
const WRITE_BITS: u32 = 0o222;

/// What was sent.
#[derive(Debug, Default)]
pub struct Sent {
    pub(super) files: Vec<SentFile>,
    bytes: u64,
}

/// A file that was sent.
#[derive(Debug)]
pub(super) struct SentFile {
    pub(super) path: PathBuf,
    pub(super) mode: u32,
    pub(super) oid: String,
    pub(super) size: u64,
    /// Whether git has this object.
    pub(super) is_known: bool,
}

impl Sent {
    /// Files and links.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files.len() as u64
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Whether the guest is to write into its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bits {
    Kept,
    ReadOnly,
}

impl Plan {
    /// Writes the files as a tar stream whose names begin at the repository. `progress` is told of bytes as they go.
    /// A tracked file that is not in the work tree is left out, as deleted.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Read`] and [`WorkspaceError::Changed`] for a file, [`WorkspaceError::Send`] where nobody takes the
    /// stream, which is then no whole one.
    pub fn send(
        &self,
        to: impl Write,
        readonly: bool,
        progress: &dyn Fn(u64),
    ) -> Result<Sent, WorkspaceError> {
        let bits = if readonly { Bits::ReadOnly } else { Bits::Kept };
        let tree = WorkTree::open(self.repository.top())?;
        let batch = if self.is_of_commit { Some(Batch::start(self.repository.git())?) } else { None };
        let tar = Builder::new(BufWriter::with_capacity(SEND_BYTES, to));
        let mut sender = Sender { plan: self, tree, batch, bits, tar, dirs: BTreeSet::new(), progress };
        let mut sent = Sent::default();
        for file in &self.files {
            if let Some(file) = sender.file(file)? {
                sent.bytes += file.size;
                sent.files.push(file);
            }
        }
        let end = sender.tar.finish().and_then(|()| sender.tar.get_mut().flush());
        end.map_err(|source| WorkspaceError::Send { source })?;
        Ok(sent)
    }
}

struct Sender<'a, W: Write> {
    plan: &'a Plan,
    tree: WorkTree,
    batch: Option<Batch>,
    bits: Bits,
    tar: Builder<BufWriter<W>>,
    dirs: BTreeSet<PathBuf>,
    progress: &'a dyn Fn(u64),
}

impl<W: Write> Sender<'_, W> {
    fn file(&mut self, file: &Planned) -> Result<Option<SentFile>, WorkspaceError> {
        if let (Some(mut batch), Some((mode, oid))) = (self.batch.take(), &file.known) {
            let sent = self.blob(&mut batch, &file.path, *mode, oid);
            self.batch = Some(batch);
            return sent.map(Some);
        }
        match self.tree.look(&file.path)? {
            Found::Nothing => Ok(None),
            Found::Link(stat, link) => {
                let to = self.tree.link(&file.path, &link)?;
                self.parents(&file.path)?;
                self.link(&file.path, to.as_bytes(), seconds(&stat))?;
                let mut naming = Naming::blob(self.plan.format, to.len() as u64);
                naming.update(to.as_bytes());
                Ok(Some(sent(file, LINK, naming.finish(), to.len() as u64)))
            }
            Found::File(_) => self.plain(file),
        }
    }

    fn plain(&mut self, file: &Planned) -> Result<Option<SentFile>, WorkspaceError> {
        let Some((from, stat)) = self.tree.file(&file.path)? else { return Ok(None) };
        self.parents(&file.path)?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let header = self.header(EntryType::Regular, stat.st_mode & 0o777, size, seconds(&stat));
        let naming = Naming::blob(self.plan.format, size);
        let mut from = Named { from: from.take(size), naming, failed: None, progress: self.progress };
        let done = self.tar.append_data(&mut header.clone(), &file.path, &mut from);
        if let Some(error) = from.failed {
            return Err(self.tree.unread(&file.path, error));
        }
        // A file that grows is sent as long as it was; one that shrinks would shift all that follows.
        if from.from.limit() > 0 && done.is_ok() {
            return Err(WorkspaceError::Changed { path: self.plan.repository.top().join(&file.path) });
        }
        done.map_err(|source| WorkspaceError::Send { source })?;
        Ok(Some(sent(file, git_mode(false, stat.st_mode), from.naming.finish(), size)))
    }

    fn blob(
        &mut self,
        batch: &mut Batch,
        path: &Path,
        mode: u32,
        oid: &str,
    ) -> Result<SentFile, WorkspaceError> {
        let size = batch.blob(oid)?;
        self.parents(path)?;
        let send = |source| WorkspaceError::Send { source };
        if mode == LINK {
            let mut to = vec![];
            batch.bytes().take(size).read_to_end(&mut to).map_err(send)?;
            self.link(path, &to, now())?;
        } else {
            let header = self.header(EntryType::Regular, mode & 0o777, size, now());
            self.tar.append_data(&mut header.clone(), path, batch.bytes().take(size)).map_err(send)?;
        }
        batch.end()?;
        (self.progress)(size);
        Ok(SentFile { path: path.to_owned(), mode, oid: oid.to_owned(), size, is_known: true })
    }

    /// Sends the directories above a path, each once and before what is in it.
    fn parents(&mut self, path: &Path) -> Result<(), WorkspaceError> {
        let above: Vec<&Path> = path.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty()).collect();
        for dir in above.into_iter().rev() {
            if !self.dirs.insert(dir.to_owned()) {
                continue;
            }
            let mode = if self.batch.is_some() || self.plan.is_of_commit {
                0o755
            } else {
                self.tree.dir_mode(dir)?
            };
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Directory);
            header.set_mode(mode);
            header.set_mtime(now());
            header.set_size(0);
            let done = self.tar.append_data(&mut header, dir.join(""), io::empty());
            done.map_err(|source| WorkspaceError::Send { source })?;
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, to: &[u8], mtime_secs: u64) -> Result<(), WorkspaceError> {
        let mut header = self.header(EntryType::Symlink, 0o777, 0, mtime_secs);
        let done = append_link(&mut self.tar, &mut header, path, OsStr::from_bytes(to));
        done.map_err(|source| WorkspaceError::Send { source })
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64, mtime_secs: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if self.bits == Bits::ReadOnly { mode & !WRITE_BITS } else { mode });
        header.set_mtime(mtime_secs);
        header.set_size(size);
        header
    }
}

fn sent(file: &Planned, mode: u32, oid: String, size: u64) -> SentFile {
    let is_known = file.known.as_ref().is_some_and(|(_, known)| *known == oid);
    SentFile { path: file.path.clone(), mode, oid, size, is_known }
}

fn seconds(stat: &Stat) -> u64 {
    u64::try_from(stat.st_mtime).unwrap_or(0)
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A file that is named while it is read.
struct Named<'a, R> {
    from: io::Take<R>,
    naming: Naming,
    failed: Option<io::Error>,
    progress: &'a dyn Fn(u64),
}

impl<R: Read> Read for Named<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.from.read(buffer) {
            Ok(count) => {
                self.naming.update(&buffer[..count]);
                (self.progress)(count as u64);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                // Kept apart from what the other end fails with.
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}
