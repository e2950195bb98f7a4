//! The connection to systemd, and what is asked of it.

use std::{collections::HashMap, future::Future, num::NonZeroUsize, time::Duration};

use futures::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use zbus::{
    Connection, DynamicType, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, Type, Variant,
    connection::Builder, message,
};

use super::{
    error::SystemdError,
    status::{ListedUnit, UnitStatus},
    transient::TransientUnit,
};

const SERVICE: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const SERVICE_UNIT: &str = "org.freedesktop.systemd1.Service";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// How long a call may take that makes no job.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long systemd may take to read all units again.
const RELOAD_LIMIT: Duration = Duration::from_secs(90);
/// Ends of jobs of one unit that wait to be looked at, at most.
const JOBS_QUEUED_MAX: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// What happens to jobs of the same unit that are in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartMode {
    /// They are replaced.
    Replace,
    /// This one fails.
    Fail,
}

impl StartMode {
    fn word(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Fail => "fail",
        }
    }
}

/// Which of a unit's processes a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The main process.
    Main,
    /// All of them.
    All,
}

impl Whom {
    fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::All => "all",
        }
    }
}

/// A connection to the systemd that runs this host.
#[derive(Clone, Debug)]
pub struct Systemd {
    bus: Connection,
}

impl Systemd {
    /// Connects over the system's bus.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Unreachable`] where there is no bus, or no systemd on it.
    pub async fn connect() -> Result<Self, SystemdError> {
        Self::over(Builder::system()).await
    }

    /// Connects to the systemd of the bus at this D-Bus address (`unix:path=…`).
    ///
    /// # Errors
    ///
    /// As [`Systemd::connect`].
    pub async fn connect_to(address: &str) -> Result<Self, SystemdError> {
        Self::over(Builder::address(address)).await
    }

    async fn over(builder: Builder<'_>) -> Result<Self, SystemdError> {
        let unreachable = |source| SystemdError::Unreachable { source };
        // What takes longer has a limit of its own around it.
        let build = builder.method_timeout(RELOAD_LIMIT).build();
        let bus = tokio::time::timeout(CALL_LIMIT, build).await.map_err(|_| unreachable(too_long()))?;
        let systemd = Self { bus: bus.map_err(unreachable)? };
        // Without it systemd tells nobody about the ends of jobs.
        match systemd.ask("Subscribe", &()).await {
            Ok(()) => Ok(systemd),
            Err(source) => Err(unreachable(source)),
        }
    }

    /// Starts a transient service and waits until its program is executed, for at most `limit`.
    ///
    /// A unit that failed keeps its name: call [`Systemd::reset_failed`] first.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Exists`] where a unit has the name; [`SystemdError::Job`] where its program cannot
    /// be executed: the unit is then there, and failed.
    pub async fn start_transient(&self, unit: &TransientUnit, limit: Duration) -> Result<(), SystemdError> {
        let properties = unit.properties();
        let others: Vec<(&str, Vec<(&str, Variant<'_>)>)> = Vec::new();
        let body = (unit.name.as_str(), StartMode::Fail.word(), properties, others);
        self.job("start", &unit.name, limit, self.ask("StartTransientUnit", &body)).await
    }

    /// Starts a unit and waits until it is up, for at most `limit`. Starting what is up is a success.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Job`] where it did not come up.
    pub async fn start(&self, unit: &str, limit: Duration) -> Result<(), SystemdError> {
        let body = (unit, StartMode::Replace.word());
        self.job("start", unit, limit, self.ask("StartUnit", &body)).await
    }

    /// Stops a unit and waits until it is down, for at most `limit`. Stopping what is down, or is not
    /// there, is a success.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Job`] and [`SystemdError::TooLong`]; it may be up still.
    pub async fn stop(&self, unit: &str, limit: Duration) -> Result<(), SystemdError> {
        let body = (unit, StartMode::Replace.word());
        match self.job("stop", unit, limit, self.ask("StopUnit", &body)).await {
            Err(SystemdError::NoSuchUnit { .. }) => Ok(()),
            done => done,
        }
    }

    /// Stops a unit if it is up, starts it, and waits until it is up, for at most `limit`.
    ///
    /// # Errors
    ///
    /// As [`Systemd::start`].
    pub async fn restart(&self, unit: &str, limit: Duration) -> Result<(), SystemdError> {
        let body = (unit, StartMode::Replace.word());
        self.job("restart", unit, limit, self.ask("RestartUnit", &body)).await
    }

    /// Sends a signal. Returns whether there was such a unit.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Call`] where it has no such process.
    pub async fn kill(&self, unit: &str, whom: Whom, signal: i32) -> Result<bool, SystemdError> {
        let body = (unit, whom.word(), signal);
        is_there(self.quick("signal", unit, self.ask("KillUnit", &body)).await)
    }

    /// Forgets that a unit failed, so that its name is free again. Returns whether there was such a unit.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Denied`], [`SystemdError::Call`].
    pub async fn reset_failed(&self, unit: &str) -> Result<bool, SystemdError> {
        is_there(self.quick("reset", unit, self.ask("ResetFailedUnit", &(unit,))).await)
    }

    /// Looks at a unit, whether it runs or is only installed; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Call`] where systemd does not say.
    pub async fn unit(&self, unit: &str) -> Result<Option<UnitStatus>, SystemdError> {
        let look = async {
            let path: OwnedObjectPath = self.ask("LoadUnit", &(unit,)).await?;
            let mut all = self.properties(&path, UNIT).await?;
            if unit.ends_with(".service") {
                all.extend(self.properties(&path, SERVICE_UNIT).await?);
            }
            Ok(UnitStatus::read(&all))
        };
        let status = self.quick("look at", unit, look).await?;
        Ok(Some(status).filter(|status| status.load_state != "not-found"))
    }

    /// Lists the units in memory whose names match one of these patterns: `banger-vm-*.service`.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Call`] where systemd does not say.
    pub async fn list(&self, patterns: &[&str]) -> Result<Vec<ListedUnit>, SystemdError> {
        type Row =
            (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);
        let states: [&str; 0] = [];
        let body = (states.as_slice(), patterns);
        let rows: Vec<Row> = self.quick("list", "its units", self.ask("ListUnitsByPatterns", &body)).await?;
        let read = |row: Row| ListedUnit {
            name: row.0,
            description: row.1,
            load_state: row.2,
            active_state: row.3,
            sub_state: row.4,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Has systemd read all unit files again.
    ///
    /// # Errors
    ///
    /// [`SystemdError::Denied`], [`SystemdError::Call`].
    pub async fn daemon_reload(&self) -> Result<(), SystemdError> {
        let (what, unit) = ("read again", "its units");
        match self.ask("Reload", &()).await {
            Ok(()) => Ok(()),
            Err(source) => Err(SystemdError::of_call(what, unit, source)),
        }
    }

    async fn properties(
        &self,
        path: &OwnedObjectPath,
        interface: &str,
    ) -> zbus::Result<HashMap<String, OwnedVariant>> {
        let reply =
            self.bus.call_method(Some(SERVICE), path, Some(PROPERTIES), "GetAll", &(interface,)).await?;
        reply.body().deserialize()
    }

    async fn ask<B, R>(&self, method: &str, body: &B) -> zbus::Result<R>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + Type,
    {
        let reply = self.bus.call_method(Some(SERVICE), PATH, Some(MANAGER), method, body).await?;
        reply.body().deserialize()
    }

    async fn quick<T>(
        &self,
        what: &'static str,
        unit: &str,
        call: impl Future<Output = zbus::Result<T>>,
    ) -> Result<T, SystemdError> {
        match tokio::time::timeout(CALL_LIMIT, call).await {
            Ok(result) => result.map_err(|source| SystemdError::of_call(what, unit, source)),
            Err(_) => Err(SystemdError::TooLong { unit: unit.to_owned(), what, limit: CALL_LIMIT }),
        }
    }

    /// Makes a job and waits for its end.
    async fn job(
        &self,
        what: &'static str,
        unit: &str,
        limit: Duration,
        call: impl Future<Output = zbus::Result<OwnedObjectPath>>,
    ) -> Result<(), SystemdError> {
        let failed = |source| SystemdError::of_call(what, unit, source);
        let wait = async {
            // Listened to before the job is made: it may end at once.
            let mut ends = self.ends_of_jobs(unit).await.map_err(failed)?;
            let job = call.await.map_err(failed)?;
            let result = result_of(&mut ends, &job).await.map_err(failed)?;
            if result == "done" {
                Ok(())
            } else {
                Err(SystemdError::Job { unit: unit.to_owned(), what, result })
            }
        };
        match tokio::time::timeout(limit, wait).await {
            Ok(result) => result,
            Err(_) => Err(SystemdError::TooLong { unit: unit.to_owned(), what, limit }),
        }
    }

    async fn ends_of_jobs(&self, unit: &str) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .sender(SERVICE)
            .path(PATH)
            .interface(MANAGER)
            .member("JobRemoved")
            .arg(2, unit)
            .build()?;
        MessageStream::for_match_rule(rule, &self.bus, Some(JOBS_QUEUED_MAX)).await
    }
}

async fn result_of(ends: &mut MessageStream, job: &OwnedObjectPath) -> zbus::Result<String> {
    while let Some(signal) = ends.next().await {
        let signal = signal?;
        let (_, ended, _, result): (u32, OwnedObjectPath, String, String) = signal.body().deserialize()?;
        if ended == *job {
            return Ok(result);
        }
    }
    Err(zbus::Error::Failure("the bus went away".to_owned()))
}

fn is_there(done: Result<(), SystemdError>) -> Result<bool, SystemdError> {
    match done {
        Ok(()) => Ok(true),
        Err(SystemdError::NoSuchUnit { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn too_long() -> zbus::Error {
    zbus::Error::Failure("the bus does not answer".to_owned())
}
