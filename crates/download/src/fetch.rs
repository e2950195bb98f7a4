//! A download, from the question to the file.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use model::Digest;
use release::Url;
use sha2::{Digest as _, Sha256};
use ureq::{Body, http::Response};

use crate::{Cause, DownloadError, Pace, agent, body};

/// Something that is to be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    /// What it is, for errors, in a word or two: `manifest` makes `fetch manifest: HTTP 404 Not Found`.
    pub what: &'static str,
    /// Where it is.
    pub url: &'a Url,
    /// The most it may be, in bytes.
    pub bytes_max: u64,
    /// How long it may take.
    pub pace: Pace,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// How many bytes.
    pub bytes: u64,
    /// Their digest, taken while they were read.
    pub digest: Digest,
}

impl Fetch<'_> {
    /// Fetches it into memory: for what is small.
    ///
    /// # Errors
    ///
    /// Any [`Cause`] but that of a file.
    pub fn to_memory(&self) -> Result<Vec<u8>, DownloadError> {
        let mut bytes = vec![];
        let keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        self.get()
            .and_then(|response| self.read(response, keep, |_, _| ()))
            .map_err(|cause| self.error(cause))?;
        Ok(bytes)
    }

    /// Fetches it into a new file, readable by its owner alone, and tells `progress` how many bytes came, and of how
    /// many if the server said so. The file is written and not synced.
    ///
    /// # Errors
    ///
    /// Any [`Cause`]. The file is not there afterwards; one that was there before is left as it was.
    pub fn to_file(
        &self,
        path: &Path,
        progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Fetched, DownloadError> {
        self.get()
            .and_then(|response| self.write(path, response, progress))
            .map_err(|cause| self.error(cause))
    }

    fn get(&self) -> Result<Response<Body>, Cause> {
        let response = agent::get(self.url, self.pace)?;
        match response.body().content_length() {
            Some(length) if length > self.bytes_max => Err(Cause::TooLong { bytes_max: self.bytes_max }),
            _ => Ok(response),
        }
    }

    fn write(
        &self,
        path: &Path,
        response: Response<Body>,
        progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Fetched, Cause> {
        let not_written = |source| Cause::NotWritten { path: path.to_owned(), source };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(not_written)?;
        let fetched = self.read(response, |piece| file.write_all(piece).map_err(not_written), progress);
        if fetched.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(path);
        }
        fetched
    }

    fn read(
        &self,
        response: Response<Body>,
        mut keep: impl FnMut(&[u8]) -> Result<(), Cause>,
        mut progress: impl FnMut(u64, Option<u64>),
    ) -> Result<Fetched, Cause> {
        let length = response.body().content_length();
        let mut hasher = Sha256::new();
        let mut came_bytes = 0;
        let take = |piece: &[u8]| {
            hasher.update(piece);
            keep(piece)?;
            came_bytes += piece.len() as u64;
            progress(came_bytes, length);
            Ok(())
        };
        let mut reader = response.into_body().into_reader();
        let bytes = body::read(&mut reader, self.bytes_max, self.pace, take)?;
        Ok(Fetched { bytes, digest: Digest::from_bytes(hasher.finalize().into()) })
    }

    fn error(&self, cause: Cause) -> DownloadError {
        DownloadError { what: self.what, url: Box::new(self.url.clone()), cause }
    }
}
