//! One `sshd -i` for each SSH connection.
//!
//! It reads a configuration of ours and not the image's: it works where the image's own service is broken or
//! stopped, and host key and authorised keys are the ones that the host knows.

use std::{fs, io, os::fd::OwnedFd, os::unix::net::UnixStream as StdUnixStream, path::Path, process::Stdio};

use guest::UPGRADE_SSH;
use hyper::{Request, StatusCode, body::Incoming};
use tokio::{net::UnixStream, process::Command};

use super::{
    carry::carry,
    health::find_sshd,
    kept::{AUTHORIZED_KEYS, HOST_KEY, STATE_DIR},
    passwd,
    reply::{Answer, Refused, must_upgrade},
    sessions::Session,
};

pub(super) fn answer(request: Request<Incoming>, counted: Session) -> Answer {
    must_upgrade(&request, UPGRADE_SSH)?;
    let sshd = find_sshd().ok_or_else(|| Refused {
        status: StatusCode::NOT_IMPLEMENTED,
        message: "the image has no sshd".to_owned(),
        hint: Some(
            "Install openssh-server in the guest, or use `banger vm exec`, which needs none.".to_owned(),
        ),
    })?;
    if !Path::new(HOST_KEY).exists() {
        return Err(Refused {
            status: StatusCode::CONFLICT,
            message: "the guest has no host key yet".to_owned(),
            hint: None,
        });
    }
    let connection = start(&sshd).map_err(|error| Refused::failed("start sshd", &error))?;
    Ok(carry(request, UPGRADE_SSH, connection, counted))
}

/// Starts `sshd` on one end of a pair of sockets and returns the other.
fn start(sshd: &Path) -> io::Result<UnixStream> {
    // Where sshd drops its privileges; distributions make it when their own service starts.
    fs::create_dir_all("/run/sshd")?;
    let config = format!("{STATE_DIR}/sshd_config");
    fs::write(&config, configuration())?;
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let theirs = OwnedFd::from(theirs);
    let mut command = Command::new(sshd);
    command.args(["-i", "-e", "-f", &config]);
    command.stdin(theirs.try_clone()?).stdout(theirs).stderr(Stdio::null()).current_dir("/");
    super::exec::unprotected(command.as_std_mut());
    let mut child = command.spawn()?;
    tokio::spawn(async move { child.wait().await });
    UnixStream::from_std(ours)
}

fn configuration() -> String {
    // Without PAM sshd refuses an account whose password is locked, with a key, too.
    let pam = if passwd::is_root_locked() { "yes" } else { "no" };
    format!(
        "HostKey {HOST_KEY}\n\
         AuthorizedKeysFile {AUTHORIZED_KEYS} .ssh/authorized_keys\n\
         PermitRootLogin prohibit-password\n\
         PasswordAuthentication no\n\
         UsePAM {pam}\n\
         PidFile none\n\
         PrintMotd no\n\
         AcceptEnv LANG LC_*\n\
         Subsystem sftp internal-sftp\n"
    )
}
