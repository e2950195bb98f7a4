//! Which of the two ways to run applies to a user.

use model::InstallRecord;

use super::{RecordError, SystemPaths};

/// Which of the two ways to run applies to a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user's own daemon, below the user's home.
    Embedded {
        /// The system install that is somebody else's, where there is one.
        others: Option<InstallRecord>,
    },
    /// The system install.
    System {
        /// Whose it is.
        record: InstallRecord,
    },
}

impl Mode {
    /// Finds it: a system install wins where the user is its owner or root.
    ///
    /// # Errors
    ///
    /// [`RecordError`] where it cannot be told whether there is a system install.
    pub fn find(paths: &SystemPaths, uid: u32) -> Result<Self, RecordError> {
        Ok(match paths.read_record()? {
            Some(record) if uid == 0 || uid == record.owner_uid => Self::System { record },
            others => Self::Embedded { others },
        })
    }

    /// Its name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Embedded { .. } => "embedded",
            Self::System { .. } => "system",
        }
    }

    /// Why it applies to the user of this number, as a fragment.
    #[must_use]
    pub fn why(&self, uid: u32) -> String {
        match self {
            Self::Embedded { others: None } => "there is no system install".to_owned(),
            Self::Embedded { others: Some(record) } => {
                format!("the system install is {}'s", record.owner_user)
            }
            Self::System { record } if record.owner_uid == uid => {
                "the system install is this user's".to_owned()
            }
            Self::System { record } => {
                format!("root means the system install, which is {}'s", record.owner_user)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn record() -> InstallRecord {
        InstallRecord {
            owner_user: "ann".to_owned(),
            owner_uid: 1000,
            owner_gid: 1000,
            owner_home: "/home/ann".into(),
            version: "v1.2.3".parse().unwrap(),
            commit: "unknown".to_owned(),
            built_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            installed_at: "2026-02-03T04:05:06Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_system_install_wins_for_its_owner_and_for_root() {
        let root = tempfile::tempdir().unwrap();
        let paths = SystemPaths::below(root.path());
        let mode = |uid| {
            let mode = Mode::find(&paths, uid).unwrap();
            format!("{}: {}", mode.word(), mode.why(uid))
        };
        assert_eq!(mode(1000), "embedded: there is no system install");
        fs::create_dir_all(paths.config()).unwrap();
        assert_eq!(mode(0), "embedded: there is no system install");
        fs::write(paths.record(), record().render()).unwrap();
        assert_eq!(mode(1000), "system: the system install is this user's");
        assert_eq!(mode(0), "system: root means the system install, which is ann's");
        assert_eq!(mode(1001), "embedded: the system install is ann's");
    }

    #[test]
    fn a_record_that_cannot_be_read_is_no_answer() {
        let root = tempfile::tempdir().unwrap();
        let paths = SystemPaths::below(root.path());
        fs::create_dir_all(paths.config()).unwrap();
        for text in ["owner_uid = x", &"#".repeat(20_000)] {
            fs::write(paths.record(), text).unwrap();
            let error = Mode::find(&paths, 1000).unwrap_err();
            assert!(matches!(error, RecordError::NotARecord { .. }), "{error}");
            assert!(error.hint().is_some());
        }
        fs::remove_file(paths.record()).unwrap();
        fs::create_dir(paths.record()).unwrap();
        let error = Mode::find(&paths, 1000).unwrap_err();
        assert!(matches!(error, RecordError::Unreadable { .. }), "{error}");
    }
}
