//! Takes what the host tells, part by part.

use std::{fs, io, path::Path};

use guest::{Identity, Network};
use hyper::{Request, body::Incoming};
use rustix::{
    system::sethostname,
    time::{ClockId, Timespec, clock_settime},
};

use super::{
    files::{self, write_whole},
    hosts,
    network::{self, bring_up_loopback},
};
use crate::serve::{
    health::Guest,
    kept::{AUTHORIZED_KEYS, HOST_KEY, IDENTITY_MARK, STATE_DIR},
    reply::{Answer, Refused, json, read_json},
};

const NANOS_PER_SEC: u64 = 1_000_000_000;

pub(in crate::serve) async fn answer(request: Request<Incoming>, guest: &Guest) -> Answer {
    let identity: Identity = read_json(request.into_body()).await?;
    let taken = tokio::task::spawn_blocking(move || take(&identity)).await;
    taken.map_err(|error| Refused::failed("take the identity", &io::Error::other(error)))??;
    let health = guest.health().map_err(|error| Refused::failed("read the boot's identity", &error))?;
    Ok(json(&health))
}

/// Takes all of it; stops at the first part that fails, and says which.
fn take(identity: &Identity) -> Result<(), Refused> {
    if !is_host_name(&identity.hostname) {
        return Err(Refused::bad(format!("{:?} is no host name", identity.hostname)));
    }
    let step = |what: &str, done: io::Result<()>| done.map_err(|error| Refused::failed(what, &error));
    step("set the clock", set_clock(identity.time_unix_nanos))?;
    step("keep the keys", keep_keys(identity))?;
    step("set the host name", set_hostname(&identity.hostname))?;
    step("bring up lo", bring_up_loopback())?;
    if let Some(network) = &identity.network {
        step("bring up the network", network::bring_up(network))?;
        step("write /etc/resolv.conf", write_resolv_conf(network))?;
    }
    for file in &identity.files {
        files::put(file)?;
    }
    step("mark the identity", write_whole(Path::new(IDENTITY_MARK), b"", 0o600))
}

fn is_host_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn set_clock(unix_nanos: u64) -> io::Result<()> {
    let time = Timespec {
        tv_sec: (unix_nanos / NANOS_PER_SEC).cast_signed(),
        tv_nsec: (unix_nanos % NANOS_PER_SEC).cast_signed(),
    };
    Ok(clock_settime(ClockId::Realtime, time)?)
}

fn keep_keys(identity: &Identity) -> io::Result<()> {
    fs::create_dir_all(STATE_DIR)?;
    let keys: String = identity.authorized_keys.iter().flat_map(|key| [key.trim_end(), "\n"]).collect();
    write_whole(Path::new(AUTHORIZED_KEYS), keys.as_bytes(), 0o600)?;
    write_whole(Path::new(HOST_KEY), identity.ssh_host_key.as_bytes(), 0o600)
}

/// The file first: an init that reads it at its start then sets the same name and not the image's. An image
/// of one program may have no `/etc`.
fn set_hostname(name: &str) -> io::Result<()> {
    fs::create_dir_all("/etc")?;
    write_whole(Path::new("/etc/hostname"), format!("{name}\n").as_bytes(), 0o644)?;
    hosts::name(Path::new("/etc/hosts"), name)?;
    Ok(sethostname(name.as_bytes())?)
}

/// Only where nobody answers names so far: the image's own way is left alone.
fn write_resolv_conf(network: &Network) -> io::Result<()> {
    let path = Path::new("/etc/resolv.conf");
    if network.name_servers.is_empty() || fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let servers: Vec<String> =
        network.name_servers.iter().map(|server| format!("nameserver {server}\n")).collect();
    write_whole(path, servers.concat().as_bytes(), 0o644)
}
