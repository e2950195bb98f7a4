//! `banger update` on a host with systemd and machines that run.

mod bad;
mod borders;
mod everywhere;
mod interrupted;
mod links;
mod lived;
mod power;
mod refused;
mod there_and_back;
mod unnoticed;
