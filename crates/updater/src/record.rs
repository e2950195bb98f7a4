//! The journal and the history on disk, and the locks that say whose turn it is.

pub mod lock;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use install::disk::{new_file, remove_file, sync_parent, write_file};
use jiff::Timestamp;
use model::Version;
use serde::{Deserialize, Serialize};
use update::{
    event::Step,
    journal::{Entry, JOURNAL_BYTES_MAX, line},
    state::State,
};

use crate::places::Places;

/// Reads the journal; empty where there is none.
///
/// # Errors
///
/// What the disk says.
pub fn read(path: &Path) -> io::Result<String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => file?,
    };
    let mut bytes = vec![];
    file.take(JOURNAL_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds an entry; it lasts when this returns. What stands there without an end was never whole, and goes.
///
/// # Errors
///
/// What the disk says: the entry is there whole, or not at all.
pub fn append(path: &Path, entry: &Entry, boot: &str) -> io::Result<()> {
    let text = line(entry, Timestamp::now(), boot)?;
    let is_new = !path.exists();
    let written = match add_line(path, &text) {
        // Going back must not fail for want of a few bytes: what was kept for this is given up.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            remove_file(&reserve(path))?;
            add_line(path, &text)
        }
        written => written,
    };
    written?;
    if is_new { sync_parent(path) } else { Ok(()) }
}

/// How much room is kept for the journal's lines, in bytes.
const RESERVE_BYTES: usize = 64 * 1024;

fn reserve(journal: &Path) -> PathBuf {
    journal.with_file_name("reserve")
}

/// Keeps room for the journal's lines, for a disk that is full by the time they are written.
///
/// # Errors
///
/// What the disk says.
pub fn keep_room(journal: &Path) -> io::Result<()> {
    let path = reserve(journal);
    remove_file(&path)?;
    let mut file = new_file(&path, 0o600)?;
    file.write_all(&vec![b'0'; RESERVE_BYTES])?;
    file.sync_all()
}

/// Gives that room up.
///
/// # Errors
///
/// What the disk says.
pub fn give_room_up(journal: &Path) -> io::Result<()> {
    remove_file(&reserve(journal))
}

fn add_line(path: &Path, text: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut before = String::new();
    file.read_to_string(&mut before)?;
    let whole_bytes = before.rfind('\n').map_or(0, |end| end as u64 + 1);
    file.set_len(whole_bytes)?;
    file.seek(SeekFrom::Start(whole_bytes))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Takes a journal away in which nothing whole stands, and a plan of which nothing was declared: neither must be taken
/// up later by anybody.
///
/// # Errors
///
/// What the disk says.
pub fn forget_undeclared(places: &Places) -> io::Result<()> {
    if read(&places.journal())?.contains('\n') {
        return Ok(());
    }
    remove_file(&places.journal())?;
    remove_file(&places.plan())?;
    sync_parent(&places.journal())
}

/// How an update ended, as the history tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// When.
    pub at: Timestamp,
    /// The release that was installed.
    pub from: Version,
    /// The release that was to be.
    pub to: Version,
    /// How it ended.
    pub end: End,
    /// Why it did not succeed.
    pub why: Option<String>,
    /// What is not as it should be, though it succeeded.
    pub warning: Option<String>,
    /// Whether it was refused, rather than that something failed.
    #[serde(default)]
    pub is_refused: bool,
}

/// How an update ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The new release runs.
    Committed,
    /// The old release runs again.
    RolledBack,
    /// Nothing was declared, so nothing was changed.
    Abandoned,
}

impl Outcome {
    /// That of a state that is an end.
    #[must_use]
    pub fn of(from: &Version, to: &Version, state: &State, warning: Option<String>) -> Self {
        let (end, why) = match state {
            State::RolledBack { cause } => (End::RolledBack, Some(cause.to_string())),
            _ => (End::Committed, None),
        };
        Self {
            at: Timestamp::now(),
            from: from.clone(),
            to: to.clone(),
            end,
            why,
            warning,
            is_refused: false,
        }
    }

    /// Adds it to the history.
    ///
    /// # Errors
    ///
    /// What the disk says.
    pub fn write(&self, places: &Places) -> io::Result<()> {
        let text = serde_json::to_string(self)?;
        add_line(&places.history(), &format!("{text}\n"))
    }
}

/// Every outcome that the history holds, the last one last.
///
/// # Errors
///
/// What the disk says.
pub fn history(places: &Places) -> io::Result<Vec<Outcome>> {
    let text = match fs::read_to_string(places.history()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        text => text?,
    };
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Closes a journal: its outcome is in the history, and a release that spoke against itself is on the list of bad
/// ones, before it is gone.
///
/// # Errors
///
/// What the disk says; closing again is safe.
pub fn close(places: &Places, outcome: &Outcome, state: &State) -> io::Result<()> {
    match state {
        State::RolledBack { cause } if is_against_it(cause.step) => {
            add_line(&places.bad(), &format!("{} {}\n", outcome.to, outcome.at))?;
        }
        State::Committed => forgive(places, &outcome.to)?,
        _ => {}
    }
    outcome.write(places)?;
    remove_file(&places.journal())?;
    sync_parent(&places.journal())
}

/// Takes a release that proved itself from the list of bad ones.
fn forgive(places: &Places, version: &Version) -> io::Result<()> {
    let listed = match fs::read_to_string(places.bad()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        listed => listed?,
    };
    let name = version.to_string();
    let others = listed.lines().filter(|line| line.split(' ').next() != Some(&name));
    let others: String = others.flat_map(|line| [line, "\n"]).collect();
    write_file(&places.bad(), &others, places.ids())
}

/// Whether a release that went back at this step ran before.
fn is_against_it(step: Step) -> bool {
    matches!(step, Step::Restart | Step::Trial | Step::Resume)
}

#[cfg(test)]
mod tests {
    use update::{event::Event, journal::fold};

    use super::*;

    #[test]
    fn what_was_cut_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        assert_eq!(read(&path).unwrap(), "");
        append(&path, &Entry::Event(Event::Switched), "boot").unwrap();
        let whole = read(&path).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"v\":1,\"at\":\"20").unwrap();
        append(&path, &Entry::Event(Event::Restarted), "boot").unwrap();
        let text = read(&path).unwrap();
        assert!(text.starts_with(&whole), "{text}");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(fold(&text).is_err());
    }
}
