//! Waiting for a machine's process: until it has made its file, or has ended.

use std::{fs, path::Path, time::Duration};

use host::process::Process;
use model::VmId;
use privileged::{Code, ProcessId, Refusal};
use tokio::time::{Instant, sleep};

use super::{Helper, parts::of_units};
use crate::{
    jail::tail,
    net::Network,
    units::{Part, Units, unit_name},
};

/// How long a link may take to listen, and a monitor to have read its arguments. Both take some 50 ms.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How often the file is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How many of those looks go by before the unit is looked at.
const LOOKS_A_UNIT: u32 = 10;

impl<U: Units, N: Network> Helper<U, N> {
    /// Waits until a process of a machine has made its file, and says which process it is.
    pub(super) async fn ready(
        &self,
        doing: &str,
        id: &VmId,
        (part, file, log): (Part, &Path, &str),
    ) -> Result<ProcessId, Refusal> {
        let unit = unit_name(part, id);
        let limit = Instant::now() + READY_LIMIT;
        let mut looks = 0;
        while Instant::now() < limit {
            looks += 1;
            let is_there = fs::symlink_metadata(file).is_ok();
            if is_there || looks % LOOKS_A_UNIT == 0 {
                let standing = self.units.look(&unit).await.map_err(|error| of_units(doing, &error))?;
                if standing.is_down() {
                    return Err(self.ended_at_once(doing, id, part, log));
                }
                if let (true, Some(process)) = (is_there, standing.pid.and_then(process_id)) {
                    return Ok(process);
                }
            }
            sleep(LOOK_EVERY).await;
        }
        let secs = READY_LIMIT.as_secs();
        Err(Refusal::new(Code::Machine, format!("{doing}: the {} is not ready after {secs} s", part.what())))
    }

    fn ended_at_once(&self, doing: &str, id: &VmId, part: Part, log: &str) -> Refusal {
        let said = tail(&self.places.jail(id), log).unwrap_or_else(|| "it said nothing".to_owned());
        let refusal =
            Refusal::new(Code::Machine, format!("{doing}: the {} ended at once: {said}", part.what()));
        match part {
            Part::Link => {
                refusal.hinted("If a port is taken, publish another, or leave it open: --publish GUEST.")
            }
            Part::Monitor => refusal.hinted(format!("`journalctl -u {}` may say more.", unit_name(part, id))),
        }
    }
}

/// Which process has this number now.
pub(super) fn process_id(pid: u32) -> Option<ProcessId> {
    let id = Process::open(pid).ok().flatten()?.id();
    Some(ProcessId { pid: id.pid, started_ticks: id.started_ticks })
}
