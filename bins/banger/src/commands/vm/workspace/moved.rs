//! Whether the host's repository is still what was copied.

use std::sync::Arc;

use api::{Vm, Workspace, client::Client};
use workspace::{Repository, WorkspaceError, mark_now};

use super::{GuestPath, carry::Carry, source::Source};
use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
    interrupt::Interrupts,
};

/// How much of a commit's name is shown.
const COMMIT_CHARS: usize = 10;

/// What is different now, as a clause; `None` where nothing is, or nobody can tell.
fn moved(workspace: &Workspace) -> Result<Option<String>, WorkspaceError> {
    // A commit's own files stay what they are.
    let Some(mark) = &workspace.copied.mark else { return Ok(None) };
    let repository = Repository::find(&workspace.host_path)?;
    let short = |commit: &str| commit.chars().take(COMMIT_CHARS).collect::<String>();
    match repository.head()? {
        Some(head) if head != workspace.commit => {
            Ok(Some(format!("is at {} now, and its copy at {}", short(&head), short(&workspace.commit))))
        }
        _ if mark_now(&repository, workspace.copied.include_untracked)? != *mark => {
            Ok(Some("has changed files since it was copied".to_owned()))
        }
        _ => Ok(None),
    }
}

/// Warns where the host's repository has moved on since it was copied. Where that cannot be told, nothing is said: the
/// command is about the guest.
pub(crate) fn tell_if_moved(context: &Context, vm: &Vm, workspace: &Workspace) {
    if let Ok(Some(how)) = moved(workspace) {
        let path = workspace.host_path.display();
        context.screen.warn(&format!("{path} {how}; --auto-prepare copies it again into {}", vm.name));
    }
}

/// Copies the repository again, in the way in which it was, where it has moved on.
pub(crate) async fn prepare_again(
    context: &Context,
    client: &Client,
    vm: Vm,
    doing: &str,
    interrupts: &mut Interrupts,
) -> Result<Vm, Fault> {
    let Some(workspace) = vm.workspace.clone() else {
        let hint = format!("`banger vm workspace prepare {} PATH` puts one there.", vm.name);
        return Err(Fault::usage(format!("{doing}: no repository is in the machine")).hint(hint));
    };
    if moved(&workspace).doing(doing)?.is_none() {
        return Ok(vm);
    }
    let copied = &workspace.copied;
    let source = Source {
        include_untracked: copied.include_untracked,
        full_copy: copied.full_copy,
        readonly: copied.readonly,
        ..Source::default()
    };
    let plan = source.plan(&workspace.host_path, doing)?;
    let plan = match &copied.branch {
        // It was new when it was given, and is the guest's.
        Some(branch) => plan.on_branch(branch),
        None => plan,
    };
    let source = Source { branch: copied.branch.clone(), ..source };
    let guest_path: GuestPath = workspace.guest_path.parse().map_err(Fault::usage)?;
    let carry = Carry {
        context,
        client,
        vm: &vm,
        plan: Arc::new(plan),
        source: &source,
        guest_path,
        overwrite: false,
        doing,
    };
    carry.carry(interrupts).await
}
