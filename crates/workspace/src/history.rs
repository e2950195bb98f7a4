//! How much of a history goes along.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Reads `git rev-list --parents`: each commit with its parents.
pub(crate) fn parse(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let words = text.lines().map(|line| line.split(' '));
    words.filter_map(|mut words| Some((words.next()?, words.collect()))).collect()
}

/// The commits at which a history of `depth` generations ends: those of the last generation that have parents, and
/// those whose parents are not known.
pub(crate) fn ends(commits: &BTreeMap<&str, Vec<&str>>, head: &str, depth: u32) -> BTreeSet<String> {
    let mut seen = BTreeSet::from([head]);
    let mut left = VecDeque::from([(head, 1)]);
    let mut ends = BTreeSet::new();
    // In the order of generations, so that each commit is met on its shortest way.
    while let Some((commit, generation)) = left.pop_front() {
        let parents = commits.get(commit).map(Vec::as_slice).unwrap_or_default();
        let is_known = |parent: &&str| commits.contains_key(parent);
        if !parents.is_empty() && (generation >= depth || !parents.iter().all(is_known)) {
            ends.insert(commit.to_owned());
            continue;
        }
        left.extend(
            parents.iter().filter(|parent| seen.insert(parent)).map(|parent| (*parent, generation + 1)),
        );
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(history: &str, head: &str, depth: u32, expected: &[&str]) {
        let found = ends(&parse(history), head, depth);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{history:?} {depth}");
    }

    #[test]
    fn a_history_ends_where_its_depth_does() {
        let line = "d c\nc b\nb a\na\n";
        for (depth, expected) in [(1, &["d"][..]), (2, &["c"]), (3, &["b"]), (4, &[]), (9, &[])] {
            check(line, "d", depth, expected);
        }
    }

    #[test]
    fn a_merge_is_followed_on_both_sides_and_each_commit_by_its_shortest_way() {
        let merge = "m a x\na b\nb c\nc d\nd\nx c\n";
        check(merge, "m", 2, &["a", "x"]);
        check(merge, "m", 3, &["b", "c"]);
        check(merge, "m", 4, &[]);
    }

    #[test]
    fn what_is_not_listed_is_an_end() {
        check("d c\nc b\n", "d", 9, &["c"]);
        check("m a x\na b\nb\n", "m", 9, &["m"]);
    }
}
