//! A root from the distribution's signed archive, by mmdebstrap.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::unpack;
use crate::{
    Fault, Job, Recipe,
    apt::{host_options, host_sources},
    ext4::{Kind, Meta, Tree, TreeError},
    fault::At,
    image::ImageError,
    objects::Scratch,
    tool::{self, Tool},
};

const LIMIT: Duration = Duration::from_mins(90);
const INSTEAD: &str = "or import a ready root file system: `banger image import <rootfs.tar>`";

/// Builds the tree of a recipe below `partial`.
pub(crate) fn bootstrap(recipe: &Recipe, partial: &Path, job: &Job) -> Result<Tree, ImageError> {
    check_host()?;
    let sources = host_sources(&recipe.suite)?;
    let options = host_options(job)?;
    let scratch = Scratch::new(partial)?;
    let list = scratch.path().join("banger.sources");
    fs::write(&list, sources.to_deb822()).at("write", &list)?;

    job.stage(format!("fetch and install the packages of {}", recipe.name));
    let mode = if rustix::process::geteuid().is_root() { "root" } else { "unshare" };
    let mut mmdebstrap = Tool::with_children("mmdebstrap", "mmdebstrap")?
        .args(["--format=tar", "--architectures=amd64", "--components=main"])
        .arg(format!("--mode={mode}"))
        .arg(format!("--variant={}", recipe.variant))
        .arg(format!("--include={}", recipe.packages.join(",")))
        .env("TMPDIR", scratch.path())
        .current_dir(scratch.path())
        .limit(LIMIT);
    for option in options.iter().chain(&["Acquire::Languages \"none\";".to_owned()]) {
        mmdebstrap = mmdebstrap.arg(format!("--aptopt={option}"));
    }
    // What is cut short is thrown away whole: nothing needs to be on the disk in between.
    mmdebstrap = mmdebstrap.arg("--dpkgopt=force-unsafe-io");
    for path in &recipe.excluded_paths {
        mmdebstrap = mmdebstrap.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    let (unpacked, _) = mmdebstrap
        .arg(&recipe.suite)
        .arg("-")
        .arg(&list)
        .run_with(job, |stdout| unpack(stdout, &partial.join("tree"), job))
        .map_err(explain)?;
    let mut tree = unpacked?;
    drop(scratch);
    job.stage("set up the root");
    set_up(&mut tree, recipe, &sources.to_guest_deb822()).map_err(of_recipe)?;
    Ok(tree)
}

fn of_recipe(error: TreeError) -> ImageError {
    match error {
        TreeError::Fault(fault) => fault.into(),
        TreeError::Contents { source } => Fault::Input { source }.into(),
        TreeError::Entry { why } => ImageError::Entry { entry: "(of the recipe)".to_owned(), why },
    }
}

/// Says what an ordinary user lacks before half an hour is spent on finding out.
fn check_host() -> Result<(), Fault> {
    if tool::find("mmdebstrap").is_none() {
        return Err(Fault::lacks(
            "the program mmdebstrap, which builds images",
            format!("Install the package mmdebstrap (`sudo apt-get install mmdebstrap uidmap`), {INSTEAD}."),
        ));
    }
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    if tool::find("newuidmap").is_none() || tool::find("newgidmap").is_none() {
        return Err(Fault::lacks(
            "the program newuidmap, with which an ordinary user builds images",
            format!("Install the package uidmap (`sudo apt-get install uidmap`), {INSTEAD}."),
        ));
    }
    for file in ["/etc/subuid", "/etc/subgid"] {
        if !has_range(file) {
            return Err(Fault::lacks(
                format!(
                    "a range of numbers for this user in {file}, with which an ordinary user builds images"
                ),
                format!(
                    "Run `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \"$USER\"`, {INSTEAD}."
                ),
            ));
        }
    }
    if fs::read_to_string("/proc/sys/kernel/unprivileged_userns_clone").is_ok_and(|text| text.trim() == "0") {
        return Err(no_namespaces());
    }
    Ok(())
}

fn no_namespaces() -> Fault {
    Fault::lacks(
        "user namespaces for ordinary users, with which they build images",
        format!("Build it as root (`sudo banger image build`), {INSTEAD}."),
    )
}

/// Whether subuid(5) lends this user at least 65536 numbers.
fn has_range(file: &str) -> bool {
    let uid = rustix::process::getuid().as_raw().to_string();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    let Ok(text) = fs::read_to_string(file) else { return false };
    text.lines().any(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_ours = fields.first().is_some_and(|name| *name == uid || Some(*name) == user.as_deref());
        is_ours
            && fields
                .get(2)
                .and_then(|count| count.trim().parse::<u64>().ok())
                .is_some_and(|count| count >= 65536)
    })
}

/// Gives the failures that a user can do something about their own words.
fn explain(fault: Fault) -> Fault {
    let has = |text: &str| fault.tail().iter().any(|line| line.contains(text));
    if has("unshare failed") || has("CLONE_NEWUSER") || has("newuidmap") {
        return no_namespaces();
    }
    fault
}

fn set_up(tree: &mut Tree, recipe: &Recipe, sources: &str) -> Result<(), TreeError> {
    for pattern in &recipe.removed_paths {
        for path in matching(tree, pattern) {
            tree.remove(&path)?;
        }
    }
    if tree.exists(Path::new("etc/apt")) && tree.exists(Path::new("usr/bin/apt-get")) {
        let path = Path::new("etc/apt/sources.list.d/debian.sources");
        tree.add_file(path, Meta::root(Kind::File, 0o644), &mut sources.as_bytes())?;
    }
    for file in &recipe.files {
        let meta = Meta::root(Kind::File, file.mode);
        tree.add_file(Path::new(&file.path), meta, &mut file.text.as_bytes())?;
    }
    for unit in &recipe.masked_units {
        let path = Path::new("etc/systemd/system").join(unit);
        tree.add_symlink(&path, OsStr::new("/dev/null"), Meta::root(Kind::Symlink, 0o777))?;
    }
    Ok(())
}

/// The paths that a pattern means: its last part may have one star.
fn matching(tree: &Tree, pattern: &str) -> Vec<PathBuf> {
    let path = Path::new(pattern.trim_start_matches('/'));
    let Some((dir, name)) = path.parent().zip(path.file_name().and_then(OsStr::to_str)) else {
        return vec![];
    };
    let Some((head, tail)) = name.split_once('*') else { return vec![path.to_owned()] };
    let fits = |name: &std::ffi::OsString| {
        let text = name.to_string_lossy();
        text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
    };
    tree.names_in(dir).into_iter().filter(fits).map(|name| dir.join(name)).collect()
}
