//! What others' libraries may be built in (`deny.toml`, in the form that cargo-deny reads).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::Metadata;
use serde::Deserialize;

use crate::Breach;

/// The part of `deny.toml` that is held to here.
#[derive(Debug, Deserialize)]
pub struct Deny {
    /// Licences.
    pub licenses: Licenses,
    /// Libraries.
    pub bans: Bans,
}

/// Which licences may be built in.
#[derive(Debug, Deserialize)]
pub struct Licenses {
    /// SPDX names.
    pub allow: Vec<String>,
}

/// Which libraries may not be built in.
#[derive(Debug, Deserialize)]
pub struct Bans {
    /// Each with its reason.
    pub deny: Vec<Ban>,
}

/// One library that may not be built in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// Its name.
    #[serde(rename = "crate")]
    pub name: String,
    /// Why.
    pub reason: String,
    /// Libraries that may use it nevertheless.
    #[serde(default)]
    pub wrappers: BTreeSet<String>,
}

/// One library as cargo sees it.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Its licence, as it says itself; ours are not asked.
    pub license: Option<String>,
    /// Whether it comes from the public registry or lies in this repository.
    pub is_from_registry: bool,
    /// Who uses it.
    pub users: BTreeSet<String>,
}

/// Reads the libraries that are built for this platform off cargo's metadata.
#[must_use]
pub fn libraries(metadata: &Metadata) -> BTreeMap<String, Library> {
    let mut libraries: BTreeMap<String, Library> = BTreeMap::new();
    for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
        let package = &metadata[&node.id];
        let library = libraries.entry(package.name.to_string()).or_default();
        library.license.clone_from(&package.license);
        library.is_from_registry = package.source.as_ref().is_none_or(cargo_metadata::Source::is_crates_io);
        for dependency in &node.deps {
            let used = libraries.entry(metadata[&dependency.pkg].name.to_string()).or_default();
            used.users.insert(package.name.to_string());
        }
    }
    libraries
}

/// Holds the libraries to `deny.toml`.
#[must_use]
pub fn check(deny: &Deny, libraries: &BTreeMap<String, Library>) -> Vec<Breach> {
    let mut breaches = vec![];
    for ban in &deny.bans.deny {
        if ban.reason.trim().is_empty() {
            breaches.push(Breach::new(&ban.name, "deny.toml gives no reason"));
        }
        let users = libraries.get(&ban.name).map(|library| &library.users);
        for user in users.into_iter().flatten().filter(|user| !ban.wrappers.contains(*user)) {
            breaches.push(Breach::new(user, format!("it uses {}: {}", ban.name, ban.reason)));
        }
    }
    for (name, library) in libraries {
        if !library.is_from_registry {
            breaches.push(Breach::new(name, "it comes from elsewhere than the public registry"));
        }
        if !is_allowed(library.license.as_deref().unwrap_or_default(), &deny.licenses.allow) {
            breaches.push(Breach::new(name, format!("its licence is {:?}", library.license)));
        }
    }
    breaches
}

fn is_allowed(license: &str, allowed: &[String]) -> bool {
    let is_named = |requirement: &spdx::LicenseReq| {
        let name = requirement.to_string();
        allowed.contains(&name)
    };
    spdx::Expression::parse_mode(license, spdx::ParseMode::LAX)
        .is_ok_and(|expression| expression.evaluate(is_named))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        [bans]
        deny = [{ crate = "openssl", reason = "no OpenSSL", wrappers = ["old"] }]
    "#;

    fn found(name: &str, license: &str, is_from_registry: bool, user: &str) -> Vec<String> {
        let library = Library {
            license: Some(license.to_owned()),
            is_from_registry,
            users: BTreeSet::from([user.to_owned()]),
        };
        let libraries = BTreeMap::from([(name.to_owned(), library)]);
        check(&toml::from_str(DENY).unwrap(), &libraries).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_banned_is_found_with_who_uses_it() {
        assert_eq!(found("serde", "MIT OR Apache-2.0", true, "api"), [""; 0]);
        assert_eq!(found("openssl", "MIT", true, "old"), [""; 0]);
        assert_eq!(found("openssl", "MIT", true, "api"), ["api: it uses openssl: no OpenSSL"]);
        let elsewhere = ["serde: it comes from elsewhere than the public registry"];
        assert_eq!(found("serde", "MIT", false, "api"), elsewhere);
    }

    #[test]
    fn licences_are_read_as_they_are_meant() {
        for (license, ok) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only AND MIT", false),
            ("GPL-3.0-only", false),
            ("", false),
            ("whatever", false),
        ] {
            assert_eq!(found("x", license, true, "api").is_empty(), ok, "{license:?}");
        }
    }
}
