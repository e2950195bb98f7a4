//! From the command line to the exit code.

use std::{
    ffi::OsString,
    panic::{self, AssertUnwindSafe},
};

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind};
use model::Class;

use crate::{
    commands::{self, Cli, Command},
    daemon::Context,
    exit,
    fault::{Explain as _, Fault},
    screen::{Color, Detail, Screen},
};

/// The command tree.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// What of it a shell is offered.
pub(crate) fn offered() -> clap::Command {
    commands::offered(&command())
}

/// Does what the command line says, and returns the exit code.
pub(crate) fn main() -> u8 {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let words = words(&arguments);
    let early = early_screen(&words);
    let ours = |code| if gives_the_command_s_code(&words) { exit::OURS } else { code };
    let cli = match read(arguments.clone(), &words) {
        Ok(cli) => cli,
        // Help and versions. A reader that is gone needs neither.
        Err(error) if !error.use_stderr() => {
            error.print().ok();
            return exit::DONE;
        }
        Err(error) => {
            let fault = usage(&error, &words);
            early.fault(&fault);
            return ours(fault.exit_code());
        }
    };
    let screen = cli.globals.screen();
    panic::set_hook(Box::new(move |what| screen.fault(&bug(&what.to_string()))));
    // What unwinds to here has given the terminal back on its way.
    match panic::catch_unwind(AssertUnwindSafe(|| run(cli.command, screen))) {
        Ok(Ok(code)) => code,
        Ok(Err(fault)) => {
            screen.fault(&fault);
            fault.code.unwrap_or_else(|| ours(fault.exit_code()))
        }
        Err(_) => ours(Class::Bug.exit_code()),
    }
}

fn run(command: Command, screen: Screen) -> Result<u8, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.explain("begin"))?;
    let code = runtime.block_on(commands::run(command, &Context::new(screen)));
    runtime.shutdown_background();
    code
}

fn read(arguments: Vec<OsString>, words: &[String]) -> Result<Cli, clap::Error> {
    let mut command = command();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        command = commands::with_defaults_of_this_host(command);
    }
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

/// What stands before `--`, and `--` itself.
fn words(arguments: &[OsString]) -> Vec<String> {
    let texts = arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let mut words = Vec::new();
    for text in texts {
        let is_end = text == "--";
        words.push(text);
        if is_end {
            break;
        }
    }
    words
}

/// What the screen is like before the command line was understood.
fn early_screen(words: &[String]) -> Screen {
    let has = |long: &str| words.iter().any(|word| word == long);
    let color = match words.iter().position(|word| word == "--color").and_then(|at| words.get(at + 1)) {
        Some(when) if when == "always" => Color::Always,
        Some(when) if when == "never" => Color::Never,
        _ if has("--color=always") => Color::Always,
        _ if has("--color=never") => Color::Never,
        _ => Color::Auto,
    };
    Screen::new(has("--json"), Detail::Normal, color)
}

/// Whether the exit code is a command's, so that a failure of ours needs one of its own (see [`exit`]).
/// Told from the words, since it must be known also where they make no sense.
fn gives_the_command_s_code(words: &[String]) -> bool {
    let mut plain = Vec::new();
    let mut skip = false;
    for word in words {
        let is_value = std::mem::replace(&mut skip, word == "--color");
        if !is_value && !word.starts_with('-') {
            plain.push(word.as_str());
        }
    }
    let is_detached = words.iter().any(|word| {
        word == "--detach" || (word.starts_with('-') && !word.starts_with("--") && word.contains('d'))
    });
    let has_command = words.iter().any(|word| word == "--");
    match plain[..] {
        ["vm", "exec" | "ssh", ..] => true,
        ["run", ..] | ["vm", "run", ..] => has_command && !is_detached,
        _ => false,
    }
}

/// What clap says, in our words' form: one line and a hint.
fn usage(error: &clap::Error, words: &[String]) -> Fault {
    let help = format!("See `{} --help`.", path_of(words));
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Fault::usage("read the command line: a command is missing").hint(help);
    }
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let first = paragraphs.next().unwrap_or_default();
    let why = first.strip_prefix("error: ").unwrap_or(&first).to_owned();
    let rest: Vec<String> = paragraphs.collect();
    let found = |key: &str| rest.iter().find_map(|line| line.strip_prefix(key));
    let tip = found("tip: ").map(sentence);
    let used = found("Usage: ").map(|usage| format!("Usage: {usage}"));
    Fault::usage(format!("read the command line: {why}")).hint(tip.or(used).unwrap_or(help))
}

/// The command that was meant, as far as it can be told: `banger vm run`.
fn path_of(words: &[String]) -> String {
    let (mut command, mut path) = (command(), "banger".to_owned());
    for word in words {
        let Some(below) = command.find_subcommand(word).cloned() else { continue };
        path = format!("{path} {}", below.get_name());
        command = below;
    }
    path
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

fn bug(what: &str) -> Fault {
    Fault::new(Class::Bug, format!("a bug in banger: {what}"))
        .hint("Please report it, with this line, the command and what `banger version` says.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
        offered().debug_assert();
    }

    #[test]
    fn whose_exit_code_it_is_can_be_told_from_the_words() {
        for (line, is_command_s) in [
            ("run -- true", true),
            ("run --rm --name x -- true", true),
            ("vm run -- true", true),
            ("--color never vm run -- true", true),
            ("vm run", false),
            ("vm run -d -- true", false),
            ("vm run -qd -- true", false),
            ("run --detach -- true", false),
            ("vm run --rm --name x -- run -d", true),
            ("vm exec x -- true", true),
            ("vm exec", true),
            ("-q vm ssh x", true),
            ("vm list", false),
            ("vm stop exec", false),
        ] {
            let arguments = std::iter::once("banger").chain(line.split(' ')).map(OsString::from);
            let words = words(&arguments.collect::<Vec<_>>());
            assert_eq!(gives_the_command_s_code(&words), is_command_s, "{line}");
        }
    }
}
