//! Contract ①: what the CLI (or `curl`) asks of `bangerd`, over HTTP/1.1 and JSON on a unix socket.
//!
//! | request                                | body → reply                                            |
//! |----------------------------------------|---------------------------------------------------------|
//! | `GET /v1/info`                         | → [`Info`]                                              |
//! | `GET /v1/doctor?image=N&kernel=N`, `POST /v1/doctor/fix?…` | [`DoctorDefaults`] → [`DoctorReport`] |
//! | `POST /v1/shutdown`                    | → 202; machines run on                                  |
//! | `POST /v1/restart`                     | → 202; it becomes the current release, or itself anew; embedded only |
//! | `PUT /v1/hold`                         | [`Hold`] → [`Held`]; changes are told to ask again until it lapses |
//! | `DELETE /v1/hold?holder=H`             | → 204; changes are let in again                         |
//! | `GET /v1/census`                       | → [`Census`], which asks every machine's agent          |
//! | `GET /v1/operations`                   | → `[`[`OperationSummary`]`]`, those in flight and the last that ended |
//! | `GET /v1/operations/{op}/events?after=N` | → [`EventRecord`]s, a JSON line each, from N+1 until the operation ended |
//! | `DELETE /v1/operations/{op}`           | → 202; it is cancelled and cleans up                    |
//! | `GET /v1/vms`                          | → `[`[`Vm`]`]`                                          |
//! | `POST /v1/vms`                         | [`VmCreate`] → [`Accepted`]                             |
//! | `GET /v1/vms/{id or name}`             | → [`Vm`]                                                |
//! | `PATCH /v1/vms/{…}`                    | [`VmChange`] → [`Vm`]                                   |
//! | `DELETE /v1/vms/{…}`                   | → [`Accepted`]                                          |
//! | `POST /v1/vms/{…}/start`, `/stop`, `/restart` | → [`Accepted`]                                   |
//! | `POST /v1/vms/{…}/kill`                | [`VmKill`] → [`Accepted`]                               |
//! | `GET /v1/vms/{…}/stats`                | → [`VmStats`]                                           |
//! | `GET /v1/vms/{…}/health`               | → [`VmHealth`]                                          |
//! | `GET /v1/vms/{…}/logs?follow=true`     | → the console's bytes                                   |
//! | `PUT /v1/vms/{…}/workspace`            | [`Workspace`] → [`Vm`]; records what was copied in      |
//! | `DELETE /v1/vms/{…}/workspace`         | → [`Vm`]; there is none, or not a whole one             |
//! | `GET /v1/images`, `/v1/kernels`        | → `[`[`Image`]`]`, `[`[`Kernel`]`]`                     |
//! | `GET`, `DELETE /v1/images/{name}`, `/v1/kernels/{name}` | → [`Image`], [`Kernel`]; 204           |
//! | `POST /v1/images/build`                | [`ImageBuild`] → [`Accepted`]                           |
//! | `POST /v1/images/import?name=N`        | the bytes of a root tar or an ext4 file → [`Accepted`]  |
//! | `POST /v1/images/promote`              | [`ImagePromote`] → [`Accepted`]                         |
//! | `POST /v1/images/prune?dry_run=true&all=true` | → [`Pruned`]                                     |
//! | `GET /v1/usage`                        | → [`Usage`]                                             |
//! | `POST /v1/kernels/pull`                | [`KernelPull`] → [`Accepted`]                           |
//! | `POST /v1/kernels/import?name=N`       | a Debian kernel package, a kernel, or a tar of one with its modules → [`Accepted`] |
//!
//! What takes long is an operation: the reply is 202 with its id, and its events tell the rest. They are
//! kept while the daemon lives, so a client that lost its connection asks again with `after`. Every change
//! may carry `Idempotency-Key: <text>`: asking twice with one key is asking once. A reply of 503 with
//! `Retry-After` means: ask again; its [`Failure`] says why, and while a [`Hold`] lasts its code is
//! [`Code::Held`]. Every other failure is a status of 400 or more with a [`Failure`].
//!
//! Every reply may carry [`VERSION_HEADER`], so that a client can tell a daemon of another release.
//!
//! Fields may be added; a reader ignores those it does not know.

pub mod client;
mod failure;
mod hold;
mod image;
mod operation;
mod system;
mod usage;
mod vm;

pub use failure::{Code, Failure};
pub use hold::{Census, Counted, HOLD_SECS_MAX, HOLDER_BYTES_MAX, HOLDER_UPDATE, Held, Hold, MonitorProcess};
pub use image::{Image, ImageBuild, ImagePromote, Kernel, KernelPull, Pruned};
pub use operation::{Accepted, Event, EventRecord, OperationKind, OperationSummary, Outcome};
pub use system::{DoctorDefaults, DoctorReport, Info, Setting};
pub use usage::{Usage, UsageItem, UsageKind};
pub use vm::{Vm, VmChange, VmCreate, VmHealth, VmKill, VmStats, Workspace};

/// The version of this contract, as it stands in every path.
pub const VERSION: &str = "v1";

/// The header in which a daemon names its release: `v1.2.3`.
pub const VERSION_HEADER: &str = "banger-version";
