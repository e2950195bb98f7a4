//! From the command line to what is done.

use std::{env, io, io::Write, process::ExitCode};

use super::{Args, Task, log, serve};
use crate::{launcher, places::Places, refuse::chain};

/// The exit code of a command line that cannot be meant.
const USAGE: u8 = 2;

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => return complain(&error, USAGE),
    };
    let places = Places::below(&args.prefix);
    match args.task {
        Task::Version => say(&format!("bangerd-root {}", built::line())),
        Task::Launch { id } => complain(&launcher::monitor(&places, &id), 1),
        Task::Link { id } => complain(&launcher::link(&places, &id), 1),
        Task::AskToStop { id } => in_runtime(async move {
            let monitor = env::var("MAINPID").ok().and_then(|pid| pid.parse().ok());
            launcher::ask_to_stop(&places, &id, monitor).await;
            Ok::<(), std::io::Error>(())
        }),
        Task::Serve { socket } => serve::serve(places, socket.as_deref(), in_runtime),
    }
}

fn in_runtime<E: std::error::Error>(work: impl Future<Output = Result<(), E>>) -> ExitCode {
    let begun = log::start()
        .and_then(|()| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    match begun.map(|runtime| runtime.block_on(work)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => complain(&error, 1),
        Err(error) => complain(&error, 1),
    }
}

fn complain(error: &dyn std::error::Error, status: u8) -> ExitCode {
    let _nobody_listens = writeln!(io::stderr(), "bangerd-root: {}", chain(error));
    ExitCode::from(status)
}

fn say(line: &str) -> ExitCode {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
