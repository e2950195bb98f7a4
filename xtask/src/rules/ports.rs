//! A port has at most five methods.

use crate::{Breach, Source};

const METHODS_MAX: usize = 5;

/// Counts the methods of every trait in a `port.rs`.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let ports = sources.iter().filter(|source| source.file_name() == "port.rs");
    ports.flat_map(|source| source.items.iter().filter_map(|item| check_item(source, item))).collect()
}

fn check_item(source: &Source, item: &syn::Item) -> Option<Breach> {
    let syn::Item::Trait(port) = item else { return None };
    let methods = port.items.iter().filter(|item| matches!(item, syn::TraitItem::Fn(_))).count();
    let what = || format!("{} has {methods} methods; at most {METHODS_MAX}", port.ident);
    (methods > METHODS_MAX).then(|| Breach::new(&source.path, what()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_with_six_methods_is_found() {
        let port = |methods: usize| {
            let methods =
                (0..methods).map(|number| format!("fn m{number}(&self);")).collect::<Vec<_>>().join(" ");
            let text = format!("pub trait Clock {{ type Time; {methods} }}");
            let sources = [Source::parse("crates/c/src/port.rs", text).unwrap()];
            check(&sources).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(port(5), [""; 0]);
        assert_eq!(port(6), ["crates/c/src/port.rs: Clock has 6 methods; at most 5"]);
    }
}
