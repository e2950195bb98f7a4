//! `create`: a machine is made, and started where that is wanted.

use std::{path::PathBuf, sync::Arc};

use api::{Code, Failure, OperationKind, Outcome, VmCreate};
use disk::root::RootMethod;
use jiff::Timestamp;
use model::{ImageName, KernelName, VmId, VmName, VmSpec, VmState};
use store::VmRecord;
use vm::{admission::Request, boot_plan::Monitor};

use super::{
    boot::boot,
    check::{check_memory, check_ports},
    delete::{remove, remove_dir},
    keys,
    launch::initramfs,
    monitor::choose,
    names,
    prepare::{self, Prepared},
    strays::mark,
    view,
};
use crate::{
    app::{App, NameClaim, check_room},
    failure::{Explained, failure, from_error},
    library::told,
    operations::Operation,
};

/// A machine to make, with nothing left open.
#[derive(Debug)]
struct Wanted {
    name: VmName,
    image: ImageName,
    kernel: Option<KernelName>,
    spec: VmSpec,
    start: bool,
    delete_on_failure: bool,
}

/// Begins to create a machine. All that can be wrong with the request is found before anything is begun.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn create(app: &Arc<App>, create: VmCreate) -> Result<Arc<Operation>, Failure> {
    let name = name(app, create.name.as_ref())?;
    let doing = format!("create machine {name}");
    let spec = spec(app, &create);
    spec.check().map_err(|error| failure(Code::BadRequest, format!("{doing}: {error}")))?;
    check_memory(&doing, &spec)?;
    check_ports(&doing, &spec.publish)?;
    check_room(app.dirs.state(), &doing)?;
    let wanted = Wanted {
        name,
        image: create.image.unwrap_or_else(|| app.config.default_image().clone()),
        kernel: create.kernel.or_else(|| app.config.default_kernel().cloned()),
        spec,
        start: create.start,
        delete_on_failure: create.delete_on_failure,
    };
    prepare::check_image(app, &doing, &wanted.image)?;
    prepare::check_kernel(app, &doing, wanted.kernel.as_ref())?;
    let claim = app.busy.claim_name(&wanted.name)?;
    let task_app = Arc::clone(app);
    let target = wanted.name.to_string();
    app.operations.begin(OperationKind::VmCreate, &target, move |operation| async move {
        let vm = make_and_start(&task_app, &operation, wanted, claim).await?;
        Ok(Outcome::Vm(Box::new(view(&task_app, &vm))))
    })
}

fn name(app: &App, asked: Option<&VmName>) -> Result<VmName, Failure> {
    let snapshot = app.owner.snapshot();
    let is_taken = |name: &VmName| {
        // A name that reads as another machine's id would hide that machine.
        app.busy.has_name(name)
            || snapshot.vms.iter().any(|vm| vm.name == *name || vm.id.as_str() == name.as_str())
    };
    match asked {
        Some(name) if is_taken(name) => {
            let message = format!("create machine {name}: there is one of that name");
            Err(failure(Code::AlreadyExists, message)
                .hinted(format!("Choose another name, or delete it: banger vm delete {name}")))
        }
        Some(name) => Ok(name.clone()),
        None => names::made_up(is_taken)
            .ok_or_else(|| failure(Code::Internal, "create a machine: no name could be made up")),
    }
}

fn spec(app: &App, create: &VmCreate) -> VmSpec {
    VmSpec {
        vcpus: create.vcpus.unwrap_or_else(|| app.config.vcpus(app.is_emulated())),
        memory: create.memory.unwrap_or_else(|| app.config.memory()),
        disk_size: create.disk_size.unwrap_or_else(|| app.config.disk_size()),
        system_overlay_size: create.system_overlay_size.unwrap_or_else(|| app.config.system_overlay_size()),
        nat: create.nat.unwrap_or(true),
        publish: create.publish.clone(),
    }
}

async fn make_and_start(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    wanted: Wanted,
    name: NameClaim,
) -> Result<Arc<VmRecord>, Failure> {
    let prepared = prepare::prepare(app, operation, &wanted.image, wanted.kernel.as_ref()).await?;
    let using = app.library.taking.read().await;
    prepare::check_image(app, &format!("create machine {}", wanted.name), &wanted.image)?;
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)
        .map_err(|error| failure(Code::Internal, format!("make up a machine's id: {error}")))?;
    let id = VmId::from_random(bytes);
    let _claim = app.busy.claim(&id, Request::Start, operation);
    let start = wanted.start;
    let vm = make(app, operation, &id, wanted, prepared).await?;
    drop(using);
    drop(name);
    if !start {
        return Ok(vm);
    }
    match boot(app, operation, &vm).await {
        Err(why) if vm.delete_on_failure && !app.leaving.is_cancelled() => {
            // It is as it was after the boot, not before.
            if let Some(vm) = app.owner.get(&id)
                && let Err(error) = remove(app, operation, &vm).await
            {
                operation.warn(format!("{} is still there: {error}", vm.name));
            }
            Err(why)
        }
        booted => booted,
    }
}

/// Makes the directory with all that is in it, then the record. What fails leaves neither.
async fn make(
    app: &Arc<App>,
    operation: &Operation,
    id: &VmId,
    wanted: Wanted,
    prepared: Prepared,
) -> Result<Arc<VmRecord>, Failure> {
    operation.stage("create disks");
    let doing = format!("create machine {}", wanted.name);
    let dir = app.dirs.vm(id);
    let methods = root_methods(app, operation, &doing, &prepared).await?;
    let cancel = Arc::new(disk::Cancel::default());
    let work = MakeDisks {
        doing,
        dir: dir.clone(),
        name: wanted.name.clone(),
        spec: wanted.spec.clone(),
        image: prepared.image_file.clone(),
        home: prepared.home_template.clone(),
        methods,
        cancel: Arc::clone(&cancel),
    };
    let mut making = tokio::task::spawn_blocking(move || work.run());
    let made = tokio::select! {
        made = &mut making => made,
        () = operation.cancellation().cancelled() => {
            cancel.cancel();
            making.await
        }
    };
    let made = made.unwrap_or_else(|error| Err(failure(Code::Internal, format!("create disks: {error}"))));
    let recorded = match made.and_then(|method| operation.check_cancelled().map(|()| method)) {
        Ok(method) => app.owner.insert(record(id, wanted, prepared, method)).await,
        Err(error) => Err(error),
    };
    if recorded.is_ok() {
        mark(app, id);
    } else if let Err(error) = remove_dir(dir).await {
        operation.warn(error.message);
    }
    recorded
}

/// The ways to make a root disk that the monitor which is to run the machine can read.
async fn root_methods(
    app: &Arc<App>,
    operation: &Operation,
    doing: &str,
    prepared: &Prepared,
) -> Result<Vec<RootMethod>, Failure> {
    // It takes a boot to find out, where nobody has yet; without Firecracker there is nothing to find out.
    if !matches!(app.firecracker().await, Ok(Some(_))) {
        return Ok(methods_for(app, Monitor::Qemu).await);
    }
    let kernel = app.library.kernels.get(&prepared.kernel).map_err(|error| told(doing, &error))?;
    let initramfs = initramfs(app, &kernel, doing).await?;
    let (monitor, _) = choose(app, operation, doing, (&kernel, &initramfs), None).await?;
    Ok(methods_for(app, monitor.kind()).await)
}

/// The ways to make a root disk that a monitor can read, the best first.
pub(crate) async fn methods_for(app: &App, monitor: Monitor) -> Vec<RootMethod> {
    if monitor == Monitor::Qemu {
        return RootMethod::PREFERRED.to_vec();
    }
    let mut methods = RootMethod::PREFERRED_RAW.to_vec();
    if !app.hands.has_snapshots().await {
        methods.retain(|method| *method != RootMethod::Snapshot);
    }
    methods
}

fn record(id: &VmId, wanted: Wanted, prepared: Prepared, method: &'static str) -> VmRecord {
    VmRecord {
        id: id.clone(),
        name: wanted.name,
        state: VmState::Created,
        error: None,
        spec: wanted.spec,
        image: wanted.image,
        image_digest: Some(prepared.image_digest),
        kernel: prepared.kernel,
        kernel_digest: Some(prepared.kernel_digest),
        created_at: Timestamp::now(),
        started_at: None,
        boot_id: None,
        monitor: "qemu".to_owned(),
        accel: None,
        disk_method: Some(method.to_owned()),
        published: vec![],
        delete_on_failure: wanted.delete_on_failure && wanted.start,
        monitor_process: None,
        link_process: None,
        workspace: None,
    }
}

struct MakeDisks {
    doing: String,
    dir: PathBuf,
    name: VmName,
    spec: VmSpec,
    image: PathBuf,
    home: PathBuf,
    methods: Vec<RootMethod>,
    cancel: Arc<disk::Cancel>,
}

impl MakeDisks {
    /// Makes the directory with the disks and keys in it; returns how the root disk was made.
    fn run(&self) -> Result<&'static str, Failure> {
        let failed = |error: &disk::DiskError| Failure {
            code: match error {
                disk::DiskError::NoRoom { .. } => Code::NoRoom,
                disk::DiskError::Cancelled { .. } => Code::Cancelled,
                _ => crate::failure::code_of(error.class()),
            },
            ..from_error(&self.doing, error, error.class(), error.hint())
        };
        disk::dir::create(&self.dir).map_err(|error| {
            failure(Code::Failed, format!("{}: make {}: {error}", self.doing, self.dir.display()))
        })?;
        let qemu_img = host::program::find("qemu-img");
        let request = disk::root::RootRequest {
            dir: &self.dir,
            image: &self.image,
            overlay_size: self.spec.system_overlay_size,
            qemu_img: qemu_img.as_deref(),
            methods: &self.methods,
        };
        let root = disk::root::create(&request, &self.cancel).map_err(|error| failed(&error))?;
        disk::home::create(&self.dir, &self.home, self.spec.disk_size).map_err(|error| failed(&error))?;
        keys::make_host_key(&self.dir, &self.name)?;
        Ok(root.method.as_str())
    }
}
