//! `banger completion`, and the live names that a shell is offered.
//!
//! The script asks this program itself at each press of the key (`COMPLETE=<shell> banger`). Names come
//! from the daemon if it answers within a moment; it is never started for them.

use std::ffi::OsStr;

use clap::{
    ValueEnum,
    builder::{Resettable, Str},
};
use clap_complete::{
    CompletionCandidate,
    env::{Bash, EnvCompleter, Fish, Zsh},
};

use crate::{
    daemon::glance,
    exit,
    fault::{Explain as _, Fault},
    screen::print,
};

/// A shell that can complete.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print the script that lets a shell complete commands, machines, images and kernels
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    source <(banger completion bash)                                  in ~/.bashrc\n  \
    source <(banger completion zsh)                                   in ~/.zshrc, after compinit\n  \
    banger completion fish > ~/.config/fish/completions/banger.fish")]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(&self) -> Result<u8, Fault> {
        let completer: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
        };
        let mut script = Vec::new();
        let written = completer.write_registration("COMPLETE", "banger", "banger", "banger", &mut script);
        written.map_err(|error| error.explain("write the script"))?;
        print(&script);
        Ok(exit::DONE)
    }
}

/// The tree without what the help hides. The engine leaves hidden words out of an offer only as long as there is another
/// word in it: `update --manif` would be completed.
///
/// Groups are not taken along: only who reads a command line needs them, and they name what is hidden.
pub(crate) fn offered(tree: &clap::Command) -> clap::Command {
    clap::Command::new(tree.get_name().to_owned())
        .about(Resettable::from(tree.get_about().cloned()))
        .version(Resettable::from(tree.get_version().map(|version| Str::from(version.to_owned()))))
        .visible_aliases(tree.get_visible_aliases().map(str::to_owned))
        .disable_help_subcommand(tree.is_disable_help_subcommand_set())
        .args(tree.get_arguments().filter(|argument| !argument.is_hide_set()))
        .subcommands(tree.get_subcommands().filter(|command| !command.is_hide_set()).map(offered))
}

fn offer(names: Option<Vec<String>>, typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let names = names.unwrap_or_default().into_iter().filter(|name| name.starts_with(typed.as_ref()));
    names.map(CompletionCandidate::new).collect()
}

/// The machines.
pub(crate) fn machines(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names =
        glance(async |client| Some(client.vms().await.ok()?.into_iter().map(|vm| vm.name.into()).collect()));
    offer(names, typed)
}

/// The images.
pub(crate) fn images(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = glance(async |client| {
        Some(client.images().await.ok()?.into_iter().map(|image| image.name.into()).collect())
    });
    offer(names, typed)
}

/// The kernels.
pub(crate) fn kernels(typed: &OsStr) -> Vec<CompletionCandidate> {
    let names = glance(async |client| {
        Some(client.kernels().await.ok()?.into_iter().map(|kernel| kernel.name.into()).collect())
    });
    offer(names, typed)
}
