//! `CHANGELOG.md` keeps the form of Keep a Changelog 1.1.0.

use crate::Breach;

const FILE: &str = "CHANGELOG.md";
const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// Parses the changelog.
#[must_use]
pub fn check(text: &str) -> Vec<Breach> {
    let mut breaches = vec![];
    let mut add = |line: usize, what: &str| breaches.push(Breach::new(format!("{FILE}:{}", line + 1), what));
    let lines: Vec<&str> = text.lines().collect();
    if lines.first() != Some(&"# Changelog") {
        add(0, "it should begin with `# Changelog`");
    }
    let (mut releases, mut last) = (0_usize, None::<[u64; 3]>);
    for (number, line) in lines.iter().enumerate() {
        if let Some(title) = line.strip_prefix("## ") {
            releases += 1;
            match (releases, release(title)) {
                (1, _) if title == "[Unreleased]" => {}
                (1, _) => add(number, "the first release should be `## [Unreleased]`"),
                (_, None) => add(number, "a release should be `## [1.2.3] - 2026-01-31`"),
                (_, Some(version)) => {
                    if last.is_some_and(|last| last <= version) {
                        add(number, "releases go from new to old");
                    }
                    last = Some(version);
                }
            }
        } else if let Some(kind) = line.strip_prefix("### ") {
            if releases == 0 || !KINDS.contains(&kind) {
                add(
                    number,
                    "a section is Added, Changed, Deprecated, Removed, Fixed or Security, under a release",
                );
            }
            let next = lines[number + 1..].iter().find(|line| !line.is_empty());
            if !next.is_some_and(|line| line.starts_with("- ")) {
                add(number, "a section holds a list");
            }
        }
    }
    if releases == 0 {
        add(0, "there is no `## [Unreleased]`");
    }
    breaches
}

/// Reads `[1.2.3] - 2026-01-31`.
fn release(title: &str) -> Option<[u64; 3]> {
    let (version, date) = title.strip_prefix('[')?.split_once("] - ")?;
    let numbers = |text: &str, mark: char| -> Option<[u64; 3]> {
        let parts: Option<Vec<u64>> = text.split(mark).map(|part| part.parse().ok()).collect();
        parts?.try_into().ok()
    };
    let [_, month, day] = numbers(date, '-').filter(|_| date.len() == 10)?;
    let version = numbers(version, '.')?;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_kept() {
        let good = "# Changelog\n\nAll.\n\n## [Unreleased]\n\n### Added\n\n- A.\n\n## [0.2.0] - 2026-02-01\n\n\
            ### Fixed\n\n- B.\n\n## [0.1.0] - 2026-01-31\n";
        assert_eq!(check(good), []);
        for (from, to) in [
            ("# Changelog\n", "# Changes\n"),
            ("## [Unreleased]\n", "## [0.3.0] - 2026-03-01\n"),
            ("### Added", "### New"),
            ("- A.", "A."),
            ("- A.\n", "\n"),
            ("[0.1.0]", "[0.2.0]"),
            ("[0.1.0]", "v0.1.0"),
            ("2026-01-31", "2026-13-31"),
            ("2026-01-31", "yesterday"),
        ] {
            assert_eq!(check(&good.replace(from, to)).len(), 1, "{from:?} → {to:?}");
        }
        assert_eq!(check("# Changelog\n").len(), 1);
    }
}
