//! `banger system install`.

use std::fmt::Write as _;

use built::{COMMIT, VERSION};
use host::dirs::{RecordError, SystemPaths};
use install::{
    InstallError, apply,
    look::{self, State},
    owner,
    plan::{self, Item, Plan, Wanted},
    services::{self, Written},
    units,
};
use jiff::Timestamp;
use model::{Class, InstallRecord};
use serde_json::{Value, json};

use super::rights::{need_root, no_update_meanwhile, own_directory, systemd};
use crate::{
    commands::ask::Yes,
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
};

/// Install banger as a service for one user; says first what it writes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sudo banger system install --owner \"$USER\"\n  \
    sudo banger system install --owner ann --dry-run     only says what it would write")]
pub(crate) struct Install {
    /// The user whose machines they will be
    #[arg(long, value_name = "USER")]
    owner: String,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
    /// Only say what would be written
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

const DOING: &str = "install banger";

impl Install {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        if !self.dry_run {
            need_root(DOING, &format!("system install --owner {}", self.owner))?;
        }
        let plan = self.plan(context)?;
        look::check(&plan).doing(DOING)?;
        let states = states(&plan)?;
        context.screen.show("plan", object(&plan, &states), || text(&plan, &states));
        if self.dry_run {
            return Ok(exit::DONE);
        }
        // Asked before anything is written: without it there is nothing to install for.
        let systemd = systemd(DOING).await?;
        if !(Yes { flag: "--yes", is_given: self.yes }).ask(context, "Go on?", DOING)? {
            context.screen.note("nothing was written");
            return Ok(exit::DONE);
        }
        let _held = no_update_meanwhile(DOING)?;
        apply::all(&plan).doing(DOING)?;
        context.screen.note("the files are written");
        if let Some(systemd) = systemd {
            services::bring_up(&systemd, written(&plan, &states)).await.doing(DOING)?;
            context.screen.note("the services are ready");
        }
        let record = &plan.record;
        let object =
            json!({ "version": record.version, "owner": record.owner_user, "commit": record.commit });
        context.screen.show("installed", object, || {
            format!("banger {} is installed for {}\n", record.version, record.owner_user)
        });
        Ok(exit::DONE)
    }

    fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let paths = SystemPaths::of_this_host();
        let owner = owner::find(&self.owner).doing(DOING)?;
        let before = match paths.read_record() {
            Err(error @ RecordError::NotARecord { .. }) => {
                context.screen.warn(&format!("{error}; it is written again"));
                None
            }
            found => found.doing(DOING)?,
        };
        if let Some(before) = before.as_ref().filter(|before| before.owner_uid != owner.uid) {
            let owner = before.owner_user.clone();
            return Err(InstallError::OtherOwner { owner }).doing(DOING);
        }
        let version = VERSION.parse().doing(DOING)?;
        let record = InstallRecord {
            owner_user: owner.user,
            owner_uid: owner.uid,
            owner_gid: owner.gid,
            owner_home: owner.home,
            version,
            commit: COMMIT.to_owned(),
            built_at: built::at(),
            installed_at: before.map_or_else(Timestamp::now, |before| before.installed_at),
        };
        let from = own_directory(DOING)?;
        Ok(plan::plan(&Wanted { paths, record, from, has_kvm_group: owner::has_kvm_group() }))
    }
}

fn states(plan: &Plan) -> Result<Vec<State>, Fault> {
    plan.items.iter().map(|item| look::state(plan, item).doing(DOING)).collect::<Result<_, _>>().map_err(
        |fault: Fault| match fault.class {
            // Who is not root cannot look into everything that is to be compared.
            Class::Failed if fault.hint.is_none() => fault.hint("Ask as root, with `sudo`."),
            _ => fault,
        },
    )
}

/// What of a plan was written, if this is how the disk was before.
fn written(plan: &Plan, states: &[State]) -> Written {
    let mut written = Written::default();
    for (item, state) in plan.items.iter().zip(states) {
        let name = item.path().file_name().unwrap_or_default();
        let is_socket = name == units::DAEMON_SOCKET || name == units::HELPER_SOCKET;
        match (state, item) {
            (State::Same, _) => {}
            (State::Differs, Item::File { .. }) if is_socket => written.sockets = true,
            (_, Item::Release { .. } | Item::Link { .. }) => written.services = true,
            (_, Item::Directory { .. } | Item::File { .. }) => {}
        }
    }
    written
}

fn object(plan: &Plan, states: &[State]) -> Value {
    let items = plan.items.iter().zip(states).map(|(item, state)| {
        json!({ "do": state.verb(), "kind": item.kind(), "path": item.path(), "detail": item.detail() })
    });
    json!({
        "version": plan.record.version,
        "owner": plan.record.owner_user,
        "items": items.collect::<Vec<_>>(),
    })
}

fn text(plan: &Plan, states: &[State]) -> String {
    let record = &plan.record;
    let mut text = format!(
        "banger {} for {} (user {}). Written are:\n",
        record.version, record.owner_user, record.owner_uid
    );
    let changes = plan.items.iter().zip(states).filter(|(_, state)| **state != State::Same);
    let mut count = 0;
    for (item, state) in changes {
        writeln!(text, "  {:6}  {item}", state.verb()).ok();
        count += 1;
    }
    let kept = states.len() - count;
    match (count, kept) {
        (0, _) => text.push_str("  nothing: everything is as it should be\n"),
        (_, 0) => {}
        (_, kept) => {
            writeln!(text, "{kept} more are as they should be.").ok();
        }
    }
    text
}
