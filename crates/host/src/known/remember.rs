//! Small facts that are dear to find out, kept in a file.

use std::{
    fs, io,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use serde::{Serialize, de::DeserializeOwned};

/// Reads a fact; `None` where there is none, or none that can be read: it is then found out again.
pub(crate) fn recall<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Writes a fact, so that a reader sees the old file or the new one. Not synced: it can be found out again.
pub(crate) fn remember<T: Serialize>(file: &Path, fact: &T) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // No other writer, of this process or another, has this name.
    let spare =
        file.with_extension(format!("new-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let result = fs::write(&spare, serde_json::to_vec(fact)?).and_then(|()| fs::rename(&spare, file));
    if result.is_err() {
        let _not_there = fs::remove_file(&spare);
    }
    result
}
