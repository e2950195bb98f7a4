//! Keys of SSH: one of the user's, and one for each machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use api::{Code, Failure};
use model::VmName;
use ssh_key::{
    LineEnding, PrivateKey,
    private::{Ed25519Keypair, KeypairData},
};

use crate::failure::{chain, failure};

/// The private host key in a machine's directory.
pub(crate) const HOST_KEY: &str = "ssh_host_ed25519_key";

/// The file in a machine's directory by which a client knows the machine.
pub(crate) const KNOWN_HOSTS: &str = "known_hosts";

fn make(comment: &str) -> Result<PrivateKey, Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| failure(Code::Internal, format!("make a key: {error}")))?;
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&seed));
    PrivateKey::new(pair, comment).map_err(|error| failure(Code::Internal, format!("make a key: {error}")))
}

/// Writes a new file whole or not at all, durably, for this user's eyes alone.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let beside = path.with_extension("new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().map_err(|error| failure(Code::Failed, format!("write {}: {error}", path.display())))
}

fn pem(key: &PrivateKey) -> Result<String, Failure> {
    let pem = key.to_openssh(LineEnding::LF);
    pem.map(|pem| pem.to_string()).map_err(|error| failure(Code::Internal, format!("write a key: {error}")))
}

fn public(key: &PrivateKey) -> Result<String, Failure> {
    key.public_key().to_openssh().map_err(|error| failure(Code::Internal, format!("write a key: {error}")))
}

/// Makes the user's key where there is none, and returns its public half, a line of `authorized_keys`.
///
/// # Errors
///
/// The key cannot be read or written.
pub(crate) fn ensure_user_key(path: &Path) -> Result<String, Failure> {
    let key = match fs::read(path) {
        Ok(bytes) => PrivateKey::from_openssh(&bytes).map_err(|error| {
            failure(Code::Failed, format!("read the key {}: {}", path.display(), chain(&error)))
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = make("banger")?;
            if let Some(dir) = path.parent() {
                fs::create_dir_all(dir)
                    .map_err(|error| failure(Code::Failed, format!("make {}: {error}", dir.display())))?;
            }
            write_whole(path, pem(&key)?.as_bytes())?;
            key
        }
        Err(error) => return Err(failure(Code::Failed, format!("read the key {}: {error}", path.display()))),
    };
    let line = public(&key)?;
    let public_path = path.with_extension("pub");
    let is_there = fs::read_to_string(&public_path).is_ok_and(|text| text.trim_end() == line);
    if !is_there {
        write_whole(&public_path, format!("{line}\n").as_bytes())?;
    }
    Ok(line)
}

/// Makes a machine's host key and the `known_hosts` that goes with it.
///
/// # Errors
///
/// They cannot be written.
pub(crate) fn make_host_key(dir: &Path, name: &VmName) -> Result<(), Failure> {
    let key = make(name.as_str())?;
    write_whole(&dir.join(HOST_KEY), pem(&key)?.as_bytes())?;
    write_whole(&dir.join(KNOWN_HOSTS), format!("{name}.vm,{name} {}\n", public(&key)?).as_bytes())
}

/// Reads a machine's private host key.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn host_key(dir: &Path) -> Result<String, Failure> {
    let path = dir.join(HOST_KEY);
    fs::read_to_string(&path)
        .map_err(|error| failure(Code::Failed, format!("read the key {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_users_key_is_made_once_and_for_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ssh").join("id_ed25519");
        let line = ensure_user_key(&path).unwrap();
        assert!(line.starts_with("ssh-ed25519 "), "{line}");
        assert_eq!(ensure_user_key(&path).unwrap(), line);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "no key").unwrap();
        assert!(ensure_user_key(&path).unwrap_err().message.starts_with("read the key"));
    }

    #[test]
    fn a_machines_key_is_the_one_in_its_known_hosts() {
        let dir = tempfile::tempdir().unwrap();
        make_host_key(dir.path(), &"my-box".parse().unwrap()).unwrap();
        let key = PrivateKey::from_openssh(host_key(dir.path()).unwrap()).unwrap();
        let known = fs::read_to_string(dir.path().join(KNOWN_HOSTS)).unwrap();
        let (names, line) = known.split_once(' ').unwrap();
        assert_eq!(names, "my-box.vm,my-box");
        assert_eq!(line.trim_end(), key.public_key().to_openssh().unwrap());
    }
}
