//! Which repository is in a machine. The client puts it there; the daemon keeps what it is told, and opens nothing.

use std::sync::Arc;

use api::{Code, Failure, Workspace};
use store::{VmRecord, WorkspaceRecord};

use crate::{app::App, failure::failure};

/// The most that is kept of one path, name or mark, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// Records which repository is in a machine, or that there is none. It may be recorded in any state: what is on a disk
/// does not depend on whether the machine runs.
///
/// # Errors
///
/// [`Code::BadRequest`] for paths that are none, [`Code::NotFound`] where the machine is gone. Nothing was changed then.
pub(crate) async fn record_workspace(
    app: &Arc<App>,
    vm: &VmRecord,
    workspace: Option<Workspace>,
) -> Result<Arc<VmRecord>, Failure> {
    let doing = format!("record the workspace of {}", vm.name);
    if let Some(workspace) = &workspace {
        let bad = |why: &str| Err(failure(Code::BadRequest, format!("{doing}: {why}")));
        if !workspace.host_path.is_absolute() || !workspace.guest_path.starts_with('/') {
            return bad("its paths must be absolute");
        }
        let copied = &workspace.copied;
        let optional = [&copied.branch, &copied.from, &copied.tool_file, &copied.mark].into_iter().flatten();
        let texts = [&workspace.guest_path, &workspace.commit].into_iter().chain(optional);
        let lengths = texts.map(String::len).chain([workspace.host_path.as_os_str().len()]);
        if lengths.max() > Some(TEXT_BYTES_MAX) {
            return bad("what it says is too long");
        }
    }
    let record = workspace.map(|workspace| WorkspaceRecord {
        host_path: workspace.host_path,
        guest_path: workspace.guest_path,
        commit: workspace.commit,
        copied: workspace.copied,
    });
    app.owner
        .change(&vm.id, move |vm| {
            vm.workspace = record;
            Ok(())
        })
        .await
}
