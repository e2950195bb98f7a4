//! `banger version`.

use serde_json::json;

use crate::{
    daemon::Context,
    exit,
    release::{COMMIT, VERSION, built_at},
};

/// What this program is: three lines, which other programs may read
///
/// `version: v1.2.3`, `commit: <40 hexadecimal digits>`, `built_at: <RFC 3339>`. Asks no daemon.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger version\n  banger version --json\n  banger --version")]
pub(crate) struct Version {}

/// All of it on one line, as `--version` says it after the program's name.
pub(crate) fn one_line() -> String {
    format!("{} (commit {}, built {})", VERSION, COMMIT.get(..8).unwrap_or(COMMIT), built_at())
}

pub(super) fn run(context: &Context) -> u8 {
    let object = json!({ "version": VERSION, "commit": COMMIT, "built_at": built_at() });
    context.screen.show("build", object, || {
        format!("version: {}\ncommit: {COMMIT}\nbuilt_at: {}\n", VERSION, built_at())
    });
    exit::DONE
}
