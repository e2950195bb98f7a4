//! The agent itself: meets the link, takes its streams, serves each.

use std::{future::poll_fn, io, process::ExitCode, sync::Arc};

use tokio_util::compat::TokioAsyncReadCompatExt;
use yamux::{Connection, Mode};

use super::{
    args::Args,
    device::{self, Way},
    health::Guest,
    http, vsock,
};
use crate::mux::{channel::Channel, config, handshake, port::Port};

/// Runs until the port fails; the supervisor starts another then.
pub(crate) fn work(args: impl Iterator<Item = String>) -> ExitCode {
    let done = Args::parse(args).and_then(|args| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = runtime.and_then(|runtime| runtime.block_on(serve(args)));
        done.map_err(|error| crate::words::of(&error))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("banger: agent: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> io::Result<()> {
    let way = device::open(&args).await?;
    let guest = Arc::new(Guest::new(args.init));
    let mut port = match way {
        Way::Vsock(listener) => return take(listener, &guest).await,
        Way::Port(port) => port,
    };
    loop {
        handshake::meet_link(&mut port).await?;
        carry(&mut port, &guest).await;
    }
}

/// Serves each connection as a session. Returns when none can be taken any more.
async fn take(listener: vsock::Listener, guest: &Arc<Guest>) -> io::Result<()> {
    loop {
        let stream = listener.accept().await?;
        tokio::spawn(http::serve(Channel::new(stream.compat()), guest.clone()));
    }
}

/// Returns when the multiplexer fails: the link began anew, or the port is gone.
async fn carry(port: &mut Port, guest: &Arc<Guest>) {
    let mut mux = Connection::new(port.lend(), config(), Mode::Server);
    while let Some(Ok(stream)) = poll_fn(|cx| mux.poll_next_inbound(cx)).await {
        tokio::spawn(http::serve(Channel::new(stream), guest.clone()));
    }
}
