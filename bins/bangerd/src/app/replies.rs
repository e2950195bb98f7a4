//! The replies that were given to changes with an `Idempotency-Key`, also by the daemons before this one.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::notebook::{Line, Notebook};

/// Keys that are remembered; the oldest are forgotten first.
const KEYS_MAX: usize = 256;

/// A reply that was given.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

/// What is known of a key.
#[derive(Debug)]
pub(crate) enum Place {
    /// Where the reply is, or will be.
    Reply(Arc<OnceCell<Stored>>),
    /// It belongs to another request.
    Others,
    /// A daemon was ended in the middle of the request: how far it came is not known.
    CutOff,
}

#[derive(Debug)]
struct Entry {
    key: String,
    request: String,
    /// `None` where a daemon before this one did not come to its reply.
    reply: Option<Arc<OnceCell<Stored>>>,
}

/// The replies that were given, by key.
#[derive(Debug)]
pub(crate) struct Replies {
    entries: Mutex<VecDeque<Entry>>,
    notebook: Notebook,
}

impl Replies {
    /// Takes up what is written in the notebook at `path`. Where it cannot be used, keys are remembered for as long as
    /// this daemon lives.
    pub(crate) fn open(path: &Path) -> Self {
        let (notebook, lines) = Notebook::open(path, KEYS_MAX);
        let entries = lines.into_iter().map(|(key, request, reply)| {
            let reply = reply.map(|reply| Arc::new(OnceCell::new_with(Some(stored(reply)))));
            Entry { key, request, reply }
        });
        Self { entries: Mutex::new(entries.collect()), notebook }
    }

    /// Returns the place of the reply to the request with this key.
    pub(crate) fn place(&self, key: &str, request: &str) -> Place {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
            return match &entry.reply {
                _ if entry.request != request => Place::Others,
                Some(reply) => Place::Reply(Arc::clone(reply)),
                None => Place::CutOff,
            };
        }
        if entries.len() >= KEYS_MAX {
            entries.pop_front();
        }
        let reply = Arc::new(OnceCell::new());
        entries.push_back(Entry {
            key: key.to_owned(),
            request: request.to_owned(),
            reply: Some(Arc::clone(&reply)),
        });
        Place::Reply(reply)
    }

    /// Writes down that a request is begun, so that no daemon after this one does it again. On the disk when it
    /// returns.
    pub(crate) async fn begin(&self, key: &str, request: &str) {
        self.notebook.write(Line::Begun { key: key.to_owned(), request: request.to_owned() }).await;
    }

    /// Writes down what was replied. On the disk when it returns.
    pub(crate) async fn keep(&self, key: &str, reply: &Stored) {
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        self.notebook.write(Line::Replied { key: key.to_owned(), status: reply.status.as_u16(), body }).await;
    }

    /// Forgets a key: what was refused may be asked again.
    pub(crate) async fn forget(&self, key: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|entry| entry.key != key);
        self.notebook.write(Line::Forgotten { key: key.to_owned() }).await;
    }
}

/// Replies that are kept are JSON, or empty.
fn stored((status, body): (u16, String)) -> Stored {
    let mut headers = HeaderMap::new();
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Stored { status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK), headers, body: body.into() }
}
