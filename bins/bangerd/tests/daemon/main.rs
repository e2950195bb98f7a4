//! The real daemon in directories of its own, spoken to over its socket. No machine is booted here.

mod database;
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test leans on fails the test"
)]
mod harness;
mod hold;
mod life;
mod restart;
mod workspace;
