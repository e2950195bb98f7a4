//! `smoke prepare` builds what all scenarios share; `smoke summary` sums up what they reported; `smoke measure`
//! prints how long things take.

use std::process::ExitCode;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare"] => smoke::prepare(),
        ["measure"] => smoke::measure(),
        ["summary"] => return smoke::summary(),
        _ => {
            eprintln!("usage: smoke prepare | smoke summary | smoke measure");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
