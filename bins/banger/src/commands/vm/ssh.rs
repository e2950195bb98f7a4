//! `banger vm ssh`.

use std::{io, os::unix::process::CommandExt as _, path::Path, process::Command};

use api::Vm;
use guest::client::Connection;
use model::Class;

use super::{many::Machine, running::running};
use crate::{
    daemon::Context,
    fault::{Doing as _, Fault, plain_io},
    text::shell_quote,
};

/// Log in with OpenSSH, through the machine's link: no address, port or host key to know
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm ssh box\n  \
    banger vm ssh box -- make -C /srv test\n  \
    banger vm ssh box -- -NL 8080:127.0.0.1:80\n\n\
    What begins with - goes to ssh itself; from the first word on that does not, it is the command.\n\
    Exit codes: the command's own, 255 where ssh failed, 125 where banger itself failed.")]
pub(crate) struct Ssh {
    #[command(flatten)]
    machine: Machine,
    /// Options for ssh, and a command
    #[arg(last = true, value_name = "SSH OPTION|CMD")]
    arguments: Vec<String>,
}

/// The options of ssh(1) that take a value.
const VALUED: &str = "BbcDEeFIiJLlmOoPpQRSWw";

impl Ssh {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("log in to {}", self.machine.machine);
        let client = context.daemon(&doing).await?;
        let vm = running(context, &client, &self.machine.machine, &doing).await?;
        has_sshd(&vm, &doing).await?;
        let banger = std::env::current_exe().doing(&doing)?;
        let error = Command::new("ssh").args(arguments(&banger, &vm, &self.arguments)).exec();
        Err(not_run(&error, &doing))
    }
}

/// Why ssh could not be run.
pub(crate) fn not_run(error: &io::Error, doing: &str) -> Fault {
    if error.kind() == io::ErrorKind::NotFound {
        return Fault::new(Class::HostLacks, format!("{doing}: this host has no ssh"))
            .hint("Install OpenSSH's client (openssh-client); `banger vm exec -t` needs none.");
    }
    Fault::new(Class::Failed, format!("{doing}: run ssh: {}", plain_io(error)))
}

/// Refuses where the image has no sshd. Said here, where it can be said well: ssh knows only that nobody answered.
pub(crate) async fn has_sshd(vm: &Vm, doing: &str) -> Result<(), Fault> {
    let health = Connection::in_dir(&vm.link_dir).health().await.doing(doing)?;
    if health.has_sshd {
        return Ok(());
    }
    Err(Fault::new(Class::Failed, format!("{doing}: the image has no sshd"))
        .hint(format!("Install openssh-server in it, or use `banger vm exec -t {} -- sh`.", vm.name)))
}

/// All of ssh's arguments.
fn arguments(banger: &Path, vm: &Vm, given: &[String]) -> Vec<String> {
    let proxy = [
        banger.display().to_string(),
        "internal".to_owned(),
        "proxy".to_owned(),
        vm.link_dir.display().to_string(),
    ];
    let proxy: Vec<String> = proxy.iter().map(|word| literal(&shell_quote(word))).collect();
    let host = format!("{}.vm", vm.name);
    let options = [
        format!("ProxyCommand={}", proxy.join(" ")),
        format!("UserKnownHostsFile={}", quoted(&vm.dir.join("known_hosts"))),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        format!("HostKeyAlias={host}"),
        "StrictHostKeyChecking=yes".to_owned(),
        "UpdateHostKeys=no".to_owned(),
        format!("IdentityFile={}", quoted(&vm.ssh_key)),
        "IdentitiesOnly=yes".to_owned(),
        "PreferredAuthentications=publickey".to_owned(),
        // A master of an earlier machine of the same name would lead nowhere.
        "ControlMaster=no".to_owned(),
        "ControlPath=none".to_owned(),
    ];
    let (own, command) = given.split_at(options_end(given));
    let mut all: Vec<String> = options.into_iter().flat_map(|option| ["-o".to_owned(), option]).collect();
    all.extend(own.iter().cloned());
    all.extend(["-l".to_owned(), "root".to_owned(), "--".to_owned(), host]);
    // ssh joins its arguments with spaces and gives them to a shell: each must come out as one word.
    all.extend(command.iter().map(|word| shell_quote(word)));
    all
}

/// How many of the words are options of ssh, with their values.
fn options_end(words: &[String]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else { break };
        at += 1;
        if letters == "-" {
            break;
        }
        // The value of `-vp 22` is the next word, that of `-p22` is in the same.
        let valued = letters.find(|letter| VALUED.contains(letter));
        if valued.is_some_and(|place| place + 1 == letters.len()) {
            at += 1;
        }
    }
    at.min(words.len())
}

/// A path as a value of ssh's configuration: no percent of it is a token, no space its end.
pub(crate) fn quoted(path: &Path) -> String {
    format!("\"{}\"", literal(&path.display().to_string()))
}

/// Text as a value of ssh's configuration: no percent of it is a token.
pub(crate) fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_s_options_end_where_the_command_begins() {
        for (line, end) in [
            ("", 0),
            ("uname -a", 0),
            ("-v uname -a", 1),
            ("-NL 8080:localhost:80", 2),
            ("-L 1:h:2 -v", 3),
            ("-p22 true", 1),
            ("-o X=Y ls -l", 2),
            ("-oX=Y ls -l", 1),
            ("-- -x", 1),
            ("-p", 1),
            ("- x", 0),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(options_end(&words), end, "{line:?}");
        }
    }

    #[test]
    fn paths_are_taken_as_they_are() {
        assert_eq!(quoted(Path::new("/a b/100%")), "\"/a b/100%%\"");
    }
}
