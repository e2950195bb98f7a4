//! An error enum is small, names its fields, and does not repeat its source.

use syn::visit::Visit;

use crate::{Breach, Source};

const VARIANTS_MAX: usize = 12;

/// Looks at every enum whose name ends in `Error`, or that derives `thiserror`'s.
#[must_use]
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let mut errors = Errors::default();
    for source in sources {
        errors.path.clone_from(&source.path);
        source.items.iter().for_each(|item| errors.visit_item(item));
    }
    errors.found
}

#[derive(Default)]
struct Errors {
    path: String,
    found: Vec<Breach>,
}

fn is_error(item: &syn::ItemEnum) -> bool {
    let derives_error = |attribute: &syn::Attribute| {
        let text = tokens(attribute);
        attribute.path().is_ident("derive") && text.contains("Error")
    };
    item.ident.to_string().ends_with("Error") || item.attrs.iter().any(derives_error)
}

fn tokens(attribute: &syn::Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

impl<'ast> Visit<'ast> for Errors {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if !is_error(item) {
            return;
        }
        let mut add = |what: String| self.found.push(Breach::new(&self.path, what));
        if item.variants.len() > VARIANTS_MAX {
            add(format!("{} has {} variants; at most {VARIANTS_MAX}", item.ident, item.variants.len()));
        }
        for variant in &item.variants {
            let texts: Vec<String> =
                variant.attrs.iter().filter(|one| one.path().is_ident("error")).map(tokens).collect();
            let is_transparent = texts.iter().any(|text| text == "transparent");
            if matches!(variant.fields, syn::Fields::Unnamed(_)) && !is_transparent {
                add(format!("{}::{} has fields without names", item.ident, variant.ident));
            }
            if texts.iter().any(|text| text.contains("{source")) {
                add(format!("{}::{} repeats its source", item.ident, variant.ident));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let source = Source::parse("a.rs", text.to_owned()).unwrap();
        check(&[source]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_big_error_is_found_and_a_big_enum_is_not() {
        let variants = (0..13).map(|number| format!("V{number}")).collect::<Vec<_>>().join(", ");
        assert_eq!(found(&format!("enum Command {{ {variants} }}")), [""; 0]);
        let want = "has 13 variants; at most 12";
        assert_eq!(
            found(&format!("mod m {{ enum DiskError {{ {variants} }} }}")),
            [format!("a.rs: DiskError {want}")]
        );
        let derived = format!("#[derive(Debug, thiserror::Error)] enum Why {{ {variants} }}");
        assert_eq!(found(&derived), [format!("a.rs: Why {want}")]);
    }

    #[test]
    fn fields_have_names_and_texts_do_not_repeat_the_source() {
        assert_eq!(
            found("enum AError { #[error(\"read {path}\")] Read { path: String, source: X } }"),
            [""; 0]
        );
        assert_eq!(found("enum AError { #[error(transparent)] Other(X) }"), [""; 0]);
        assert_eq!(found("enum AError { Read(X) }"), ["a.rs: AError::Read has fields without names"]);
        let repeats = "enum AError { #[error(\"read: {source}\")] Read { source: X } }";
        assert_eq!(found(repeats), ["a.rs: AError::Read repeats its source"]);
    }
}
