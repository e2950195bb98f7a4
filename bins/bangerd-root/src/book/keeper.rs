//! The one who keeps the book.

use std::{fs, path::PathBuf};

use model::{VmId, VmName};
use network::{Accounts, Lease, Leases, Subnet, UidRange, find_uids};
use tokio::sync::{Mutex, MutexGuard};

use super::{BookError, file};
use crate::places::Places;

/// Keeps the book: whoever holds it open is alone with it.
#[derive(Debug)]
pub struct Keeper {
    book: Mutex<Book>,
}

/// The book, open.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    leases: Option<Leases>,
}

impl Keeper {
    /// Reads the book.
    ///
    /// # Errors
    ///
    /// [`BookError::Unreadable`], [`BookError::NotABook`].
    pub fn open(places: &Places) -> Result<Self, BookError> {
        let path = places.leases();
        let leases = file::read(&path)?;
        Ok(Self { book: Mutex::new(Book { path, leases }) })
    }

    /// Opens the book, when nobody else has it open.
    pub async fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().await
    }

    /// What one machine has.
    pub async fn get(&self, id: &VmId) -> Option<Lease> {
        self.lock().await.leases().and_then(|leases| leases.get(id).cloned())
    }
}

impl Book {
    /// Everything in it; `None` before the first lease.
    #[must_use]
    pub fn leases(&self) -> Option<&Leases> {
        self.leases.as_ref()
    }

    /// Gives a machine its lease, durably. `begin` chooses the network and the numbers of an empty book.
    /// Returns the lease and the book as it was before.
    ///
    /// # Errors
    ///
    /// [`BookError`]; the book is as it was.
    pub fn grant(
        &mut self,
        (id, name, nat): (&VmId, &VmName, bool),
        (subnet, uids): (Subnet, UidRange),
    ) -> Result<(Lease, Option<Leases>), BookError> {
        let present = self.leases.clone().filter(|leases| !leases.is_empty());
        let mut next = present.unwrap_or_else(|| Leases::new(subnet, uids));
        let lease = next.grant(id, name, nat).map_err(|source| BookError::NoLease { source })?;
        let before = self.leases.clone();
        if before.as_ref() != Some(&next) {
            file::write(&self.path, &next)?;
            self.leases = Some(next);
        }
        Ok((lease, before))
    }

    /// Takes machines' leases back, durably. Returns those that had one.
    ///
    /// # Errors
    ///
    /// [`BookError::Unwritable`]; the book is as it was.
    pub fn release(&mut self, ids: &[VmId]) -> Result<Vec<Lease>, BookError> {
        let Some(mut next) = self.leases.clone() else {
            return Ok(vec![]);
        };
        let released: Vec<Lease> = ids.iter().filter_map(|id| next.release(id)).collect();
        if !released.is_empty() {
            file::write(&self.path, &next)?;
            self.leases = Some(next);
        }
        Ok(released)
    }

    /// Puts a book back as it was before the last change.
    ///
    /// # Errors
    ///
    /// [`BookError::Unwritable`].
    pub fn put_back(&mut self, before: Option<Leases>) -> Result<(), BookError> {
        if let Some(before) = before.or_else(|| self.leases.as_ref().map(emptied)) {
            file::write(&self.path, &before)?;
            self.leases = Some(before);
        }
        Ok(())
    }
}

/// The same network and numbers, and nobody in it.
fn emptied(leases: &Leases) -> Leases {
    Leases::new(leases.subnet(), leases.uids())
}

/// Finds users' numbers that are nobody's, or checks the configured ones.
///
/// # Errors
///
/// [`BookError::Uids`], or [`BookError::Unreadable`] for a file that says whose numbers are taken.
pub fn choose_uids(places: &Places, base: Option<u32>) -> Result<UidRange, BookError> {
    let read = |name: &str| {
        let path = places.etc(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(BookError::Unreadable { path, source }),
        }
    };
    let [passwd, group] = [read("passwd")?, read("group")?];
    let [users_below, groups_below] = [read("subuid")?, read("subgid")?];
    let accounts = Accounts { passwd: &passwd, group: &group, subuid: &users_below, subgid: &groups_below };
    find_uids(base, accounts).map_err(|source| BookError::Uids { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        fs::create_dir_all(places.root_state()).unwrap();
        (dir, places)
    }

    fn ask(text: &str, name: &str) -> (VmId, VmName) {
        (text.parse().unwrap(), name.parse().unwrap())
    }

    fn begin() -> (Subnet, UidRange) {
        ("10.9.0.0/16".parse().unwrap(), UidRange::new(0x7000_0000).unwrap())
    }

    #[tokio::test]
    async fn what_was_granted_is_in_the_file_and_outlives_the_keeper() {
        let (_dir, places) = places();
        let (id, name) = ask("000102fdfeff", "box");
        let keeper = Keeper::open(&places).unwrap();
        let (lease, _) = keeper.lock().await.grant((&id, &name, true), begin()).unwrap();
        let again = Keeper::open(&places).unwrap();
        assert_eq!(again.get(&id).await, Some(lease.clone()));

        // Asking twice is asking once; a newer name is taken.
        let other: VmName = "other".parse().unwrap();
        let (second, _) = again.lock().await.grant((&id, &other, false), begin()).unwrap();
        assert_eq!((second.uid, second.address, second.nat), (lease.uid, lease.address, false));

        assert_eq!(again.lock().await.release(std::slice::from_ref(&id)).unwrap().len(), 1);
        assert_eq!(again.lock().await.release(std::slice::from_ref(&id)).unwrap().len(), 0);
        assert_eq!(Keeper::open(&places).unwrap().get(&id).await, None);
    }

    #[tokio::test]
    async fn network_and_numbers_are_chosen_anew_once_nobody_has_any() {
        let (_dir, places) = places();
        let keeper = Keeper::open(&places).unwrap();
        let (id, name) = ask("000102fdfeff", "box");
        let (other_id, other_name) = ask("000102fdfe00", "other");
        let anew = ("10.8.0.0/16".parse().unwrap(), UidRange::new(0x7100_0000).unwrap());
        let mut book = keeper.lock().await;
        book.grant((&id, &name, true), begin()).unwrap();
        book.grant((&other_id, &other_name, true), anew).unwrap();
        assert_eq!(book.leases().unwrap().subnet(), begin().0, "somebody has one");
        book.release(&[id, other_id.clone()]).unwrap();
        let (lease, _) = book.grant((&other_id, &other_name, true), anew).unwrap();
        assert_eq!((book.leases().unwrap().subnet(), lease.uid >= 0x7100_0000), (anew.0, true));
    }

    #[tokio::test]
    async fn a_change_that_is_taken_back_leaves_the_book_as_it_was() {
        let (_dir, places) = places();
        let keeper = Keeper::open(&places).unwrap();
        let (id, name) = ask("000102fdfeff", "box");
        let (_, before) = keeper.lock().await.grant((&id, &name, true), begin()).unwrap();
        keeper.lock().await.put_back(before).unwrap();
        assert_eq!(Keeper::open(&places).unwrap().get(&id).await, None);
    }

    #[test]
    fn a_book_that_is_none_is_not_begun_anew() {
        let (_dir, places) = places();
        for text in ["", "{}", "[]", "{\"schema\":2}"] {
            fs::write(places.leases(), text).unwrap();
            assert!(matches!(Keeper::open(&places), Err(BookError::NotABook { .. })), "{text:?}");
        }
    }

    #[test]
    fn numbers_that_somebody_has_are_not_taken() {
        let (_dir, places) = places();
        fs::create_dir_all(places.etc("")).unwrap();
        fs::write(places.etc("subuid"), "ann:700000:65536\n").unwrap();
        assert!(matches!(choose_uids(&places, Some(700_100)), Err(BookError::Uids { .. })));
        assert_eq!(choose_uids(&places, Some(800_000)).unwrap().base(), 800_000);
    }
}
