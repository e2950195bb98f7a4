//! Running programs of a release that is not the one that counts.

use std::{ffi::OsString, path::Path, time::Duration};

use host::program::{self, Account, Ended};

use crate::error::{Told as _, UpdateError};

/// How long a program of a release may take that only answers.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// Runs a program of a release, as whom is said, and returns how it ended and what it said.
///
/// # Errors
///
/// It cannot be run, or does not end.
pub(crate) fn run(
    release: &Path,
    name: &str,
    args: &[&str],
    account: Account,
    step: &'static str,
) -> Result<Ended, UpdateError> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    program::end(&release.join(name), &args, Path::new("/"), ANSWER_LIMIT, account)
        .map_err(|error| error.at(step))
}

/// As [`run`], for a program that must succeed. Returns what it said.
///
/// # Errors
///
/// As [`run`]; and where it fails, with what it said.
pub(crate) fn expect(
    release: &Path,
    name: &str,
    args: &[&str],
    account: Account,
    step: &'static str,
) -> Result<String, UpdateError> {
    let ended = run(release, name, args, account, step)?;
    if ended.code == Some(0) {
        return Ok(ended.said);
    }
    let said = ended.said.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let how = ended.code.map_or("was killed".to_owned(), |code| format!("exits with {code}"));
    let why = format!("{} {} {how}: {said}", release.join(name).display(), args.join(" "));
    Err(UpdateError::failed(step, why.trim_end_matches([':', ' '])))
}
