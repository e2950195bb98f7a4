//! What a daemon of this release would do with a database.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{
    StoreError,
    error::opening,
    migration::{STEPS, latest, sound, version},
    vms,
};

/// What a daemon of this release would do with a database.
#[derive(Debug)]
pub enum Readiness {
    /// It would use it as it is, or make one where there is none.
    Compatible {
        /// The version of its schema; 0 where there is no database.
        version: u32,
    },
    /// It would migrate it first.
    WillMigrate {
        /// The version of its schema.
        from: u32,
        /// The version that it would have.
        to: u32,
    },
    /// It would refuse it.
    Cannot(StoreError),
}

/// Says what a daemon of this release would do with the database at `path`. Changes nothing, and works
/// beside a daemon that has it open.
///
/// A schema that is known may hold what is not: one record that cannot be read is a database that cannot.
#[must_use]
pub fn check_migrations(path: &Path) -> Readiness {
    let readiness = check(path, STEPS);
    if !matches!(readiness, Readiness::Compatible { version: 1.. }) {
        return readiness;
    }
    match read_only(path).and_then(|connection| vms::read_all(&connection)) {
        Ok(_) => readiness,
        Err(error) => Readiness::Cannot(error),
    }
}

fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|source| opening(path, source))
}

fn check(path: &Path, steps: &[&'static str]) -> Readiness {
    if matches!(path.try_exists(), Ok(false)) {
        return Readiness::Compatible { version: 0 };
    }
    let connection = match read_only(path) {
        Ok(connection) => connection,
        Err(error) => return Readiness::Cannot(error),
    };
    let found = match sound(&connection, path).and_then(|()| version(&connection, path)) {
        Ok(found) => found,
        Err(error) => return Readiness::Cannot(error),
    };
    let known = latest(steps);
    match found {
        _ if found > known => {
            Readiness::Cannot(StoreError::FromTheFuture { path: path.to_owned(), found, known })
        }
        _ if found < known => Readiness::WillMigrate { from: found, to: known },
        _ => Readiness::Compatible { version: found },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Store;

    const LATER: &[&str] = &[STEPS[0], STEPS[1], "CREATE TABLE later (x INTEGER NOT NULL) STRICT;"];

    #[test]
    fn readiness_of_every_kind_of_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let readiness = |steps: &[&'static str]| format!("{:?}", check(&path, steps));

        assert_eq!(readiness(STEPS), "Compatible { version: 0 }");
        drop(Store::open(&path).unwrap());
        assert_eq!(readiness(STEPS), "Compatible { version: 2 }");
        assert_eq!(readiness(LATER), "WillMigrate { from: 2, to: 3 }");
        let open = Store::open(&path).unwrap();
        assert_eq!(readiness(LATER), "WillMigrate { from: 2, to: 3 }", "also beside a daemon");
        drop(open);
        drop(Store::open_with(&path, LATER).unwrap());
        assert!(readiness(STEPS).starts_with("Cannot(FromTheFuture"));
        fs::write(&path, [7; 8192]).unwrap();
        assert!(readiness(STEPS).starts_with("Cannot(Damaged"), "{}", readiness(STEPS));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(readiness(STEPS).starts_with("Cannot(Open"), "{}", readiness(STEPS));
    }
}
