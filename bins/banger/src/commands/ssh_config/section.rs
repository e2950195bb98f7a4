//! The section of ssh's configuration that is for machines.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use host::{
    dirs::{Mode, SystemPaths},
    program,
};
use model::Class;

use crate::{
    commands::vm::{literal, not_run, quoted},
    daemon::{dirs, mode},
    fault::{Explain as _, Fault},
    text::shell_quote,
};

/// The section for all machines, those that are not yet made included: ssh asks `banger` each time for the way
/// and for the host key.
pub(super) fn section(doing: &str) -> Result<String, Fault> {
    let banger = lasting_path(doing)?;
    let key = dirs(doing)?.ssh_key();
    Ok(of(&banger, &key))
}

/// See `ssh_config(5)` for the words and for what is quoted how.
fn of(banger: &Path, key: &Path) -> String {
    let proxy = literal(&shell_quote(&banger.display().to_string()));
    [
        "# The machines of banger. Made by `banger ssh-config`, and made anew by each `--install`."
            .to_owned(),
        "Host *.vm".to_owned(),
        "    User root".to_owned(),
        format!("    ProxyCommand {proxy} internal ssh-proxy %n"),
        format!("    KnownHostsCommand {} internal known-hosts %n", quoted(banger)),
        "    UserKnownHostsFile /dev/null".to_owned(),
        "    GlobalKnownHostsFile /dev/null".to_owned(),
        "    StrictHostKeyChecking yes".to_owned(),
        "    UpdateHostKeys no".to_owned(),
        format!("    IdentityFile {}", quoted(key)),
        "    IdentitiesOnly yes".to_owned(),
        "    PreferredAuthentications publickey".to_owned(),
        // A master of an earlier machine of the same name would lead nowhere.
        "    ControlMaster no".to_owned(),
        "    ControlPath none".to_owned(),
        String::new(),
    ]
    .join("\n")
}

/// The path of this program that outlives an update: a command on `PATH`, or the system's, that leads to it.
fn lasting_path(doing: &str) -> Result<PathBuf, Fault> {
    let explain = |error: io::Error| error.explain(&format!("{doing}: find this program"));
    let this = std::env::current_exe().and_then(fs::canonicalize).map_err(explain)?;
    let of_system = match mode(doing)? {
        Mode::System { .. } => Some(SystemPaths::of_this_host().commands().join("banger")),
        Mode::Embedded { .. } => None,
    };
    let leads_here = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|whole| whole == this);
    let found = of_system.into_iter().chain(program::find("banger")).find(leads_here);
    Ok(found.unwrap_or(this))
}

/// Asks this host's ssh whether it takes the section: one word that it does not know, and it would refuse to
/// connect anywhere.
pub(super) fn check(section: &Path, doing: &str) -> Result<(), Fault> {
    let asked = Command::new("ssh")
        .arg("-F")
        .arg(section)
        .args(["-G", "--", "name.vm"])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_run(&error, doing))?;
    if asked.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&asked.stderr);
    let why = said.lines().next().unwrap_or("it does not say why");
    Err(Fault::new(Class::HostLacks, format!("{doing}: this host's ssh does not take the section: {why}"))
        .hint("OpenSSH 8.5 or newer is needed; `banger vm ssh` works with any."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_can_stand_in_it() {
        let text = of(Path::new("/a b/100%/banger"), Path::new("/state/ssh/id_ed25519"));
        insta::assert_snapshot!(text);
    }
}
