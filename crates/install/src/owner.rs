//! The user for whom banger is installed.

use std::{ffi::OsString, path::Path, path::PathBuf, time::Duration};

use host::program::{self, ProgramError};

use crate::InstallError;

/// How long a directory of users may take to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// The user for whom banger is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The name.
    pub user: String,
    /// The number.
    pub uid: u32,
    /// The first group.
    pub gid: u32,
    /// The home directory.
    pub home: PathBuf,
}

/// Finds a user by name, wherever this host looks for users (nsswitch.conf(5)).
///
/// # Errors
///
/// [`InstallError::NoUser`], [`InstallError::OwnerIsRoot`], [`InstallError::UsersUnknown`].
pub fn find(user: &str) -> Result<Owner, InstallError> {
    let no_user = || InstallError::NoUser { user: user.to_owned() };
    // A number would be taken for a user's number, a dash for an option.
    if user.is_empty() || user.starts_with('-') || user.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(no_user());
    }
    // It asks every directory of users that the host has, which a program of ours cannot without loading
    // what those directories bring along.
    let getent = program::find("getent").unwrap_or_else(|| "/usr/bin/getent".into());
    let args: [OsString; 2] = ["passwd".into(), user.into()];
    let line = match program::run(&getent, &args, Path::new("/"), LIMIT) {
        Ok(line) => line,
        Err(ProgramError::Failed { .. }) => return Err(no_user()),
        Err(source) => return Err(InstallError::UsersUnknown { user: user.to_owned(), source }),
    };
    let owner = line.lines().find_map(read).ok_or_else(no_user)?;
    if owner.uid == 0 { Err(InstallError::OwnerIsRoot) } else { Ok(owner) }
}

/// The user who runs this, with the home that the environment says.
///
/// # Errors
///
/// [`InstallError::NoUser`] where there is no home.
pub fn of_this_process() -> Result<Owner, InstallError> {
    let uid = rustix::process::geteuid().as_raw();
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| InstallError::NoUser { user: format!("{uid} with a home") })?;
    let getent = program::find("getent").unwrap_or_else(|| "/usr/bin/getent".into());
    let line = program::run(&getent, &["passwd".into(), uid.to_string().into()], Path::new("/"), LIMIT);
    let user = line.ok().and_then(|line| line.lines().find_map(read)).map(|owner| owner.user);
    Ok(Owner {
        // One whom no directory knows has a number all the same.
        user: user.unwrap_or_else(|| uid.to_string()),
        uid,
        gid: rustix::process::getegid().as_raw(),
        home,
    })
}

/// Says whether this host has a group `kvm`, whose members may open `/dev/kvm`.
#[must_use]
pub fn has_kvm_group() -> bool {
    let getent = program::find("getent").unwrap_or_else(|| "/usr/bin/getent".into());
    program::run(&getent, &["group".into(), "kvm".into()], Path::new("/"), LIMIT).is_ok()
}

/// Reads a line of passwd(5).
fn read(line: &str) -> Option<Owner> {
    let fields: Vec<&str> = line.split(':').collect();
    let [user, _, uid, gid, _, home, _] = fields[..] else {
        return None;
    };
    let home = PathBuf::from(home);
    let owner = Owner { user: user.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()?, home };
    (!user.is_empty() && owner.home.is_absolute()).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_passwd() {
        let ann = Owner { user: "ann".to_owned(), uid: 1000, gid: 100, home: "/home/ann".into() };
        let table = [
            ("ann:x:1000:100:Ann,,,:/home/ann:/bin/bash", Some(ann)),
            ("ann:x:1000:100:Ann,,,:/home/ann", None),
            ("ann:x:-1:100::/home/ann:/bin/bash", None),
            ("ann:x:1000:x::/home/ann:/bin/bash", None),
            ("ann:x:1000:100::home:/bin/bash", None),
            (":x:1000:100::/home/ann:/bin/bash", None),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(read(line), expected, "{line:?}");
        }
    }

    #[test]
    fn users_of_this_host() {
        assert!(matches!(find("root"), Err(InstallError::OwnerIsRoot)));
        let nobody = find("nobody").unwrap();
        assert_eq!(nobody.user, "nobody");
        for name in ["", "-x", "0", "1000", "no such user", "no:body"] {
            assert!(matches!(find(name), Err(InstallError::NoUser { .. })), "{name:?}");
        }
    }
}
