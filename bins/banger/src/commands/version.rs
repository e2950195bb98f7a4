//! `banger version`.

use built::{COMMIT, VERSION};
use serde_json::json;

use crate::{daemon::Context, exit};

/// Print what this program is, in three lines that other programs may read
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger version\n  banger version --json\n  banger --version")]
pub(crate) struct Version {}

pub(super) fn run(context: &Context) -> u8 {
    let object = json!({ "version": VERSION, "commit": COMMIT, "built_at": built::at() });
    context.screen.show("build", object, || {
        format!("version: {}\ncommit: {COMMIT}\nbuilt_at: {}\n", VERSION, built::at())
    });
    exit::DONE
}
