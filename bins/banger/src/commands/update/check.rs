//! `banger update --check`.

use built::VERSION;
use install::sums::{Compared, compare};
use model::Version;
use serde_json::json;
use updater::{
    discover::{Source, discover},
    places::Places,
};

use super::step::{found, places};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
};

/// How what is installed stands to what is on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is that release, and its files are what was signed.
    UpToDate,
    /// It is that release, and files of it were changed.
    Changed,
    /// It is another one.
    Other,
}

pub(super) async fn run(context: &Context, source: Source, to: Option<Version>) -> Result<u8, Fault> {
    let release = found(move || discover(&source, to.as_ref())).await?;
    let places = places("discover")?;
    let installed = installed(&places)?;
    let standing = standing(&places, &installed, &release.version);
    // An update goes there only where it is asked for by name.
    let is_down = standing == Standing::Other && release.version < installed;
    let word = match standing {
        Standing::UpToDate => "up to date",
        Standing::Changed => "files of the installed release were changed",
        Standing::Other if is_down => "going down",
        Standing::Other => "update available",
    };
    let object = json!({
        "status": word,
        "installed": installed,
        "release": release.version,
        "released_at": release.released_at,
    });
    context.screen.show("update", object, || match standing {
        Standing::UpToDate => format!("up to date: {installed}\n"),
        Standing::Changed => {
            let repair = places.typed("update --repair");
            format!("{installed} is installed, and its files were changed: {repair}\n")
        }
        Standing::Other if is_down => {
            let down = places.typed(&format!("update --to {}", release.version));
            format!("going down: {} is older than {installed}, which is installed: {down}\n", release.version)
        }
        Standing::Other => format!("update available: {} (installed: {installed})\n", release.version),
    });
    Ok(exit::DONE)
}

/// The release that is installed; where none is, that of this program.
pub(super) fn installed(places: &Places) -> Result<Version, Fault> {
    match Places::version_of(&places.current()) {
        Some(version) => Ok(version),
        None => VERSION.parse().doing("discover"),
    }
}

/// Compares what is installed with a release, by the files' digests and not by what is said of them.
pub(super) fn standing(places: &Places, installed: &Version, release: &Version) -> Standing {
    if installed != release {
        return Standing::Other;
    }
    match compare(&places.release(installed)) {
        Ok(Compared::Differ(_)) => Standing::Changed,
        // Without a record, or rights to read it, there is nothing to hold against it.
        Ok(Compared::Same | Compared::NoRecord) | Err(_) => Standing::UpToDate,
    }
}
