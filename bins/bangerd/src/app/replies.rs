//! The replies that were given to changes with an `Idempotency-Key`.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use tokio::sync::OnceCell;

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

#[derive(Debug)]
struct Entry {
    key: String,
    request: String,
    reply: Arc<OnceCell<Stored>>,
}

/// The replies that were given, by key.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    entries: Mutex<VecDeque<Entry>>,
}

impl Replies {
    /// Returns the place of the reply to the request with this key; `None` where the key belongs to another
    /// request.
    pub(crate) fn place(&self, key: &str, request: &str) -> Option<Arc<OnceCell<Stored>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
            return (entry.request == request).then(|| Arc::clone(&entry.reply));
        }
        if entries.len() >= KEYS_MAX {
            entries.pop_front();
        }
        let reply = Arc::new(OnceCell::new());
        entries.push_back(Entry {
            key: key.to_owned(),
            request: request.to_owned(),
            reply: Arc::clone(&reply),
        });
        Some(reply)
    }

    /// Forgets a key: what failed for the moment may be asked again.
    pub(crate) fn forget(&self, key: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|entry| entry.key != key);
    }
}
