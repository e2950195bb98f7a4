//! One session of one command.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use futures::StreamExt;
use guest::{
    ExecRequest, ExecStatus,
    frame::{Frame, FrameCodec, StartFailure},
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::process::Pid;
use tokio::{
    process::Child,
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_util::codec::Framed;

use super::{command, command::Started, end, input, output};

/// Frames that wait for the host. Whoever makes more waits, too: that is the back-pressure.
const OUTPUT_FRAMES: usize = 4;

/// How long the host may take to close a session that has ended.
const LINGER: Duration = Duration::from_secs(5);

/// Runs the command to its end, or until the host is gone.
pub(super) async fn serve(stream: Upgraded, asked: ExecRequest) {
    let (sink, mut frames) = Framed::new(TokioIo::new(stream), FrameCodec).split();
    let (to_host, queued) = mpsc::channel(OUTPUT_FRAMES);
    let mut writer = Box::pin(output::write(sink, queued));
    let started = command::start(&asked).and_then(|started| {
        let pid = started.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let gone = || StartFailure { code: 125, message: "run: the command has no process".to_owned() };
        Ok((pid.ok_or_else(gone)?, started))
    });
    let (leader, started) = match started {
        Ok(started) => started,
        Err(failure) => {
            let last = async { to_host.send(Frame::NotStarted(failure)).await.map(|()| drop(to_host)) };
            let _ = tokio::join!(last, writer);
            return;
        }
    };
    let Started { mut child, stdin, stdout, stderr, terminal } = started;
    let (stdin_queue, stdin_frames) = input::stdin_queue();
    let mut tasks = JoinSet::new();
    tasks.spawn(input::feed(stdin_frames, stdin, terminal.is_some()));
    let obey = input::obey(&mut frames, stdin_queue, to_host.clone(), leader, terminal);
    let status = tokio::select! {
        status = run(&mut child, stdout, stderr, &to_host) => Some(status),
        () = obey => None,
        _ = &mut writer => None,
    };
    match status {
        Some(status) => {
            let last = async { to_host.send(Frame::Ended(status)).await.map(|()| drop(to_host)) };
            let _ = tokio::join!(last, writer);
            // A host that is still speaking would else learn that we are gone before it learns the status.
            let _ = timeout(LINGER, async { while let Some(Ok(_)) = frames.next().await {} }).await;
        }
        None => end::end(&mut child, leader).await,
    }
}

type Output = Box<dyn tokio::io::AsyncRead + Unpin + Send>;

/// Waits for the command's end and for all that it said.
async fn run(
    child: &mut Child,
    stdout: Output,
    stderr: Option<Output>,
    to_host: &mpsc::Sender<Frame>,
) -> ExecStatus {
    let (ended, has_ended) = watch::channel(false);
    // The host that is gone is noticed by whoever writes to it.
    let _ = to_host.send(Frame::Started).await;
    let out = output::pump(stdout, Frame::Stdout, to_host.clone(), has_ended.clone());
    let err = async {
        if let Some(stderr) = stderr {
            output::pump(stderr, Frame::Stderr, to_host.clone(), has_ended).await;
        }
    };
    let status = async {
        let status = child.wait().await;
        ended.send_replace(true);
        status
    };
    let (status, (), ()) = tokio::join!(status, out, err);
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => ExecStatus::Exited(u8::try_from(code & 0xff).unwrap_or(u8::MAX)),
            (None, signal) => ExecStatus::Signaled(signal.unwrap_or(0)),
        },
        // Nobody else waits for our children.
        Err(_) => ExecStatus::Exited(u8::MAX),
    }
}
