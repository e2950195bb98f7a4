//! The name servers of the host.

use std::{fs, io, path::Path};

use network::NameServers;

use super::{error::NetError, netlink::Netlink, places::Places};

/// Reads which name servers the host really asks, and which of them a guest can ask.
///
/// # Errors
///
/// [`NetError::File`] where there is a file that cannot be read, and what the kernel says.
pub async fn name_servers(places: &Places) -> Result<NameServers, NetError> {
    let own = Netlink::open()?.addresses(None).await?;
    let own: Vec<_> = own.into_iter().map(|(address, _)| address).collect();
    let resolv_conf = read(&places.resolv_conf)?.unwrap_or_default();
    Ok(network::name_servers(&resolv_conf, read(&places.resolved)?.as_deref(), &own))
}

/// Reads a file; `None` where it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, NetError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => {
            read.map(Some).map_err(|source| NetError::File { what: "read", path: path.to_owned(), source })
        }
    }
}
