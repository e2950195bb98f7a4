//! Tells the program what it was built from. Both come from the commit, so that two builds of one
//! commit are equal.

use std::{env, process::Command};

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn main() {
    let commit = env::var("BANGER_COMMIT").ok().or_else(|| git(&["rev-parse", "HEAD"]));
    let seconds = env::var("SOURCE_DATE_EPOCH").ok().or_else(|| git(&["log", "-1", "--format=%ct"]));
    println!("cargo::rustc-env=BANGER_COMMIT={}", commit.unwrap_or_else(|| "0".repeat(40)));
    println!("cargo::rustc-env=BANGER_BUILT_AT_SECS={}", seconds.unwrap_or_else(|| "0".to_owned()));
    println!("cargo::rerun-if-env-changed=BANGER_COMMIT");
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    // The log of HEAD grows with every commit; HEAD itself only names a branch.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}
