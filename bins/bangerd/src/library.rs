//! Images and kernels, as the daemon uses them: the calls block, so each has a thread while it lasts.

use std::{fmt, path::PathBuf, sync::Arc};

use api::{Code, Event, Failure, Image, Kernel};
use host::dirs::Dirs;
use image::{
    Fault, ImageError, ImageRecord, ImageStore, Job, JobEvent, KernelError, KernelRecord, KernelStore,
};
use model::{Class, Size};
use tokio::sync::{Mutex, RwLock};

use crate::{
    failure::{code_of, failure, from_error},
    operations::Operation,
};

/// Images and kernels.
#[derive(Debug)]
pub(crate) struct Library {
    /// The images.
    pub(crate) images: Arc<ImageStore>,
    /// The kernels.
    pub(crate) kernels: Arc<KernelStore>,
    /// Where the template of home disks lies.
    pub(crate) templates: PathBuf,
    /// Held while something is built or pulled that a second one would build or pull again.
    pub(crate) making: Mutex<()>,
    /// Held for reading while a machine is made of an image, and for writing while one is taken away: a
    /// machine that is not recorded yet is one that nobody knows to use the image.
    pub(crate) taking: RwLock<()>,
}

/// Opens images and kernels below the state directory, and removes what was left half made.
///
/// # Errors
///
/// Their directories cannot be made or read.
pub(crate) fn open(dirs: &Dirs) -> Result<Library, Fault> {
    let images = ImageStore::open(&dirs.state().join("images"))?;
    let kernels = KernelStore::open(&dirs.state().join("kernels"))?;
    for swept in [images.sweep()?, kernels.sweep()?] {
        for removed in swept.removed {
            tracing::info!("left half made, and removed: {removed}");
        }
    }
    Ok(Library {
        images: Arc::new(images),
        kernels: Arc::new(kernels),
        templates: dirs.state().join("templates"),
        making: Mutex::new(()),
        taking: RwLock::new(()),
    })
}

/// An error of images or of kernels.
pub(crate) trait LibraryError: std::error::Error + Send + 'static {
    /// The code that it is told with.
    fn code(&self) -> Code;
    /// What the user can do.
    fn remedy(&self) -> Option<String>;
}

fn code_of_fault(fault: &Fault) -> Code {
    match fault {
        Fault::Cancelled => Code::Cancelled,
        Fault::NoRoom { .. } => Code::NoRoom,
        _ => code_of(fault.class()),
    }
}

fn narrower(class: Class) -> Code {
    code_of(class)
}

impl LibraryError for Fault {
    fn code(&self) -> Code {
        code_of_fault(self)
    }

    fn remedy(&self) -> Option<String> {
        self.hint()
    }
}

impl LibraryError for KernelError {
    fn code(&self) -> Code {
        match self {
            Self::Fault(fault) => code_of_fault(fault),
            Self::NoSuchKernel { .. } => Code::NotFound,
            _ => narrower(self.class()),
        }
    }

    fn remedy(&self) -> Option<String> {
        self.hint()
    }
}

impl LibraryError for ImageError {
    fn code(&self) -> Code {
        match self {
            Self::Fault(fault) => code_of_fault(fault),
            Self::NoSuchImage { .. } => Code::NotFound,
            _ => narrower(self.class()),
        }
    }

    fn remedy(&self) -> Option<String> {
        self.hint()
    }
}

/// Makes a failure of an error of images or of kernels.
pub(crate) fn told(doing: &str, error: &impl LibraryError) -> Failure {
    Failure { code: error.code(), ..from_error(doing, error, Class::Failed, error.remedy()) }
}

/// Does work that blocks and tells of itself, for an operation. Where that is cancelled, the work is, and is
/// waited for until it has cleaned up.
///
/// # Errors
///
/// What the work failed with.
pub(crate) async fn job<T: Send + 'static, E: LibraryError>(
    operation: &Arc<Operation>,
    doing: impl fmt::Display,
    work: impl FnOnce(&Job) -> Result<T, E> + Send + 'static,
) -> Result<T, Failure> {
    let teller = Arc::clone(operation);
    let job = Job::new(move |event| teller.tell(event_of(event)));
    let canceller = job.canceller();
    let mut working = tokio::task::spawn_blocking(move || work(&job));
    let worked = tokio::select! {
        worked = &mut working => worked,
        () = operation.cancellation().cancelled() => {
            canceller.cancel();
            working.await
        }
    };
    match worked {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(error)) => Err(told(&doing.to_string(), &error)),
        Err(error) => Err(failure(Code::Internal, format!("{doing}: {error}"))),
    }
}

/// Does work that blocks for a moment.
///
/// # Errors
///
/// What the work failed with.
pub(crate) async fn quick<T: Send + 'static, E: LibraryError>(
    doing: impl fmt::Display,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(told(&doing.to_string(), &error)),
        Err(error) => Err(failure(Code::Internal, format!("{doing}: {error}"))),
    }
}

fn event_of(event: JobEvent) -> Event {
    match event {
        JobEvent::Stage(name) => Event::Stage { name },
        JobEvent::Progress { done, total, unit } => Event::Progress { done, total, unit: unit.to_owned() },
        JobEvent::Log(line) => Event::Log { line },
        JobEvent::Warning(message) => Event::Warning { message },
    }
}

/// An image as the client sees it.
pub(crate) fn image_view(image: ImageRecord) -> Image {
    Image {
        name: image.name,
        digest: image.digest,
        size: Size::from_bytes(image.size_bytes),
        disk_used: Size::from_bytes(image.disk_used_bytes),
        created_at: image.created_at,
        source: image.source,
    }
}

/// A kernel as the client sees it.
pub(crate) fn kernel_view(kernel: KernelRecord) -> Kernel {
    Kernel {
        name: kernel.name,
        release: kernel.release,
        digest: kernel.digest,
        disk_used: Size::from_bytes(kernel.disk_used_bytes),
        created_at: kernel.created_at,
        source: kernel.source,
    }
}
