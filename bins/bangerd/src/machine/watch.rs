//! A running machine's monitor is watched, so that its end is noticed.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

use api::Failure;
use host::process::{Exit, Process};
use model::{VmId, VmState};
use store::VmRecord;
use vm::{layout, life};

use super::{
    end::{clear, forget_run},
    process::mark,
};
use crate::{app::App, owner::advance};

/// How much of the end of the console tells how a guest ended, in bytes.
const TAIL_BYTES: u64 = 8 * 1024;

/// How a guest ended that nobody asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It powered off, or rebooted, by itself.
    PoweredOff,
    /// Something went wrong.
    Broke(String),
}

/// Watches a monitor until it ends, and records it where nobody else does.
pub(super) fn watch(app: &Arc<App>, id: &VmId, monitor: Arc<Process>) {
    let (app, id) = (Arc::clone(app), id.clone());
    tokio::spawn(async move {
        let exit = tokio::select! {
            exit = monitor.ended() => exit,
            () = app.leaving.cancelled() => return,
        };
        let exit = match exit {
            Ok(exit) => exit,
            Err(error) => return tracing::error!(vm = %id, "its monitor cannot be watched: {error}"),
        };
        let seen = mark(&monitor, &app.host_boot);
        let vm = app
            .owner
            .get(&id)
            .filter(|vm| vm.state == VmState::Running && vm.monitor_process.as_ref() == Some(&seen));
        let Some(vm) = vm else { return };
        let how = ending(&app.dirs.vm(&id), exit);
        tracing::warn!(vm = %vm.name, ?exit, ?how, "it ended unasked");
        if let Err(error) = ended_unasked(&app, &vm, how).await {
            tracing::error!(vm = %vm.name, "its end was not recorded: {error}");
        }
    });
}

/// Records that a running machine ended without having been asked, and clears up after it.
pub(super) async fn ended_unasked(app: &App, vm: &VmRecord, how: Ending) -> Result<(), Failure> {
    let cleared = clear(app, vm).await;
    let ended = vm.monitor_process.clone();
    app.owner
        .change(&vm.id, move |record| {
            // A stop that came in between records the end itself, and another start is another run.
            if record.state != VmState::Running || record.monitor_process != ended {
                return Ok(());
            }
            forget_run(record);
            match how {
                Ending::PoweredOff => {
                    advance(record, life::Event::StopAsked)?;
                    advance(record, life::Event::MonitorEnded)
                }
                Ending::Broke(why) => {
                    record.error = Some(why);
                    advance(record, life::Event::MonitorEnded)
                }
            }
        })
        .await?;
    cleared
}

/// Tells how a guest ended, from how its monitor did and from what it printed last.
pub(super) fn ending(dir: &Path, exit: Exit) -> Ending {
    let printed = tail(&dir.join(layout::CONSOLE_LOG)).unwrap_or_default();
    if let Some(panic) = printed.lines().rev().find(|line| line.contains("Kernel panic")) {
        return Ending::Broke(format!("its kernel panicked: {}", panic.trim()));
    }
    // What the kernel prints as the last thing it does (kernel/reboot.c).
    let said_goodbye = ["reboot: Power down", "reboot: System halted", "reboot: Restarting system"]
        .iter()
        .any(|words| printed.contains(words));
    match exit {
        Exit::Code(0) => Ending::PoweredOff,
        Exit::Unknown if said_goodbye => Ending::PoweredOff,
        Exit::Unknown => Ending::Broke("its monitor ended unasked".to_owned()),
        Exit::Code(code) => Ending::Broke(format!("its monitor ended unasked, with code {code}")),
        Exit::Signal(signal) => Ending::Broke(format!("its monitor was ended by signal {signal}")),
    }
}

/// Reads the end of a file of text; nothing where it is not there.
pub(super) fn tail(path: &Path) -> io::Result<String> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        file => file?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = vec![];
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn how_a_guest_ended_is_told_from_its_monitor_and_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let broke = |why: &str| Ending::Broke(why.to_owned());
        let table = [
            ("", Exit::Code(0), Ending::PoweredOff),
            ("[ 9.1] reboot: Power down\r\n", Exit::Unknown, Ending::PoweredOff),
            ("login:", Exit::Unknown, broke("its monitor ended unasked")),
            ("login:", Exit::Code(1), broke("its monitor ended unasked, with code 1")),
            ("login:", Exit::Signal(9), broke("its monitor was ended by signal 9")),
            (
                "[ 1.0] Kernel panic - not syncing: no root\r\n[ 1.1] reboot: Restarting system\r\n",
                Exit::Code(0),
                broke("its kernel panicked: [ 1.0] Kernel panic - not syncing: no root"),
            ),
        ];
        for (printed, exit, want) in table {
            fs::write(dir.path().join(layout::CONSOLE_LOG), printed).unwrap();
            assert_eq!(ending(dir.path(), exit), want, "{printed:?} {exit:?}");
        }
    }
}
