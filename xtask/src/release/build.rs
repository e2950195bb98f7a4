//! The programs, built so that anybody else gets the same bytes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use model::Version;
use release::{PROGRAMS, Stamp};

use super::{
    ReleaseError,
    tree::{Tree, run},
};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the four programs into a directory and returns it.
///
/// What would differ from one builder to the next is fixed: where the source and cargo's home lie, what the commit is
/// and when it was made, which versions of others' libraries are built in. The toolchain is the builder's.
pub(super) fn programs(tree: &Tree, version: &Version) -> Result<PathBuf, ReleaseError> {
    // Apart from what `make build` makes, which has other flags.
    let target_dir = tree.root.join("target/release-tool");
    let services = ["--release", "--bin", "banger", "--bin", "bangerd", "--bin", "bangerd-root"];
    cargo(tree, version, &target_dir, "", &services)?;
    let agent = ["--profile", "agent", "--bin", "banger-vsock-agent"];
    cargo(tree, version, &target_dir, " -C target-feature=+crt-static", &agent)?;

    let dir = target_dir.join("programs");
    fs::create_dir_all(&dir).map_err(ReleaseError::disk("make", &dir))?;
    for program in PROGRAMS {
        let profile = if program == "banger-vsock-agent" { "agent" } else { "release" };
        let from = target_dir.join(TARGET).join(profile).join(program);
        let to = dir.join(program);
        fs::copy(&from, &to).map_err(ReleaseError::disk("copy", &from))?;
    }
    Ok(dir)
}

fn cargo(
    tree: &Tree,
    version: &Version,
    target_dir: &Path,
    flags: &str,
    what: &[&str],
) -> Result<(), ReleaseError> {
    let source = tree.root.display();
    let home = cargo_home();
    let home = home.display();
    let rust_flags = format!("--remap-path-prefix={source}=/banger --remap-path-prefix={home}=/cargo{flags}");
    // Libraries in C know their paths too.
    let c_flags = format!("-ffile-prefix-map={source}=/banger -ffile-prefix-map={home}=/cargo");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(&tree.root)
        .args(["build", "--locked", "--target", TARGET, "--target-dir"])
        .arg(target_dir)
        .args(what)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", rust_flags)
        .env("CFLAGS", c_flags)
        .env("BANGER_VERSION", version.to_string())
        .env("BANGER_COMMIT", &tree.commit)
        .env("SOURCE_DATE_EPOCH", tree.committed_at.to_string())
        .stdin(Stdio::null());
    let failed = |said: String| ReleaseError::Program { program: "cargo build".to_owned(), said };
    let status = command.status().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

fn cargo_home() -> PathBuf {
    let home = || env::home_dir().unwrap_or_default().join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// The programs call themselves by the version: the updater asks the same.
pub(super) fn expect_version(dir: &Path, version: &Version) -> Result<(), ReleaseError> {
    let output = run(Command::new(dir.join("banger")).arg("version"))?;
    let stamp = Stamp::parse(&output).map_err(ReleaseError::refused)?;
    if stamp.version == *version {
        return Ok(());
    }
    let found = stamp.version.to_string();
    Err(ReleaseError::OtherVersion {
        what: "the version of the program banger",
        found,
        version: version.clone(),
    })
}
