//! Files out of the guest.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Component, Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::Stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;
use tree::append_link;

use super::path::path_of;
use crate::serve::{
    reply::{Answer, Refused},
    sessions::Session,
};

/// Pieces of the stream that wait for the host, and the size of each in bytes.
const PIECES: usize = 8;
const PIECE_BYTES: usize = 32 * 1024;

/// What the kernel makes up is copied only when it is asked for itself.
const MADE_UP: [&str; 3] = ["/proc", "/sys", "/dev"];

pub(in crate::serve) async fn get(request: &Request<Incoming>, counted: Session) -> Answer {
    let path = PathBuf::from(path_of(request.uri().query())?);
    let name = name_of(&path)?;
    fs::symlink_metadata(&path)
        .map_err(|error| Refused::failed(&format!("read {}", path.display()), &error))?;
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        let mut pieces = Pieces { sender: sender.clone(), piece: Vec::with_capacity(PIECE_BYTES) };
        if let Err(error) = pack(&path, &name, &mut pieces) {
            // Without this the stream would end early and look whole; the host may be gone, too.
            let _ = sender.blocking_send(Err(error));
        }
        drop(counted);
    });
    let mut response = Response::new(StreamBody::new(Received(receiver)).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Ok(response)
}

/// The name of the first entry: the path's last component; `.` for the top.
fn name_of(path: &Path) -> Result<PathBuf, Refused> {
    match path.components().next_back() {
        Some(Component::Normal(name)) => Ok(PathBuf::from(name)),
        Some(Component::RootDir) => Ok(PathBuf::from(".")),
        _ => Err(Refused::bad(format!("{} does not end in a name", path.display()))),
    }
}

fn pack(path: &Path, name: &Path, to: &mut Pieces) -> io::Result<()> {
    let mut tar = Builder::new(to);
    let mut left = vec![(path.to_owned(), name.to_owned())];
    let mut seen = Seen::new();
    let mut is_first = true;
    while let Some((path, name)) = left.pop() {
        let metadata = match fs::symlink_metadata(&path) {
            // It went away while we were walking.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_first => continue,
            metadata => metadata?,
        };
        is_first = false;
        append(&mut tar, &path, &name, &metadata, &mut seen)?;
        if metadata.is_dir() {
            let mut children = children(&path, &name)?;
            children.sort();
            left.extend(children.into_iter().rev());
        }
    }
    tar.into_inner()?.flush()
}

fn children(path: &Path, name: &Path) -> io::Result<Vec<(PathBuf, PathBuf)>> {
    fs::read_dir(path)?
        .map(|child| child.map(|child| (child.path(), name.join(child.file_name()))))
        .filter(|child| {
            !child.as_ref().is_ok_and(|(path, _)| MADE_UP.iter().any(|made_up| path == Path::new(made_up)))
        })
        .collect()
}

/// The files with several names, and the name under which each was sent.
type Seen = HashMap<(u64, u64), PathBuf>;

fn append(
    tar: &mut Builder<&mut Pieces>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
    seen: &mut Seen,
) -> io::Result<()> {
    let kind = metadata.file_type();
    let mut header = Header::new_gnu();
    header.set_metadata(metadata);
    let inode = (metadata.dev(), metadata.ino());
    if kind.is_file() && metadata.nlink() > 1 {
        if let Some(first) = seen.get(&inode) {
            header.set_entry_type(EntryType::Link);
            header.set_size(0);
            return tar.append_link(&mut header, name, first);
        }
        seen.insert(inode, name.to_owned());
    }
    if kind.is_file() {
        let len = metadata.len();
        let file = File::open(path)?;
        tar.append_data(&mut header, name, Exactly { file, left: len })
    } else if kind.is_dir() {
        tar.append_data(&mut header, name, io::empty())
    } else if kind.is_symlink() {
        append_link(tar, &mut header, name, fs::read_link(path)?.as_os_str())
    } else if kind.is_socket() {
        // A socket is nothing without its process.
        Ok(())
    } else {
        header.set_size(0);
        tar.append_data(&mut header, name, io::empty())
    }
}

/// A file, cut or filled with zeros to the length that its header has: it may change while it is read.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let buf = &mut buf[..room];
        let mut len = self.file.read(buf)?;
        if len == 0 {
            buf.fill(0);
            len = room;
        }
        self.left -= len as u64;
        Ok(len)
    }
}

/// Where the tar is written to: pieces for the body, with back-pressure.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() >= PIECE_BYTES {
            self.flush()?;
        }
        let len = bytes.len().min(PIECE_BYTES);
        self.piece.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_BYTES));
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct Received(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Received {
    type Item = io::Result<Frame<Bytes>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|next| next.map(|piece| piece.map(Frame::data)))
    }
}
