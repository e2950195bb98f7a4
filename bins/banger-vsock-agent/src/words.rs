//! The system's words for an error, without its number.

use std::io;

/// `No such file or directory`, where the standard library adds `(os error 2)`.
pub(crate) fn of(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
