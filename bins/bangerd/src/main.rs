//! The owner's daemon: owns the machines of one user, and answers contract ①.

mod app;
mod daemon;
mod facts;
mod failure;
mod hands;
mod library;
mod machine;
mod operations;
mod owner;
mod program;
mod serve;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = program::Args::parse();
    if args.version {
        return say(&format!("bangerd {}", built::line()));
    }
    if args.check_migrations {
        return program::check_migrations(args.system);
    }
    if let Some(to) = &args.copy_database {
        return program::copy_database(args.system, to);
    }
    if let Some(from) = &args.restore_database {
        return program::restore_database(args.system, from);
    }
    match daemon::run(args.system) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => fatal.tell(),
    }
}

/// Prints a line; a reader that went away is not an error of ours.
fn say(line: &str) -> ExitCode {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
