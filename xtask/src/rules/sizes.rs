//! Short files, short mains, roots that only declare.

use std::collections::BTreeMap;

use serde::Deserialize;
use syn::visit::Visit;

use crate::{Breach, Source};

const MAIN_LINES_MAX: usize = 59;
const FILE_LINES_MAX: usize = 500;

/// `xtask/sizes.toml`: files that may be longer, each with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongFiles {
    /// From a path to its reason.
    pub long_files: BTreeMap<String, String>,
}

/// Looks for mains, roots and files that grew.
#[must_use]
pub fn check(sources: &[Source], allowed: &LongFiles) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = sources.iter().flat_map(|source| check_file(source, allowed)).collect();
    for (path, reason) in &allowed.long_files {
        let lines = sources.iter().find(|source| source.path == *path).map(lines);
        if lines.is_none_or(|lines| lines <= FILE_LINES_MAX) {
            breaches.push(Breach::new(path, "sizes.toml lists it and it is not long"));
        }
        if reason.trim().is_empty() {
            breaches.push(Breach::new(path, "sizes.toml gives no reason"));
        }
    }
    breaches
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

fn check_file(source: &Source, allowed: &LongFiles) -> Vec<Breach> {
    let mut breaches = vec![];
    let lines = lines(source);
    if lines > FILE_LINES_MAX && !allowed.long_files.contains_key(&source.path) {
        breaches.push(Breach::new(&source.path, format!("{lines} lines and no reason in sizes.toml")));
    }
    let is_root_of_crate = source.path.ends_with("/src/main.rs");
    if is_root_of_crate && lines > MAIN_LINES_MAX {
        breaches.push(Breach::new(&source.path, format!("{lines} lines; at most {MAIN_LINES_MAX}")));
    }
    let only_declares = matches!(source.file_name(), "lib.rs" | "mod.rs");
    for item in source.items.iter().filter(|_| only_declares) {
        if let Some(kind) = defines(item) {
            breaches.push(Breach::new(&source.path, format!("it defines {kind}; it may only declare")));
        }
    }
    breaches
}

/// Says what an item defines; `None` where it only declares.
fn defines(item: &syn::Item) -> Option<&'static str> {
    match item {
        syn::Item::Mod(module) if module.content.is_some() => Some("an inline module"),
        syn::Item::Fn(_) => Some("a function"),
        syn::Item::Impl(_) => Some("an impl"),
        syn::Item::Struct(_) => Some("a struct"),
        syn::Item::Enum(_) => Some("an enum"),
        syn::Item::Trait(_) => Some("a trait"),
        syn::Item::Static(_) => Some("a static"),
        _ => None,
    }
}

/// A file or a function and its lines.
pub type Length = (usize, String);

/// Returns the ten longest files and the ten longest functions, tests included, longest first.
#[must_use]
pub fn longest(sources: &[Source]) -> (Vec<Length>, Vec<Length>) {
    let files = sources.iter().map(|source| (lines(source), source.path.clone())).collect();
    let mut functions = Functions::default();
    for source in sources {
        functions.path.clone_from(&source.path);
        source.items.iter().for_each(|item| functions.visit_item(item));
    }
    (ten(files), ten(functions.found))
}

fn ten(mut lengths: Vec<Length>) -> Vec<Length> {
    lengths.sort_by(|a, b| b.cmp(a));
    lengths.truncate(10);
    lengths
}

#[derive(Default)]
struct Functions {
    path: String,
    found: Vec<Length>,
}

impl Functions {
    fn add(&mut self, name: &syn::Ident, body: &syn::Block) {
        let span = body.brace_token.span;
        let lines = span.close().start().line.saturating_sub(span.open().start().line);
        self.found.push((lines.saturating_sub(1), format!("{}: {name}", self.path)));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig.ident, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig.ident, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str, long_files: &[(&str, &str)]) -> Vec<String> {
        let source = Source::parse(path, text.to_owned()).unwrap();
        let own = |(path, reason): &(&str, &str)| ((*path).to_owned(), (*reason).to_owned());
        let allowed = LongFiles { long_files: long_files.iter().map(own).collect() };
        check(&[source], &allowed).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn roots_only_declare() {
        let declares = "//! A crate.\nmod a;\npub use a::A;\npub const B: u8 = 1;";
        assert_eq!(found("crates/c/src/lib.rs", declares, &[]), [""; 0]);
        for (text, what) in [
            ("fn f() {}", "a function"),
            ("struct S;", "a struct"),
            ("impl S {}", "an impl"),
            ("mod m { }", "an inline module"),
        ] {
            let want = format!("crates/c/src/m/mod.rs: it defines {what}; it may only declare");
            assert_eq!(found("crates/c/src/m/mod.rs", text, &[]), [want]);
        }
        assert_eq!(found("crates/c/src/other.rs", "fn f() {}", &[]), [""; 0]);
    }

    #[test]
    fn a_long_main_and_a_long_file_are_found() {
        let main = "bins/b/src/main.rs";
        assert_eq!(found(main, &"//\n".repeat(59), &[]), [""; 0]);
        assert_eq!(found(main, &"//\n".repeat(60), &[]), [format!("{main}: 60 lines; at most 59")]);
        let (file, long) = ("crates/c/src/a.rs", "//\n".repeat(501));
        assert_eq!(found(file, &long, &[]), [format!("{file}: 501 lines and no reason in sizes.toml")]);
        assert_eq!(found(file, &long, &[(file, "one table")]), [""; 0]);
        assert_eq!(found(file, &long, &[(file, " ")]), [format!("{file}: sizes.toml gives no reason")]);
        let stale = [format!("{file}: sizes.toml lists it and it is not long")];
        assert_eq!(found(file, "//\n", &[(file, "one table")]), stale);
    }

    #[test]
    fn the_longest_come_first() {
        let text = "fn short() {}\nimpl S { fn long() {\n1;\n2;\n} }".to_owned();
        let (_, functions) = longest(&[Source::parse("a.rs", text).unwrap()]);
        assert_eq!(functions, [(2, "a.rs: long".to_owned()), (0, "a.rs: short".to_owned())]);
    }
}
