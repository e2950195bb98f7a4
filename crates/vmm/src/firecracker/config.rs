//! What Firecracker is started with: its whole configuration, as one file.

use serde_json::{Value, json};
use vm::{
    boot_plan::{Access, BootPlan, Network, PlannedDisk, TapEnd},
    layout,
};

/// The guest's address on its vsock. Each monitor has a vsock of its own, so all guests have the same
/// (Firecracker, docs/vsock.md: 3 or more).
const GUEST_CID: u32 = 3;

/// Returns the configuration for a plan (Firecracker, docs/getting-started.md, `--config-file`), for a process
/// in whose directory, or jail, all files of the plan lie.
#[must_use]
pub fn config(plan: &BootPlan) -> Value {
    let mut config = json!({
        "boot-source": {
            "kernel_image_path": plan.kernel,
            "initrd_path": plan.initramfs,
            "boot_args": plan.cmdline,
        },
        "machine-config": {
            "vcpu_count": plan.vcpus,
            "mem_size_mib": plan.memory_mib,
        },
        "drives": plan.disks.iter().map(drive).collect::<Vec<_>>(),
        "entropy": {},
    });
    if let Some(Network::Host(tap)) = &plan.network
        && let TapEnd::Name(name) = &tap.end
    {
        config["network-interfaces"] = json!([
            { "iface_id": "eth0", "guest_mac": tap.mac, "host_dev_name": name },
        ]);
    }
    // A probe says all that it has to say on its console.
    if plan.network.is_some() {
        config["vsock"] = json!({ "guest_cid": GUEST_CID, "uds_path": plan.agent_socket });
        // It warns of every port that a guest's kernel looks for and does not find.
        config["logger"] = json!({ "log_path": layout::MONITOR_LOG, "level": "Error", "show_level": true });
        config["metrics"] = json!({ "metrics_path": layout::METRICS });
    }
    config
}

/// A disk. What the guest flushes reaches the host's file system (`Writeback`); no disk is the kernel's root,
/// since the agent mounts it.
fn drive(disk: &PlannedDisk) -> Value {
    json!({
        "drive_id": disk.serial,
        "path_on_host": disk.file,
        "is_root_device": false,
        "is_read_only": disk.access == Access::ReadOnlyShared,
        "cache_type": "Writeback",
    })
}

#[cfg(test)]
mod tests {
    use model::{Size, VmSpec};
    use vm::boot_plan::{Accel, BootFacts, DiskFormat, Monitor, Tap, plan, plan_probe};

    use super::*;

    fn facts() -> BootFacts {
        BootFacts {
            monitor: Monitor::Firecracker,
            accel: Accel::Kvm,
            tsc_khz: Some(2_450_000),
            kernel: "kernel".into(),
            initramfs: "initramfs".into(),
            modules_disk: Some("modules".into()),
            root_format: DiskFormat::Raw,
            root_backing: None,
            tap: Some(Tap { end: TapEnd::Name("bgr-1".to_owned()), mac: "52:54:00:00:00:01".to_owned() }),
            agent_socket: layout::VSOCK_SOCKET.into(),
        }
    }

    #[test]
    fn a_machine_on_the_hosts_network() {
        let spec = VmSpec {
            vcpus: 2.try_into().unwrap(),
            memory: Size::from_mib(512),
            disk_size: Size::from_gib(8),
            system_overlay_size: Size::from_gib(8),
            nat: true,
            publish: vec![],
        };
        insta::assert_snapshot!(serde_json::to_string_pretty(&config(&plan(&spec, &facts()))).unwrap());
    }

    #[test]
    fn a_probe_has_neither_disks_nor_a_way_to_its_agent() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&config(&plan_probe(&facts()))).unwrap());
    }
}
