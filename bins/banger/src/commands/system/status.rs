//! `banger system status`.

use host::{
    dirs::SystemPaths,
    systemd::{Systemd, SystemdError, UnitStatus},
};
use install::{
    look::{self, State},
    owner,
    plan::{self, Plan, Wanted},
    services,
};
use model::{Class, InstallRecord};
use serde_json::{Value, json};

use super::rights::is_elsewhere;
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::Table,
};

/// Say how the system install is; exits with 1 if something is wrong
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger system status\n  banger system status --json")]
pub(crate) struct Status {}

const DOING: &str = "look at the system install";

/// Refuses where banger is not installed. Returns what is recorded of the install.
pub(super) fn need_install(doing: &str) -> Result<InstallRecord, Fault> {
    SystemPaths::of_this_host().read_record().doing(doing)?.ok_or_else(|| {
        let fault = Fault::new(Class::Refused, format!("{doing}: banger is not installed as a service"));
        fault.hint("sudo banger system install --owner USER")
    })
}

/// What is found of an install.
struct Found {
    record: InstallRecord,
    /// What differs from what this install would write: a path each, with how.
    wrong: Vec<(String, State)>,
    units: Vec<(&'static str, Option<UnitStatus>)>,
    machines: usize,
    /// Why systemd did not say.
    systemd: Option<String>,
}

impl Status {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let Some(record) = SystemPaths::of_this_host().read_record().doing(DOING)? else {
            let text = || "not installed  sudo banger system install --owner USER\n".to_owned();
            context.screen.show("system", json!({ "installed": false }), text);
            return Ok(exit::FAILED);
        };
        let found = look_at(record).await;
        context.screen.show("system", object(&found), || text(&found));
        Ok(if is_well(&found) { exit::DONE } else { exit::FAILED })
    }
}

async fn look_at(record: InstallRecord) -> Found {
    let wrong = wrong(&plan_of(record.clone()));
    let mut found = Found { record, wrong, units: vec![], machines: 0, systemd: None };
    if is_elsewhere() {
        return found;
    }
    let ask = async {
        let systemd = Systemd::connect().await?;
        Ok::<_, SystemdError>((services::look(&systemd).await?, services::machines(&systemd).await?))
    };
    match ask.await.doing(DOING) {
        Ok((units, machines)) => (found.units, found.machines) = (units, machines.len()),
        Err(fault) => found.systemd = Some(fault.message),
    }
    found
}

/// What this install would write, from where it is.
pub(crate) fn plan_of(record: InstallRecord) -> Plan {
    let paths = SystemPaths::of_this_host();
    let from = paths.library().join("releases").join(record.version.to_string());
    plan::plan(&Wanted { paths, record, from, has_kvm_group: owner::has_kvm_group() })
}

fn wrong(plan: &Plan) -> Vec<(String, State)> {
    look::drift(plan).into_iter().map(|(item, state)| (item.path().display().to_string(), state)).collect()
}

fn is_well(found: &Found) -> bool {
    let is_up = |(name, status): &(&str, Option<UnitStatus>)| is_up(name, status.as_ref());
    found.wrong.is_empty() && found.systemd.is_none() && found.units.iter().all(is_up)
}

/// Whether a unit of the install is as it should be: a socket is up, a service waits for a knock at least.
pub(crate) fn is_up(name: &str, status: Option<&UnitStatus>) -> bool {
    let is_needed = name.ends_with("socket");
    status.is_some_and(|status| status.is_up() || !is_needed && status.active_state != "failed")
}

fn word(state: State) -> &'static str {
    match state {
        State::Same => "same",
        State::Differs => "differs",
        State::Missing => "missing",
    }
}

fn object(found: &Found) -> Value {
    let record = &found.record;
    let units = found.units.iter().map(|(name, status)| match status {
        None => json!({ "name": name, "load": "not-found" }),
        Some(status) => json!({
            "name": name, "load": status.load_state, "active": status.active_state, "sub": status.sub_state,
            "pid": status.main_pid, "result": status.result, "restarts": status.restarts,
            "needs_reload": status.needs_reload,
        }),
    });
    let wrong = found.wrong.iter().map(|(path, state)| json!({ "path": path, "state": word(*state) }));
    json!({
        "installed": true,
        "well": is_well(found),
        "version": record.version,
        "commit": record.commit,
        "built_at": record.built_at,
        "installed_at": record.installed_at,
        "owner": { "user": record.owner_user, "uid": record.owner_uid, "gid": record.owner_gid },
        "files": wrong.collect::<Vec<_>>(),
        "units": units.collect::<Vec<_>>(),
        "machines": found.machines,
        "systemd": found.systemd,
    })
}

fn text(found: &Found) -> String {
    let record = &found.record;
    let mut table = Table::pairs();
    let mut row = |key: &str, value: String| table.row([key.to_owned(), value]);
    row("installed", format!("{} for {} (user {})", record.version, record.owner_user, record.owner_uid));
    row("since", record.installed_at.to_string());
    for (name, status) in &found.units {
        let status = status.as_ref().map_or_else(|| "not there".to_owned(), unit_text);
        row(name, status);
    }
    match &found.systemd {
        Some(why) => row("systemd", why.clone()),
        None => row("machines", format!("{} run", found.machines)),
    }
    for (path, state) in &found.wrong {
        row(word(*state), path.clone());
    }
    let hint = if found.wrong.is_empty() {
        String::new()
    } else {
        format!("`sudo banger system install --owner {}` puts it right\n", record.owner_user)
    };
    format!("{table}{hint}")
}

fn unit_text(status: &UnitStatus) -> String {
    let mut text = format!("{} ({})", status.active_state, status.sub_state);
    if let Some(pid) = status.main_pid {
        text = format!("{text}, process {pid}");
    }
    if status.restarts > 0 {
        text = format!("{text}, restarted {} times", status.restarts);
    }
    if !matches!(status.result.as_str(), "" | "success") {
        text = format!("{text}, {}", status.result);
    }
    if status.needs_reload {
        text.push_str(", its file was changed since");
    }
    text
}
