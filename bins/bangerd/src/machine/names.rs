//! Names for machines that were given none.

use model::VmName;

const ADJECTIVES: [&str; 64] = [
    "able", "amber", "bold", "brave", "brief", "bright", "brisk", "calm", "clean", "clear", "clever", "cool",
    "crisp", "deep", "early", "easy", "fair", "fast", "fine", "firm", "fond", "free", "fresh", "gentle",
    "glad", "good", "grand", "green", "happy", "hardy", "keen", "kind", "late", "light", "lively", "lucky",
    "mild", "neat", "new", "noble", "plain", "polite", "proud", "pure", "quick", "quiet", "rapid", "ready",
    "rich", "round", "safe", "sharp", "short", "silent", "simple", "small", "smart", "smooth", "soft",
    "solid", "steady", "swift", "warm", "wise",
];

const NOUNS: [&str; 64] = [
    "acorn", "alder", "ant", "apple", "ash", "badger", "bay", "beech", "birch", "brook", "cedar", "cliff",
    "cloud", "coral", "crane", "creek", "dove", "dune", "eagle", "elm", "fern", "field", "finch", "fjord",
    "forest", "fox", "glade", "grove", "hare", "harbor", "hawk", "hazel", "heron", "hill", "ivy", "lake",
    "lark", "leaf", "lily", "lynx", "maple", "marsh", "meadow", "moss", "oak", "otter", "owl", "pebble",
    "pine", "plum", "pond", "poplar", "rain", "reed", "river", "robin", "sage", "shore", "spruce", "stone",
    "thistle", "trout", "willow", "wren",
];

/// How many names of two words are tried before a number goes behind them.
const PLAIN_TRIES: u8 = 8;
const TRIES_MAX: u8 = 64;

/// Makes a name up that `is_taken` does not know; `None` where there is no chance to be had, or none was
/// free for 64 tries.
pub(crate) fn made_up(is_taken: impl Fn(&VmName) -> bool) -> Option<VmName> {
    (0..TRIES_MAX).find_map(|attempt| {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).ok()?;
        let [one, two, high, low] = bytes;
        let words = format!("{}-{}", ADJECTIVES[usize::from(one) % 64], NOUNS[usize::from(two) % 64]);
        let text = if attempt < PLAIN_TRIES {
            words
        } else {
            format!("{words}-{}", u16::from_be_bytes([high, low]))
        };
        text.parse().ok().filter(|name| !is_taken(name))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn more_names_than_there_are_pairs_of_words_are_found() {
        let mut taken = BTreeSet::new();
        for _ in 0..64 * 64 + 100 {
            let name = made_up(|name| taken.contains(name)).unwrap();
            assert!(taken.insert(name));
        }
    }

    #[test]
    fn where_all_is_taken_there_is_none() {
        assert_eq!(made_up(|_| true), None);
    }
}
