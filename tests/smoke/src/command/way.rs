//! How a command comes to where it runs.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::kin::children;

/// Who runs a command inside a host that is not this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Root.
    Root,
    /// The ordinary user who is to own machines there.
    Dev,
}

impl Account {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Dev => "dev",
        }
    }
}

/// How a command comes to where it runs.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// It runs here.
    Here,
    /// Into the namespaces of a container.
    Container {
        /// The container's first process, as this machine numbers it.
        leader: i32,
        /// Who runs it there.
        account: Account,
    },
    /// Over a connection of ssh that is there already, to an emulated computer.
    Computer {
        /// The socket of who has the connection, for that account.
        socket: PathBuf,
        /// Whose connection it is.
        account: Account,
    },
}

/// What is to run.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) program: &'a Path,
    pub(super) args: &'a [OsString],
    pub(super) envs: &'a [(OsString, OsString)],
    pub(super) dir: &'a Path,
    pub(super) on_terminal: bool,
}

impl Way {
    /// Makes the process that runs it.
    pub(super) fn process(&self, call: &Call<'_>) -> process::Command {
        let words = self.words(call);
        let mut command = process::Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(call.envs.iter().cloned());
        command.current_dir(if matches!(self, Self::Here) { call.dir } else { Path::new("/") });
        command
    }

    /// Sends a signal to the process group of the command that `process` was started for.
    pub(super) fn signal(&self, process: Pid, signal: Signal) {
        let group = match self {
            Self::Here | Self::Computer { .. } => Some(process),
            // What entered the namespaces waits outside for its one child, which is the command.
            Self::Container { .. } => children(process.as_raw_pid()).next().and_then(Pid::from_raw),
        };
        if let Some(group) = group {
            // One that is gone already needs no signal.
            let _gone = kill_process_group(group, signal);
        }
        if signal == Signal::CONT {
            // Who waits for a command stands still with it.
            let _gone = kill_process(process, signal);
        }
    }

    fn words(&self, call: &Call<'_>) -> Vec<OsString> {
        let own = std::iter::once(call.program.into()).chain(call.args.iter().cloned());
        // Makes the terminal its session's, then becomes the program: the process id is the program's.
        let session: &[&str] = match (self, call.on_terminal) {
            (_, true) => &["setsid", "--ctty"],
            // Its group is its own, without those who wait for it outside.
            (Self::Container { .. }, false) => &["setsid"],
            (Self::Here | Self::Computer { .. }, false) => &[],
        };
        let session = session.iter().map(OsString::from);
        match self {
            Self::Here => session.chain(own).collect(),
            Self::Container { leader, account } => {
                let enter =
                    ["nsenter", "--target", &leader.to_string(), "--root", "--wd"].map(OsString::from);
                let spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"];
                let there = [OsStr::new("env"), OsStr::new("--chdir"), call.dir.as_os_str()];
                let mut words: Vec<OsString> = enter.into();
                words.extend(spaces.map(OsString::from));
                words.extend(there.map(OsStr::to_owned));
                if *account == Account::Dev {
                    let dev = ["setpriv", "--reuid=dev", "--regid=dev", "--init-groups", "--"];
                    words.extend(dev.map(OsString::from));
                }
                // In there, since a session of out here has no number there.
                words.extend(session.chain(own));
                words
            }
            Self::Computer { socket, account } => {
                let mut words: Vec<OsString> = session.collect();
                // Where the connection is gone, none is made.
                words.extend(
                    ["ssh", "-q", "-F", "none", "-o", "ProxyCommand=false", "-S"].map(OsString::from),
                );
                let terminal = if call.on_terminal { "-tt" } else { "-T" };
                words.extend([socket.into(), terminal.into()]);
                words.extend(
                    [format!("{}@127.0.0.1", account.name()), "--".into(), line(call, own)]
                        .map(OsString::from),
                );
                words
            }
        }
    }
}

/// One line for a shell at the other end.
fn line(call: &Call<'_>, own: impl Iterator<Item = OsString>) -> String {
    let envs = call.envs.iter().map(|(key, value)| format!("{}={}", key.display(), value.display()));
    let words = ["env", "--chdir"].map(str::to_owned).into_iter();
    let words = words.chain([call.dir.display().to_string()]).chain(envs);
    let words = words.chain(own.map(|word| word.display().to_string()));
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
    // The shell stays, and tells of an end by a signal as any shell does.
    format!("{}; exit $?", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(way: &Way) -> String {
        let args = ["it's".into()];
        let envs = [("A".into(), "b c".into())];
        let call = Call {
            program: Path::new("echo"),
            args: &args,
            envs: &envs,
            dir: Path::new("/home/dev"),
            on_terminal: false,
        };
        way.words(&call).join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn each_way_keeps_words_apart() {
        assert_eq!(words(&Way::Here), "echo it's");
        let into = words(&Way::Container { leader: 7, account: Account::Dev });
        assert!(into.starts_with("nsenter --target 7 "), "{into}");
        assert!(into.ends_with(
            "env --chdir /home/dev setpriv --reuid=dev --regid=dev --init-groups -- setsid echo it's"
        ));
        let over = words(&Way::Computer { socket: "/socket".into(), account: Account::Root });
        let told = r"root@127.0.0.1 -- 'env' '--chdir' '/home/dev' 'A=b c' 'echo' 'it'\''s'; exit $?";
        assert!(over.ends_with(told), "{over}");
    }
}
