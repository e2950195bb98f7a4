//! The task itself: a thread of its own, since the store blocks.

use std::{collections::BTreeMap, io, sync::Arc, thread};

use api::{Code, Failure};
use model::{VmId, VmName};
use store::{Store, StoreError, VmRecord};
use tokio::sync::{mpsc, watch};

use super::{
    Owner, Snapshot,
    ask::{Ask, Change},
};
use crate::failure::{failure, from_error};

/// Requests that wait for the owner; whoever asks more waits to ask.
const ASKS_MAX: usize = 64;

/// The machines' records, and the only way to change them.
#[derive(Debug)]
struct State {
    store: Store,
    ids: BTreeMap<VmName, VmId>,
    vms: BTreeMap<VmId, Arc<VmRecord>>,
}

/// Starts the task that owns `store`. It ends, and closes the store, when the last [`Owner`] is gone.
///
/// # Errors
///
/// The records cannot be read, or no thread can be made.
pub(crate) fn start(store: Store) -> Result<(Owner, thread::JoinHandle<()>), StartError> {
    let records = store.vms().map_err(|source| StartError::Records { source })?;
    let mut state = State { store, ids: BTreeMap::new(), vms: BTreeMap::new() };
    for record in records {
        state.put(Arc::new(record));
    }
    let (asks, mut inbox) = mpsc::channel(ASKS_MAX);
    let (publisher, snapshots) = watch::channel(Arc::new(state.snapshot()));
    let serve = move || {
        while let Some(ask) = inbox.blocking_recv() {
            state.answer(ask, &publisher);
        }
    };
    let thread = thread::Builder::new()
        .name("owner".to_owned())
        .spawn(serve)
        .map_err(|source| StartError::Thread { source })?;
    Ok((Owner { asks, snapshots }, thread))
}

/// Why the owner could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The records cannot be read.
    #[error("read the machines")]
    Records {
        /// What the store said.
        source: StoreError,
    },
    /// No thread could be made.
    #[error("start a thread")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

impl State {
    fn put(&mut self, record: Arc<VmRecord>) {
        if let Some(before) = self.vms.get(&record.id) {
            self.ids.remove(&before.name);
        }
        self.ids.insert(record.name.clone(), record.id.clone());
        self.vms.insert(record.id.clone(), record);
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.ids.values().filter_map(|id| self.vms.get(id)).cloned().collect())
    }

    /// Writes, then publishes, then answers: whoever has the answer sees it in the snapshot. A reply that
    /// nobody waits for any more is no error.
    fn answer(&mut self, ask: Ask, publisher: &watch::Sender<Arc<Snapshot>>) {
        match ask {
            Ask::Insert(record, reply) => {
                let result = self.insert(*record);
                publisher.send_replace(Arc::new(self.snapshot()));
                let _ = reply.send(result);
            }
            Ask::Change(id, change, reply) => {
                let result = self.change(&id, change);
                publisher.send_replace(Arc::new(self.snapshot()));
                let _ = reply.send(result);
            }
            Ask::Remove(id, reply) => {
                let result = self.remove(&id);
                publisher.send_replace(Arc::new(self.snapshot()));
                let _ = reply.send(result);
            }
            Ask::Bump(name, reply) => {
                let result = self.store.bump(name).map_err(|error| store_failure("count", &error));
                let _ = reply.send(result);
            }
            Ask::Counter(name, reply) => {
                let result = self.store.counter(name).map_err(|error| store_failure("read a count", &error));
                let _ = reply.send(result);
            }
        }
    }

    fn insert(&mut self, record: VmRecord) -> Result<Arc<VmRecord>, Failure> {
        let doing = format!("create machine {}", record.name);
        self.store.insert_vm(&record).map_err(|error| store_failure(&doing, &error))?;
        let record = Arc::new(record);
        self.put(Arc::clone(&record));
        Ok(record)
    }

    fn change(&mut self, id: &VmId, change: Change) -> Result<Arc<VmRecord>, Failure> {
        let Some(before) = self.vms.get(id) else {
            return Err(failure(Code::NotFound, format!("change machine {id}: it is gone")));
        };
        let mut record = VmRecord::clone(before);
        change(&mut record)?;
        if record == **before {
            return Ok(Arc::clone(before));
        }
        let doing = format!("change machine {}", record.name);
        self.store.update_vm(&record).map_err(|error| store_failure(&doing, &error))?;
        tracing::debug!(vm = %record.name, state = %record.state, "recorded");
        let record = Arc::new(record);
        self.put(Arc::clone(&record));
        Ok(record)
    }

    fn remove(&mut self, id: &VmId) -> Result<(), Failure> {
        self.store.delete_vm(id).map_err(|error| store_failure("delete a machine", &error))?;
        if let Some(gone) = self.vms.remove(id) {
            self.ids.remove(&gone.name);
        }
        Ok(())
    }
}

fn store_failure(doing: &str, error: &StoreError) -> Failure {
    let failure = from_error(doing, error, error.class(), error.hint());
    match error {
        StoreError::NameTaken { .. } => Failure { code: Code::AlreadyExists, ..failure },
        _ if error.is_disk_full() => Failure { code: Code::NoRoom, ..failure },
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use model::{Size, VmSpec, VmState};

    use super::*;
    use crate::owner::advance;

    fn record(number: u8) -> VmRecord {
        VmRecord {
            id: VmId::from_random([number; 6]),
            name: format!("box-{number}").parse().unwrap(),
            state: VmState::Created,
            error: None,
            spec: VmSpec {
                vcpus: 1.try_into().unwrap(),
                memory: Size::from_mib(256),
                disk_size: Size::from_gib(1),
                system_overlay_size: Size::from_gib(1),
                nat: true,
                publish: vec![],
            },
            image: "small".parse().unwrap(),
            image_digest: None,
            kernel: "k".parse().unwrap(),
            kernel_digest: None,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            started_at: None,
            boot_id: None,
            monitor: "qemu".to_owned(),
            accel: None,
            disk_method: None,
            published: vec![],
            delete_on_failure: false,
            monitor_process: None,
            link_process: None,
            workspace: None,
        }
    }

    #[tokio::test]
    async fn what_was_answered_is_in_the_snapshot_and_outlives_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let (owner, thread) = start(Store::open(&path).unwrap()).unwrap();
        let one = owner.insert(record(1)).await.unwrap();
        owner.insert(record(2)).await.unwrap();
        let same_name = VmRecord { name: record(2).name, ..record(3) };
        assert_eq!(owner.insert(same_name).await.unwrap_err().code, Code::AlreadyExists);

        let asked = |vm: &mut VmRecord| advance(vm, life::Event::StartAsked);
        assert_eq!(owner.change(&one.id, asked).await.unwrap().state, VmState::Starting);
        assert_eq!(owner.change(&one.id, asked).await.unwrap_err().code, Code::Internal);
        assert_eq!(owner.get(&one.id).unwrap().state, VmState::Starting);
        owner.remove(&record(2).id).await.unwrap();
        assert_eq!(owner.snapshot().vms.len(), 1);

        drop(owner);
        thread.join().unwrap();
        let (owner, _thread) = start(Store::open(&path).unwrap()).unwrap();
        assert_eq!(owner.snapshot().vms.len(), 1);
        assert_eq!(owner.get(&one.id).unwrap().state, VmState::Starting);
    }

    #[tokio::test]
    async fn machines_are_found_by_id_name_and_prefix_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (owner, _thread) = start(Store::open(&dir.path().join("state.db")).unwrap()).unwrap();
        for number in [1, 2, 12] {
            owner.insert(record(number)).await.unwrap();
        }
        let snapshot = owner.snapshot();
        let find = |text: &str| match snapshot.find(text) {
            Ok(vm) => vm.name.to_string(),
            Err(failure) => format!("{:?}", failure.code),
        };
        let id = record(2).id.to_string();
        for (text, want) in [
            ("box-1", "box-1"),
            ("box-12", "box-12"),
            (id.as_str(), "box-2"),
            ("box-2", "box-2"),
            ("box", "Ambiguous"),
            ("", "NotFound"),
            ("ox", "NotFound"),
            ("box-3", "NotFound"),
        ] {
            assert_eq!(find(text), want, "{text:?}");
        }
    }
    use vm::life;
}
