//! Who may know whom (`xtask/layers.toml`).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};
use serde::Deserialize;

use crate::Breach;

/// What kind of crate it is; `layers.toml` says what each may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It decides.
    Pure,
    /// It is the contract of one process boundary.
    Contract,
    /// It does one kind of thing to the world.
    Acting,
    /// It arranges.
    Binary,
    /// It is never shipped.
    Tool,
}

impl Kind {
    fn may_know(self, other: Self) -> bool {
        match self {
            Self::Pure | Self::Contract => other == Self::Pure,
            Self::Acting => matches!(other, Self::Pure | Self::Contract | Self::Acting),
            Self::Binary | Self::Tool => matches!(other, Self::Pure | Self::Contract | Self::Acting),
        }
    }
}

/// One crate's line in `layers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What kind it is.
    pub kind: Kind,
    /// The crates of this workspace that it may use.
    pub knows: BTreeSet<String>,
}

/// `layers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// Libraries that no pure crate may reach.
    pub io_libraries: BTreeSet<String>,
    /// Every crate of the workspace.
    pub crates: BTreeMap<String, Layer>,
}

/// One crate as cargo sees it.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The crates of this workspace that it uses, in tests too.
    pub knows: BTreeSet<String>,
    /// Every library that is built into what is shipped of it, however far away.
    pub reaches: BTreeSet<String>,
}

/// Reads the workspace's crates off cargo's metadata.
#[must_use]
pub fn packages(metadata: &Metadata) -> BTreeMap<String, Package> {
    let ours: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let describe = |package: &&cargo_metadata::Package| {
        let direct = package.dependencies.iter().map(|dependency| dependency.name.clone());
        let knows = direct.filter(|name| ours.contains(name)).collect();
        let reaches = closure(metadata, &package.id);
        (package.name.to_string(), Package { knows, reaches })
    };
    metadata.workspace_packages().iter().map(describe).collect()
}

fn closure(metadata: &Metadata, from: &cargo_metadata::PackageId) -> BTreeSet<String> {
    let nodes: BTreeMap<_, _> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let (mut seen, mut todo) = (BTreeSet::from([from]), vec![from]);
    while let Some(node) = todo.pop().and_then(|id| nodes.get(id)) {
        for dependency in &node.deps {
            // What builds or tests a crate is not in it.
            let is_linked = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if is_linked && seen.insert(&dependency.pkg) {
                todo.push(&dependency.pkg);
            }
        }
    }
    seen.remove(from);
    seen.into_iter().map(|id| metadata[id].name.to_string()).collect()
}

/// Holds the workspace's crates to `layers.toml`.
#[must_use]
pub fn check(layers: &Layers, packages: &BTreeMap<String, Package>) -> Vec<Breach> {
    let mut breaches = vec![];
    for name in layers.crates.keys().filter(|name| !packages.contains_key(*name)) {
        breaches.push(Breach::new(name, "layers.toml lists a crate that is not there"));
    }
    for (name, package) in packages {
        let Some(layer) = layers.crates.get(name) else {
            breaches.push(Breach::new(name, "layers.toml does not list it"));
            continue;
        };
        for other in package.knows.difference(&layer.knows) {
            breaches.push(Breach::new(name, format!("it uses {other}, and layers.toml does not let it")));
        }
        let kinds = layer.knows.iter().filter_map(|other| Some((other, layers.crates.get(other)?.kind)));
        for (other, kind) in kinds.filter(|(_, kind)| !layer.kind.may_know(*kind)) {
            let what = format!("layers.toml lets a {:?} crate know {other}, which is {kind:?}", layer.kind);
            breaches.push(Breach::new(name, what));
        }
        if layer.kind == Kind::Pure {
            let what = |library: &String| Breach::new(name, format!("it is pure and reaches {library}"));
            breaches.extend(package.reaches.intersection(&layers.io_libraries).map(what));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &str = r#"
        io_libraries = ["tokio"]
        [crates]
        nouns = { kind = "pure", knows = [] }
        plan = { kind = "pure", knows = ["nouns"] }
        wire = { kind = "contract", knows = ["nouns"] }
        disk = { kind = "acting", knows = ["nouns"] }
        tool = { kind = "binary", knows = ["nouns", "plan", "wire", "disk"] }
    "#;

    /// What is found when the crate `name` uses and reaches these, and all others keep the rule.
    fn found(name: &str, knows: &[&str], reaches: &[&str]) -> Vec<String> {
        let layers: Layers = toml::from_str(LAYERS).unwrap();
        let mut packages: BTreeMap<String, Package> =
            layers.crates.keys().map(|name| (name.clone(), Package::default())).collect();
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        packages.insert(name.to_owned(), Package { knows: set(knows), reaches: set(reaches) });
        check(&layers, &packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_crate_uses_what_it_was_given() {
        assert_eq!(found("tool", &["nouns", "disk"], &["tokio"]), [""; 0]);
        assert_eq!(found("plan", &["disk"], &[]), ["plan: it uses disk, and layers.toml does not let it"]);
        assert_eq!(found("nouns", &[], &["serde", "tokio"]), ["nouns: it is pure and reaches tokio"]);
        assert_eq!(found("new", &[], &[]), ["new: layers.toml does not list it"]);
    }

    #[test]
    fn the_table_itself_keeps_the_order() {
        let mut layers: Layers = toml::from_str(LAYERS).unwrap();
        let packages = layers.crates.keys().map(|name| (name.clone(), Package::default())).collect();
        layers.crates.get_mut("plan").unwrap().knows.insert("disk".to_owned());
        let found: Vec<_> = check(&layers, &packages).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["plan: layers.toml lets a Pure crate know disk, which is Acting"]);
    }
}
