//! Commands that only banger itself gives.

use std::{
    future::pending,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use guest::client::Connection;
use host::dirs::SystemPaths;
use install::{apply, owner, plan, units};
use model::Class;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    exit,
    fault::{Doing as _, Fault},
    release::VERSION,
    session::local::{self, Outflow, Outlet},
};

/// Commands that only banger itself gives
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Internal {
    /// Carry ssh's bytes to a machine: the `ProxyCommand` of `vm ssh`
    Proxy {
        /// The machine's directory
        dir: PathBuf,
    },
    /// Write what this release makes of this host into its directory: its units
    ReleaseFiles {
        /// The directory, which may have another name than it will have
        dir: PathBuf,
    },
}

impl Internal {
    pub(crate) async fn run(self) -> Result<u8, Fault> {
        match self {
            Self::Proxy { dir } => proxy(dir).await,
            Self::ReleaseFiles { dir } => release_files(&dir),
        }
    }
}

/// Its units name the place where it will lie, and the owner that is recorded.
fn release_files(dir: &Path) -> Result<u8, Fault> {
    let doing = "write the units";
    let paths = SystemPaths::of_this_host();
    let record = paths.read_record().doing(doing)?;
    let record =
        record.ok_or_else(|| Fault::new(Class::Refused, format!("{doing}: banger is not installed")))?;
    let release = paths.library().join("releases").join(VERSION);
    let units = units::of_release(&paths.inside(&release), &plan::owner_of(&record), owner::has_kvm_group());
    apply::release_files(dir, &units).doing(doing)?;
    Ok(exit::DONE)
}

async fn proxy(dir: PathBuf) -> Result<u8, Fault> {
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

const PIECE_BYTES: usize = 64 * 1024;
