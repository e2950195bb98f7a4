//! The owner's daemon: owns the machines of one user, and answers contract ①.

mod app;
mod args;
mod config;
mod daemon;
mod facts;
mod failure;
mod keys;
mod library;
mod lock;
mod log;
mod machine;
mod migrations;
mod monitor;
mod names;
mod operations;
mod owner;
mod serve;
mod version;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    if args.version {
        return say(&format!("bangerd {}", version::line()));
    }
    if args.check_migrations {
        return migrations::check(args.system);
    }
    match daemon::run() {
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
