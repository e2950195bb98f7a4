//! Booting a machine, and going on with a boot that a daemon before this one began.

use std::{path::Path, sync::Arc, time::Duration};

use api::{Code, Failure};
use guest::{Health, client::Connection};
use host::process::{Exit, Process};
use jiff::Timestamp;
use model::VmState;
use store::VmRecord;
use tokio::time::Instant;
use vm::{
    boot_guard::{Hang, Judgement, Limits, Watched, is_worth_a_retry, judge},
    life,
};
use vmm::{console, machine::monitor_said};

use super::{
    accel,
    check::check_ports,
    end::{end_stray, forget_run, leaving},
    identity::{identity, now_unix_nanos},
    launch::{Prepared, launch, prepare},
    process,
    watch::watch,
};
use crate::{
    app::App,
    failure::{Explained, chain, failure},
    operations::Operation,
    owner::{BOOTS_RETRIED, advance},
};

/// How soon the agent is asked again that did not answer.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How often the console and the clock are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Lines of the console that an error repeats.
const LINES_SHOWN: usize = 3;

/// What became of one try to boot.
enum Tried {
    Up(Box<Health>),
    /// It is worth another try; why.
    Lost(String),
    GaveUp(String),
    Cancelled,
    Leaving,
}

/// Boots a machine that rests, and returns its record once its agent has taken its identity.
///
/// # Errors
///
/// What went wrong. Nothing of it runs then: its state is `error` with the reason, or what it was where the
/// boot had not begun; `stopped` where it was cancelled. Where the daemon ends it goes on booting.
pub(super) async fn boot(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    vm: &VmRecord,
) -> Result<Arc<VmRecord>, Failure> {
    let doing = format!("start machine {}", vm.name);
    check_ports(&doing, &vm.spec.publish)?;
    let _place = place(app, operation).await?;
    let prepared = prepare(app, operation, vm).await?;
    operation.check_cancelled()?;
    operation.stage("boot");
    let (monitor, accel) = (prepared.monitor.kind(), prepared.plan.accel);
    let vm = app
        .owner
        .change(&vm.id, move |record| {
            advance(record, life::Event::StartAsked)?;
            forget_run(record);
            record.error = None;
            record.started_at = Some(Timestamp::now());
            monitor.as_str().clone_into(&mut record.monitor);
            record.accel = Some(accel.as_str().to_owned());
            Ok(())
        })
        .await?;
    let result = try_to_boot(app, operation, &vm, &prepared, 1).await;
    conclude(app, operation, &vm, result).await
}

/// Goes on with a boot whose monitor runs already.
///
/// # Errors
///
/// As [`boot`].
pub(super) async fn go_on(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    vm: &VmRecord,
) -> Result<Arc<VmRecord>, Failure> {
    operation.stage("boot");
    let result = match process::find(vm.monitor_process.as_ref(), &app.host_boot) {
        Ok(Some(monitor)) => {
            let limits = Limits::of(accel::read(vm.accel.as_deref()));
            match wait(app, operation, vm, &monitor, &limits, 1).await {
                Tried::Lost(why) => begin_again(app, operation, vm, &why).await,
                tried => finish(app, operation, vm, Arc::new(monitor), tried).await,
            }
        }
        Ok(None) => Err(failure(Code::Guest, "its monitor ended")),
        Err(error) => Err(error),
    };
    conclude(app, operation, vm, result).await
}

async fn place<'a>(app: &'a App, operation: &Operation) -> Result<tokio::sync::SemaphorePermit<'a>, Failure> {
    if let Ok(place) = app.boots.try_acquire() {
        return Ok(place);
    }
    operation.stage("wait for other machines to boot");
    operation
        .unless_cancelled(async {
            app.boots.acquire().await.map_err(|_| failure(Code::Unavailable, "boot: the daemon is ending"))
        })
        .await
}

/// Tries from the given attempt on, as often as the guard allows.
async fn try_to_boot(
    app: &Arc<App>,
    operation: &Operation,
    vm: &VmRecord,
    prepared: &Prepared,
    first: u8,
) -> Result<Arc<VmRecord>, Failure> {
    let limits = Limits::of(prepared.plan.accel);
    for attempt in first..=limits.attempts_max {
        let (vm, monitor) = launch(app, vm, prepared).await?;
        match wait(app, operation, &vm, &monitor, &limits, attempt).await {
            Tried::Lost(why) => give_up(app, operation, &vm, &why).await?,
            tried => return finish(app, operation, &vm, monitor, tried).await,
        }
    }
    Err(failure(Code::Guest, "it did not come up"))
}

/// Boots a machine again whose boot a daemon before this one began, and which was lost.
async fn begin_again(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    vm: &VmRecord,
    why: &str,
) -> Result<Arc<VmRecord>, Failure> {
    give_up(app, operation, vm, why).await?;
    let _place = place(app, operation).await?;
    let prepared = prepare(app, operation, vm).await?;
    operation.stage("boot");
    try_to_boot(app, operation, vm, &prepared, 2).await
}

/// Ends what is left of a boot that was lost, and counts it.
async fn give_up(app: &App, operation: &Operation, vm: &VmRecord, why: &str) -> Result<(), Failure> {
    end_stray(app, vm).await?;
    operation.warn(format!("{} did not come up ({why}); it is tried again", vm.name));
    if let Err(error) = app.owner.bump(BOOTS_RETRIED).await {
        tracing::warn!("a boot that was tried again was not counted: {error}");
    }
    Ok(())
}

/// Waits until the agent answers, the monitor ends, or patience does.
async fn wait(
    app: &App,
    operation: &Operation,
    vm: &VmRecord,
    monitor: &Process,
    limits: &Limits,
    attempt: u8,
) -> Tried {
    let dir = app.dirs.vm(&vm.id);
    let connection = app.guest(&vm.id);
    let answer = std::pin::pin!(first_answer(&connection));
    let ended = std::pin::pin!(monitor.ended());
    let (mut answer, mut ended) = (answer, ended);
    let began = Instant::now();
    let before = console::end(&dir).unwrap_or_default();
    let (mut printed, mut grew) = (before, began);
    loop {
        tokio::select! {
            biased;
            () = app.leaving.cancelled() => return Tried::Leaving,
            () = operation.cancellation().cancelled() => return Tried::Cancelled,
            health = &mut answer => return Tried::Up(Box::new(health)),
            exit = &mut ended => {
                let is_clean = matches!(exit, Ok(Exit::Code(0)));
                let has_printed = console::end(&dir).unwrap_or(printed) != before;
                let how = exit.map_or_else(|error| chain(&error), |exit| format!("{exit:?}"));
                let mut why = format!("its monitor ended while it booted ({how})");
                if let Some(words) = monitor_said(&dir) {
                    why = format!("{why} and said: {words}");
                }
                if is_worth_a_retry(limits, attempt, is_clean, has_printed) {
                    return Tried::Lost(why);
                }
                return Tried::GaveUp(why + &said(&dir, before));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = console::end(&dir).unwrap_or(printed);
        if now != printed {
            (printed, grew) = (now, Instant::now());
        }
        let watched = Watched { since_start: began.elapsed(), since_growth: grew.elapsed(), attempt };
        match judge(limits, &watched) {
            Judgement::Wait(_) => {}
            Judgement::Retry(hang) => return Tried::Lost(told(hang, limits)),
            Judgement::GiveUp(hang) => return Tried::GaveUp(told(hang, limits) + &said(&dir, before)),
        }
    }
}

async fn first_answer(connection: &Connection) -> Health {
    loop {
        match connection.health().await {
            Ok(health) => return health,
            Err(error) if error.is_not_up_yet() => {}
            // What it says may be better next time; the guard's patience bounds this.
            Err(error) => tracing::warn!("the agent answers strangely: {}", chain(&error)),
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

fn told(hang: Hang, limits: &Limits) -> String {
    match hang {
        Hang::Silent => format!("it printed nothing for {} s", limits.silence_max.as_secs()),
        Hang::TooLong => format!("its agent did not answer within {} s", limits.boot_max.as_secs()),
    }
}

/// The last that a machine printed since this boot began, for an error.
fn said(dir: &Path, began: console::Mark) -> String {
    let lines = console::last_lines(dir, began, LINES_SHOWN).unwrap_or_default();
    if lines.is_empty() { String::new() } else { format!("; it printed last: {}", lines.join(" / ")) }
}

/// Makes a guest that answered a running machine.
async fn finish(
    app: &Arc<App>,
    operation: &Operation,
    vm: &VmRecord,
    monitor: Arc<Process>,
    tried: Tried,
) -> Result<Arc<VmRecord>, Failure> {
    match tried {
        Tried::Leaving => Err(leaving()),
        Tried::Cancelled => Err(failure(Code::Cancelled, "it was cancelled")),
        Tried::Lost(why) | Tried::GaveUp(why) => Err(failure(Code::Guest, why)),
        Tried::Up(health) => {
            let vm = become_running(app, operation, vm, &health).await?;
            watch(app, &vm.id, monitor);
            Ok(vm)
        }
    }
}

async fn become_running(
    app: &App,
    operation: &Operation,
    vm: &VmRecord,
    health: &Health,
) -> Result<Arc<VmRecord>, Failure> {
    operation.stage("tell the guest who it is");
    let mut identity = identity(app, operation, vm).await?;
    identity.time_unix_nanos = now_unix_nanos();
    let connection = app.guest(&vm.id);
    let told = operation.unless_cancelled(async {
        connection
            .identity(&identity)
            .await
            .map_err(|error| failure(Code::Guest, format!("tell the guest who it is: {}", chain(&error))))
    });
    told.await?;
    let boot_id = health.boot_id.clone();
    let published = vmm::link::published(&app.link_dir(&vm.id)).unwrap_or_default();
    app.owner
        .change(&vm.id, move |record| {
            advance(record, life::Event::AgentAnswered)?;
            record.boot_id = Some(boot_id);
            record.published = published;
            record.delete_on_failure = false;
            Ok(())
        })
        .await
}

/// Ends what is left of a boot that failed, and records why.
async fn conclude(
    app: &App,
    operation: &Operation,
    vm: &VmRecord,
    result: Result<Arc<VmRecord>, Failure>,
) -> Result<Arc<VmRecord>, Failure> {
    let why = match result {
        Ok(vm) => return Ok(vm),
        // It goes on booting, and the next daemon takes it up.
        Err(_) if app.leaving.is_cancelled() => return Err(leaving()),
        Err(why) => why,
    };
    let Some(vm) = app.owner.get(&vm.id) else { return Err(why) };
    if let Err(error) = end_stray(app, &vm).await {
        operation.warn(format!("something of {} still runs: {error}", vm.name));
    }
    let is_cancelled = why.code == Code::Cancelled;
    let reason = why.message.clone();
    let recorded = app.owner.change(&vm.id, move |record| {
        forget_run(record);
        if record.state != VmState::Starting {
            return Ok(());
        }
        if is_cancelled {
            advance(record, life::Event::StopAsked)?;
            return advance(record, life::Event::MonitorEnded);
        }
        record.error = Some(reason);
        advance(record, life::Event::StartFailed)
    });
    if let Err(error) = recorded.await {
        operation.warn(format!("what became of {} was not recorded: {error}", vm.name));
    }
    let message = format!("start machine {}: {}", vm.name, why.message);
    let failure = Failure { message, ..why };
    Err(match (&failure.hint, failure.code) {
        (None, Code::Guest) => failure.hinted(format!("`banger vm logs {}` shows what it printed.", vm.name)),
        _ => failure,
    })
}

/// How long a machine that was taken up may take to answer.
const VERIFY_LIMIT: Duration = Duration::from_mins(2);

/// Asks a machine that was taken up, in the background, whether its boot is the one that is recorded,
/// and records it where it is another.
pub(super) fn verify(app: &Arc<App>, vm: &Arc<VmRecord>) {
    let (app, vm) = (Arc::clone(app), Arc::clone(vm));
    tokio::spawn(async move {
        let connection = app.guest(&vm.id);
        let asked = tokio::select! {
            asked = tokio::time::timeout(VERIFY_LIMIT, first_answer(&connection)) => asked,
            () = app.leaving.cancelled() => return,
        };
        let Ok(health) = asked else {
            return tracing::warn!(vm = %vm.name, "it runs, and its agent does not answer");
        };
        if vm.boot_id.as_ref() == Some(&health.boot_id) {
            return tracing::info!(vm = %vm.name, "it runs, and is the boot that is recorded");
        }
        tracing::warn!(vm = %vm.name, boot = %health.boot_id, "it runs, and was booted since");
        let boot_id = health.boot_id.clone();
        let recorded = app.owner.change(&vm.id, move |record| {
            if record.state == VmState::Running {
                record.boot_id = Some(boot_id);
            }
            Ok(())
        });
        if let Err(error) = recorded.await {
            tracing::error!(vm = %vm.name, "its boot was not recorded: {error}");
        }
    });
}
