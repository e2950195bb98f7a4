//! `<name>.vm` in the host's own `/etc/hosts`: a fenced block of ours in a file of others.
//!
//! Everything outside of the fence stays as it is, byte for byte: endings of lines, a missing one at the
//! end, whatever stands twice. Writing a block and taking it out again gives the same text.

use model::Class;

use crate::lease::Lease;

const BEGIN: &str = "# banger: machines, begin. What stands from here to the end is overwritten.";
/// Remembers that the text before the block had no ending of its last line.
const BEGIN_UNENDED: &str = "# banger: machines, begin! What stands from here to the end is overwritten.";
const END: &str = "# banger: machines, end.";
/// What a line of the fence begins with, whole or damaged.
const MARK: &str = "# banger: machines,";

/// The fence is damaged; nobody knows what in the file is ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct FenceError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

impl FenceError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(format!(
            "Remove every line that begins with {MARK:?} from the file, and what stood between them."
        ))
    }
}

/// Puts the names of all machines into the text: in place of the block that is there, or at the end. No
/// lease is no block. A second block goes. Doing it twice is doing it once.
///
/// # Errors
///
/// [`FenceError`] where a fence does not both begin and end.
pub fn with_block<'a>(text: &str, leases: impl IntoIterator<Item = &'a Lease>) -> Result<String, FenceError> {
    let mut leases: Vec<&Lease> = leases.into_iter().collect();
    leases.sort_by_key(|lease| lease.address);
    if leases.is_empty() {
        return without_block(text);
    }
    let Parts { before, after, ending, is_unended } = split(text)?.unwrap_or_else(|| at_the_end(text));
    let mut block = vec![if is_unended { BEGIN_UNENDED } else { BEGIN }.to_owned()];
    block.extend(leases.iter().map(|lease| format!("{}\t{}.vm", lease.address, lease.name)));
    block.push(END.to_owned());
    // An empty last line is what gives the one before its ending.
    block.push(String::new());
    Ok(format!("{before}{}{after}", block.join(ending)))
}

fn at_the_end(text: &str) -> Parts {
    let ending = ending(text.split_inclusive('\n').next().unwrap_or_default());
    let is_unended = !(text.is_empty() || text.ends_with('\n'));
    let before = if is_unended { format!("{text}{ending}") } else { text.to_owned() };
    Parts { before, after: String::new(), ending, is_unended }
}

fn ending(line: &str) -> &'static str {
    if line.ends_with("\r\n") { "\r\n" } else { "\n" }
}

/// Takes the block out of the text, if there is one.
///
/// # Errors
///
/// [`FenceError`] where a fence does not both begin and end.
pub fn without_block(text: &str) -> Result<String, FenceError> {
    let Some(Parts { before, after, ending, is_unended }) = split(text)? else { return Ok(text.to_owned()) };
    match before.strip_suffix(ending) {
        Some(unended) if is_unended && after.is_empty() => Ok(unended.to_owned()),
        _ => Ok(before + &after),
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

fn split(text: &str) -> Result<Option<Parts>, FenceError> {
    let (mut before, mut after) = (String::new(), String::new());
    let (mut first, mut open_since) = (None, None);
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.trim_end();
        let bad = |what| FenceError { line: index + 1, what };
        match line {
            BEGIN | BEGIN_UNENDED if open_since.is_some() => return Err(bad("begins a block in a block")),
            BEGIN | BEGIN_UNENDED => {
                open_since = Some(index);
                first.get_or_insert((ending(whole), line == BEGIN_UNENDED));
            }
            END if open_since.is_none() => return Err(bad("ends a block that did not begin")),
            END => open_since = None,
            _ if line.trim_start().starts_with(MARK) => return Err(bad("was changed")),
            _ if open_since.is_some() => {}
            _ if first.is_some() => after.push_str(whole),
            _ => before.push_str(whole),
        }
    }
    match (open_since, first) {
        (Some(index), _) => Err(FenceError { line: index + 1, what: "begins a block that does not end" }),
        (None, None) => Ok(None),
        (None, Some((ending, is_unended))) => Ok(Some(Parts { before, after, ending, is_unended })),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{lease::Leases, uids::UidRange};

    fn leases(names: &[&str]) -> Vec<Lease> {
        let mut book = Leases::new("172.30.0.0/16".parse().unwrap(), UidRange::new(0x7000_0000).unwrap());
        let grant = |(number, name): (usize, &&str)| {
            book.grant(&format!("{number:012x}").parse().unwrap(), &name.parse().unwrap(), true).unwrap()
        };
        names.iter().enumerate().map(grant).collect()
    }

    #[test]
    fn names_stand_in_a_block_at_the_end() {
        let text = "127.0.0.1\tlocalhost\n::1 localhost\n";
        let with = with_block(text, &leases(&["dev", "db"])).unwrap();
        insta::assert_snapshot!(with);
        assert_eq!(with_block("", &leases(&[])).unwrap(), "");
    }

    #[test]
    fn whatever_the_file_is_like_it_comes_back() {
        for text in ["", "\n", "a", "a\n", "a\r\n", "a\r\nb", "a\n\n\n", "\u{feff}a\n", "a\r", "a\n\r"] {
            let with = with_block(text, &leases(&["dev"])).unwrap();
            assert!(with.contains("172.30.0.2\tdev.vm"), "{with:?}");
            assert_eq!(without_block(&with).unwrap(), text, "{with:?}");
        }
        let windows = with_block("a\r\nb\r\n", &leases(&["dev"])).unwrap();
        assert!(windows.split_inclusive('\n').all(|line| line.ends_with("\r\n")), "{windows:?}");
    }

    #[test]
    fn a_block_stays_where_it_is_and_a_second_goes() {
        let one = with_block("a\n", &leases(&["dev"])).unwrap();
        let twice = format!("{one}b\n{}c", one.strip_prefix("a\n").unwrap());
        let with = with_block(&twice, &leases(&["dev"])).unwrap();
        assert_eq!(with, format!("{one}b\nc"));
        assert_eq!(without_block(&twice).unwrap(), "a\nb\nc");
    }

    #[test]
    fn a_damaged_fence_is_refused() {
        let block = with_block("a\n", &leases(&["dev"])).unwrap();
        let table = [
            (block.replace(END, ""), "line 2 begins a block that does not end"),
            (block.replace(BEGIN, ""), "line 4 ends a block that did not begin"),
            (block.replace(END, BEGIN), "line 4 begins a block in a block"),
            (block.replace("begin.", "begins."), "line 2 was changed"),
            (block.replace(END, "  # banger: machines, end"), "line 4 was changed"),
        ];
        for (text, why) in table {
            assert_eq!(without_block(&text).unwrap_err().to_string(), why, "{text}");
            assert_eq!(with_block(&text, &leases(&["dev"])).unwrap_err().to_string(), why, "{text}");
            assert_eq!(with_block(&text, &[]).unwrap_err().to_string(), why, "{text}");
        }
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
        fn the_rest_stays_byte_for_byte(text in anything(), more in anything()) {
            let (few, many) = (leases(&["a"]), leases(&["a", "b", "c"]));
            let with = with_block(&text, &few).unwrap();
            prop_assert_eq!(&with_block(&with, &few).unwrap(), &with);
            prop_assert_eq!(&without_block(&with).unwrap(), &text);
            let grown = with_block(&with, &many).unwrap();
            prop_assert_eq!(with_block(&grown, &few).unwrap(), with.clone());
            prop_assert_eq!(&without_block(&grown).unwrap(), &text);
            // What others write behind the block stays too.
            let followed = format!("{with}{more}");
            let ended = if text.is_empty() || text.ends_with('\n') || more.is_empty() { text } else {
                let first = text.split_inclusive('\n').next().unwrap_or_default();
                text.clone() + if first.ends_with("\r\n") { "\r\n" } else { "\n" }
            };
            prop_assert_eq!(without_block(&followed).unwrap(), ended + &more);
        }
    }
}
