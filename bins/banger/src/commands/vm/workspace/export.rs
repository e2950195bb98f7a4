//! `banger vm workspace export`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use api::{Vm, client::Client};
use guest::client::Connection;
use model::Class;
use serde_json::json;
use workspace::{Patch, Repository, mark_now, script};

use super::{GuestPath, scripts, source::lines};
use crate::{
    commands::vm::{many::Machine, running::running},
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
    screen::print,
    session::collect,
    text::{bytes, count},
};

/// The largest patch that is taken, in bytes.
const PATCH_BYTES_MAX: usize = 1 << 30;

/// Get what was changed in a machine's copy of a repository, as a patch
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm workspace export box --stat\n  \
    banger vm workspace export box -o work.patch && git apply work.patch\n  \
    banger vm workspace export box --apply\n\n\
    All that differs from what was copied: committed, staged, neither, and new; never what is ignored. The\n\
    guest needs git; its own index is not touched. --apply shows what changes and then changes the files\n\
    here, all or none; the next export is what was changed since.")]
pub(crate) struct Export {
    #[command(flatten)]
    machine: Machine,
    /// Compare with this commit of the guest's, not with what was copied
    #[arg(long, value_name = "COMMIT")]
    base_commit: Option<String>,
    /// Where the repository lies in the guest [default: where it was copied to]
    #[arg(long, value_name = "DIR")]
    guest_path: Option<GuestPath>,
    /// Show how much was changed
    #[arg(long, group = "what")]
    stat: bool,
    /// List the files that were changed
    #[arg(long, group = "what")]
    files: bool,
    /// Change the files here, where the repository was copied from
    #[arg(long, group = "what", conflicts_with_all = ["base_commit", "guest_path"])]
    apply: bool,
    /// Write the patch here
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["stat", "files", "apply"])]
    output: Option<PathBuf>,
}

impl Export {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = &format!("export the work in {}", self.machine.machine);
        let wants_bytes = !self.stat && !self.files && !self.apply && self.output.is_none();
        if wants_bytes && context.screen.is_json() {
            let why = format!("{doing}: a patch is no JSON");
            return Err(Fault::usage(why).hint("Give -o FILE, --files, --stat or --apply."));
        }
        let client = context.daemon(doing).await?;
        let vm = running(context, &client, &self.machine.machine, doing).await?;
        let path = self.guest_path(&vm, doing)?;
        let how = if self.files {
            "files"
        } else if self.stat {
            "stat"
        } else {
            "patch"
        };
        let found = self.ask(context, &vm, &path, how, doing).await?;
        if self.files {
            show_files(context, &found);
        } else if self.stat {
            let text = printable(&found);
            context.screen.show("export", json!({ "stat": text }), || text.clone());
        } else if self.apply {
            apply(context, &client, &vm, &found, doing).await?;
        } else if let Some(output) = &self.output {
            write(output, &found, doing)?;
            let object = json!({ "file": output, "bytes": found.len() });
            context.screen.show("export", object, String::new);
            context.screen.note(&format!("{}, {}", output.display(), bytes(found.len() as u64)));
        } else {
            print(&found);
        }
        if found.is_empty() {
            context.screen.note("nothing was changed");
        }
        Ok(exit::DONE)
    }

    fn guest_path(&self, vm: &Vm, doing: &str) -> Result<String, Fault> {
        let recorded = vm.workspace.as_ref().map(|workspace| workspace.guest_path.clone());
        self.guest_path.as_ref().map(ToString::to_string).or(recorded).ok_or_else(|| no_workspace(vm, doing))
    }

    async fn ask(
        &self,
        context: &Context,
        vm: &Vm,
        path: &str,
        how: &str,
        doing: &str,
    ) -> Result<Vec<u8>, Fault> {
        let guest = Connection::in_dir(&vm.link_dir);
        let base = self.base_commit.as_deref().unwrap_or_default();
        let done = collect(&guest, script::EXPORT, &[path, base, how], PATCH_BYTES_MAX).await.doing(doing)?;
        let failed = |class, why: &str| Fault::new(class, format!("{doing}: {why}"));
        match done.code {
            0 if done.stderr.is_empty() => Ok(done.stdout),
            0 => {
                context.screen.warn(&printable(done.stderr.as_bytes()));
                Ok(done.stdout)
            }
            3 => Err(failed(Class::Failed, "the guest has no git")
                .hint(format!("Install it there: banger vm exec {} -- apt-get install git", vm.name))),
            4 => Err(failed(Class::Failed, &format!("no copy of a repository is at {path}"))
                .hint("--base-commit compares any repository of the guest with one of its commits.")),
            5 => Err(failed(Class::Usage, &format!("{base:?} is no commit of the guest's repository"))),
            _ => Err(scripts::failed(&done, doing)),
        }
    }
}

fn no_workspace(vm: &Vm, doing: &str) -> Fault {
    let hint = format!("`banger vm workspace prepare {} PATH` puts one there.", vm.name);
    Fault::usage(format!("{doing}: no repository is in the machine")).hint(hint)
}

fn show_files(context: &Context, found: &[u8]) {
    use std::os::unix::ffi::OsStrExt as _;
    let names = found.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let files: Vec<&Path> = names.map(|name| Path::new(std::ffi::OsStr::from_bytes(name))).collect();
    context.screen.show("export", json!({ "files": texts(&files) }), || lines(&files));
}

fn texts(paths: &[impl AsRef<Path>]) -> Vec<String> {
    paths.iter().map(|path| path.as_ref().to_string_lossy().into_owned()).collect()
}

/// A guest's text without what would make a terminal do something.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|each| if each.is_control() && each != '\n' { '\u{fffd}' } else { each }).collect()
}

/// Writes the patch whole or not at all.
fn write(path: &Path, bytes: &[u8], doing: &str) -> Result<(), Fault> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = || {
        let mut file = tempfile::Builder::new()
            .permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644))
            .tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)
    };
    written().map(drop).map_err(|error| error.explain(&format!("{doing}: {}", path.display())))
}

/// Changes the files of the repository that was copied.
async fn apply(context: &Context, client: &Client, vm: &Vm, found: &[u8], doing: &str) -> Result<(), Fault> {
    let workspace = vm.workspace.as_ref().ok_or_else(|| no_workspace(vm, doing))?;
    let repository = Repository::find(&workspace.host_path).doing(doing)?;
    let untracked = workspace.copied.include_untracked;
    let before = mark_now(&repository, untracked).doing(doing)?;
    let patch = Patch::new(found, &repository).doing(doing)?;
    let stat = patch.stat().doing(doing)?;
    if !context.screen.is_json() {
        print(printable(stat.as_bytes()).as_bytes());
    }
    let present = patch.apply().doing(doing)?;
    let object = json!({ "applied_to": repository.top(), "stat": stat, "present": texts(&present) });
    context.screen.show("export", object, String::new);
    if patch.is_empty() {
        return Ok(());
    }
    context.screen.note(&format!("applied to {}", repository.top().display()));
    if !present.is_empty() {
        let shown = printable(texts(&present).join(", ").as_bytes());
        context.screen.note(&format!("here already as in the machine: {shown}"));
    }
    let new_files = new_files(&stat);
    if new_files > 0 && !untracked {
        context.screen.note(&format!(
            "{} untracked here: a copy that is made again is without until `git add`",
            count(new_files, "new file is", "new files are")
        ));
    }
    let guest = Connection::in_dir(&vm.link_dir);
    scripts::run(&guest, script::ADVANCE, &[&workspace.guest_path], doing).await?;
    // Where nobody else had changed it since, it is what the guest has.
    if workspace.copied.mark.as_ref() == Some(&before) {
        let mut workspace = workspace.clone();
        workspace.copied.mark = Some(mark_now(&repository, untracked).doing(doing)?);
        client.vm_workspace(vm.id.as_str(), &workspace).await.doing(doing)?;
    }
    Ok(())
}

/// How many files a patch makes, as git tells it.
fn new_files(stat: &str) -> u64 {
    stat.lines().filter(|line| line.starts_with(" create mode ")).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_counted() {
        let stat = " new  | 1 +\n old | 2 +-\n 2 files changed, 2 insertions(+)\n create mode 100644 new\n mode change 100644 => 100755 old\n";
        assert_eq!((new_files(stat), new_files("")), (1, 0));
    }

    #[test]
    fn a_guest_s_text_does_nothing_to_a_terminal() {
        assert_eq!(printable(b"a\x1b[2Jb\n\xff\x07"), "a\u{fffd}[2Jb\n\u{fffd}\u{fffd}");
    }
}
