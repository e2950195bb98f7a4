//! Decisions are numbered without a gap, and say what was rejected.

use crate::Breach;

const DIR: &str = "docs/decisions/";

/// Looks at the files of `docs/decisions/`: pairs of a path and its text.
#[must_use]
pub fn check(files: &[(String, String)]) -> Vec<Breach> {
    let mut breaches = vec![];
    let mut decisions: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(DIR)).collect();
    decisions.sort();
    if decisions.is_empty() {
        breaches.push(Breach::new(DIR, "there are no decisions"));
    }
    for (index, (path, text)) in decisions.into_iter().enumerate() {
        let name = path.strip_prefix(DIR).unwrap_or(path);
        let number = format!("{:04}", index + 1);
        let is_named = name
            .strip_prefix(&number)
            .and_then(|rest| rest.strip_suffix(".md"))
            .is_some_and(|rest| rest.starts_with('-'));
        if !is_named {
            breaches.push(Breach::new(path, format!("its name should be {number}-….md")));
        }
        if !text.starts_with(&format!("# {number}: ")) {
            breaches.push(Breach::new(path, format!("its title should be `# {number}: …`")));
        }
        for section in ["## Why", "## Rejected"] {
            if !has_section(text, section) {
                breaches.push(Breach::new(path, format!("it has no `{section}`, or nothing under it")));
            }
        }
    }
    breaches
}

/// Whether the text has this heading with something under it.
fn has_section(text: &str, heading: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| *line != heading).skip(1);
    lines.find(|line| !line.trim().is_empty()).is_some_and(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let own = |(name, text): &(&str, &str)| (format!("{DIR}{name}"), (*text).to_owned());
        let files: Vec<_> = files.iter().map(own).collect();
        check(&files).iter().map(ToString::to_string).collect()
    }

    const GOOD: &str = "# 0001: One\n\nWe do.\n\n## Why\n\nSo.\n\n## Rejected\n\n- Not to.\n";

    #[test]
    fn a_decision_has_its_number_and_what_was_rejected() {
        assert_eq!(found(&[("0001-one.md", GOOD)]), [""; 0]);
        assert_eq!(found(&[]), ["docs/decisions/: there are no decisions"]);
        for (name, text) in [
            ("0002-one.md", GOOD),
            ("0001-one.md", "# One\n\n## Why\n\nSo.\n\n## Rejected\n\nNot to.\n"),
            ("0001-one.md", "# 0001: One\n\n## Why\n\nSo.\n"),
            ("0001-one.md", "# 0001: One\n\n## Why\n\nSo.\n\n## Rejected\n\n"),
        ] {
            assert_eq!(found(&[(name, text)]).len(), 1, "{name} {text}");
        }
    }
}
