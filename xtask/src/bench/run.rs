//! The table.

use std::{error::Error, path::Path};

use super::{
    Measured, Row,
    figures::{self, Figures},
    judge, size,
};

/// Measures every promise and prints a row for each, `json` or a line; says whether none was broken.
///
/// The machine should have nothing else to do. Takes some minutes.
#[must_use]
pub fn run(root: &Path, json: bool) -> bool {
    let rows = rows(root);
    for row in &rows {
        match serde_json::to_string(row) {
            Ok(object) if json => println!("{object}"),
            _ => println!("{row}"),
        }
    }
    !rows.iter().any(Row::is_broken)
}

fn rows(root: &Path) -> Vec<Row> {
    let figures = figures::measure(root);
    let judged = |judge: fn(&Figures) -> Measured| match &figures {
        Ok(figures) => judge(figures),
        Err(error) => Measured::Not(match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }),
    };
    let row = |number, promise, measured| Row { number, promise, measured };
    let programs = root.join("target/release");
    vec![
        row("P4b", "30 boots, two at a time, beside busy loops: none fails", judged(judge::boots)),
        row("P6", "fetch, verify and stage a release ≤ 1.3 × sha256sum + tar", judged(judge::stage)),
        row("P7", "vm run -- true from a ready image: our own part ≤ 60 ms", judged(judge::run)),
        row("P8", "vm exec -- true, warm ≤ 2 × (echo + the agent's spawn-to-exit)", judged(judge::exec)),
        row("P9", "vm list with 1000 machines ≤ 10 ms, and linear", judged(judge::list)),
        row("P10", "bangerd resident, idle ≤ 20 MiB, with 1000 records ≤ 30 MiB", judged(judge::memory)),
        row("P11", "creating root and home disks ≤ 15 ms at any image size", judged(judge::disks)),
        row("P12", "copying 20,000 files of a repository in ≤ 1.5 × git archive | tar", judged(judge::copy)),
        row("P14", "programs ≤ 40 MiB together, the agent ≤ 4 MiB", size::measure(&programs)),
    ]
}
