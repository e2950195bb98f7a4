//! The command line as a person sees it: stdout, stderr and exit code together. No daemon runs, and none
//! may be started: what is refused here is refused before anything is created.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod bad_input;
mod completions;
mod help;
mod host;
mod output;
mod ssh_config;
mod system;
mod update;
