//! The requests of the contract, a method each. A machine is named by id or name.

use hyper::Method;
use model::{ImageName, KernelName, OpId};

use super::{
    ByteStream, Client, ClientError, Events, Upload,
    transport::{Call, Sent},
};
use crate::{
    Accepted, Census, DoctorDefaults, DoctorReport, Held, Hold, Image, ImageBuild, ImagePromote, Info,
    Kernel, KernelPull, OperationSummary, Pruned, Usage, Vm, VmChange, VmCreate, VmHealth, VmKill, VmStats,
    Workspace,
};

type Result<T> = std::result::Result<T, ClientError>;

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $reply:ty = $how:ident $call:expr;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                ///
                /// Any [`ClientError`]; one of [`ClientError::Refused`] changed nothing.
                pub async fn $name(&self, $($arg: $type),*) -> Result<$reply> {
                    self.$how(&$call).await
                }
            )*
        }
    };
}

calls! {
    /// What the daemon is and how it works here.
    info() -> Info = ask Call::get("/v1/info");
    /// Checks the host.
    doctor(defaults: &DoctorDefaults) -> DoctorReport = ask Call::get(doctor("/v1/doctor", defaults));
    /// Checks the host, puts right what is safe to, and checks again.
    doctor_fix(defaults: &DoctorDefaults) -> DoctorReport =
        ask Call::post(doctor("/v1/doctor/fix", defaults));
    /// Ends the daemon; machines run on.
    shutdown() -> () = tell Call::post("/v1/shutdown").once();
    /// Has the daemon of a user become the current release's, or itself anew. Its socket stays, and calls wait
    /// meanwhile; machines run on. It is another once `info` tells another `started_at`. Refused by a system install's.
    restart() -> () = tell Call::post("/v1/restart").once();
    /// Begins or renews a hold: changes of others are told to ask again until it lapses. Tells what still goes on.
    hold(hold: &Hold) -> Held = ask put("/v1/hold").json(hold)?;
    /// Ends a hold. Fails where it is another's; where there is none, there is nothing to do.
    release(holder: &str) -> () = tell Call::delete(format!("/v1/hold?holder={holder}"));
    /// Every machine that runs, as the host and the guests say at this moment.
    census() -> Census = ask Call::get("/v1/census");
    /// What is in flight, and what ended last.
    operations() -> Vec<OperationSummary> = ask Call::get("/v1/operations");
    /// Cancels an operation, which then cleans up and ends with its last event.
    cancel(op: &OpId) -> () = tell Call::delete(format!("/v1/operations/{op}"));

    /// Every machine.
    vms() -> Vec<Vm> = ask Call::get("/v1/vms");
    /// One machine.
    vm(vm: &str) -> Vm = ask Call::get(format!("/v1/vms/{vm}"));
    /// Makes a machine.
    vm_create(create: &VmCreate) -> Accepted = ask Call::post("/v1/vms").json(create)?;
    /// Changes a stopped machine.
    vm_change(vm: &str, change: &VmChange) -> Vm = ask patch(vm).json(change)?;
    /// Records which repository is in a machine.
    vm_workspace(vm: &str, workspace: &Workspace) -> Vm = ask put(&workspace_path(vm)).json(workspace)?;
    /// Records that no repository is in a machine.
    vm_no_workspace(vm: &str) -> Vm = ask Call::delete(workspace_path(vm));
    /// Deletes a machine.
    vm_delete(vm: &str) -> Accepted = ask Call::delete(format!("/v1/vms/{vm}"));
    /// Starts a machine.
    vm_start(vm: &str) -> Accepted = ask Call::post(format!("/v1/vms/{vm}/start"));
    /// Asks a machine to end.
    vm_stop(vm: &str) -> Accepted = ask Call::post(format!("/v1/vms/{vm}/stop"));
    /// Stops a machine and starts it.
    vm_restart(vm: &str) -> Accepted = ask Call::post(format!("/v1/vms/{vm}/restart"));
    /// Ends a machine without asking it.
    vm_kill(vm: &str, kill: VmKill) -> Accepted = ask Call::post(format!("/v1/vms/{vm}/kill")).json(&kill)?;
    /// What a machine uses.
    vm_stats(vm: &str) -> VmStats = ask Call::get(format!("/v1/vms/{vm}/stats"));
    /// Whether a machine answers.
    vm_health(vm: &str) -> VmHealth = ask Call::get(format!("/v1/vms/{vm}/health"));

    /// Every image.
    images() -> Vec<Image> = ask Call::get("/v1/images");
    /// One image.
    image(name: &ImageName) -> Image = ask Call::get(format!("/v1/images/{name}"));
    /// Deletes an image that no machine uses.
    image_delete(name: &ImageName) -> () = tell Call::delete(format!("/v1/images/{name}"));
    /// Builds an image from a recipe.
    image_build(build: &ImageBuild) -> Accepted = ask Call::post("/v1/images/build").json(build)?;
    /// Makes an image of a root tar or an ext4 file.
    image_import(name: &ImageName, file: Upload) -> Accepted =
        ask upload(format!("/v1/images/import?name={name}"), file);
    /// Makes an image of a stopped machine's root disk.
    image_promote(promote: &ImagePromote) -> Accepted = ask Call::post("/v1/images/promote").json(promote)?;
    /// Takes away what can be made again and nothing uses, or says what it would be; with `all` also images that a
    /// recipe makes again.
    images_prune(dry_run: bool, all: bool) -> Pruned =
        ask Call::post(format!("/v1/images/prune?dry_run={dry_run}&all={all}"));
    /// What takes room on the disk.
    usage() -> Usage = ask Call::get("/v1/usage");

    /// Every kernel.
    kernels() -> Vec<Kernel> = ask Call::get("/v1/kernels");
    /// One kernel.
    kernel(name: &KernelName) -> Kernel = ask Call::get(format!("/v1/kernels/{name}"));
    /// Deletes a kernel that no machine uses.
    kernel_delete(name: &KernelName) -> () = tell Call::delete(format!("/v1/kernels/{name}"));
    /// Takes a kernel from the host's package archive.
    kernel_pull(pull: &KernelPull) -> Accepted = ask Call::post("/v1/kernels/pull").json(pull)?;
    /// Takes a kernel from a package, a file, or a tar of one with its modules.
    kernel_import(name: Option<&KernelName>, file: Upload) -> Accepted = ask upload(kernel_path(name), file);
}

impl Client {
    /// The events of an operation, from its first.
    #[must_use]
    pub fn events(&self, op: OpId) -> Events {
        Events::new(self.clone(), op)
    }

    /// The console of a machine; with `follow` for as long as it runs.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`].
    pub async fn vm_logs(&self, vm: &str, follow: bool) -> Result<ByteStream> {
        let reply = self.send(&Call::get(format!("/v1/vms/{vm}/logs?follow={follow}"))).await?;
        Ok(ByteStream::new(reply.into_body()))
    }
}

fn put(path: &str) -> Call {
    Call { method: Method::PUT, ..Call::post(path) }
}

fn patch(vm: &str) -> Call {
    Call { method: Method::PATCH, ..Call::post(format!("/v1/vms/{vm}")) }
}

fn workspace_path(vm: &str) -> String {
    format!("/v1/vms/{vm}/workspace")
}

fn upload(path: String, file: Upload) -> Call {
    Call { sent: Sent::Upload(file), ..Call::post(path) }
}

fn kernel_path(name: Option<&KernelName>) -> String {
    name.map_or("/v1/kernels/import".to_owned(), |name| format!("/v1/kernels/import?name={name}"))
}

/// Names need no escape: `[a-z0-9._-]`.
fn doctor(path: &str, defaults: &DoctorDefaults) -> String {
    let image = defaults.image.as_ref().map(|name| format!("image={name}"));
    let kernel = defaults.kernel.as_ref().map(|name| format!("kernel={name}"));
    let asked: Vec<String> = image.into_iter().chain(kernel).collect();
    if asked.is_empty() { path.to_owned() } else { format!("{path}?{}", asked.join("&")) }
}
