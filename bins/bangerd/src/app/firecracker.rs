//! Firecracker, as far as this daemon may use it.

use vmm::firecracker::{Firecracker, FirecrackerError};

use super::App;
use config::{AccelChoice, VmmChoice};

impl App {
    /// Finds Firecracker, where this daemon may use it at all.
    ///
    /// # Errors
    ///
    /// It may, and there is none that can be used.
    pub(crate) async fn firecracker(&self) -> Result<Option<Firecracker>, FirecrackerError> {
        let config = &self.config;
        let is_ruled_out = !self.dirs.is_system()
            || !config.has_jailer()
            || config.vmm() == VmmChoice::Qemu
            || config.accel() == AccelChoice::Emulated;
        if is_ruled_out {
            return Ok(None);
        }
        let (program, jailer) = config.firecracker_bins();
        let (program, jailer) = (program.cloned(), jailer.cloned());
        let find = move || Firecracker::find(program.as_deref(), jailer.as_deref());
        match tokio::task::spawn_blocking(find).await {
            Ok(found) => found.map(Some),
            // It panicked, which was told of where it did.
            Err(_) => Ok(None),
        }
    }
}
