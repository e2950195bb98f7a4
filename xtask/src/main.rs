//! Chores: `cargo xtask --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{Tree, TreeError, bench, rules::sizes};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of this repository")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measures what docs/specification.md promises, a row each.
    Bench {
        /// Prints a row as one object of JSON, with what it was made of.
        #[arg(long)]
        json: bool,
    },
    /// Prints the ten longest files and functions.
    Sizes,
}

fn main() -> ExitCode {
    let done = match Args::parse().chore {
        Chore::Bench { json } => Tree::here().map(|tree| bench::run(tree.root(), json)),
        Chore::Sizes => print_sizes().map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_sizes() -> Result<(), TreeError> {
    let (files, functions) = sizes::longest(&Tree::here()?.sources()?);
    for (title, lengths) in [("files", files), ("functions", functions)] {
        println!("longest {title}, in lines");
        for (lines, name) in lengths {
            println!("{lines:>6}  {name}");
        }
    }
    Ok(())
}
