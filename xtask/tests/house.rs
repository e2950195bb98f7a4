//! The rules of the house, held against this repository.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;

use cargo_metadata::{Metadata, MetadataCommand};
use model::Class;
use serde::de::DeserializeOwned;
use xtask::{Breach, Tree, rules};

fn tree() -> Tree {
    Tree::here().unwrap()
}

fn data<T: DeserializeOwned>(tree: &Tree, path: &str) -> T {
    toml::from_str(&tree.text(path).unwrap()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn metadata(tree: &Tree) -> Metadata {
    let platform = "x86_64-unknown-linux-gnu";
    MetadataCommand::new()
        .current_dir(tree.root())
        .other_options(["--locked", "--filter-platform", platform].map(str::to_owned))
        .exec()
        .unwrap()
}

#[track_caller]
fn assert_none(breaches: &[Breach]) {
    let lines: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn layers() {
    let tree = tree();
    let packages = rules::layers::packages(&metadata(&tree));
    assert!(packages["model"].reaches.contains("serde"), "the closure was not read");
    assert_none(&rules::layers::check(&data(&tree, "xtask/layers.toml"), &packages));
}

#[test]
fn root_crates() {
    let tree = tree();
    let list: rules::root_crates::RootCrates = data(&tree, "xtask/root_crates.toml");
    let packages = rules::layers::packages(&metadata(&tree));
    assert_none(&rules::root_crates::check(&list, &packages[&list.program].reaches));
}

#[test]
fn bans() {
    let tree = tree();
    let libraries = rules::bans::libraries(&metadata(&tree));
    assert!(libraries["serde"].users.contains("model"), "the users were not read");
    assert_none(&rules::bans::check(&data(&tree, "deny.toml"), &libraries));
}

#[test]
fn purity() {
    let tree = tree();
    let layers: rules::layers::Layers = data(&tree, "xtask/layers.toml");
    let root = data(&tree, "clippy.toml");
    for (name, _) in layers.crates.iter().filter(|(_, layer)| layer.kind == rules::layers::Kind::Pure) {
        let own = data(&tree, &format!("crates/{name}/clippy.toml"));
        assert_none(&rules::purity::check(name, &root, &own));
    }
}

#[test]
fn modules() {
    assert_none(&rules::modules::check(&tree().sources().unwrap()));
}

#[test]
fn sizes() {
    let tree = tree();
    let sources = tree.sources().unwrap();
    let (files, functions) = rules::sizes::longest(&sources);
    println!("longest files: {files:#?}\nlongest functions: {functions:#?}");
    assert_none(&rules::sizes::check(&sources, &data(&tree, "xtask/sizes.toml")));
}

#[test]
fn ports() {
    assert_none(&rules::ports::check(&tree().sources().unwrap()));
}

#[test]
fn errors() {
    assert_none(&rules::errors::check(&tree().sources().unwrap()));
}

#[test]
fn tidy() {
    let tree = tree();
    assert_none(&rules::tidy::check_sources(&tree.sources().unwrap()));
    let (list, mut breaches) = ("xtask/tidy.toml", vec![]);
    let texts = data(&tree, list);
    for path in tree.files().iter().filter(|path| *path != list) {
        // What is not text (an image, an archive) says nothing that a person reads.
        if let Ok(content) = tree.text(path) {
            breaches.extend(rules::tidy::check_text(path, &content, &texts));
        }
    }
    assert_none(&breaches);
}

#[test]
fn decisions() {
    let tree = tree();
    let paths = tree.files().iter().filter(|path| path.starts_with("docs/decisions/"));
    let files: Vec<_> = paths.map(|path| (path.clone(), tree.text(path).unwrap())).collect();
    assert_none(&rules::decisions::check(&files));
}

#[test]
fn changelog() {
    assert_none(&rules::changelog::check(&tree().text("CHANGELOG.md").unwrap()));
}

#[test]
fn spec() {
    let tree = tree();
    let tests = rules::spec::tests(&tree.sources().unwrap());
    for path in ["docs/specification.md", "docs/threat-model.md", "docs/privileged-operations.md"] {
        assert_none(&rules::spec::check(path, &tree.text(path).unwrap(), &tests));
    }
}

#[test]
fn skips() {
    let tree = tree();
    let tests = rules::spec::tests(&tree.sources().unwrap());
    assert_none(&rules::skips::check(&data(&tree, "tests/skips.toml"), &tests));
}

#[test]
fn exit_codes() {
    // A new class does not compile here until it is listed below.
    let name = |class: Class| match class {
        Class::Failed => "failed",
        Class::Usage => "usage",
        Class::Refused => "refused",
        Class::HostLacks => "host_lacks",
        Class::Unreachable => "unreachable",
        Class::Bug => "bug",
    };
    let all = [Class::Failed, Class::Usage, Class::Refused, Class::HostLacks, Class::Unreachable, Class::Bug];
    let classes: BTreeMap<String, u8> =
        all.into_iter().map(|class| (name(class).to_owned(), class.exit_code())).collect();
    assert_none(&rules::exit_codes::check(&tree().text("docs/exit-codes.md").unwrap(), &classes));
}
