//! The table.

use std::path::Path;

use super::{Measured, Row, size};

/// Measures every promise and prints a row for each; says whether none was broken.
#[must_use]
pub fn run(root: &Path) -> bool {
    let rows = rows(&root.join("target/release"));
    for row in &rows {
        println!("{row}");
    }
    !rows.iter().any(Row::is_broken)
}

fn rows(programs: &Path) -> Vec<Row> {
    let later = || Measured::Not("there is no measurement for it yet".to_owned());
    let row = |number, promise, measured| Row { number, promise, measured };
    vec![
        row("P7", "vm run -- true from a ready image: our own part ≤ 60 ms", later()),
        row("P8", "vm exec -- true, warm ≤ 2 × (echo + the agent's spawn-to-exit)", later()),
        row("P9", "vm list with 1000 machines ≤ 10 ms, and linear", later()),
        row("P10", "bangerd resident, idle ≤ 20 MiB, with 1000 records ≤ 30 MiB", later()),
        row("P11", "creating root and home disks ≤ 15 ms at any image size", later()),
        row("P14", "four programs ≤ 40 MiB together, the agent ≤ 4 MiB", size::measure(programs)),
    ]
}
