//! `banger vm set`.

use api::VmChange;
use model::{Size, VcpuCount};
use serde_json::json;

use super::many::Machines;
use crate::{
    commands::each::Told,
    daemon::Context,
    fault::{Doing as _, Fault},
};

/// Change what stopped machines are made of
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger vm set box --vcpu 4\n  banger vm set box --memory 4G --disk-size 20G"
)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["vcpu", "memory", "disk_size"]))]
pub(crate) struct Set {
    #[command(flatten)]
    machines: Machines,
    /// Virtual CPUs, 1 to 32
    #[arg(long, value_name = "COUNT")]
    vcpu: Option<VcpuCount>,
    /// Memory, such as 512M or 4G
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// Home disk; it can only grow
    #[arg(long, value_name = "SIZE")]
    disk_size: Option<Size>,
}

impl Set {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "change machines";
        let client = context.daemon(doing).await?;
        let change = VmChange { vcpus: self.vcpu, memory: self.memory, disk_size: self.disk_size };
        let (client, change) = (&client, &change);
        self.machines
            .each(context, client, doing, |vm, _| {
                Box::pin(async move {
                    let doing = format!("change {}", vm.name);
                    let vm = client.vm_change(vm.id.as_str(), change).await.doing(&doing)?;
                    Ok(Told { what: "vm", text: format!("{}: {}", vm.name, vm.spec), object: json!(vm) })
                })
            })
            .await
    }
}
