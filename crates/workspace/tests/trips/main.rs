//! Repositories into a guest and its work out of it, without a guest: with real repositories and real `git`.

#![expect(clippy::unwrap_used, reason = "tests: a failure is a panic that says where")]

mod hostile;
mod inward;
mod outward;
mod stage;
mod world;
