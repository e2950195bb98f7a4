//! Interfaces, addresses and routes of the host, through the kernel's socket.

use std::net::{IpAddr, Ipv4Addr};

use futures::TryStreamExt;
use ipnet::Ipv4Net;
use network::Route;
use rtnetlink::{
    Handle, RouteMessageBuilder,
    packet_core::Nla,
    packet_route::{
        AddressFamily,
        address::AddressAttribute,
        link::{
            InfoBridgePort, InfoData, InfoKind, InfoPortData, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
        },
        route::{RouteAddress, RouteAttribute, RouteMessage, RouteType},
    },
};

use super::error::NetError;

/// The socket, served by a task of its own for as long as this lives.
pub(super) struct Netlink {
    handle: Handle,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) is_up: bool,
    pub(super) is_bridge: bool,
    /// Whose user number may open it, for a tap that says so.
    pub(super) tap: Option<TapOwner>,
    pub(super) mac: Vec<u8>,
    pub(super) controller: Option<u32>,
    pub(super) is_isolated: bool,
}

/// Who may open a tap besides root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TapOwner(pub(super) Option<u32>);

/// `IFLA_TUN_OWNER` of `linux/if_link.h`.
const TUN_OWNER: u16 = 1;

impl Netlink {
    /// Opens the socket in the network namespace of this thread.
    pub(super) fn open() -> Result<Self, NetError> {
        let (connection, handle, _) =
            rtnetlink::new_connection().map_err(|source| NetError::Socket { source })?;
        Ok(Self { handle, server: tokio::spawn(connection) })
    }

    /// What changes interfaces and addresses.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Lists all interfaces.
    pub(super) async fn links(&self) -> Result<Vec<Link>, NetError> {
        let found: Vec<LinkMessage> = self
            .handle
            .link()
            .get()
            .execute()
            .try_collect()
            .await
            .map_err(kernel("list interfaces".to_owned()))?;
        Ok(found.iter().map(Link::read).collect())
    }

    /// Finds one interface.
    pub(super) async fn link(&self, name: &str) -> Result<Option<Link>, NetError> {
        Ok(self.links().await?.into_iter().find(|link| link.name == name))
    }

    /// Lists the IPv4 addresses of an interface, or of all.
    pub(super) async fn addresses(&self, index: Option<u32>) -> Result<Vec<(Ipv4Addr, u8)>, NetError> {
        let mut request = self.handle.address().get();
        if let Some(index) = index {
            request = request.set_link_index_filter(index);
        }
        let found: Vec<_> =
            request.execute().try_collect().await.map_err(kernel("list addresses".to_owned()))?;
        let address = |attribute: &AddressAttribute| match attribute {
            AddressAttribute::Local(IpAddr::V4(address)) => Some(*address),
            _ => None,
        };
        Ok(found
            .iter()
            .filter_map(|one| Some((one.attributes.iter().find_map(address)?, one.header.prefix_len)))
            .collect())
    }

    /// Lists the IPv4 routes of all tables.
    pub(super) async fn routes(&self) -> Result<Vec<Route>, NetError> {
        let links = self.links().await?;
        let all = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let found: Vec<RouteMessage> = self
            .handle
            .route()
            .get(all)
            .execute()
            .try_collect()
            .await
            .map_err(kernel("list routes".to_owned()))?;
        Ok(found.iter().flat_map(|route| read_route(route, &links)).collect())
    }

    /// Removes an interface; one that is gone by then is removed.
    pub(super) async fn delete(&self, link: &Link) -> Result<(), NetError> {
        match self.handle.link().del(link.index).execute().await {
            Err(rtnetlink::Error::NetlinkError(error)) if is_gone(error.raw_code()) => Ok(()),
            deleted => deleted.map_err(kernel(format!("remove {}", link.name))),
        }
    }
}

fn is_gone(code: i32) -> bool {
    code == -libc::ENODEV
}

/// Says what was being done.
pub(super) fn kernel(what: String) -> impl FnOnce(rtnetlink::Error) -> NetError {
    move |source| NetError::Kernel { what, source }
}

impl Link {
    fn read(message: &LinkMessage) -> Self {
        let mut link = Self {
            index: message.header.index,
            is_up: message.header.flags.contains(LinkFlags::Up),
            ..Self::default()
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Address(mac) => link.mac.clone_from(mac),
                LinkAttribute::Controller(index) => link.controller = Some(*index),
                LinkAttribute::LinkInfo(infos) => infos.iter().for_each(|info| link.read_info(info)),
                _ => {}
            }
        }
        link
    }

    fn read_info(&mut self, info: &LinkInfo) {
        match info {
            LinkInfo::Kind(InfoKind::Bridge) => self.is_bridge = true,
            LinkInfo::Kind(InfoKind::Tun) => {
                self.tap.get_or_insert(TapOwner(None));
            }
            LinkInfo::Data(InfoData::Tun(infos)) => {
                let owner = infos.iter().filter(|info| info.kind() == TUN_OWNER).find_map(|info| {
                    let mut bytes = [0; 4];
                    (info.value_len() == bytes.len()).then(|| info.emit_value(&mut bytes))?;
                    Some(u32::from_ne_bytes(bytes))
                });
                self.tap = Some(TapOwner(owner));
            }
            LinkInfo::PortData(InfoPortData::BridgePort(infos)) => {
                self.is_isolated = infos.contains(&InfoBridgePort::Isolated(true));
            }
            _ => {}
        }
    }
}

/// One for each interface that the route leads through.
fn read_route(message: &RouteMessage, links: &[Link]) -> Vec<Route> {
    let is_meant = message.header.address_family == AddressFamily::Inet
        && !matches!(message.header.kind, RouteType::Broadcast | RouteType::Multicast | RouteType::Anycast);
    if !is_meant {
        return vec![];
    }
    let name =
        |index: u32| links.iter().find(|link| link.index == index).and_then(|link| link.name.parse().ok());
    let (mut first, mut interfaces) = (Ipv4Addr::UNSPECIFIED, vec![]);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => first = *address,
            RouteAttribute::Oif(index) => interfaces.push(name(*index)),
            RouteAttribute::MultiPath(hops) => {
                interfaces.extend(hops.iter().map(|hop| name(hop.interface_index)));
            }
            _ => {}
        }
    }
    if interfaces.is_empty() {
        interfaces.push(None);
    }
    let destination = Ipv4Net::new(first, message.header.destination_prefix_length).ok();
    let route = |interface| Some(Route { destination: destination?.trunc(), interface });
    interfaces.into_iter().filter_map(route).collect()
}
