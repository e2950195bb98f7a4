//! `sudo banger update`: the steps up to the declaration, then waiting for the driver.

use api::client::Client;
use model::{Class, InstallRecord, TimeLimit, Version};
use release::Release;
use serde_json::json;
use updater::{
    Told as _, UpdateError,
    authorise::{self, Daemon, Leave},
    check::{Checked, check},
    discover::{Source, discover},
    driver::Watcher,
    fetch::fetch,
    follow::{News, follow},
    places::Places,
    plan::{Plan, TRIAL_SECONDS},
    record::{End, Outcome, history, lock},
    stage::stage,
};

use super::{
    check::{Standing, installed, standing},
    step::{found, need_rights, places, told},
};
use crate::{daemon::Context, exit, fault::Fault, follow::Progress};

/// Which release, and how it is gone to.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// The release to go to, instead of the latest stable one
    #[arg(long, value_name = "VERSION")]
    pub(super) to: Option<Version>,
    /// Fetch, verify, stage and check the release, and stop there
    #[arg(long, group = "what")]
    pub(super) dry_run: bool,
    /// Cancel operations that are in flight after 5 s; try a release again that went back
    #[arg(long)]
    pub(super) force: bool,
    /// Wait so long for operations that are in flight
    #[arg(long, value_name = "DURATION")]
    pub(super) wait: Option<TimeLimit>,
    /// Go back to the release before
    #[arg(long, group = "what", conflicts_with = "to")]
    pub(super) rollback: bool,
    /// How long the new release is watched
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub(super) trial_seconds: Option<u32>,
}

pub(super) async fn run(wanted: &Wanted, context: &Context, source: Source) -> Result<u8, Fault> {
    let places = places("authorise")?;
    need_rights(&places, "authorise", &command_line(wanted))?;
    places.refuse_another_copy("authorise").map_err(told)?;
    let record = record(&places)?;
    places.ensure().map_err(|error| told(error.at("authorise")))?;
    let _lock = lock::take(&places.lock(), "authorise").map_err(told)?;
    authorise::refuse_unfinished(&places).map_err(told)?;
    let from = installed(&places)?;
    let leave = Leave { force: wanted.force, wait: wanted.wait.map(TimeLimit::duration) };
    let to = if wanted.rollback {
        let previous = Places::version_of(&places.previous());
        let missing = || UpdateError::refused("discover", "there is no release before this one");
        let to = previous.ok_or_else(missing).map_err(told)?;
        authorise(context, &places, &to, leave).await?;
        to
    } else {
        let to = wanted.to.clone();
        let release = {
            let source = source.clone();
            found(move || discover(&source, to.as_ref())).await?
        };
        if let Some(done) = nothing_to_do(wanted, context, &places, &from, &release)? {
            return Ok(done);
        }
        authorise(context, &places, &release.version, leave).await?;
        staged(context, places.clone(), source, release).await?
    };
    let checked = {
        let (places, to) = (places.clone(), to.clone());
        context.screen.note(&format!("checking {to}"));
        found(move || check(&places, &record, &to)).await?
    };
    if wanted.dry_run {
        let migrates = checked.migrations == updater::check::Migrations::Needed;
        let object = json!({ "from": from, "to": to, "migrates": migrates });
        context.screen.show("plan", object, || {
            let migrates = if migrates { ", with a migration of the database" } else { "" };
            format!("would update {from} to {to}{migrates}; it is staged, and nothing was changed\n")
        });
        return Ok(exit::DONE);
    }
    declare_and_wait(context, &places, plan(wanted, from, to, checked)).await
}

fn plan(wanted: &Wanted, from: Version, to: Version, checked: Checked) -> Plan {
    Plan {
        from,
        to,
        failed_checks: checked.failed_checks,
        trial_seconds: wanted.trial_seconds.unwrap_or(TRIAL_SECONDS),
        force: wanted.force,
    }
}

pub(super) fn record(places: &Places) -> Result<InstallRecord, Fault> {
    let record = places.read_record().map_err(|error| told(error.at("authorise")))?;
    record.ok_or_else(|| {
        let why = format!("authorise: there is no {}", places.record().display());
        Fault::new(Class::Refused, why).hint("`sh install.sh --user` installs banger anew, and writes it.")
    })
}

/// Where there is nothing to do, or too much: says so. Returns the exit code if it ends here.
fn nothing_to_do(
    wanted: &Wanted,
    context: &Context,
    places: &Places,
    from: &Version,
    release: &Release,
) -> Result<Option<u8>, Fault> {
    let to = &release.version;
    match standing(places, from, to) {
        Standing::UpToDate => {
            let object = json!({ "status": "up to date", "installed": from, "release": to });
            context.screen.show("update", object, || format!("up to date: {from}\n"));
            Ok(Some(exit::DONE))
        }
        Standing::Changed => {
            let fault = Fault::new(Class::Refused, format!("discover: files of {from} were changed"));
            Err(fault.hint(places.typed("update --repair")))
        }
        Standing::Other if to < from && wanted.to.is_none() => {
            let fault = Fault::new(Class::Refused, format!("discover: {to} is older than {from}"));
            Err(fault.hint(format!("To go down: {}", places.typed(&format!("update --to {to}")))))
        }
        Standing::Other => {
            let word = if to < from { "going down" } else { "updating" };
            context.screen.note(&format!("{word} from {from} to {to}"));
            Ok(None)
        }
    }
}

async fn authorise(context: &Context, places: &Places, to: &Version, leave: Leave) -> Result<(), Fault> {
    authorise::refuse_known_bad(places, to, leave).map_err(told)?;
    let client = match client(context, places).await {
        Ok(client) => client,
        Err(fault) => {
            // It is the thing to repair.
            context.screen.warn(&format!("{}; what is in flight is not known", fault.message));
            return Ok(());
        }
    };
    match authorise::refuse_in_flight(&client, leave).await.map_err(told)? {
        Daemon::Answers => {}
        Daemon::Silent => context.screen.warn("the daemon does not answer; what is in flight is not known"),
    }
    Ok(())
}

/// The daemon, which in a user's own install may have to be started: it is asked what is in flight.
async fn client(context: &Context, places: &Places) -> Result<Client, Fault> {
    if places.is_system() {
        return Ok(Client::new(places.socket().to_owned()));
    }
    context.daemon("authorise").await
}

/// Fetches, verifies and stages a release. Returns its version.
pub(super) async fn staged(
    context: &Context,
    places: Places,
    source: Source,
    release: Release,
) -> Result<Version, Fault> {
    let fetched = {
        let places = places.clone();
        let mut line = Progress::new(context.screen).line("");
        line.begin_stage(&format!("fetching {}", release.version));
        found(move || {
            let keys = source.keys()?;
            let fetched =
                fetch(&places.staging(), &release, &keys, |came, of| line.advance(came, of, "bytes"));
            line.end_stage();
            fetched
        })
        .await?
    };
    context.screen.note("verified: the signature, and every file's digest");
    found(move || {
        let mut fetched = fetched;
        let staged = stage(&places, &mut fetched);
        fetched.remove()?;
        staged
    })
    .await
}

async fn declare_and_wait(context: &Context, places: &Places, plan: Plan) -> Result<u8, Fault> {
    plan.write(places).map_err(told)?;
    let before = history(places).map_err(|error| told(error.at("declare")))?.len();
    // The first thing that a driver does is declaring; until then this is only a program that was started.
    let mut driver = Watcher::start(places).await.map_err(told)?;
    let outcome =
        follow(&mut driver, places, before, |news| context.screen.note(words(news))).await.map_err(told)?;
    driver.wait_until_gone().await;
    tell(context, places, &plan, outcome)
}

fn tell(context: &Context, places: &Places, plan: &Plan, outcome: Outcome) -> Result<u8, Fault> {
    let Plan { from, to, .. } = plan;
    let why = outcome.why.unwrap_or_default();
    if let Some(warning) = &outcome.warning {
        context.screen.warn(warning);
    }
    match outcome.end {
        End::Committed => {
            let object = json!({ "status": "updated", "from": from, "to": to, "warning": outcome.warning });
            context.screen.show("update", object, || format!("updated: {from} -> {to}\n"));
            Ok(exit::DONE)
        }
        End::RolledBack => {
            let fault = Fault::new(Class::Failed, format!("{why} (rolled back to previous install)"));
            Err(fault.hint(format!(
                "{from} runs again. {}; `{}` tries again.",
                places.says_more(),
                places.typed(&format!("update --to {to} --force")),
            )))
        }
        End::Abandoned => {
            let class = if outcome.is_refused { Class::Refused } else { Class::Failed };
            Err(Fault::new(class, why).hint("Nothing was changed."))
        }
    }
}

fn words(news: News) -> &'static str {
    match news {
        News::Declared => "declared: from here on it goes to an end, whatever becomes of this terminal",
        News::Switched => "switched",
        News::Restarted => "the new release's services are ready; it is on trial",
        News::Passed => "the trial is passed",
        News::GoesBack => "it goes back to the previous install",
    }
}

/// The command as it is to be given again, by root.
fn command_line(wanted: &Wanted) -> String {
    let mut line = match &wanted.to {
        Some(to) => format!("update --to {to}"),
        None => "update".to_owned(),
    };
    for (flag, is_given) in
        [("--dry-run", wanted.dry_run), ("--force", wanted.force), ("--rollback", wanted.rollback)]
    {
        if is_given {
            line = format!("{line} {flag}");
        }
    }
    line
}
