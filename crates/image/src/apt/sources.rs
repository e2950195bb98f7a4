//! Which archives to ask for a suite: those that the host itself asks, and no others.

mod parse;

use std::{
    fs,
    path::{Path, PathBuf},
};

use parse::Entry;

use crate::Fault;

const KEYRINGS: [&str; 2] =
    ["usr/share/keyrings/debian-archive-keyring.gpg", "usr/share/keyrings/debian-archive-keyring.pgp"];

/// Archives for one suite, in deb822 stanzas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sources {
    stanzas: Vec<Stanza>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stanza {
    uris: Vec<String>,
    suite: String,
    signed_by: Option<String>,
}

impl Sources {
    /// Renders them as a `.sources` file (sources.list(5)).
    pub(crate) fn to_deb822(&self) -> String {
        self.render(str::to_owned)
    }

    /// Renders them for a guest: without what the host's user would not hand on.
    pub(crate) fn to_guest_deb822(&self) -> String {
        self.render(without_secret)
    }

    fn render(&self, uri: impl Fn(&str) -> String) -> String {
        let stanzas = self.stanzas.iter().map(|stanza| {
            let uris: Vec<String> = stanza.uris.iter().map(|text| uri(text)).collect();
            let signed = stanza.signed_by.as_ref().map(|by| format!("Signed-By: {by}\n")).unwrap_or_default();
            format!(
                "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\n{signed}",
                uris.join(" "),
                stanza.suite
            )
        });
        stanzas.collect::<Vec<_>>().join("\n")
    }
}

/// Takes `user:password@` out of an address.
fn without_secret(uri: &str) -> String {
    match uri.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => uri.to_owned(),
    }
}

/// Finds the archives for `suite` (`bookworm`, `bookworm-backports`) with its updates and security fixes.
///
/// # Errors
///
/// [`Fault::HostLacks`] where the host has no key of the distribution to check them by, or asks none of its
/// archives.
pub(crate) fn host_sources(suite: &str) -> Result<Sources, Fault> {
    sources_in(Path::new("/"), suite)
}

fn sources_in(root: &Path, suite: &str) -> Result<Sources, Fault> {
    let entries = parse::read_all(&root.join("etc/apt"));
    let keyring = KEYRINGS.map(|path| root.join(path)).into_iter().find(|path| path.is_file());
    if keyring.is_none() && !has_trusted_key(root) {
        return Err(Fault::lacks(
            "the keys of the Debian archive",
            "Install the package debian-archive-keyring and try again, or import a ready root file system.",
        ));
    }
    let keyring = keyring.map(|path| format!("/{}", path.strip_prefix(root).unwrap_or(&path).display()));
    let known: Vec<&Entry> = entries.iter().filter(|entry| is_debians(entry)).collect();
    choose(&known, suite, host_codename(root).as_deref(), keyring.as_deref()).ok_or_else(|| {
        Fault::lacks(
            "an archive of Debian in its package configuration",
            "Add one to /etc/apt/sources.list.d and try again, or import a ready root file system.",
        )
    })
}

fn has_trusted_key(root: &Path) -> bool {
    let entries = fs::read_dir(root.join("etc/apt/trusted.gpg.d"));
    let mut names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().starts_with("debian-archive"))
}

/// The codename of the host, where the host is a Debian.
fn host_codename(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("etc/os-release")).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    (field("ID")? == "debian").then(|| field("VERSION_CODENAME"))?
}

/// Whether an entry is the distribution's own: others may use its suites' names with keys of theirs.
fn is_debians(entry: &Entry) -> bool {
    let by_its_key = entry.signed_by.as_ref().is_none_or(|by| by.contains("debian-archive"));
    by_its_key && entry.components.iter().any(|component| component == "main")
}

/// The archives for a suite; `None` where the host asks none that has it.
fn choose(known: &[&Entry], suite: &str, codename: Option<&str>, keyring: Option<&str>) -> Option<Sources> {
    let base = suite.split('-').next().unwrap_or(suite);
    let find = |wanted: &str| known.iter().find(|entry| entry.suites.iter().any(|suite| suite == wanted));
    // Where the host asks for another suite than ours, its mirrors have ours too.
    let under = if find(base).is_some() { base } else { codename.filter(|name| find(name).is_some())? };
    let signed_by = |entry: &Entry| entry.signed_by.clone().or_else(|| keyring.map(str::to_owned));
    let mut stanzas = vec![];
    for tail in ["", "-updates", "-security"] {
        // Where the host does without updates or security fixes, so do we.
        if let Some(entry) = find(&format!("{under}{tail}")) {
            let suite = format!("{base}{tail}");
            stanzas.push(Stanza { uris: entry.uris.clone(), suite, signed_by: signed_by(entry) });
        }
    }
    if stanzas.iter().all(|stanza| stanza.suite != suite) {
        let own = find(suite).map(|entry| (entry.uris.clone(), signed_by(entry)));
        let (uris, signed_by) =
            own.unwrap_or_else(|| (stanzas[0].uris.clone(), stanzas[0].signed_by.clone()));
        stanzas.push(Stanza { uris, suite: suite.to_owned(), signed_by });
    }
    Some(Sources { stanzas })
}

/// The files that hold sources, in apt's order.
fn source_files(etc_apt: &Path) -> Vec<PathBuf> {
    let mut parts: Vec<PathBuf> = fs::read_dir(etc_apt.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "list" || end == "sources"))
        .collect();
    parts.sort();
    [etc_apt.join("sources.list")].into_iter().chain(parts).collect()
}

#[cfg(test)]
mod tests;
