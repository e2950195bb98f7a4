//! The scenarios for hosts that have a systemd of their own, by what they are about.

mod host;
mod system;
