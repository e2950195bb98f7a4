//! The records as they were at one moment.

use std::sync::{Arc, OnceLock};

use api::{Code, Failure};
use bytes::Bytes;
use model::VmId;
use store::VmRecord;

use crate::failure::{Explained, failure};

/// The records as they were at one moment, by name. Cheap to hand around.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    /// The records.
    pub(crate) vms: Vec<Arc<VmRecord>>,
    rendered: OnceLock<Bytes>,
}

impl Snapshot {
    pub(super) fn new(vms: Vec<Arc<VmRecord>>) -> Self {
        Self { vms, rendered: OnceLock::new() }
    }

    /// Returns the answer to a list, which `render` makes the first time that one is asked for.
    pub(crate) fn rendered(&self, render: impl FnOnce(&[Arc<VmRecord>]) -> Bytes) -> Bytes {
        self.rendered.get_or_init(|| render(&self.vms)).clone()
    }

    /// Finds the machine with this id.
    pub(crate) fn by_id(&self, id: &VmId) -> Option<&Arc<VmRecord>> {
        self.vms.iter().find(|vm| vm.id == *id)
    }

    /// Finds the machine that `text` means: its id, its name, or a prefix of one name alone.
    ///
    /// # Errors
    ///
    /// [`Code::NotFound`] or [`Code::Ambiguous`].
    pub(crate) fn find(&self, text: &str) -> Result<&Arc<VmRecord>, Failure> {
        if let Some(vm) = self.vms.iter().find(|vm| vm.name.as_str() == text || vm.id.as_str() == text) {
            return Ok(vm);
        }
        let like: Vec<&Arc<VmRecord>> =
            self.vms.iter().filter(|vm| !text.is_empty() && vm.name.as_str().starts_with(text)).collect();
        match like[..] {
            [vm] => Ok(vm),
            [] => Err(failure(Code::NotFound, format!("find machine {text:?}: there is none of that name"))
                .hinted("`banger vm list` shows those there are.")),
            _ => {
                let names: Vec<&str> = like.iter().take(5).map(|vm| vm.name.as_str()).collect();
                let message = format!("find machine {text:?}: it could be {}", names.join(", "));
                Err(failure(Code::Ambiguous, message).hinted("Type more of the name."))
            }
        }
    }
}
