//! No ring of modules inside a crate, and at most twelve at its top.
//!
//! Paths that begin with `crate`, `self` or `super` are followed, through re-exports, to the file that
//! holds what they name. Two neighbours (modules with the same parent) that reach each other, with all
//! that lies below them, are a ring. Code that is compiled for tests alone does not count.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Breach, Source, Token};

const TOP_LEVEL_MAX: usize = 12;

/// A module's path in its crate, without the word `crate`; empty for the root.
type Path = Vec<String>;

/// Who uses whom among the children of one module.
type Neighbours<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// A `use` or a path: where it stands, what it names, and the name it goes by there.
struct Mention {
    at: Path,
    path: Path,
    alias: String,
    is_use: bool,
}

/// Looks for rings in every crate.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let mut crates: BTreeMap<&str, Vec<(Path, &Source)>> = BTreeMap::new();
    for source in sources {
        if let Some((dir, path)) = source.path.split_once("/src/") {
            crates.entry(dir).or_default().push((module_path(path), source));
        }
    }
    crates.iter().flat_map(|(dir, files)| check_crate(dir, files)).collect()
}

fn module_path(file: &str) -> Path {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let mut path: Path = stem.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        path.pop();
    }
    path
}

fn check_crate(dir: &str, files: &[(Path, &Source)]) -> Vec<Breach> {
    let modules: BTreeSet<&Path> = files.iter().map(|(path, _)| path).collect();
    let top: BTreeSet<&String> = modules.iter().filter_map(|path| path.first()).collect();
    let mut breaches = vec![];
    if top.len() > TOP_LEVEL_MAX {
        let what = format!("{} modules at its top; at most {TOP_LEVEL_MAX}", top.len());
        breaches.push(Breach::new(dir, what));
    }
    let mentions: Vec<Mention> =
        files.iter().flat_map(|(path, source)| mentions(path, &source.tokens)).collect();
    let mut names: BTreeMap<(&[String], &str), &Mention> = BTreeMap::new();
    for mention in mentions.iter().filter(|mention| mention.is_use) {
        names.insert((&mention.at, &mention.alias), mention);
    }
    let edges: BTreeSet<(&[String], Path)> = mentions
        .iter()
        .map(|mention| (known(&modules, &mention.at), resolve(&modules, &names, mention, 0)))
        .collect();
    let mut levels: BTreeMap<&[String], Neighbours<'_>> = BTreeMap::new();
    for (from, to) in &edges {
        let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        if let (Some(user), Some(used)) = (from.get(shared), to.get(shared)) {
            let level = levels.entry(&from[..shared]).or_default();
            level.entry(user.as_str()).or_default().insert(used.as_str());
        }
    }
    for (parent, neighbours) in levels {
        let place = std::iter::once(dir).chain(parent.iter().map(String::as_str)).collect::<Vec<_>>();
        if let Some(ring) = ring(&neighbours) {
            breaches.push(Breach::new(place.join("::"), format!("a ring: {}", ring.join(" → "))));
        }
    }
    breaches
}

/// The innermost module with a file of its own.
fn known<'a>(modules: &BTreeSet<&Path>, path: &'a [String]) -> &'a [String] {
    let mut path = path;
    while let Some((_, parent)) = path.split_last()
        && !modules.iter().any(|module| module.as_slice() == path)
    {
        path = parent;
    }
    path
}

/// Follows a path, through at most eight re-exports, to the module that holds what it names.
fn resolve(
    modules: &BTreeSet<&Path>,
    names: &BTreeMap<(&[String], &str), &Mention>,
    mention: &Mention,
    depth: u8,
) -> Path {
    let (mut at, mut rest) = (mention.at.clone(), mention.path.as_slice());
    while let Some((first, tail)) = rest.split_first() {
        match first.as_str() {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            "self" => {}
            name => {
                let mut down = at.clone();
                down.push(name.to_owned());
                if modules.contains(&down) {
                    at = down;
                } else if let Some(next) = names.get(&(at.as_slice(), name))
                    && !std::ptr::eq(*next, mention)
                    && depth < 8
                {
                    return resolve(modules, names, next, depth + 1);
                } else {
                    break;
                }
            }
        }
        rest = tail;
    }
    known(modules, &at).to_vec()
}

fn mentions(module: &Path, tokens: &[Token]) -> Vec<Mention> {
    let words: Vec<&str> =
        tokens.iter().filter(|token| !token.is_test).map(|token| token.text.as_str()).collect();
    let (mut at, mut depths, mut depth, mut found) = (module.clone(), vec![], 0_usize, vec![]);
    let mut index = 0;
    while let Some(word) = words.get(index) {
        let before = index.checked_sub(1).and_then(|before| words.get(before)).copied();
        match *word {
            "{" => {
                depth += 1;
                let is_module = index >= 2 && words.get(index - 2) == Some(&"mod");
                if let (true, Some(name)) = (is_module, before) {
                    at.push(name.to_owned());
                    depths.push(depth);
                }
            }
            "}" => {
                if depths.last() == Some(&depth) {
                    depths.pop();
                    at.pop();
                }
                depth = depth.saturating_sub(1);
            }
            // `use<…>` is what a type captures.
            "use" if words.get(index + 1) != Some(&"<") => {
                index = read_use(&words, index + 1, &mut vec![], &mut |path, alias| {
                    found.push(Mention { at: at.clone(), path, alias, is_use: true });
                });
                continue;
            }
            "crate" | "super" | "self" if before != Some("::") && words.get(index + 1) == Some(&"::") => {
                let path: Path = words[index..].chunks(2).map_while(path_step).map(str::to_owned).collect();
                found.push(Mention { at: at.clone(), path, alias: String::new(), is_use: false });
            }
            _ => {}
        }
        index += 1;
    }
    found
}

/// One `name ::` of a path; the name after the last `::` is not needed to find the module, except where
/// it was re-exported, so it is taken too.
fn path_step<'a>(pair: &[&'a str]) -> Option<&'a str> {
    let is_name = pair.first()?.chars().all(|char| char.is_alphanumeric() || char == '_');
    if is_name { pair.first().copied() } else { None }
}

/// Reads one `use` tree from `index`; gives each leaf to `leaf`; returns where it ends.
fn read_use(words: &[&str], index: usize, prefix: &mut Path, leaf: &mut dyn FnMut(Path, String)) -> usize {
    let (mut index, kept) = (index, prefix.len());
    while let Some(&word) = words.get(index) {
        match word {
            "::" => {}
            "{" => {
                index += 1;
                while words.get(index).is_some_and(|&word| word != "}") {
                    index = read_use(words, index, prefix, leaf);
                    index += usize::from(words.get(index) == Some(&","));
                }
                prefix.truncate(kept);
                return index + 1;
            }
            "," | "}" | ";" => break,
            "as" => {
                let alias = words.get(index + 1).unwrap_or(&"_");
                leaf(prefix.clone(), (*alias).to_owned());
                prefix.truncate(kept);
                return index + 2;
            }
            name => prefix.push(name.to_owned()),
        }
        index += 1;
    }
    if let Some(alias) = prefix.last().filter(|_| prefix.len() > kept).cloned() {
        leaf(prefix.clone(), alias);
    }
    prefix.truncate(kept);
    index
}

/// Finds one ring, its first name repeated at its end.
fn ring<'a>(neighbours: &Neighbours<'a>) -> Option<Vec<&'a str>> {
    fn walk<'a>(
        at: &'a str,
        neighbours: &Neighbours<'a>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(start) = way.iter().position(|&name| name == at) {
            let mut ring = way[start..].to_vec();
            ring.push(at);
            return Some(ring);
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let found =
            neighbours.get(at).into_iter().flatten().find_map(|next| walk(next, neighbours, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    neighbours.keys().find_map(|name| walk(name, neighbours, &mut vec![], &mut done))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::parse(&format!("crates/c/src/{path}"), (*text).to_owned()).unwrap())
            .collect();
        check(&sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rings_are_found_however_they_are_spelled() {
        let ring = ["crates/c: a ring: a → b → a"];
        for (a, b) in [
            ("use crate::b::B;", "use crate::a::A;"),
            ("fn f() -> super::b::B {}", "use super::{x::X, a::{self, A}};"),
            // Through what the root re-exports.
            ("use crate::B;", "use crate::A;"),
            ("use crate::Other;", "use crate::A as X;"),
            // Inside a macro, and inside an inline module.
            ("fn f() { println!(\"{}\", crate::b::X) }", "mod inner { use super::super::a::A; }"),
        ] {
            let root = "mod a; mod b; pub use a::A; pub use b::{B, Thing as Other};";
            assert_eq!(found(&[("lib.rs", root), ("a.rs", a), ("b.rs", b)]), ring, "{a} {b}");
        }
    }

    #[test]
    fn rings_are_found_below_the_top() {
        let files = [
            ("lib.rs", "mod p;"),
            ("p/mod.rs", "mod a; mod b; mod c;"),
            ("p/a.rs", "use super::b::B;"),
            ("p/b/mod.rs", "mod deep;"),
            ("p/b/deep.rs", "use crate::p::c::C;"),
            ("p/c.rs", "use super::a::A;"),
        ];
        assert_eq!(found(&files), ["crates/c::p: a ring: a → b → c → a"]);
    }

    #[test]
    fn one_way_use_parents_and_tests_are_no_ring() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "use crate::B; use std::{fmt, io}; fn f(&self) -> impl X + use<> { self.x(); }"),
            ("b.rs", "mod c; use c::C; #[cfg(test)] mod tests { use crate::A; }"),
            ("b/c.rs", "use super::B;"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }

    #[test]
    fn a_crate_has_at_most_twelve_modules_at_its_top() {
        let names: Vec<String> = (0..13).map(|number| format!("m{number}.rs")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(found(&files[..12]), [""; 0]);
        assert_eq!(found(&files), ["crates/c: 13 modules at its top; at most 12"]);
    }
}
