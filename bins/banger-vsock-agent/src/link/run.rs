//! The link's life: from its ports to the end of the monitor.

use std::{io, path::Path, process::ExitCode, time::Duration};

use tokio::{
    io::AsyncReadExt,
    net::UnixStream,
    time::{Instant, sleep},
};

use super::{
    args::{Args, Listen, Monitor},
    publish,
    sessions::Sessions,
    socket,
};
use crate::mux::port::Port;

/// How long to wait for the monitor to listen. It is started at the same time, on a host that may be busy.
const MONITOR_LIMIT: Duration = Duration::from_secs(30);
const MONITOR_LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs until the monitor's socket closes. One line on stderr, and 1, if it cannot begin.
pub(crate) fn run(args: impl Iterator<Item = String>) -> ExitCode {
    let done = Args::parse(args).and_then(|args| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("start: {}", crate::words::of(&error)))?;
        runtime.block_on(serve(args))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("banger link: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), String> {
    let said = |what: &Path, error: &io::Error| format!("{}: {}", what.display(), crate::words::of(error));
    // The host's ports first: if one is taken, nothing else is to begin.
    let published: Vec<_> = args.publish.iter().copied().map(publish::listen).collect::<Result<_, _>>()?;
    let listener = match &args.listen {
        Listen::At(path) => socket::listen(path).map_err(|error| said(path, &error))?,
        Listen::On(number) => socket::adopt(*number)
            .map_err(|error| format!("descriptor {number}: {}", crate::words::of(&error)))?,
    };
    publish::tell(&published, &args.ports).map_err(|error| said(&args.ports, &error))?;
    let (sessions, guest) = match &args.monitor {
        Monitor::Serial(_) => {
            let (sessions, guest) = Sessions::over_port();
            (sessions, Some(guest))
        }
        Monitor::Vsock(path) => (Sessions::over_vsock(path.clone()), None),
    };
    tokio::spawn(socket::accept(listener, sessions.clone()));
    for listening in published {
        tokio::spawn(publish::accept(listening, sessions.clone()));
    }
    let (Monitor::Serial(path) | Monitor::Vsock(path)) = &args.monitor;
    let mut monitor = connect(path).await.map_err(|error| said(path, &error))?;
    // The connection ends when the monitor does; there is no other way for the link to end well.
    match guest {
        Some(guest) => drop(guest.serve(Port::over_socket(monitor)).await),
        // It asks for no session, and so carries nothing.
        None => while monitor.read(&mut [0; 1]).await.is_ok_and(|len| len > 0) {},
    }
    Ok(())
}

async fn connect(path: &Path) -> io::Result<UnixStream> {
    let limit = Instant::now() + MONITOR_LIMIT;
    loop {
        match UnixStream::connect(path).await {
            Err(_) if Instant::now() < limit => sleep(MONITOR_LOOK_EVERY).await,
            connected => return connected,
        }
    }
}
