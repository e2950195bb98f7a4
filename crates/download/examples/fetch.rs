//! Fetches an address to the terminal, as the updater fetches a manifest.

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use download::{Fetch, Pace};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("usage: fetch URL")?.parse()?;
    let fetch = Fetch { what: "page", url: &url, bytes_max: 1024 * 1024, pace: Pace::default() };
    match fetch.to_memory() {
        Ok(page) => io::stdout().write_all(&page)?,
        Err(error) => {
            eprintln!("{error}: {}\n{}", error.cause, error.hint().unwrap_or_default());
            return Ok(ExitCode::from(error.class().exit_code()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
