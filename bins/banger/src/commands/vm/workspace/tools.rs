//! The tools that a repository asks for, in the guest.

use api::Vm;
use guest::client::Connection;
use model::Class;
use workspace::script;

use super::{GuestPath, scripts};
use crate::{daemon::Context, fault::Fault, follow::Progress, interrupt::Interrupts};

/// Refuses a machine that could not get the tools.
pub(crate) fn check_tools(tool_file: &str, reaches_out: bool, doing: &str) -> Result<(), Fault> {
    if reaches_out {
        return Ok(());
    }
    let why =
        format!("{doing}: {tool_file} asks for tools, and the machine would have no network to get them");
    Err(Fault::new(Class::Refused, why)
        .hint("Give --nat, or --no-bootstrap where the image has what is needed."))
}

/// Installs the tools. What goes wrong is told, and is no failure of the whole: the guest is there, and so is a log.
pub(crate) async fn install_tools(
    context: &Context,
    vm: &Vm,
    guest_path: &GuestPath,
    tool_file: &str,
    interrupts: &mut Interrupts,
) -> Result<(), Fault> {
    let log = format!("/root/.cache/banger/tools-{}.log", guest_path.name());
    let doing = format!("install the tools of {tool_file} in {}", vm.name);
    let progress = Progress::new(context.screen);
    let mut line = progress.line("");
    line.begin_stage(&format!("installing the tools of {tool_file}"));
    let guest = Connection::in_dir(&vm.link_dir);
    let arguments = [guest_path.as_str(), &log];
    let done = tokio::select! {
        done = scripts::ask(&guest, script::INSTALL_TOOLS, &arguments, &doing) => done,
        signal = interrupts.next() => return Err(Fault::signal(signal, format!("{doing}: cancelled"))),
    };
    drop(line);
    match done {
        Ok(done) if done.code == 0 => {
            context.screen.note(&format!("the tools of {tool_file} are installed"));
        }
        Ok(done) => context.screen.warn(&scripts::failed(&done, &doing).message),
        Err(fault) => context.screen.warn(&fault.message),
    }
    context.screen.note(&format!("the log is {log} in the guest: banger vm exec {} -- cat {log}", vm.name));
    Ok(())
}
