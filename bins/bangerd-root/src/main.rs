//! The privileged helper: `bangerd-root`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bangerd_root::program::run()
}
