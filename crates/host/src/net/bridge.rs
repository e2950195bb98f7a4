//! Our bridge and its address.

use std::net::IpAddr;

use network::{IfName, Mac, Subnet};
use rtnetlink::{AddressMessageBuilder, LinkBridge, LinkMessageBuilder, LinkUnspec};

use super::{
    error::NetError,
    netlink::{Link, Netlink, kernel},
    sysctl,
};

/// Makes the bridge if it is not there, gives it the gateway's address and no other, and brings it up.
///
/// Its hardware address follows from its address: without one of its own it would change with its ports.
pub(super) async fn ensure(net: &Netlink, name: &IfName, subnet: Subnet) -> Result<Link, NetError> {
    let mac = Mac::of(subnet.gateway()).bytes().to_vec();
    if net.link(name.as_str()).await?.is_none() {
        let bridge = LinkMessageBuilder::<LinkBridge>::new(name.as_str()).address(mac.clone()).build();
        net.handle().link().add(bridge).execute().await.map_err(kernel(format!("make bridge {name}")))?;
    }
    let not_ours = || NetError::NotOurs { name: name.to_string(), kind: "bridge" };
    let link = net.link(name.as_str()).await?.filter(|link| link.is_bridge).ok_or_else(not_ours)?;
    sysctl::without_ipv6(name.as_str())?;
    address(net, &link, subnet).await?;
    if !link.is_up || link.mac != mac {
        let up = LinkUnspec::new_with_index(link.index).address(mac).up().build();
        net.handle().link().set(up).execute().await.map_err(kernel(format!("bring up bridge {name}")))?;
    }
    Ok(link)
}

async fn address(net: &Netlink, link: &Link, subnet: Subnet) -> Result<(), NetError> {
    let (gateway, prefix) = (subnet.gateway(), subnet.prefix_len());
    let failed = || kernel(format!("give {} the address {gateway}/{prefix}", link.name));
    let (mut is_there, addresses) = (false, net.addresses(Some(link.index)).await?);
    for (other, bits) in addresses {
        if (other, bits) == (gateway, prefix) {
            is_there = true;
        } else {
            let message = AddressMessageBuilder::<std::net::Ipv4Addr>::new()
                .index(link.index)
                .address(other, bits)
                .build();
            net.handle().address().del(message).execute().await.map_err(failed())?;
        }
    }
    if !is_there {
        let add = net.handle().address().add(link.index, IpAddr::V4(gateway), prefix);
        add.execute().await.map_err(failed())?;
    }
    Ok(())
}

/// Removes the bridge, if it is there and is one.
pub(super) async fn remove(net: &Netlink, name: &IfName) -> Result<(), NetError> {
    match net.link(name.as_str()).await? {
        Some(link) if link.is_bridge => net.delete(&link).await,
        Some(_) | None => Ok(()),
    }
}
