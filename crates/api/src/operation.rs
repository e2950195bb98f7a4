//! Long work: what is in flight, and what it tells.

use jiff::Timestamp;
use model::OpId;
use serde::{Deserialize, Serialize};

use crate::{Failure, Image, Kernel, Vm};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the command of its name")]
pub enum OperationKind {
    VmCreate,
    VmStart,
    VmStop,
    VmRestart,
    VmKill,
    VmDelete,
    ImageBuild,
    ImageImport,
    ImagePromote,
    KernelPull,
    KernelImport,
}

/// The reply to a request that takes long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The operation that was begun.
    pub op: OpId,
}

/// One operation, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationSummary {
    /// Its id.
    pub op: OpId,
    /// What it does.
    pub kind: OperationKind,
    /// The machine, image or kernel that it concerns.
    pub target: String,
    /// When it began.
    pub began_at: Timestamp,
    /// What it does at the moment.
    pub stage: Option<String>,
    /// Whether it has ended.
    pub done: bool,
}

/// One event of an operation, with its place in the order: 1, 2, 3 …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its place.
    pub seq: u64,
    /// Milliseconds since the operation began.
    pub at_millis: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What an operation tells while it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage began; the one before ended.
    Stage {
        /// The stage, in a few words: `build image debian-bookworm`.
        name: String,
    },
    /// How far the stage is. Replaces the one before; only the newest is kept for late readers.
    Progress {
        /// How much is done.
        done: u64,
        /// How much there is, where it is known.
        total: Option<u64>,
        /// What is counted: `bytes`, `packages`.
        unit: String,
    },
    /// A line from a program that works for us.
    Log {
        /// The line, without its end.
        line: String,
    },
    /// Something the user should know, though it goes on.
    Warning {
        /// One line.
        message: String,
    },
    /// It ended well. The last event.
    Done {
        /// What came of it.
        outcome: Outcome,
    },
    /// It failed, and left nothing behind. The last event.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The machine as it is now.
    Vm(Box<Vm>),
    /// The image that was made.
    Image(Image),
    /// The kernel that was made.
    Kernel(Kernel),
    /// What was there is gone.
    Gone,
}
