//! The small Debian that is started, made of the distribution's archive.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use image::{HostArchive, Job};
use serde::Deserialize;

use crate::{cache::once, command::Command, place};

/// Fetching and installing on a slow host from a slow mirror.
const LIMIT: Duration = Duration::from_mins(30);

const RECIPE: &str = include_str!("root.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recipe {
    suite: String,
    variant: String,
    packages: Vec<String>,
    masked_units: Vec<String>,
    excluded_paths: Vec<String>,
    commands: Vec<String>,
    files: Vec<RecipeFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    path: PathBuf,
    #[serde(default)]
    text: String,
    mode: u32,
}

/// Where it is.
pub(super) fn path() -> PathBuf {
    place::cache().join("inside/root")
}

/// Makes it, unless it is there and of the same recipe.
pub(super) fn prepare() {
    let dir = place::cache().join("inside");
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
    let mark = dir.join("root.made");
    once(&mark, RECIPE, || {
        let _not_made_any_more = fs::remove_file(&mark);
        eprintln!("smoke: building a small system in {}", dir.display());
        let partial = dir.join("root.partial");
        for old in [&partial, &path()] {
            super::state::remove(old);
        }
        let recipe: Recipe = toml::from_str(RECIPE).unwrap_or_else(|error| panic!("root.toml: {error}"));
        install(&recipe, &dir, &partial);
        set_up(&recipe, &partial).unwrap_or_else(|error| panic!("set up {}: {error}", partial.display()));
        fs::rename(&partial, path()).unwrap_or_else(|error| panic!("rename {}: {error}", partial.display()));
    });
}

fn install(recipe: &Recipe, dir: &Path, root: &Path) {
    let archive = HostArchive::find(&recipe.suite, &Job::quiet());
    let archive = archive.unwrap_or_else(|error| panic!("find the archive: {error}"));
    let sources = dir.join("root.sources");
    fs::write(&sources, archive.sources())
        .unwrap_or_else(|error| panic!("write {}: {error}", sources.display()));
    let options = archive.options().iter().map(|option| format!("--aptopt={option}"));
    let excluded = recipe.excluded_paths.iter().map(|path| format!("--dpkgopt=path-exclude={path}"));
    let commands = recipe.commands.iter().map(|command| {
        let quoted = command.replace('\'', r"'\''");
        format!("--customize-hook=chroot \"$1\" sh -c '{quoted}'")
    });
    let envs: Vec<(OsString, OsString)> =
        ["PATH", "TMPDIR"].into_iter().filter_map(|key| Some((key.into(), std::env::var_os(key)?))).collect();
    let code = Command::new("mmdebstrap".into(), dir.to_owned(), &envs)
        .args(["--quiet", "--mode=root", "--format=directory", "--architectures=amd64", "--components=main"])
        .args([format!("--variant={}", recipe.variant), format!("--include={}", recipe.packages.join(","))])
        .args(options.chain(excluded).chain(commands))
        .args(["--aptopt=Acquire::Languages \"none\";", "--dpkgopt=force-unsafe-io", &recipe.suite])
        .args([root, &sources])
        .show(LIMIT);
    assert!(code == 0, "mmdebstrap exited with {code}");
}

fn set_up(recipe: &Recipe, root: &Path) -> std::io::Result<()> {
    for RecipeFile { path, text, mode } in &recipe.files {
        let path = below(root, path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
    }
    for unit in &recipe.masked_units {
        let path = root.join("etc/systemd/system").join(unit);
        let _other = fs::remove_file(&path);
        symlink("/dev/null", path)?;
    }
    Ok(())
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_can_be_read() {
        let recipe: Recipe = toml::from_str(RECIPE).unwrap();
        assert!(recipe.files.iter().all(|file| file.path.is_absolute()));
    }
}
