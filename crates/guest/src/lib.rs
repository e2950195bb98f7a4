//! Contract ③: what the host asks of the agent in a guest, and a client.
//!
//! A session is one connection to the machine's link socket. It begins with Firecracker's vsock
//! handshake (`CONNECT <port>\n`, answered by `OK <number>\n`; Firecracker, docs/vsock.md) and then
//! speaks HTTP/1.1 with the agent. `exec`, `forward` and `ssh` upgrade their connection to a stream of
//! their own. No session's bytes pass through `bangerd`.
//!
//! | request                    | body → reply                                                        |
//! |----------------------------|---------------------------------------------------------------------|
//! | `GET /v1/health`           | → [`Health`]                                                        |
//! | `PUT /v1/identity`         | [`Identity`] → [`Health`]                                           |
//! | `POST /v1/exec`            | [`ExecRequest`] → 101, then [`frame`]s                               |
//! | `POST /v1/forward?port=N`  | → 101, then the bytes of a TCP connection to the guest's 127.0.0.1:N |
//! | `POST /v1/ssh`             | → 101, then the bytes of one `sshd -i`                              |
//! | `GET /v1/tree?path=P`      | → a tar stream of what is at P: its last component is the first entry |
//! | `PUT /v1/tree?path=P`      | a tar stream → [`Written`]; entries land below the directory P      |
//! | `GET /v1/ports`            | → `[`[`Listener`]`]`                                                |
//! | `GET /v1/stats`            | → [`Stats`]                                                         |
//! | `POST /v1/poweroff`        | → 202; the guest syncs, then ends                                   |
//!
//! A refusal is an HTTP status of 400 or more with a [`Refusal`] as its body.
//!
//! **A running guest is the older party**: it speaks the generation it was booted with, and the host
//! adapts. [`GENERATION`] rises with every change that an older host or agent would misread.

pub mod client;
pub mod frame;
mod message;
pub mod query;

pub use message::{
    Activity, ExecRequest, ExecStatus, GuestFile, Health, Identity, Listener, Network, PtySize, Refusal,
    Stats, UPGRADE_EXEC, UPGRADE_FORWARD, UPGRADE_SSH, Written,
};

/// The generation of this contract that this release speaks.
pub const GENERATION: u32 = 1;

/// The vsock port on which the agent serves HTTP.
pub const AGENT_PORT: u32 = 1024;

/// The name of the virtio-serial port between link and agent (`/sys/class/virtio-ports/*/name`).
pub const SERIAL_PORT_NAME: &str = "dev.banger.agent";
