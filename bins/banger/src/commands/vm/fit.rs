//! What a machine is made of: the flags that `run` and `create` share.

use api::{Info, VmCreate};
use clap_complete::ArgValueCompleter;
use model::{ImageName, KernelName, Publish, Size, VcpuCount, VmName, VmSpec};

use crate::{
    commands::completion,
    fault::{Doing as _, Fault},
};

/// What a machine is made of. What is not given is this host's default (`banger info`).
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Machine")]
pub(crate) struct Fit {
    /// Its name, of a-z, 0-9 and -; one is made up where there is none
    #[arg(long)]
    name: Option<VmName>,
    /// The image that it begins as
    #[arg(long, add = ArgValueCompleter::new(completion::images))]
    image: Option<ImageName>,
    /// The kernel that it boots
    #[arg(long, add = ArgValueCompleter::new(completion::kernels))]
    kernel: Option<KernelName>,
    /// Virtual CPUs, 1 to 32
    #[arg(long, value_name = "COUNT")]
    vcpu: Option<VcpuCount>,
    /// Memory, such as 512M or 4G
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Home disk, at /root
    #[arg(long, value_name = "SIZE")]
    disk_size: Option<Size>,
    /// What the root disk may grow by, over the image's own size
    #[arg(long, value_name = "SIZE")]
    system_overlay_size: Option<Size>,
    /// Let it reach the networks beyond this host (the default)
    #[arg(long, overrides_with = "no_nat")]
    nat: bool,
    /// Keep it from the networks beyond this host
    #[arg(long)]
    no_nat: bool,
    /// Let a port of 127.0.0.1 here lead to a port of the machine; may be given several times
    #[arg(long, value_name = "[HOST:]GUEST")]
    publish: Vec<Publish>,
}

impl Fit {
    /// The request for such a machine, as it was typed.
    pub(crate) fn request(&self, start: bool) -> VmCreate {
        VmCreate {
            name: self.name.clone(),
            image: self.image.clone(),
            kernel: self.kernel.clone(),
            vcpus: self.vcpu,
            memory: self.memory,
            disk_size: self.disk_size,
            system_overlay_size: self.system_overlay_size,
            nat: match (self.nat, self.no_nat) {
                (_, true) => Some(false),
                (true, false) => Some(true),
                (false, false) => None,
            },
            publish: self.publish.clone(),
            start,
            // A machine that did not come up is kept: its console says why.
            delete_on_failure: false,
        }
    }

    /// Refuses what no host can give, before anything else is done.
    pub(crate) fn check(&self, doing: &str) -> Result<(), Fault> {
        // Amounts that any host allows, so that only what was given is judged.
        let one = VcpuCount::try_from(1).doing(doing)?;
        let nothing_given = VmSpec {
            vcpus: one,
            memory: Size::from_gib(1),
            disk_size: Size::from_gib(1),
            system_overlay_size: Size::from_gib(1),
            nat: true,
            publish: vec![],
        };
        self.over(&nothing_given).check().doing(doing)
    }

    /// What the machine will be made of on a host with these defaults.
    pub(crate) fn spec(&self, info: &Info, doing: &str) -> Result<VmSpec, Fault> {
        let spec = self.over(&info.vm_defaults);
        spec.check().doing(doing)?;
        Ok(spec)
    }

    fn over(&self, defaults: &VmSpec) -> VmSpec {
        VmSpec {
            vcpus: self.vcpu.unwrap_or(defaults.vcpus),
            memory: self.memory.unwrap_or(defaults.memory),
            disk_size: self.disk_size.unwrap_or(defaults.disk_size),
            system_overlay_size: self.system_overlay_size.unwrap_or(defaults.system_overlay_size),
            nat: !self.no_nat && (self.nat || defaults.nat),
            publish: self.publish.clone(),
        }
    }
}
