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

use crate::{cache::once, command::Command};

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

/// What it is made of, besides the packages of `more`: another text makes another root.
pub(super) fn key(more: &[&str]) -> String {
    format!("{RECIPE}{more:?}")
}

/// Makes it in the directory `root`, with the packages of `more` besides, unless it is there and of the same recipe.
pub(super) fn prepare(root: &Path, more: &[&str]) {
    let dir = root.parent().unwrap_or(root);
    fs::create_dir_all(dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
    let mark = root.with_extension("made");
    once(&mark, &key(more), || {
        eprintln!("smoke: building a small system in {}", root.display());
        let _not_made_any_more = fs::remove_file(&mark);
        let partial = root.with_extension("partial");
        for old in [&partial, root] {
            super::state::remove(old);
        }
        let mut recipe: Recipe = toml::from_str(RECIPE).unwrap_or_else(|error| panic!("root.toml: {error}"));
        recipe.packages.extend(more.iter().map(ToString::to_string));
        install(&recipe, dir, &partial);
        set_up(&recipe, &partial).unwrap_or_else(|error| panic!("set up {}: {error}", partial.display()));
        fs::rename(&partial, root).unwrap_or_else(|error| panic!("rename {}: {error}", partial.display()));
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
