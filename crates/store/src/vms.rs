//! Records of machines: read all, put in, change, take out.

use std::{path::PathBuf, str::FromStr};

use model::{Copied, VmId, VmState};
use rusqlite::{Connection, Row, named_params};
use serde::de::DeserializeOwned;

use crate::{ProcessMark, Store, StoreError, VmRecord, WorkspaceRecord};

const INSERT: &str = "INSERT INTO vms (
        id, name, state, error, spec, image, image_digest, kernel, kernel_digest, created_at,
        started_at, boot_id, monitor, accel, disk_method, published, delete_on_failure, host_boot_id,
        monitor_pid, monitor_started_ticks, link_pid, link_started_ticks, workspace_host_path,
        workspace_guest_path, workspace_commit, workspace_copied)
    VALUES (
        :id, :name, :state, :error, :spec, :image, :image_digest, :kernel, :kernel_digest,
        :created_at, :started_at, :boot_id, :monitor, :accel, :disk_method, :published, :delete_on_failure,
        :host_boot_id, :monitor_pid, :monitor_started_ticks, :link_pid, :link_started_ticks,
        :workspace_host_path, :workspace_guest_path, :workspace_commit, :workspace_copied)";

const UPDATE: &str = "UPDATE vms SET
        name = :name, state = :state, error = :error, spec = :spec, image = :image,
        image_digest = :image_digest, kernel = :kernel, kernel_digest = :kernel_digest,
        created_at = :created_at, started_at = :started_at, boot_id = :boot_id, monitor = :monitor,
        accel = :accel, disk_method = :disk_method, published = :published,
        delete_on_failure = :delete_on_failure, host_boot_id = :host_boot_id, monitor_pid = :monitor_pid,
        monitor_started_ticks = :monitor_started_ticks, link_pid = :link_pid,
        link_started_ticks = :link_started_ticks, workspace_host_path = :workspace_host_path,
        workspace_guest_path = :workspace_guest_path, workspace_commit = :workspace_commit,
        workspace_copied = :workspace_copied
    WHERE id = :id";

impl Store {
    /// Returns every record, by name.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`], or [`StoreError::BadRecord`] for the first that cannot be read.
    pub fn vms(&self) -> Result<Vec<VmRecord>, StoreError> {
        read_all(&self.connection)
    }

    /// Puts a record in.
    ///
    /// # Errors
    ///
    /// [`StoreError::NameTaken`] or [`StoreError::Query`]; nothing was changed.
    pub fn insert_vm(&mut self, record: &VmRecord) -> Result<(), StoreError> {
        self.write(INSERT, "record a machine", record).map(drop)
    }

    /// Puts `record` in the place of the one with its id.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchVm`], [`StoreError::NameTaken`] or [`StoreError::Query`]; nothing was changed.
    pub fn update_vm(&mut self, record: &VmRecord) -> Result<(), StoreError> {
        match self.write(UPDATE, "record a machine's change", record)? {
            0 => Err(StoreError::NoSuchVm { id: record.id.clone() }),
            _ => Ok(()),
        }
    }

    /// Takes a record out. Taking out what is not there is no error.
    ///
    /// # Errors
    ///
    /// [`StoreError::Query`]; nothing was changed.
    pub fn delete_vm(&mut self, id: &VmId) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM vms WHERE id = ?1", [id.as_str()])
            .map(drop)
            .map_err(|source| StoreError::Query { action: "take a machine's record out", source })
    }

    fn write(&mut self, sql: &str, action: &'static str, vm: &VmRecord) -> Result<usize, StoreError> {
        let json = |error: serde_json::Error| StoreError::Query {
            action,
            source: rusqlite::Error::ToSqlConversionFailure(error.into()),
        };
        let monitor = vm.monitor_process.as_ref();
        let link = vm.link_process.as_ref();
        let workspace = vm.workspace.as_ref();
        let params = named_params! {
            ":id": vm.id.as_str(),
            ":name": vm.name.as_str(),
            ":state": vm.state.as_str(),
            ":error": vm.error,
            ":spec": serde_json::to_string(&vm.spec).map_err(json)?,
            ":image": vm.image.as_str(),
            ":image_digest": vm.image_digest.as_ref().map(ToString::to_string),
            ":kernel": vm.kernel.as_str(),
            ":kernel_digest": vm.kernel_digest.as_ref().map(ToString::to_string),
            ":created_at": vm.created_at.to_string(),
            ":started_at": vm.started_at.as_ref().map(ToString::to_string),
            ":boot_id": vm.boot_id.as_ref().map(ToString::to_string),
            ":monitor": vm.monitor,
            ":accel": vm.accel,
            ":disk_method": vm.disk_method,
            ":published": serde_json::to_string(&vm.published).map_err(json)?,
            ":delete_on_failure": vm.delete_on_failure,
            ":host_boot_id": monitor.or(link).map(|process| process.host_boot_id.as_str()),
            ":monitor_pid": monitor.map(|process| process.pid),
            ":monitor_started_ticks": monitor.map(|process| process.started_ticks),
            ":link_pid": link.map(|process| process.pid),
            ":link_started_ticks": link.map(|process| process.started_ticks),
            ":workspace_host_path": workspace.map(|workspace| workspace.host_path.to_string_lossy()),
            ":workspace_guest_path": workspace.map(|workspace| &workspace.guest_path),
            ":workspace_commit": workspace.map(|workspace| &workspace.commit),
            ":workspace_copied": workspace
                .map(|workspace| serde_json::to_string(&workspace.copied)).transpose().map_err(json)?,
        };
        self.connection.execute(sql, params).map_err(|source| match source.sqlite_error() {
            // The id is made of chance: what is taken is the name.
            Some(error) if error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE => {
                StoreError::NameTaken { name: vm.name.clone() }
            }
            _ => StoreError::Query { action, source },
        })
    }
}

/// One row, with the id that its errors name.
struct Columns<'row, 'query> {
    row: &'row Row<'query>,
    id: String,
}

impl Columns<'_, '_> {
    fn get<T: rusqlite::types::FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row.get(column).map_err(|source| StoreError::Query { action: "read a machine's record", source })
    }

    fn bad(&self, column: &'static str, value: &str) -> StoreError {
        StoreError::BadRecord { id: self.id.clone(), column, value: value.to_owned() }
    }

    fn maybe<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| text.parse().map_err(|_| self.bad(column, &text))).transpose()
    }

    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        self.maybe(column)?.ok_or_else(|| self.bad(column, ""))
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|_| self.bad(column, &text))
    }

    fn state(&self) -> Result<VmState, StoreError> {
        let text: String = self.get("state")?;
        let state = VmState::ALL.into_iter().find(|state| state.as_str() == text);
        state.ok_or_else(|| self.bad("state", &text))
    }

    fn process(&self, pid: &'static str, ticks: &'static str) -> Result<Option<ProcessMark>, StoreError> {
        match (self.get(pid)?, self.get(ticks)?) {
            (Some(pid), Some(started_ticks)) => {
                Ok(Some(ProcessMark { pid, started_ticks, host_boot_id: self.parsed("host_boot_id")? }))
            }
            _ => Ok(None),
        }
    }

    fn workspace(&self) -> Result<Option<WorkspaceRecord>, StoreError> {
        let Some(host_path) = self.get::<Option<String>>("workspace_host_path")? else {
            return Ok(None);
        };
        Ok(Some(WorkspaceRecord {
            host_path: PathBuf::from(host_path),
            guest_path: self.get("workspace_guest_path")?,
            commit: self.get("workspace_commit")?,
            copied: match self.get::<Option<String>>("workspace_copied")? {
                Some(_) => self.json("workspace_copied")?,
                None => Copied::default(),
            },
        }))
    }
}

/// Reads every record, by name.
pub(crate) fn read_all(connection: &Connection) -> Result<Vec<VmRecord>, StoreError> {
    let failed = |source| StoreError::Query { action: "read the machines", source };
    let mut query = connection.prepare("SELECT * FROM vms ORDER BY name").map_err(failed)?;
    let mut rows = query.query([]).map_err(failed)?;
    let mut records = vec![];
    while let Some(row) = rows.next().map_err(failed)? {
        records.push(read(row)?);
    }
    Ok(records)
}

fn read(row: &Row<'_>) -> Result<VmRecord, StoreError> {
    let id: String =
        row.get("id").map_err(|source| StoreError::Query { action: "read a machine's id", source })?;
    let columns = Columns { row, id };
    Ok(VmRecord {
        id: columns.parsed("id")?,
        name: columns.parsed("name")?,
        state: columns.state()?,
        error: columns.get("error")?,
        spec: columns.json("spec")?,
        image: columns.parsed("image")?,
        image_digest: columns.maybe("image_digest")?,
        kernel: columns.parsed("kernel")?,
        kernel_digest: columns.maybe("kernel_digest")?,
        created_at: columns.parsed("created_at")?,
        started_at: columns.maybe("started_at")?,
        boot_id: columns.maybe("boot_id")?,
        monitor: columns.get("monitor")?,
        accel: columns.get("accel")?,
        disk_method: columns.get("disk_method")?,
        published: columns.json("published")?,
        delete_on_failure: columns.get("delete_on_failure")?,
        monitor_process: columns.process("monitor_pid", "monitor_started_ticks")?,
        link_process: columns.process("link_pid", "link_started_ticks")?,
        workspace: columns.workspace()?,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use model::{Size, VmSpec};

    use super::*;
    use crate::Readiness;

    fn plain(number: u64) -> VmRecord {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&number.to_be_bytes()[2..]);
        VmRecord {
            id: VmId::from_random(bytes),
            name: format!("box-{number}").parse().unwrap(),
            state: VmState::Created,
            error: None,
            spec: VmSpec {
                vcpus: 2.try_into().unwrap(),
                memory: Size::from_mib(1024),
                disk_size: Size::from_gib(8),
                system_overlay_size: Size::from_gib(8),
                nat: true,
                publish: vec!["80".parse().unwrap()],
            },
            image: "debian-bookworm".parse().unwrap(),
            image_digest: None,
            kernel: "6.1.0-40-cloud-amd64".parse().unwrap(),
            kernel_digest: None,
            created_at: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            started_at: None,
            boot_id: None,
            monitor: "qemu".to_owned(),
            accel: None,
            disk_method: None,
            published: vec![],
            delete_on_failure: true,
            monitor_process: None,
            link_process: None,
            workspace: None,
        }
    }

    fn full(number: u64) -> VmRecord {
        let boot = "0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11";
        let process = |pid| {
            Some(ProcessMark { pid, started_ticks: u64::from(pid) * 3, host_boot_id: boot.parse().unwrap() })
        };
        VmRecord {
            state: VmState::Running,
            error: Some("it 'ended'".to_owned()),
            image_digest: Some(model::Digest::from_bytes([7; 32])),
            kernel_digest: Some(model::Digest::from_bytes([8; 32])),
            started_at: Some("2026-01-02T03:04:06Z".parse().unwrap()),
            boot_id: Some(boot.parse().unwrap()),
            accel: Some("emulated".to_owned()),
            disk_method: Some("reflink".to_owned()),
            published: vec!["8080:80".parse().unwrap()],
            delete_on_failure: false,
            monitor_process: process(4_194_304),
            link_process: process(17),
            workspace: Some(WorkspaceRecord {
                host_path: "/home/u/repo".into(),
                guest_path: "/root/repo".to_owned(),
                commit: "0123".to_owned(),
                copied: Copied {
                    include_untracked: true,
                    branch: Some("topic".to_owned()),
                    mark: Some("ab".to_owned()),
                    ..Copied::default()
                },
            }),
            ..plain(number)
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        (dir, store)
    }

    #[test]
    fn what_is_put_in_comes_out_also_after_a_reopening() {
        let (dir, mut store) = store();
        store.insert_vm(&plain(1)).unwrap();
        store.insert_vm(&full(2)).unwrap();
        assert_eq!(store.vms().unwrap(), [plain(1), full(2)]);
        store.update_vm(&full(1)).unwrap();
        drop(store);
        let mut store = Store::open(&dir.path().join("state.db")).unwrap();
        assert_eq!(store.vms().unwrap(), [full(1), full(2)]);
        store.delete_vm(&full(1).id).unwrap();
        store.delete_vm(&full(1).id).unwrap();
        assert_eq!(store.vms().unwrap(), [full(2)]);
    }

    #[test]
    fn a_name_is_given_once() {
        let (_dir, mut store) = store();
        store.insert_vm(&plain(1)).unwrap();
        let same = VmRecord { name: plain(1).name, ..plain(2) };
        assert!(matches!(store.insert_vm(&same), Err(StoreError::NameTaken { .. })));
        store.insert_vm(&plain(2)).unwrap();
        assert!(matches!(store.update_vm(&same), Err(StoreError::NameTaken { .. })));
        assert!(matches!(store.update_vm(&plain(3)), Err(StoreError::NoSuchVm { .. })));
        assert_eq!(store.vms().unwrap(), [plain(1), plain(2)]);
    }

    #[test]
    fn a_record_that_cannot_be_is_named_and_not_guessed_at() {
        let (_dir, mut store) = store();
        store.insert_vm(&full(1)).unwrap();
        for column in ["state", "name", "spec", "image_digest", "created_at", "boot_id", "published"] {
            let before: String = store
                .connection
                .query_row(&format!("SELECT {column} FROM vms"), [], |row| row.get(0))
                .unwrap();
            let set = format!("UPDATE vms SET {column} = ?1");
            store.connection.execute(&set, ["-/-"]).unwrap();
            let readiness = crate::check_migrations(store.connection.path().unwrap().as_ref());
            assert!(matches!(readiness, Readiness::Cannot(StoreError::BadRecord { .. })), "{readiness:?}");
            match store.vms() {
                Err(StoreError::BadRecord { column: named, value, .. }) => {
                    assert_eq!((named, value.as_str()), (column, "-/-"));
                }
                other => panic!("{column}: {other:?}"),
            }
            store.connection.execute(&set, [before]).unwrap();
        }
        assert_eq!(store.vms().unwrap(), [full(1)]);
    }

    #[test]
    fn a_thousand_records_are_read_quickly() {
        let (_dir, mut store) = store();
        store.connection.pragma_update(None, "synchronous", "off").unwrap();
        for number in 0..1000 {
            store.insert_vm(&full(number)).unwrap();
        }
        let began = Instant::now();
        assert_eq!(store.vms().unwrap().len(), 1000);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[test]
    fn the_database_does_not_grow_with_what_came_and_went() {
        let (dir, mut store) = store();
        let size = |store: &Store| -> u64 {
            store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
        };
        store.connection.pragma_update(None, "synchronous", "off").unwrap();
        store.insert_vm(&full(0)).unwrap();
        let before = size(&store);
        for number in 1..=200 {
            store.insert_vm(&full(number)).unwrap();
            store.delete_vm(&full(number).id).unwrap();
        }
        assert_eq!(size(&store), before);
        drop(store);
        assert!(!dir.path().join("state.db-wal").exists());
    }
}
