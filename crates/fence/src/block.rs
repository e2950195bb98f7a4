//! The block: put in, kept in its place, taken out.

use crate::error::FenceError;

/// The kind of a block. Blocks of two kinds do not see each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    name: &'static str,
}

/// Where a block goes into a text that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before everything.
    Start,
    /// Behind everything.
    End,
}

impl Fence {
    /// The kind of block that is called `name`, a word of lower case.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }

    /// Puts a block of these lines into the text: in place of the one that is there, or at `place`. No lines are
    /// no block. A second block goes. Doing it twice is doing it once.
    ///
    /// # Errors
    ///
    /// [`FenceError`] where a fence does not both begin and end.
    pub fn with(self, text: &str, place: Place, lines: &[String]) -> Result<String, FenceError> {
        if lines.is_empty() {
            return self.without(text);
        }
        let parts = self.split(text)?.unwrap_or_else(|| Parts::of(text, place));
        let mut block = vec![self.begin(parts.is_unended)];
        block.extend_from_slice(lines);
        block.push(self.end());
        // An empty last line is what gives the one before its ending.
        block.push(String::new());
        Ok(format!("{}{}{}", parts.before, block.join(parts.ending), parts.after))
    }

    /// Takes the block out of the text, if there is one.
    ///
    /// # Errors
    ///
    /// [`FenceError`] where a fence does not both begin and end.
    pub fn without(self, text: &str) -> Result<String, FenceError> {
        let Some(Parts { before, after, ending, is_unended }) = self.split(text)? else {
            return Ok(text.to_owned());
        };
        match before.strip_suffix(ending) {
            Some(unended) if is_unended && after.is_empty() => Ok(unended.to_owned()),
            _ => Ok(before + &after),
        }
    }

    /// What a line of the fence begins with, whole or damaged.
    fn mark(self) -> String {
        format!("# banger: {},", self.name)
    }

    /// The first line. It remembers whether the text before had no ending of its last line.
    fn begin(self, is_unended: bool) -> String {
        let sign = if is_unended { '!' } else { '.' };
        format!("{} begin{sign} What stands from here to the end is overwritten.", self.mark())
    }

    fn end(self) -> String {
        format!("{} end.", self.mark())
    }

    fn split(self, text: &str) -> Result<Option<Parts>, FenceError> {
        let (mark, ended, unended, end) = (self.mark(), self.begin(false), self.begin(true), self.end());
        let (mut before, mut after) = (String::new(), String::new());
        let (mut first, mut open_since) = (None, None);
        let bad = |index, what| FenceError { line: index + 1, what, mark: mark.clone() };
        for (index, whole) in text.split_inclusive('\n').enumerate() {
            let line = whole.trim_end();
            let begins = line == ended || line == unended;
            match open_since {
                Some(_) if begins => return Err(bad(index, "begins a block in a block")),
                None if begins => {
                    open_since = Some(index);
                    first.get_or_insert((ending(whole), line == unended));
                }
                None if line == end => return Err(bad(index, "ends a block that did not begin")),
                Some(_) if line == end => open_since = None,
                _ if line.trim_start().starts_with(&mark) => return Err(bad(index, "was changed")),
                Some(_) => {}
                None if first.is_some() => after.push_str(whole),
                None => before.push_str(whole),
            }
        }
        if let Some(index) = open_since {
            return Err(bad(index, "begins a block that does not end"));
        }
        Ok(first.map(|(ending, is_unended)| Parts { before, after, ending, is_unended }))
    }
}

/// What stands around the first block, without any further ones.
struct Parts {
    before: String,
    after: String,
    /// How the block's lines end.
    ending: &'static str,
    is_unended: bool,
}

impl Parts {
    /// A text without a block, parted at `place`.
    fn of(text: &str, place: Place) -> Self {
        let ending = ending(text.split_inclusive('\n').next().unwrap_or_default());
        match place {
            Place::Start => Self { before: String::new(), after: text.to_owned(), ending, is_unended: false },
            Place::End => {
                let is_unended = !(text.is_empty() || text.ends_with('\n'));
                let before = if is_unended { format!("{text}{ending}") } else { text.to_owned() };
                Self { before, after: String::new(), ending, is_unended }
            }
        }
    }
}

fn ending(line: &str) -> &'static str {
    if line.ends_with("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FENCE: Fence = Fence::new("machines");
    const PLACES: [Place; 2] = [Place::Start, Place::End];

    fn lines(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| format!("172.30.0.2\t{name}.vm")).collect()
    }

    fn with(text: &str, place: Place) -> String {
        FENCE.with(text, place, &lines(&["dev"])).unwrap()
    }

    #[test]
    fn whatever_the_file_is_like_it_comes_back() {
        for text in ["", "\n", "a", "a\n", "a\r\n", "a\r\nb", "a\n\n\n", "\u{feff}a\n", "a\r", "a\n\r"] {
            for place in PLACES {
                let with = with(text, place);
                assert!(with.contains("172.30.0.2\tdev.vm"), "{with:?}");
                assert_eq!(FENCE.without(&with).unwrap(), text, "{with:?}");
            }
        }
        let windows = with("a\r\nb\r\n", Place::End);
        assert!(windows.split_inclusive('\n').all(|line| line.ends_with("\r\n")), "{windows:?}");
    }

    #[test]
    fn a_block_goes_where_it_is_meant_to_and_stays_there() {
        assert!(with("a\n", Place::Start).ends_with("end.\na\n"));
        assert!(with("a\n", Place::End).starts_with("a\n# banger"));
        let one = with("a\n", Place::End);
        let twice = format!("{one}b\n{}c", one.strip_prefix("a\n").unwrap());
        assert_eq!(with(&twice, Place::Start), format!("{one}b\nc"));
        assert_eq!(FENCE.without(&twice).unwrap(), "a\nb\nc");
    }

    #[test]
    fn no_lines_are_no_block() {
        assert_eq!(FENCE.with("", Place::End, &[]).unwrap(), "");
        assert_eq!(FENCE.with(&with("a", Place::End), Place::End, &[]).unwrap(), "a");
    }

    #[test]
    fn a_block_of_another_kind_is_somebody_else_s() {
        let other = Fence::new("ssh").with("a\n", Place::Start, &lines(&["x"])).unwrap();
        assert_eq!(FENCE.without(&other).unwrap(), other);
        assert_eq!(FENCE.without(&with(&other, Place::Start)).unwrap(), other);
    }

    #[test]
    fn a_damaged_fence_is_refused() {
        let block = with("a\n", Place::End);
        let (begin, end) = (FENCE.begin(false), FENCE.end());
        let table = [
            (block.replace(&end, ""), "line 2 begins a block that does not end"),
            (block.replace(&begin, ""), "line 4 ends a block that did not begin"),
            (block.replace(&end, &begin), "line 4 begins a block in a block"),
            (block.replace("begin.", "begins."), "line 2 was changed"),
            (block.replace(&end, "  # banger: machines, end"), "line 4 was changed"),
        ];
        for (text, why) in table {
            assert_eq!(FENCE.without(&text).unwrap_err().to_string(), why, "{text}");
            for lines in [lines(&["dev"]), Vec::new()] {
                assert_eq!(FENCE.with(&text, Place::End, &lines).unwrap_err().to_string(), why, "{text}");
            }
        }
        let hint = FENCE.without(&block.replace(&end, "")).unwrap_err().hint().unwrap();
        assert!(hint.contains("\"# banger: machines,\""), "{hint}");
    }

    fn anything() -> impl Strategy<Value = String> {
        let line =
            prop_oneof!["[ -~]{0,12}", Just("127.0.0.1 localhost".to_owned()), Just("# banger".to_owned())];
        let ending = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("")];
        proptest::collection::vec((line, ending), 0..8)
            .prop_map(|lines| lines.into_iter().map(|(line, ending)| line + ending).collect())
    }

    proptest! {
        #[test]
        fn the_rest_stays_byte_for_byte(text in anything(), at_start in any::<bool>()) {
            let place = if at_start { Place::Start } else { Place::End };
            let (few, many) = (lines(&["a"]), lines(&["a", "b", "c"]));
            let with = FENCE.with(&text, place, &few).unwrap();
            prop_assert_eq!(&FENCE.with(&with, place, &few).unwrap(), &with);
            prop_assert_eq!(&FENCE.without(&with).unwrap(), &text);
            let grown = FENCE.with(&with, place, &many).unwrap();
            prop_assert_eq!(FENCE.with(&grown, place, &few).unwrap(), with);
            prop_assert_eq!(&FENCE.without(&grown).unwrap(), &text);
        }

        #[test]
        fn what_others_write_behind_the_block_stays_too(text in anything(), more in anything()) {
            let followed = format!("{}{more}", with(&text, Place::End));
            let ended = if text.is_empty() || text.ends_with('\n') || more.is_empty() { text } else {
                let first = text.split_inclusive('\n').next().unwrap_or_default();
                text.clone() + if first.ends_with("\r\n") { "\r\n" } else { "\n" }
            };
            prop_assert_eq!(FENCE.without(&followed).unwrap(), ended + &more);
        }
    }
}
