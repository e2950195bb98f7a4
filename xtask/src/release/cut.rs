//! The steps of a release, in order.

use std::{
    fs,
    path::{Path, PathBuf},
};

use model::Version;

use super::{
    ReleaseError, build, installer, offer, pack,
    sign::Key,
    tree::{self, Tree},
};

/// What a release may lack; for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Allow {
    /// Changes that are not committed.
    Dirty,
    /// A version that is not the workspace's, or not what the programs say.
    Version,
    /// No section in the changelog.
    Changelog,
    /// A key that no host trusts.
    Key,
}

/// A release that is to be cut.
#[derive(Clone, Debug, clap::Args)]
pub struct Cut {
    /// The release: v1.2.3
    #[arg(long)]
    pub version: Version,
    /// The private key that signs it, as PEM; without it, sign SHA256SUMS with cosign afterwards
    #[arg(long, value_name = "KEY.pem")]
    pub key: Option<PathBuf>,
    /// The directory that is served: manifest.json, install.sh, a directory a release
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Takes the programs from here instead of building them; they may be more than the four
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// What it may lack, for tests; may be repeated
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<Allow>,
}

impl Cut {
    fn demands(&self, what: Allow) -> bool {
        !self.allow.contains(&what)
    }
}

/// Cuts a release: nothing of it is offered before all of it is there and was found good. Returns what to say.
///
/// # Errors
///
/// [`ReleaseError`]. `manifest.json` is as it was, and there is no directory of the release.
pub fn cut(root: &Path, cut: &Cut) -> Result<String, ReleaseError> {
    let tree = Tree::read(root)?;
    if cut.demands(Allow::Dirty) {
        tree.expect_clean()?;
    }
    if cut.demands(Allow::Version) {
        tree::expect_version(&cut.version)?;
    }
    if cut.demands(Allow::Changelog) {
        tree.expect_section(&cut.version)?;
    }
    let key = cut.key.as_deref().map(Key::read).transpose()?;
    let compiled = release::Trust::compiled().map_err(ReleaseError::refused)?;
    if let Some(key) = key.as_ref().filter(|_| cut.demands(Allow::Key)) {
        key.expect_trusted(&compiled.keys)?;
    }
    let offer = offer::Offer::read(&cut.out)?;
    offer.expect_new(&cut.version)?;

    let programs = match &cut.programs {
        Some(dir) => dir.clone(),
        None => build::programs(&tree, &cut.version)?,
    };
    if cut.demands(Allow::Version) {
        build::expect_version(&programs, &cut.version)?;
    }
    let place = cut.out.join(cut.version.to_string());
    let partial = cut.out.join(format!(".{}.partial", cut.version));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(ReleaseError::disk("remove", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(ReleaseError::disk("make", &partial))?;
    let made = pack::pack(&programs, &cut.version, tree.committed_at, &partial)
        .and_then(|sums| key.as_ref().map_or(Ok(()), |key| key.sign(&sums, &cut.version, &partial)))
        .and_then(|()| fs::rename(&partial, &place).map_err(ReleaseError::disk("name", &place)));
    if made.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_dir_all(&partial);
    }
    made?;
    installer::write(root, &cut.out)?;
    offer.extend(&cut.version)?;
    Ok(done(cut, &place))
}

fn done(cut: &Cut, place: &Path) -> String {
    let made = format!("{} is in {}\n", cut.version, place.display());
    if cut.key.is_some() {
        return made;
    }
    let sums = place.join("SHA256SUMS");
    let sums = sums.display();
    format!("{made}sign it before it is served: cosign sign-blob --key cosign.key {sums} >{sums}.sig\n")
}
