//! `smoke prepare` builds what all scenarios share; `smoke summary` sums up what they reported; `smoke measure`
//! prints how long things take; `smoke trace` runs an update, and lists the calls with which it changes something, ends
//! it before one of them, or has one of them fail.

use std::{io, process::ExitCode};

use smoke::Strike;

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    match asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["prepare"] => smoke::prepare(),
        ["measure"] => smoke::measure(),
        ["summary"] => return smoke::summary(),
        ["trace", list, "--", ref program @ ..] => return told(smoke::trace(list, None, program)),
        ["trace", list, call, nth, blow, "--", ref program @ ..] => {
            let nth = nth.parse().unwrap_or_default();
            return told(blow.parse().and_then(|blow| {
                let strike = Strike { call: call.to_owned(), nth, blow };
                smoke::trace(list, Some(&strike), program)
            }));
        }
        _ => {
            eprintln!("usage: smoke prepare | smoke summary | smoke measure");
            eprintln!(
                "       smoke trace LIST [CALL NTH caller|all|ENOSPC|EIO|EROFS|EMFILE] -- PROGRAM [ARGS]"
            );
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
