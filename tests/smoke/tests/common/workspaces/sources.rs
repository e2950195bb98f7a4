//! Real files that are here without a network: the sources of the libraries that this workspace is built of, as cargo
//! has them, and their archives.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use smoke::Host;
use tar::Builder;

/// How much of one library is taken at most, in bytes: a generated source of ten megabytes says nothing more.
const LIBRARY_BYTES_MAX: u64 = 2 << 20;

/// The directories of the libraries, in the order of their names.
fn libraries() -> Vec<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut metadata = Command::new(cargo);
    metadata.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    metadata.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = metadata.output().unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours = |package: &&Value| package["source"].is_null();
    let packages = found["packages"].as_array().unwrap().iter().filter(|package| !ours(package));
    let dir =
        |package: &Value| Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
    let mut dirs: Vec<PathBuf> = packages.map(dir).collect();
    dirs.sort();
    dirs
}

/// Files and bytes below a directory.
fn size(dir: &Path) -> (u64, u64) {
    let (mut files, mut bytes, mut left) = (0, 0, vec![dir.to_owned()]);
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                left.push(entry.path());
            } else {
                (files, bytes) = (files + 1, bytes + meta.len());
            }
        }
    }
    (files, bytes)
}

/// Unpacks libraries into the directory `to` of the home, of each its own directory, until there are `files` files.
pub(super) fn unpack_libraries(host: &Host, to: &str, files: u64) {
    let mut tar = Builder::new(vec![]);
    let mut count = 0;
    for dir in libraries() {
        let (found, bytes) = size(&dir);
        if count < files && bytes <= LIBRARY_BYTES_MAX {
            tar.append_dir_all(dir.file_name().unwrap(), &dir).unwrap();
            count += found;
        }
    }
    assert!(count >= files, "the libraries have only {count} files");
    unpack(host, to, tar.into_inner().unwrap());
}

/// Unpacks the largest archives of libraries into the directory `to` of the home, until there are so many bytes.
pub(super) fn unpack_archives(host: &Host, to: &str, bytes: u64) {
    // `registry/src/<index>/<library>` was unpacked from `registry/cache/<index>/<library>.crate`.
    let archive = |dir: &PathBuf| {
        let (index, name) = (dir.parent()?.file_name()?, dir.file_name()?.to_str()?);
        let path = dir.ancestors().nth(3)?.join("cache").join(index).join(format!("{name}.crate"));
        Some((fs::metadata(&path).ok()?.len(), path))
    };
    let mut archives: Vec<_> = libraries().iter().filter_map(archive).collect();
    archives.sort();
    let mut tar = Builder::new(vec![]);
    let mut taken = 0;
    while taken < bytes {
        let (size, path) = archives.pop().unwrap_or_else(|| panic!("the archives have only {taken} bytes"));
        tar.append_path_with_name(&path, path.file_name().unwrap()).unwrap();
        taken += size;
    }
    unpack(host, to, tar.into_inner().unwrap());
}

fn unpack(host: &Host, to: &str, tar: Vec<u8>) {
    let script = "mkdir -p \"$1\" && tar -x --no-same-owner -C \"$1\"";
    host.program("/bin/sh").args(["-c", script, "sh", to]).stdin(tar).run().ok();
}
