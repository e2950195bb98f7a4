//! Gives the programs the commit and the time that they are built from. Both may be set from outside, and both come
//! from the commit otherwise, so that two builds of one source are equal; neither git nor a repository has to be there.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "it runs where the crate is built, and asks git"
)]

use std::{env, process::Command};

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BANGER_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // The log of HEAD grows with every commit; HEAD itself only names a branch.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    let commit = env::var("BANGER_COMMIT").ok().or_else(|| git(&["rev-parse", "HEAD"]));
    let seconds = env::var("SOURCE_DATE_EPOCH").ok().or_else(|| git(&["log", "-1", "--format=%ct"]));
    println!("cargo::rustc-env=BANGER_COMMIT={}", commit.unwrap_or_else(|| "0".repeat(40)));
    println!("cargo::rustc-env=BANGER_BUILT_AT_SECS={}", seconds.unwrap_or_else(|| "0".to_owned()));
}
