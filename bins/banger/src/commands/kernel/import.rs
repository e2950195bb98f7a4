//! `banger kernel import`.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use api::client::Upload;
use model::KernelName;
use tar::Builder;

use super::make::make;
use crate::{
    copy::append_tree,
    daemon::Context,
    fault::{Doing as _, Explain as _, Fault},
};

/// Make a kernel of a package, of a file with its modules, or of the one that this host runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger kernel import --from-deb linux-image-6.1.0-40-cloud-amd64.deb\n  \
    banger kernel import --vmlinux ./vmlinux --modules /lib/modules/6.12.1 --name mine\n  \
    banger kernel import --host")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["from_deb", "vmlinux", "host"]))]
pub(crate) struct Import {
    /// A Debian package of a kernel
    #[arg(long, value_name = "FILE")]
    from_deb: Option<PathBuf>,
    /// A kernel: vmlinux or bzImage
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,
    /// The kernel's modules: a directory such as /lib/modules/6.12.1
    #[arg(long, value_name = "DIR", conflicts_with_all = ["from_deb", "host"])]
    modules: Option<PathBuf>,
    /// The kernel that this host runs, with its modules
    #[arg(long)]
    host: bool,
    /// The kernel's name; its release where there is none
    #[arg(long)]
    name: Option<KernelName>,
}

/// What is meant.
enum Intent {
    /// One file as it is.
    File(PathBuf),
    /// A kernel with its modules, in one tar laid out as a package's files are.
    Together { kernel: PathBuf, modules: PathBuf, release: String },
}

const DOING: &str = "import a kernel";

impl Import {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let upload = match self.intent()? {
            Intent::File(file) => Upload::file(file),
            Intent::Together { kernel, modules, release } => {
                Upload::new(move |out| together(&kernel, &modules, &release, out))
            }
        };
        let client = context.daemon(DOING).await?;
        make(context, &client, DOING, client.kernel_import(self.name.as_ref(), upload).await).await
    }

    fn intent(&self) -> Result<Intent, Fault> {
        if self.host {
            return host_kernel();
        }
        let Some(kernel) = self.from_deb.as_ref().or(self.vmlinux.as_ref()) else {
            return Err(Fault::usage(format!("{DOING}: nothing to import was named")));
        };
        check(
            kernel,
            |metadata| metadata.is_file() && metadata.len() > 0,
            "is not a file with something in it",
        )?;
        let Some(modules) = &self.modules else {
            return Ok(Intent::File(kernel.clone()));
        };
        check(modules, fs::Metadata::is_dir, "is not a directory")?;
        let dep = modules.join("modules.dep");
        if !dep.is_file() {
            let why = format!("{DOING}: {} is not there", dep.display());
            return Err(Fault::usage(why)
                .hint("The directory is the one that `make modules_install` and depmod fill."));
        }
        // What `--modules .` is called can only be told from where it is.
        let modules = fs::canonicalize(modules).doing(DOING)?;
        let release = modules.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Intent::Together { kernel: kernel.clone(), modules, release })
    }
}

fn host_kernel() -> Result<Intent, Fault> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let kernel = PathBuf::from(format!("/boot/vmlinuz-{release}"));
    let modules = PathBuf::from(format!("/lib/modules/{release}"));
    for path in [&kernel, &modules.join("modules.dep")] {
        if let Err(error) = fs::File::open(path) {
            let fault = error.explain(&format!("{DOING}: {}", path.display()));
            let lacks = Fault { class: model::Class::HostLacks, ..fault };
            return Err(lacks.hint("`banger kernel pull` takes one from the package archive."));
        }
    }
    Ok(Intent::Together { kernel, modules, release })
}

fn check(path: &Path, is_right: impl Fn(&fs::Metadata) -> bool, why: &str) -> Result<(), Fault> {
    match fs::metadata(path) {
        Ok(metadata) if is_right(&metadata) => Ok(()),
        Ok(_) => Err(Fault::usage(format!("{DOING}: {} {why}", path.display()))),
        Err(error) => {
            let fault = error.explain(&format!("{DOING}: {}", path.display()));
            Err(Fault { class: model::Class::Usage, ..fault })
        }
    }
}

/// Writes a tar with the kernel and its modules where a distribution's package has them.
fn together(kernel: &Path, modules: &Path, release: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut builder = Builder::new(out);
    builder.append_path_with_name(kernel, format!("boot/vmlinuz-{release}"))?;
    let below = Path::new("lib/modules").join(release);
    append_tree(&mut builder, modules, &below).map_err(io::Error::other)?;
    builder.finish()
}
