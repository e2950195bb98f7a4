//! A command in a workspace: where it starts, and which tools it finds.

use api::Workspace;
use guest::client::Connection;
use workspace::script;

use super::scripts;
use crate::{fault::Fault, session::Session};

/// Has a session start in the workspace, with the tools that its repository asks for.
pub(crate) async fn enter(
    session: Session,
    workspace: &Workspace,
    guest: &Connection,
    doing: &str,
) -> Result<Session, Fault> {
    let mut session = session;
    if workspace.copied.readonly {
        // A guest that was stopped since has forgotten it.
        scripts::run(guest, script::PROTECT, &[&workspace.guest_path], doing).await?;
    }
    if workspace.copied.tool_file.is_some() {
        let words = ["sh", "-c", script::WITH_TOOLS, "sh", &workspace.guest_path];
        session.argv.splice(0..0, words.map(str::to_owned));
    }
    session.dir = session.dir.or_else(|| Some(workspace.guest_path.clone()));
    Ok(session)
}
