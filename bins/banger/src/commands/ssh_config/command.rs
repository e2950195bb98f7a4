//! What is typed, and the two files that it changes.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use fence::{Fence, Place};
use host::{
    dirs::{Dirs, DirsError, Environment},
    text_file::{self, TextFileError},
};
use serde_json::json;
use tempfile::NamedTempFile;

use super::section::{check, section};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Explain, Fault, chain},
};

/// Let `ssh NAME.vm`, `scp`, `rsync` and editors reach machines by name
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger ssh-config --install && ssh box.vm\n  \
    rsync -a ./src/ box.vm:src/\n  \
    banger ssh-config --uninstall\n\n\
    Without an option it prints the section. --install writes it beside banger's own configuration and puts one\n\
    line that includes it before everything else in ~/.ssh/config; the rest of that file stays as it is. Machines\n\
    made later are reached as well, and one made anew under an old name asks nothing.")]
pub(crate) struct SshConfig {
    /// Include the section in ~/.ssh/config
    #[arg(long)]
    install: bool,
    /// Take it out again
    #[arg(long, conflicts_with = "install")]
    uninstall: bool,
}

/// Whom a file is for: this user.
const MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;
const SSH: Fence = Fence::new("ssh");

impl Explain for TextFileError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}

impl SshConfig {
    pub(crate) fn run(&self, context: &Context) -> Result<u8, Fault> {
        match (self.install, self.uninstall) {
            (true, _) => install(context),
            (_, true) => uninstall(context),
            _ => {
                let section = section("make the section")?;
                context.screen.show("ssh_config", json!({ "section": section }), || section.clone());
                Ok(exit::DONE)
            }
        }
    }
}

/// The two files.
struct Files {
    /// The user's own configuration of ssh.
    config: PathBuf,
    /// Our section, which it includes.
    section: PathBuf,
}

impl Files {
    fn of_this_user(doing: &str) -> Result<Self, Fault> {
        let environment = Environment::of_this_process();
        let section = Dirs::embedded(&environment).doing(doing)?.config().join("ssh_config");
        let home = environment.home.map(PathBuf::from).filter(|home| home.is_absolute());
        let link = home.ok_or(DirsError::NoHome).doing(doing)?.join(".ssh/config");
        // Where it is a link, what it leads to is the file: it is not to be replaced by one that is no link.
        let config = fs::canonicalize(&link).unwrap_or(link);
        Ok(Self { config, section })
    }

    /// The line that includes the section, in front of everything: inside of a `Host` it would be for that host.
    fn include(&self) -> Vec<String> {
        vec![format!("Include \"{}\"", self.section.display())]
    }
}

fn install(context: &Context) -> Result<u8, Fault> {
    let doing = "let ssh reach machines by name";
    let files = Files::of_this_user(doing)?;
    let text = section(doing)?;
    make_dir_of(&files.section, doing)?;
    make_dir_of(&files.config, doing)?;
    write_section(&files.section, &text, doing)?;
    let lines = files.include();
    let is_new =
        text_file::change(&files.config, MODE, |text| SSH.with(text, Place::Start, &lines)).doing(doing)?;
    tell(context, &files, is_new, if is_new { "includes machines now" } else { "includes machines already" });
    context.screen.note("`ssh NAME.vm` reaches a machine that runs; so do scp, rsync and editors");
    Ok(exit::DONE)
}

fn uninstall(context: &Context) -> Result<u8, Fault> {
    let doing = "take machines out of ssh's configuration";
    let files = Files::of_this_user(doing)?;
    let is_there = files.config.try_exists().map_err(|error| error.explain(doing))?;
    let was_in = is_there && text_file::change(&files.config, MODE, |text| SSH.without(text)).doing(doing)?;
    remove(&files.section, doing)?;
    // It was made for the block alone; a link is somebody's.
    if was_in && fs::symlink_metadata(&files.config).is_ok_and(|meta| meta.is_file() && meta.len() == 0) {
        remove(&files.config, doing)?;
    }
    tell(context, &files, was_in, if was_in { "includes machines no more" } else { "includes no machines" });
    Ok(exit::DONE)
}

fn tell(context: &Context, files: &Files, changed: bool, what: &str) {
    let object = json!({ "file": files.config, "section_file": files.section, "changed": changed });
    context.screen.show("ssh_config", object, || format!("{} {what}\n", files.config.display()));
}

/// Writes the section whole, once this host's ssh has taken it.
fn write_section(path: &Path, text: &str, doing: &str) -> Result<(), Fault> {
    let doing = &format!("{doing}: write {}", path.display());
    let dir = path.parent().unwrap_or(Path::new("/"));
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(dir)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = write().map_err(|error| error.explain(doing))?;
    check(file.path(), doing)?;
    file.persist(path).map(drop).map_err(|error| error.error.explain(doing))
}

fn make_dir_of(path: &Path, doing: &str) -> Result<(), Fault> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    let made = DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir);
    made.map_err(|error| error.explain(&format!("{doing}: make {}", dir.display())))
}

fn remove(path: &Path, doing: &str) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error.explain(&format!("{doing}: remove {}", path.display())))
        }
        _ => Ok(()),
    }
}
