//! `smoke prepare` builds what all scenarios share; `smoke summary` sums up what they reported; `smoke measure`
//! prints how long things take; `smoke trace` runs an update, and lists the calls with which it changes something, or
//! ends it before one of them.

use std::{io, process::ExitCode};

use smoke::Strike;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare"] => smoke::prepare(),
        ["measure"] => smoke::measure(),
        ["summary"] => return smoke::summary(),
        ["trace", list, "--", ref program @ ..] => return told(smoke::trace(list, None, program)),
        ["trace", list, call, nth, whom, "--", ref program @ ..] => {
            let nth = nth.parse().unwrap_or_default();
            let strike = Strike { call: call.to_owned(), nth, all: whom == "all" };
            return told(smoke::trace(list, Some(&strike), program));
        }
        _ => {
            eprintln!("usage: smoke prepare | smoke summary | smoke measure");
            eprintln!("       smoke trace LIST [CALL NTH caller|all] -- PROGRAM [ARGS]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn told(traced: io::Result<ExitCode>) -> ExitCode {
    traced.unwrap_or_else(|error| {
        eprintln!("smoke trace: {error}");
        ExitCode::FAILURE
    })
}
