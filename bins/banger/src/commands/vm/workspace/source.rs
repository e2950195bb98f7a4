//! What of a repository is copied: the flags that `run` and `prepare` share.

use std::{os::unix::ffi::OsStrExt as _, path::Path};

use serde_json::json;
use workspace::{History, Plan, Repository, Wanted};

use super::GuestPath;
use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
    text::{bytes, shell_quote},
};

/// What of a repository is copied.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag, and any of them may be given")]
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Workspace")]
pub(crate) struct Source {
    /// Copy files that git does not track, too; ignored ones never are
    #[arg(long)]
    pub(super) include_untracked: bool,
    /// Put the guest on a new branch of this name
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Begin that branch at this commit, and copy its files instead of the work tree's
    #[arg(long, value_name = "COMMIT", requires = "branch")]
    pub(super) from: Option<String>,
    /// Copy the whole history with every branch and tag, not the last ten generations
    #[arg(long)]
    pub(super) full_copy: bool,
    /// Let the guest only read its copy
    #[arg(long)]
    pub(super) readonly: bool,
    /// Where it lies in the guest [default: /root/repo]
    #[arg(long, value_name = "DIR")]
    pub(super) guest_path: Option<GuestPath>,
    /// Show what would be copied, and make and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not install the tools that the repository asks for
    #[arg(long)]
    pub(super) no_bootstrap: bool,
}

impl Source {
    /// Reads what is to be copied, and refuses what cannot be.
    pub(crate) fn plan(&self, path: &Path, doing: &str) -> Result<Plan, Fault> {
        let wanted = Wanted {
            include_untracked: self.include_untracked,
            history: if self.full_copy { History::Whole } else { History::Recent },
            branch: self.branch.clone(),
            from: self.from.clone(),
        };
        let repository = Repository::find(path).doing(doing)?;
        Plan::read(repository, &wanted).doing(doing)
    }

    /// Whether nothing is to be made.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The file by which the repository asks for tools, where they are to be installed.
    pub(crate) fn tools_of(&self, plan: &Plan) -> Option<&'static str> {
        plan.tool_file().filter(|_| !self.no_bootstrap)
    }

    /// Whether any of it was given, where there is no repository that it could be about.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        let given = [
            (self.include_untracked, "--include-untracked"),
            (self.branch.is_some(), "--branch"),
            (self.full_copy, "--full-copy"),
            (self.readonly, "--readonly"),
            (self.guest_path.is_some(), "--guest-path"),
            (self.dry_run, "--dry-run"),
            (self.no_bootstrap, "--no-bootstrap"),
        ];
        given.into_iter().find_map(|(is_given, name)| is_given.then_some(name))
    }
}

/// Shows what would be copied.
pub(crate) fn show_plan(context: &Context, plan: &Plan) {
    let files: Vec<&Path> = plan.paths().collect();
    let shown: Vec<String> = files.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let object = json!({
        "repository": plan.repository().top(),
        "commit": plan.commit(),
        "bytes": plan.bytes(),
        "files": shown,
        "notes": plan.notes(),
    });
    context.screen.show("workspace", object, || lines(&files));
    for note in plan.notes() {
        context.screen.note(note);
    }
    let size = if plan.bytes() > 0 { format!(", {}", bytes(plan.bytes())) } else { String::new() };
    context.screen.note(&format!("{} files{size} would be copied; nothing was made", files.len()));
}

/// Paths, a line each.
pub(super) fn lines(paths: &[&Path]) -> String {
    paths.iter().fold(String::new(), |text, path| text + &line(path) + "\n")
}

/// A path on one line, as a shell would take it where it is odd.
fn line(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.contains(char::is_control) => shell_quote(text),
        _ => format!("$'{}'", path.as_os_str().as_bytes().escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn every_path_is_one_line() {
        for (path, expected) in [
            (&b"a/b.rs"[..], "a/b.rs"),
            (b"two words", "'two words'"),
            (b"new\nline", r"$'new\nline'"),
            (b"\xff'", r"$'\xff\''"),
        ] {
            assert_eq!(line(Path::new(OsStr::from_bytes(path))), expected);
        }
    }
}
