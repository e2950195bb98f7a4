//! What a machine printed.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use model::VmId;
use vm::{
    layout,
    life::{Duty, next},
};
use vmm::firecracker::{METRICS_BYTES_MAX, trim_metrics};

use crate::app::App;

/// How much is read at once, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// How often the end of the file is looked at for more.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Whether to go on once all was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// End there.
    No,
    /// Wait for more until the machine has ended.
    Yes,
}

/// How often the consoles' logs are looked at.
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// Sets the console's log of each machine that runs aside when it has grown long, and empties what its monitor
/// counted, until the daemon ends: a guest must not fill the host's disk.
pub(super) async fn keep_logs_short(app: Arc<App>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TRIM_EVERY) => {}
            () = app.leaving.cancelled() => return,
        }
        let snapshot = app.owner.snapshot();
        let running = snapshot.vms.iter().filter(|vm| next(vm.state) != Duty::Rest);
        let dirs: Vec<_> = running.map(|vm| app.dirs.vm(&vm.id)).collect();
        let trimmed = tokio::task::spawn_blocking(move || {
            for dir in dirs {
                if let Err(error) = vmm::console::trim(&dir, vmm::console::CONSOLE_BYTES_MAX) {
                    tracing::warn!(dir = %dir.display(), "the console's log was not cut: {error}");
                }
                if let Err(error) = trim_metrics(&dir, METRICS_BYTES_MAX) {
                    tracing::warn!(dir = %dir.display(), "the monitor's counts were not cut: {error}");
                }
            }
        });
        if trimmed.await.is_err() {
            return;
        }
    }
}

/// A place in what a machine printed.
struct Reader {
    app: Arc<App>,
    id: VmId,
    follow: Follow,
    // Whether the part that was set aside is still to be read.
    is_old_due: bool,
    open: Option<File>,
    at: u64,
}

/// Reads what a machine printed, from its oldest kept byte.
pub(crate) fn console(
    app: &Arc<App>,
    id: &VmId,
    follow: Follow,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let reader = Reader { app: Arc::clone(app), id: id.clone(), follow, is_old_due: true, open: None, at: 0 };
    stream::unfold(reader, |mut reader| async move {
        let piece = reader.next().await.transpose()?;
        Some((piece, reader))
    })
}

impl Reader {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut is_last = false;
        loop {
            if let Some(piece) = self.piece()? {
                return Ok(Some(piece));
            }
            if self.is_old_due {
                (self.is_old_due, self.open, self.at) = (false, None, 0);
                continue;
            }
            // What was printed between the last look and the end is read before it ends.
            if is_last || self.follow == Follow::No || self.app.leaving.is_cancelled() {
                return Ok(None);
            }
            let vm = self.app.owner.get(&self.id);
            is_last = !vm.is_some_and(|vm| next(vm.state) != Duty::Rest);
            if !is_last {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Reads the next piece of the part that is read; `None` where there is no more of it, or none yet.
    fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if self.open.is_none() {
            let name = if self.is_old_due { layout::CONSOLE_LOG_OLD } else { layout::CONSOLE_LOG };
            self.open = match File::open(self.app.dirs.vm(&self.id).join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                file => Some(file?),
            };
        }
        let Some(file) = &mut self.open else {
            return Ok(None);
        };
        // It is cut where it was set aside: what is there now is new.
        if file.metadata()?.len() < self.at {
            self.at = file.seek(SeekFrom::Start(0))?;
        }
        let mut piece = vec![0; PIECE_BYTES];
        let count = file.read(&mut piece)?;
        piece.truncate(count);
        self.at += u64::try_from(count).unwrap_or_default();
        Ok(if count == 0 { None } else { Some(Bytes::from(piece)) })
    }
}
