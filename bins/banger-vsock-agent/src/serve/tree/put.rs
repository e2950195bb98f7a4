//! Files into the guest.

use std::{
    io::{self, BufReader, Read as _},
    path::Path,
};

use futures::TryStreamExt;
use http_body_util::{BodyDataStream, BodyExt};
use hyper::{Request, body::Incoming};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{path::path_of, unpack::unpack};
use crate::serve::{
    reply::{Answer, Refused, json},
    sessions::Session,
};

/// What is taken of a stream at once, in bytes: each taking crosses from this thread to the runtime.
const READ_BYTES: usize = 256 * 1024;

/// What is read of a stream after the failure, in bytes.
const REST_BYTES_MAX: u64 = 1 << 30;

pub(in crate::serve) async fn put(request: Request<Incoming>, counted: Session) -> Answer {
    let path = path_of(request.uri().query())?;
    let body = BodyDataStream::new(request.into_body().map_err(io::Error::other));
    let tar = SyncIoBridge::new(StreamReader::new(body.into_stream()));
    let mut tar = BufReader::with_capacity(READ_BYTES, tar);
    let what = format!("write below {path}");
    let written = tokio::task::spawn_blocking(move || {
        let written = unpack(&mut tar, Path::new(&path));
        if written.is_err() {
            // A host that is still sending would else learn that we are gone before it learns why.
            let _ = io::copy(&mut tar.take(REST_BYTES_MAX), &mut io::sink());
        }
        drop(counted);
        written
    })
    .await;
    let written = written.map_err(io::Error::other).flatten();
    written.map(|written| json(&written)).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Refused::bad(format!("{what}: {}", chain(&error))),
        _ => Refused::failed(&what, &io::Error::new(error.kind(), chain(&error))),
    })
}

/// The archive library's errors carry the system's as their source.
fn chain(error: &io::Error) -> String {
    let mut text = crate::words::of(error);
    let mut source = error.get_ref().and_then(std::error::Error::source);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}
