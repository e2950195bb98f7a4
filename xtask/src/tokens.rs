//! A file's tokens in a row.

use std::str::FromStr as _;

use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

/// One token: an identifier, a literal, one mark (`::` is one), or one side of a pair of brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// As it stands in the file.
    pub text: String,
    /// The line, from 1.
    pub line: usize,
    /// Whether it is compiled for tests alone.
    pub is_test: bool,
}

/// Lays a file's tokens in a row. `is_test` says that the whole file is a test.
///
/// # Errors
///
/// [`LexError`] where the text is not made of Rust's tokens.
pub fn flatten(text: &str, is_test: bool) -> Result<Vec<Token>, LexError> {
    let mut row = vec![];
    lay(TokenStream::from_str(text)?, is_test, &mut row);
    Ok(row)
}

fn lay(stream: TokenStream, is_test: bool, row: &mut Vec<Token>) {
    // An attribute that makes the next item a test holds until that item's body or semicolon.
    let mut next_is_test = false;
    for tree in stream {
        let is_test = is_test || next_is_test;
        match tree {
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                next_is_test = (next_is_test && !is_body) || (is_test_attribute(&group, row));
                lay_group(&group, is_test, row);
            }
            other => {
                let text = other.to_string();
                next_is_test &= text != ";";
                let line = other.span().start().line;
                match row.last_mut() {
                    Some(last) if text == ":" && last.text == ":" => last.text.push(':'),
                    _ => row.push(Token { text, line, is_test }),
                }
            }
        }
    }
}

fn lay_group(group: &Group, is_test: bool, row: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    let side = |text: &str, line| Token { text: text.to_owned(), line, is_test };
    row.push(side(open, group.span_open().start().line));
    lay(group.stream(), is_test, row);
    row.push(side(close, group.span_close().start().line));
}

fn is_test_attribute(group: &Group, before: &[Token]) -> bool {
    let is_attribute =
        group.delimiter() == Delimiter::Bracket && before.last().is_some_and(|last| last.text == "#");
    let text: String = group.stream().to_string().split_whitespace().collect();
    is_attribute && (text.ends_with("test") || text == "cfg(test)" || text.starts_with("cfg(all(test,"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &[Token], is_test: bool) -> Vec<&str> {
        row.iter().filter(|token| token.is_test == is_test).map(|token| &*token.text).collect()
    }

    #[test]
    fn marks_are_joined_and_comments_left_out() {
        let row = flatten("use crate::a; // b::c\nfn f(x: u8) {}", false).unwrap();
        let want = "use crate :: a ; fn f ( x : u8 ) { }";
        assert_eq!(texts(&row, false), want.split(' ').collect::<Vec<_>>());
        assert_eq!(row.last().unwrap().line, 2);
    }

    #[test]
    fn what_is_compiled_for_tests_alone_is_told_apart() {
        let text =
            "fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {} #[tokio::test] async fn d() { e }";
        let row = flatten(text, false).unwrap();
        let (shipped, tests) = (texts(&row, false), texts(&row, true));
        assert!(shipped.contains(&"a") && shipped.contains(&"c"), "{shipped:?}");
        assert!(tests.contains(&"b") && tests.contains(&"e") && !tests.contains(&"c"), "{tests:?}");
        assert!(flatten("fn f() {}", true).unwrap().iter().all(|token| token.is_test));
    }
}
