//! `banger vm cp`.

use std::path::Path;

use guest::client::{Connection, GuestError};
use model::Class;
use tokio_util::io::SyncIoBridge;

use super::running::running;
use crate::{
    copy::{CopyError, Landing, Packed, Way, is_contents, name_of, pack, unpack, upload},
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
    screen::print_object,
    text::{bytes, count},
};

/// Copy files and directories into a machine, or out of one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm cp notes.txt box:/root/\n  \
    banger vm cp box:/var/log ./logs\n  \
    banger vm cp ./site/. box:/srv/www\n\n\
    As `cp -r` does: into a directory that is there, under the source's own name; else under the name\n\
    given. `dir/.` means what is in it. Modes and links are kept; links are never followed.\n\n\
    A path in a machine is MACHINE:/path; MACHINE:path begins at /root. A path here with a colon in it\n\
    is given as ./a:b.")]
pub(crate) struct Cp {
    /// What to copy
    #[arg(value_name = "SRC")]
    from: String,
    /// Where to
    #[arg(value_name = "DST")]
    to: String,
}

impl Cp {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("copy {} to {}", self.from, self.to);
        let way = Way::read(&self.from, &self.to).doing(&doing)?;
        let machine = match &way {
            Way::In { from, machine, .. } => {
                // What is not there is refused before anybody is asked.
                let look = std::fs::symlink_metadata(from);
                look.map_err(|error| {
                    let fault = error.explain(&format!("{doing}: {}", from.display()));
                    Fault { class: Class::Usage, ..fault }
                })?;
                machine
            }
            Way::Out { machine, .. } => machine,
        };
        let client = context.daemon(&doing).await?;
        let vm = running(context, &client, machine, &doing).await?;
        let guest = Connection::in_dir(&vm.link_dir);
        let packed = match &way {
            Way::In { from, to, .. } => copy_in(&guest, from, &self.from, to, &doing).await?,
            Way::Out { from, to, .. } => copy_out(&guest, from, to, &self.to, &doing).await?,
        };
        if packed.skipped > 0 {
            context.screen.warn(&format!("{} sockets, pipes or devices were left out", packed.skipped));
        }
        if context.screen.is_json() {
            print_object("copied", packed);
        } else {
            let entries = count(packed.entries, "entry", "entries");
            context.screen.note(&format!("copied {entries}, {}", bytes(packed.bytes)));
        }
        Ok(exit::DONE)
    }
}

/// The source's name, or `None` for its contents.
fn source_name<'a>(given: &'a str, doing: &str) -> Result<Option<&'a str>, Fault> {
    if is_contents(given) { Ok(None) } else { name_of(given).map(Some).doing(doing) }
}

async fn copy_in(
    guest: &Connection,
    from: &Path,
    given: &str,
    to: &str,
    doing: &str,
) -> Result<Packed, Fault> {
    let name = source_name(given, doing)?;
    let to_is_dir = is_dir(guest, to).await.doing(doing)?;
    let landing = Landing::of(to, to_is_dir, name).doing(doing)?;
    // The guest would make the directory; a slip of the finger should not.
    if !to_is_dir && !is_dir(guest, &landing.dir).await.doing(doing)? {
        return Err(CopyError::NotADirectory { path: landing.dir }.explain(doing));
    }
    let (from, name) = (from.to_owned(), landing.name);
    upload(guest, &landing.dir, move |to| pack(&from, name.as_deref(), to)).await.doing(doing)
}

async fn copy_out(
    guest: &Connection,
    from: &str,
    to: &Path,
    given: &str,
    doing: &str,
) -> Result<Packed, Fault> {
    let name = source_name(from, doing)?;
    let landing = Landing::of(given, to.is_dir(), name).doing(doing)?;
    if !Path::new(&landing.dir).is_dir() {
        return Err(CopyError::NotADirectory { path: landing.dir }.explain(doing));
    }
    let tree = guest.get_tree(from).await.doing(doing)?;
    let tree = SyncIoBridge::new(tree);
    let unpacked =
        tokio::task::spawn_blocking(move || unpack(tree, Path::new(&landing.dir), landing.name.as_deref()));
    let unpacked = unpacked.await.map_err(|error| Fault::new(Class::Bug, format!("{doing}: {error}")))?;
    unpacked.doing(doing)
}

/// Whether `path` is a directory in the guest, or a link to one.
async fn is_dir(guest: &Connection, path: &str) -> Result<bool, GuestError> {
    match guest.get_tree(&format!("{path}/.")).await {
        Ok(_) => Ok(true),
        Err(GuestError::Refused { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
