//! Which machine is being worked on, and by which operation.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use api::{Code, Failure};
use model::{VmId, VmName};
use vm::admission::Request;

use crate::{
    failure::{Explained, failure},
    operations::Operation,
};

#[derive(Clone, Debug)]
struct Work {
    request: Request,
    operation: Arc<Operation>,
}

#[derive(Debug, Default)]
struct Inner {
    // The last of a machine's works is the one that counts: those before it are being cancelled.
    vms: HashMap<VmId, Vec<Work>>,
    names: HashSet<VmName>,
}

/// Which machines are being worked on, and which names are kept for machines that are being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Busy {
    inner: Arc<Mutex<Inner>>,
}

/// Keeps a machine for one operation until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    busy: Busy,
    id: VmId,
    operation: Arc<Operation>,
}

/// Keeps a name for a machine that is being made until it is dropped.
#[derive(Debug)]
pub(crate) struct NameClaim {
    busy: Busy,
    name: VmName,
}

impl Busy {
    /// What is being done to a machine, if something is.
    pub(crate) fn with(&self, id: &VmId) -> Option<(Request, Arc<Operation>)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let work = inner.vms.get(id)?.last()?;
        Some((work.request, Arc::clone(&work.operation)))
    }

    /// Whether anything is being done to a machine.
    pub(crate) fn has(&self, id: &VmId) -> bool {
        self.with(id).is_some()
    }

    /// Marks a machine as being worked on.
    pub(crate) fn claim(&self, id: &VmId, request: Request, operation: &Arc<Operation>) -> Claim {
        let work = Work { request, operation: Arc::clone(operation) };
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .vms
            .entry(id.clone())
            .or_default()
            .push(work);
        Claim { busy: self.clone(), id: id.clone(), operation: Arc::clone(operation) }
    }

    /// Says whether a name is kept for a machine that is being made.
    pub(crate) fn has_name(&self, name: &VmName) -> bool {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).names.contains(name)
    }

    /// Keeps a name for a machine that is being made.
    ///
    /// # Errors
    ///
    /// [`Code::AlreadyExists`] where it is kept already.
    pub(crate) fn claim_name(&self, name: &VmName) -> Result<NameClaim, Failure> {
        let is_new = self.inner.lock().unwrap_or_else(PoisonError::into_inner).names.insert(name.clone());
        if is_new {
            return Ok(NameClaim { busy: self.clone(), name: name.clone() });
        }
        let message = format!("create machine {name}: one of that name is just being created");
        Err(failure(Code::AlreadyExists, message).hinted("Choose another name."))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut inner = self.busy.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(works) = inner.vms.get_mut(&self.id) {
            works.retain(|work| work.operation.id() != self.operation.id());
            if works.is_empty() {
                inner.vms.remove(&self.id);
            }
        }
    }
}

impl Drop for NameClaim {
    fn drop(&mut self) {
        self.busy.inner.lock().unwrap_or_else(PoisonError::into_inner).names.remove(&self.name);
    }
}
