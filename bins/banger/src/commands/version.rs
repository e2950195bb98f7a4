//! `banger version`.

use serde_json::json;

use crate::{
    daemon::Context,
    exit,
    release::{COMMIT, VERSION, built_at},
};

/// Print what this program is, in three lines that other programs may read
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
