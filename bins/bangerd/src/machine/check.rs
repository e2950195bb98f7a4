//! What this host cannot give to a machine.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
};

use api::{Code, Failure};
use model::{Publish, Size, VmSpec};

use crate::failure::{Explained, failure};

/// Refuses a machine with more memory than the host has.
pub(super) fn check_memory(doing: &str, spec: &VmSpec) -> Result<(), Failure> {
    let host = host::capacity::read().memory;
    // Where the host does not say what it has, nothing can be said.
    if host == Size::default() || spec.memory <= host {
        return Ok(());
    }
    let message = format!("{doing}: memory of {} is more than this host's {} MiB", spec.memory, host.mib());
    Err(failure(Code::HostLacks, message).hinted("Ask for less with --memory."))
}

/// Refuses ports of the host that somebody listens on.
pub(super) fn check_ports(doing: &str, publish: &[Publish]) -> Result<(), Failure> {
    for port in publish.iter().filter_map(|publish| publish.host) {
        let refused = |code, why: &str| failure(code, format!("{doing}: port {port} of this host {why}"));
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(refused(Code::InUse, "is in use").hinted(format!(
                    "Choose another, or let one be chosen: --publish {}",
                    guest_of(publish, port)
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(refused(Code::Forbidden, "is for root alone").hinted("Choose one from 1024 on."));
            }
            Err(error) => return Err(refused(Code::Failed, &format!("cannot be used: {error}"))),
        }
    }
    Ok(())
}

fn guest_of(publish: &[Publish], host: model::Port) -> String {
    let found = publish.iter().find(|publish| publish.host == Some(host));
    found.map(|publish| publish.guest.to_string()).unwrap_or_default()
}
