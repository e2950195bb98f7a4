//! `banger internal proxy`: ssh's bytes to a machine and back.

use std::{future::pending, path::PathBuf};

use bytes::BytesMut;
use guest::client::Connection;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    exit,
    fault::{Doing as _, Fault},
    session::local::{self, Outflow, Outlet},
};

/// How much is carried at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Carries stdin to the machine's sshd, and what it says to stdout.
pub(super) async fn run(dir: PathBuf) -> Result<u8, Fault> {
    let doing = "connect to the machine";
    let stream = Connection::in_dir(dir).ssh().await.doing(doing)?;
    let (mut from, mut to) = tokio::io::split(stream);
    let upward = async {
        let mut stdin = local::stdin();
        while let Some(bytes) = stdin.recv().await {
            if to.write_all(&bytes).await.is_err() || to.flush().await.is_err() {
                break;
            }
        }
        to.shutdown().await.ok();
        // What the guest still says belongs to ssh as well.
        pending::<()>().await;
    };
    let downward = async {
        let stdout = Outlet::stdout();
        let mut buffer = BytesMut::with_capacity(PIECE_BYTES);
        // Whoever reads ssh's words learns from ssh why they ended.
        while let Ok(1..) = from.read_buf(&mut buffer).await {
            if stdout.send(buffer.split().freeze()).await == Outflow::Closed {
                break;
            }
            buffer.reserve(PIECE_BYTES);
        }
        stdout.finish().await;
    };
    tokio::select! {
        () = upward => {}
        () = downward => {}
    }
    Ok(exit::DONE)
}
