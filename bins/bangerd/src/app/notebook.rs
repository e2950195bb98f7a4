//! The file in which requests and replies outlive a daemon: a line of JSON for each thing that happened.
//!
//! It is no part of the database, whose copy an updater may put back: what was answered stays answered.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

/// Lines after which the file is written anew, with what counts alone. Most are of 200 bytes.
const LINES_MAX: usize = 16 * 1024;

/// Something that happened to a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Line {
    /// It is begun.
    Begun { key: String, request: String },
    /// It was done, and this was replied.
    Replied { key: String, status: u16, body: String },
    /// It was refused: it may be asked again.
    Forgotten { key: String },
}

/// A request that is remembered: its key, what was asked, and status and body of the reply, if there was one.
pub(super) type Remembered = (String, String, Option<(u16, String)>);

/// The file, open for writing at its end.
#[derive(Debug)]
pub(super) struct Notebook {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// `None` where it cannot be written: changes are made all the same.
    file: Option<File>,
    lines: usize,
    remembered_max: usize,
}

impl Notebook {
    /// Opens it, and returns the last `remembered_max` requests that it remembers, the oldest first.
    pub(super) fn open(path: &Path, remembered_max: usize) -> (Self, Vec<Remembered>) {
        let remembered = read(path, remembered_max);
        let mut inner = Inner { path: path.to_owned(), file: None, lines: 0, remembered_max };
        if let Err(error) = inner.write_anew(&remembered) {
            tracing::error!(path = %path.display(), "what is replied does not outlive this daemon: {error}");
        }
        (Self { inner: Arc::new(Mutex::new(inner)) }, remembered)
    }

    /// Writes a line. It is on the disk when this returns, or the log says why not.
    pub(super) async fn write(&self, line: Line) {
        let inner = Arc::clone(&self.inner);
        let written = tokio::task::spawn_blocking(move || {
            inner.lock().unwrap_or_else(PoisonError::into_inner).write(&line)
        });
        let written = written.await.map_err(io::Error::other).flatten();
        if let Err(error) = written {
            tracing::error!("a request or its reply does not outlive this daemon: {error}");
        }
    }
}

impl Inner {
    fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.lines >= LINES_MAX {
            let remembered = read(&self.path, self.remembered_max);
            self.write_anew(&remembered)?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.lines += 1;
        file.write_all(&text)?;
        match line {
            // That it may be asked again needs no promise.
            Line::Forgotten { .. } => Ok(()),
            Line::Begun { .. } | Line::Replied { .. } => file.sync_data(),
        }
    }

    fn write_anew(&mut self, remembered: &[Remembered]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut text = vec![];
        let mut lines = 0;
        for (key, request, reply) in remembered {
            let (key, request) = (key.clone(), request.clone());
            let replied =
                reply.clone().map(|(status, body)| Line::Replied { key: key.clone(), status, body });
            for line in std::iter::once(Line::Begun { key, request }).chain(replied) {
                serde_json::to_writer(&mut text, &line)?;
                text.push(b'\n');
                lines += 1;
            }
        }
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.sync_data()?;
        fs::rename(&beside, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        self.file = Some(file);
        self.lines = lines;
        Ok(())
    }
}

/// Reads what it remembers. A line that was cut off, or that another release wrote, is passed over.
fn read(path: &Path, remembered_max: usize) -> Vec<Remembered> {
    let text = match fs::read(path) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(path = %path.display(), "what was replied is not known: {error}");
            }
            return vec![];
        }
    };
    let mut remembered: VecDeque<Remembered> = VecDeque::new();
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Begun { key, request } => {
                remembered.retain(|(known, ..)| *known != key);
                remembered.push_back((key, request, None));
                if remembered.len() > remembered_max {
                    remembered.pop_front();
                }
            }
            Line::Replied { key, status, body } => {
                if let Some((.., reply)) = remembered.iter_mut().rev().find(|(known, ..)| *known == key) {
                    *reply = Some((status, body));
                }
            }
            Line::Forgotten { key } => remembered.retain(|(known, ..)| *known != key),
        }
    }
    remembered.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(key: &str) -> Line {
        Line::Begun { key: key.to_owned(), request: format!("POST /{key}") }
    }

    fn replied(key: &str) -> Line {
        Line::Replied { key: key.to_owned(), status: 202, body: "{}".to_owned() }
    }

    fn keys(remembered: &[Remembered]) -> Vec<(&str, bool)> {
        remembered.iter().map(|(key, _, reply)| (key.as_str(), reply.is_some())).collect()
    }

    #[tokio::test]
    async fn what_was_begun_and_replied_is_remembered_and_what_was_forgotten_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replies.jsonl");
        let (notebook, nothing) = Notebook::open(&path, 3);
        assert!(nothing.is_empty());
        let forgotten = Line::Forgotten { key: "c".to_owned() };
        for line in [begun("a"), replied("a"), begun("b"), begun("c"), forgotten] {
            notebook.write(line).await;
        }
        drop(notebook);
        // The last line is cut off.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"event\":\"replied\",\"key\":\"b\",\"sta").unwrap();
        drop(file);
        let (notebook, remembered) = Notebook::open(&path, 3);
        assert_eq!(keys(&remembered), [("a", true), ("b", false)]);
        for line in [replied("b"), begun("d"), begun("e")] {
            notebook.write(line).await;
        }
        let (_, remembered) = Notebook::open(&path, 3);
        assert_eq!(keys(&remembered), [("b", true), ("d", false), ("e", false)]);
    }

    #[tokio::test]
    async fn it_is_written_anew_before_it_grows_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("replies.jsonl");
        let (notebook, _) = Notebook::open(&path, 3);
        notebook.write(begun("a")).await;
        notebook.inner.lock().unwrap().lines = LINES_MAX;
        fs::write(&path, [fs::read(&path).unwrap(), b"no line of ours\n".to_vec()].concat()).unwrap();
        notebook.write(replied("a")).await;
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        let (_, remembered) = Notebook::open(&path, 3);
        assert_eq!(keys(&remembered), [("a", true)]);
    }
}
