//! Carries the bytes of one session both ways, each end when it comes.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::sockopt,
};
use tokio::{
    io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, copy_buf},
    sync::Notify,
    time::sleep,
};

use crate::mux::channel::CHUNK_BYTES_MAX;

/// Each direction's buffer, in bytes: one chunk.
const BUFFER_BYTES: usize = CHUNK_BYTES_MAX;

/// How often a near end that said "no more from me" is looked at, whether it is there at all.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Relays between a socket of this system and a session until both directions have ended. If one breaks, both are dropped, so that each end learns of it.
pub(crate) async fn relay<N, F>(near: N, far: F) -> io::Result<()>
where
    N: AsyncRead + AsyncWrite + AsFd,
    F: AsyncRead + AsyncWrite,
{
    let near_fd = near.as_fd().try_clone_to_owned()?;
    let (near_reader, mut near_writer) = tokio::io::split(near);
    let (far_reader, mut far_writer) = tokio::io::split(far);
    let near_ended = Notify::new();
    let up = async {
        let passed = pass(BufReader::with_capacity(BUFFER_BYTES, near_reader), &mut far_writer).await;
        near_ended.notify_one();
        passed
    };
    let down = pass(BufReader::with_capacity(BUFFER_BYTES, far_reader), &mut near_writer);
    let both = async {
        tokio::pin!(up, down);
        tokio::select! {
            passed = &mut down => {
                passed?;
                up.await
            }
            // A far end that takes no more may have said something before, which is still to be passed on.
            passed = &mut up => down.await.and(passed),
        }
    };
    let left = async {
        near_ended.notified().await;
        // An end that is gone and one that only ended its direction read the same.
        while !has_hung_up(near_fd.as_fd()) {
            sleep(LOOK_EVERY).await;
        }
    };
    let relayed = tokio::select! {
        relayed = both => relayed,
        () = left => Err(io::ErrorKind::ConnectionReset.into()),
    };
    if relayed.is_err() {
        // Over TCP a broken session is not to look like one that ended; elsewhere this does nothing.
        let _ = sockopt::set_socket_linger(&near_fd, Some(Duration::ZERO));
    }
    relayed
}

async fn pass(mut from: impl AsyncBufRead + Unpin, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    copy_buf(&mut from, to).await?;
    to.shutdown().await
}

fn has_hung_up(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
