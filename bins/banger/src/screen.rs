//! What a person or a program sees.
//!
//! With `--json` every line of stdout and stderr (but for a command's own output) is one JSON object:
//! `"version": 1` and one more key that says what it is. Fields may be added, never changed.
//!
//! | where  | object                                                                          |
//! |--------|---------------------------------------------------------------------------------|
//! | stdout | `{"version":1,"<what>":…}`, one a line: the command's own data, types of the `api` crate: `vms`, `vm`, `image`, `info`, `doctor` … |
//! | stdout | `{"version":1,"result":{"ref":…,"ok":true,"vm":…}}` or `"ok":false,"error":…`, one for each machine where several may be named |
//! | stderr | `{"version":1,"op":"op-…","event":{…}}`: an `api::EventRecord` of an operation that is waited for |
//! | stderr | `{"version":1,"note":"…"}`, `{"version":1,"warning":"…"}`                        |
//! | stderr | `{"version":1,"error":{"message","class","exit_code","hint","op"}}`: the last line of a command that failed |

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use owo_colors::OwoColorize as _;
use serde::ser::SerializeMap as _;
use serde_json::{Value, json};

use crate::fault::Fault;

/// The version of the shapes that `--json` prints.
const JSON_VERSION: u32 = 1;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    // On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// Data and errors.
    Quiet,
    /// Progress and notes as well.
    #[default]
    Normal,
    /// What helping programs say as well.
    Verbose,
}

/// Stdout and stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    json: bool,
    detail: Detail,
    color_out: bool,
    color_err: bool,
}

/// Whether anybody still reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    Gone,
}

/// Prints bytes on stdout as they are. A reader that is gone is no error.
pub(crate) fn print(bytes: &[u8]) -> Reader {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Reader::There,
        Err(_) => Reader::Gone,
    }
}

/// Prints a line of data.
pub(crate) fn print_line(text: &str) {
    print(format!("{text}\n").as_bytes());
}

/// Prints data for a program.
pub(crate) fn print_object(what: &str, value: impl serde::Serialize) {
    match serde_json::to_string(&Named { what, value }) {
        Ok(line) => print_line(&line),
        // Nothing of ours has keys that are no text; a map that had would be a bug to see.
        Err(error) => say(&format!("banger: a bug in banger: {what}: {error}")),
    }
}

/// A value with its name and the version of its shape, written without a copy of it.
struct Named<'a, T> {
    what: &'a str,
    value: T,
}

impl<T: serde::Serialize> serde::Serialize for Named<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("version", &JSON_VERSION)?;
        map.serialize_entry(self.what, &self.value)?;
        map.end()
    }
}

/// Prints a line on stderr. Where nobody reads it, nobody can be told either.
fn say(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Prints an object on stderr.
pub(crate) fn say_object(mut object: Value) {
    object["version"] = JSON_VERSION.into();
    say(&object.to_string());
}

impl Screen {
    pub(crate) fn new(json: bool, detail: Detail, color: Color) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let on = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !no_color,
        };
        Self {
            json,
            detail,
            color_out: on(io::stdout().is_terminal()),
            color_err: on(io::stderr().is_terminal()),
        }
    }

    /// Whether what is printed is for a program.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn detail(self) -> Detail {
        self.detail
    }

    /// The same screen, without notes.
    pub(crate) fn quietly(self) -> Self {
        Self { detail: Detail::Quiet, ..self }
    }

    /// Whether a person looks at stderr.
    pub(crate) fn is_watched(self) -> bool {
        !self.json && self.detail > Detail::Quiet && io::stderr().is_terminal()
    }

    /// Prints data for whoever asked: `what` and `value` for a program, `text` for a person.
    pub(crate) fn show(self, what: &str, value: impl serde::Serialize, text: impl FnOnce() -> String) {
        if self.json {
            print_object(what, value);
        } else {
            print(text().as_bytes());
        }
    }

    /// Tells something besides.
    pub(crate) fn note(self, text: &str) {
        if self.detail == Detail::Quiet {
            return;
        }
        if self.json {
            say_object(json!({ "note": text }));
        } else if self.color_err {
            say(&text.dimmed().to_string());
        } else {
            say(text);
        }
    }

    /// Tells something that should be known.
    pub(crate) fn warn(self, text: &str) {
        if self.json {
            say_object(json!({ "warning": text }));
        } else if self.color_err {
            say(&format!("{} {text}", "warning:".yellow().bold()));
        } else {
            say(&format!("warning: {text}"));
        }
    }

    /// Tells why a command failed.
    pub(crate) fn fault(self, fault: &Fault) {
        if self.json {
            return say_object(json!({ "error": fault_object(fault) }));
        }
        let op = fault.op.as_ref().map(|op| format!(" ({op})")).unwrap_or_default();
        let hint = fault.hint.as_deref();
        if self.color_err {
            say(&format!("{} {}{}", "banger:".red().bold(), fault.message, op.dimmed()));
            hint.inspect(|hint| say(&format!("{} {hint}", "hint:".cyan().bold())));
        } else {
            say(&format!("banger: {}{op}", fault.message));
            hint.inspect(|hint| say(&format!("hint: {hint}")));
        }
    }

    /// Colours a word of a table by what it means.
    pub(crate) fn verdict(self, word: &str, verdict: model::Verdict) -> String {
        if !self.color_out {
            return word.to_owned();
        }
        match verdict {
            model::Verdict::Pass => word.green().to_string(),
            model::Verdict::Warn => word.yellow().to_string(),
            model::Verdict::Fail => word.red().bold().to_string(),
        }
    }
}

/// A fault for a program.
pub(crate) fn fault_object(fault: &Fault) -> Value {
    json!({
        "message": fault.message,
        "class": fault.class,
        "exit_code": fault.exit_code(),
        "hint": fault.hint,
        "op": fault.op,
    })
}
