//! Chores: `cargo xtask --help`.

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};
use xtask::{Tree, TreeError, bench, chain, release, rules::sizes};

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
    /// Cuts a release: builds, packs, signs, and offers it (docs/runbooks/cut-a-release.md).
    Release(release::Cut),
    /// Prints the ten longest files and functions.
    Sizes,
}

fn main() -> ExitCode {
    match run(Args::parse().chore) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<bool, Box<dyn Error>> {
    match chore {
        Chore::Bench { json } => return Ok(bench::run(Tree::here()?.root(), json)),
        Chore::Release(cut) => print!("{}", release::cut(Tree::here()?.root(), &cut)?),
        Chore::Sizes => print_sizes()?,
    }
    Ok(true)
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
