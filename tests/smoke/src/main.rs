//! `smoke prepare` builds what all scenarios share; `smoke summary` sums up what they reported.

use std::process::ExitCode;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare"] => smoke::prepare(),
        ["summary"] => return smoke::summary(),
        _ => {
            eprintln!("usage: smoke prepare | smoke summary");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
